// SPDX-License-Identifier: Apache-2.0
// Signals: SIGINT, SIGTERM and SIGHUP as one wish to stop; a second one ends the process at once with 130.
#pragma once

#include <bixws/stop_signal.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <mutex>
#include <thread>

namespace bixws::host {

/// One at a time, made before other threads are: they inherit the mask, so no thread is ever interrupted. A thread of
/// its own watches, because whoever is busy stopping cannot notice the second signal.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// What SIGHUP means instead of stopping, called on the watching thread; nothing: it stops.
  void on_hangup(std::function<void()> action);
  /// Becomes readable with the first signal and stays so.
  [[nodiscard]] int fd() const noexcept { return seen_fd_.fd(); }
  [[nodiscard]] bool seen() const noexcept { return seen_; }
  /// Called before the second signal ends the process: for what must not be left behind, as a terminal without echo.
  static void before_forced_exit(void (*last_words)() noexcept) noexcept { last_words_ = last_words; }

 private:
  void watch();

  sigset_t before_{};
  int signal_fd_ = -1;
  StopSignal seen_fd_, end_;
  std::atomic<bool> seen_{false};
  static inline std::atomic<void (*)() noexcept> last_words_{nullptr};
  std::mutex mutex_;
  std::function<void()> hangup_;
  std::thread thread_;
};

}  // namespace bixws::host
