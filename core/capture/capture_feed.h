// SPDX-License-Identifier: Apache-2.0
// CaptureFeed: a capture through its exchange's dialect, as if it came over the wire now.
#pragma once

#include <bixws/dialect.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "capture/capture.h"
#include "feed/intake.h"
#include "model/batch.h"
#include "model/instruments.h"

namespace bixws::capture {

/// Every symbol and channel in the capture is taken; symbols get the names of the exchange's instrument list if it is
/// in the capture, else those their ids spell. Frames are kept as raw events. Not thread-safe.
class CaptureFeed final : private feed::Intake::Wishes {
 public:
  using LogLine = std::function<void(LogLevel, std::string_view)>;

  /// `exchange`: the name in events.
  CaptureFeed(std::unique_ptr<Dialect> dialect, std::string exchange, Instruments& instruments, LogLine log);

  void take(const Record& record);
  /// The capture is over: what is missing at its end is said.
  void finish();
  /// What has become known since the last call; null if nothing.
  [[nodiscard]] std::unique_ptr<EventBatch> events() { return intake_.take(); }
  /// Frames that were read, and those with something in them that could not be.
  [[nodiscard]] std::uint64_t frames() const { return frames_; }

 private:
  feed::Symbol* on_unwanted(Text id, Channel channel) override;
  void want_book(feed::Symbol&, std::uint32_t) override {}
  void on_data(feed::Symbol&, Channel, std::uint32_t) override {}
  void on_answer(std::uint32_t, const Answer&, bool) override {}
  void on_leaving(std::uint32_t, Text) override {}
  void on_reconnect(std::uint32_t, Text) override {}
  void on_listing(const Listing& listing) override;
  void on_more(Text) override {}
  void on_log(LogLevel level, const std::string& text) override { log_(level, text); }

  void begin();
  void connected(const Record& record);
  void disconnected(std::uint32_t connection, std::string_view why);
  void answered(const Record& record);
  /// Added if it is new, and its channel wanted.
  feed::Symbol& symbol_of(std::string_view id, Channel channel);
  /// Whose book snapshot this URL asks for; empty: nobody's.
  std::string snapshot_of(std::string_view url);
  std::string_view padded(std::string_view text);

  const std::unique_ptr<Dialect> dialect_;
  feed::Intake intake_;
  LogLine log_;
  std::map<std::string, std::string, std::less<>> names_;  // by the exchange's id, as listed
  std::map<std::uint32_t, Micros> open_;                   // connections, with the time of their last record
  bool begun_ = false;
  std::vector<Record> early_;  // answers from before the first connection, the last one of each URL
  Micros now_ = 0;
  std::uint64_t frames_ = 0;
  std::string buffer_;
};

}  // namespace bixws::capture
