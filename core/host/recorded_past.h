// SPDX-License-Identifier: Apache-2.0
// RecordedPast: what the server's `history` finds in a recording: one being written beside it, or the one it replays.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "model/history.h"
#include "recording/past.h"

namespace bixws::host {

class RecordedPast {
 public:
  /// All sessions of the file that in_file() named last.
  static std::unique_ptr<RecordedPast> of_live();
  /// One session, up to where its replay is.
  static std::unique_ptr<RecordedPast> of_replay(std::string path, std::int64_t session);

  /// Any thread: what is recorded goes into this file.
  void in_file(const std::string& path);
  /// Any thread: all events received up to `recv_ts` are on the disk.
  void committed(Micros recv_ts);
  /// One thread at a time. Throws RecordingError.
  [[nodiscard]] HistoryPage read(HistoryQuery query);

 private:
  RecordedPast(std::string path, std::int64_t session, bool live)
      : session_(session), live_(live), path_(std::move(path)) {}

  std::int64_t session_;
  bool live_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::string path_;
  Micros committed_ = 0;
};

}  // namespace bixws::host
