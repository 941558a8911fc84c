// SPDX-License-Identifier: Apache-2.0
// File: one CSV file of one symbol and timeframe. Its rows are whole at any moment; the last two still grow, and what
// they are made of stands in a small file beside it, so that a restart goes on exactly where it was.
#pragma once

#include <bixws/event.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "row.h"

namespace bixws::csv {

/// Functions that can fail return what went wrong, or nothing.
class File {
 public:
  File() = default;
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  std::string open(const std::string& path);
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void close();
  [[nodiscard]] const std::string& path() const { return path_; }

  /// `recv_ts` of trades must not go back: earlier ones are known already, from before a restart.
  std::string add(const Trade& trade, Micros open_ts, Micros recv_ts);
  /// The newest state of a part of a row: an exchange's candle, of this or of a finer timeframe.
  std::string add(const Candle& candle, Micros open_ts, Micros recv_ts);
  /// Writes the growing rows behind the finished ones; they are overwritten as they grow.
  std::string keep();
  /// Trades that came after their row and the next were finished, since the last call.
  std::uint64_t take_late();
  /// True once after a row was finished.
  bool take_finished();

 private:
  void forget();
  std::string begin_row(Micros open_ts);
  bool is_known(Micros recv_ts);
  /// Of an event that is about to enter its row, not before: a state that counts it without its row would lose it.
  void count(Micros recv_ts);
  std::string write_state() const;
  void read_state();
  std::string read_rows(bool& begun);
  std::string write(int fd, off_t at, std::string_view text) const;

  int fd_ = -1;
  int state_fd_ = -1;
  std::string path_;
  off_t end_ = 0;           // of the finished rows
  Row previous_, current_;  // still growing; open_ts 0: there is none
  Row part_;                // of current_, not yet in it: the newest candle
  Micros floor_ = 0;        // rows up to here are finished, by somebody who left no state
  // Where the events stand that are in these rows.
  Micros last_recv_ts_ = 0;
  std::uint64_t at_last_ = 0;   // how many of that microsecond
  Micros known_until_ = 0;      // after a restart: events up to here are in the rows
  std::uint64_t known_at_ = 0;  // and so many of that microsecond
  bool changed_ = false;
  bool finished_ = false;
  std::uint64_t late_ = 0;
};

}  // namespace bixws::csv
