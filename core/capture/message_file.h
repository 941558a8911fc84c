// SPDX-License-Identifier: Apache-2.0
// MessageFile: files of our own protocol messages, one a line, as events: what `watch --json` and `sessions export`
// write.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/capture.h"
#include "model/batch.h"
#include "model/event_parse.h"
#include "model/instruments.h"

namespace bixws::capture {

/// The files one after the other. Not thread-safe.
class MessageFile {
 public:
  /// Throws CaptureError if a file cannot be read.
  MessageFile(const std::vector<std::string>& paths, Instruments& instruments);

  /// Appends the events of the next message that has any. False: the end. Throws CaptureError at the first line that is
  /// not a message.
  bool next(EventBatch& into);
  /// How much of all files was read, 0 to 1.
  [[nodiscard]] double share() const;

 private:
  void keep_session_events(const ParsedMessage& message, EventBatch& batch, std::size_t first);

  std::vector<std::unique_ptr<Lines>> files_;
  std::size_t at_ = 0;
  MessageParser parser_;
  std::string line_;
  std::uint64_t total_bytes_ = 0;
  std::unordered_map<std::uint32_t, Micros> tickers_;  // newest recv_ts by instrument
  Micros newest_ = 0;
};

}  // namespace bixws::capture
