// SPDX-License-Identifier: Apache-2.0
// Outcome: how a watch ended, told by one thread and waited for by another.
#pragma once

#include <mutex>
#include <string>

namespace bixws::terminal {

struct WatchEnd {
  int exit_code = 0;
  std::string message;  ///< for stderr; empty: nothing to say
};

/// Any thread; the first word counts.
class Outcome {
 public:
  Outcome();
  ~Outcome();
  Outcome(const Outcome&) = delete;
  Outcome& operator=(const Outcome&) = delete;

  void set(WatchEnd end);
  /// Readable once set.
  [[nodiscard]] int fd() const noexcept { return fd_; }
  [[nodiscard]] bool is_set() const;
  [[nodiscard]] WatchEnd get() const;

 private:
  int fd_;
  mutable std::mutex mutex_;
  bool set_ = false;
  WatchEnd end_;
};

}  // namespace bixws::terminal
