// SPDX-License-Identifier: Apache-2.0
// One thread's event loop: descriptors (epoll), timers, and functions posted from other threads.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace bixws::net {

using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

/// Where a loop reads the time. Tests give one that they move by hand, so that no test waits.
class MonotonicClock {
 public:
  virtual ~MonotonicClock() = default;
  virtual Instant now() const noexcept = 0;
  /// The machine's steady clock.
  static const MonotonicClock& system() noexcept;
};

/// Something that owns a descriptor watched by a loop. Called on the loop's thread with EPOLL* bits.
class Pollable {
 public:
  virtual void on_ready(std::uint32_t events) = 0;

 protected:
  ~Pollable() = default;
};

class Loop;

/// A deadline. It fires once, on the loop's thread; start() again re-arms it. Moving a deadline further away costs
/// nothing, so one may be pushed back on every packet. Loop's thread only; must not outlive its loop, nor be destroyed
/// by its own function (Loop::dispose is for that).
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> fire) : loop_(&loop), fire_(std::move(fire)) {}
  ~Timer() { cancel(); }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start(Duration delay);
  void start_at(Instant due);
  void cancel();
  bool active() const noexcept { return armed_; }
  Instant due() const noexcept { return due_; }

 private:
  friend class Loop;
  static constexpr std::uint32_t outside = UINT32_MAX;

  Loop* loop_;
  std::function<void()> fire_;
  Instant due_{};
  std::uint32_t position_ = outside;  // in the loop's heap
  bool armed_ = false;
};

/// epoll, one thread. Everything but post() and stop() belongs to the thread that runs it (or to the one that sets
/// it up before run()).
class Loop {
 public:
  explicit Loop(const MonotonicClock& clock = MonotonicClock::system());
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Runs until stop(). A stop() that came before run() ends it at once.
  void run();
  /// One turn: waits at most `wait` (negative: until something happens), then serves descriptors, posted functions and
  /// due timers. For tests and for loops inside loops.
  void turn(Duration wait);
  /// Any thread.
  void stop();

  /// Any thread. Functions run in order, after the descriptors of a turn. Post a wake-up, keep the data in a bounded
  /// queue of your own: this list has no bound.
  void post(std::function<void()> function);

  /// Throws std::system_error when the kernel refuses (only at its limits).
  void add(int fd, Pollable& pollable, std::uint32_t events = EPOLLIN);
  void modify(int fd, Pollable& pollable, std::uint32_t events);
  /// To be called before the descriptor is closed; no event for `pollable` is delivered any more, not even one that
  /// was already collected.
  void remove(int fd, Pollable& pollable);
  /// Calls on_ready(events) once more in the next turn, for bytes the kernel no longer knows about (inside TLS).
  void again(Pollable& pollable, std::uint32_t events);

  /// Deletes an object at the end of the turn: the way to destroy what one is being called from.
  template <class T>
  void dispose(std::unique_ptr<T> object) {
    graveyard_.emplace_back(std::shared_ptr<T>(std::move(object)));
  }

  Instant now() const noexcept { return clock_->now(); }

  /// Receive buffer that all connections of this loop share, since only one is read at a time. Valid until the caller
  /// returns to the loop.
  std::span<char> scratch() noexcept { return *scratch_; }

 private:
  friend class Timer;
  struct Entry {
    Instant key;  // never later than the timer's due_
    Timer* timer;
  };
  struct Repeat {
    Pollable* pollable;
    std::uint32_t events;
  };

  void wake() noexcept;
  void serve_posted();
  void serve_timers();
  void arm(Timer& timer, Instant due);
  void drop(Timer& timer);
  void sift_up(std::size_t index);
  void sift_down(std::size_t index);
  void place(std::size_t index, Entry entry);

  const MonotonicClock* clock_;
  int epoll_fd_;
  int wake_fd_;
  std::vector<epoll_event> batch_;
  std::size_t batch_position_ = 0;
  std::size_t batch_size_ = 0;
  std::vector<Repeat> repeats_;
  std::vector<Repeat> repeating_;
  std::vector<Entry> timers_;  // binary heap on key
  std::vector<std::shared_ptr<void>> graveyard_;
  std::unique_ptr<std::array<char, 65536>> scratch_;

  std::mutex mutex_;
  std::vector<std::function<void()>> posted_;
  std::vector<std::function<void()>> serving_;
  std::atomic<bool> stopping_{false};
};

/// Wakes a loop from any thread, at most once per turn however often it is raised: "there is something in the queue".
/// Loop's thread constructs and destroys it; after the destructor the function is not called any more.
class Signal {
 public:
  Signal(Loop& loop, std::function<void()> function);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

  /// Any thread, as long as the loop lives.
  void raise();

 private:
  struct State {
    std::atomic<bool> pending{false};
    bool alive = true;  // loop's thread only
    std::function<void()> function;
  };
  Loop* loop_;
  std::shared_ptr<State> state_;
};

/// A loop with a thread of its own; the destructor stops and joins it.
class LoopThread {
 public:
  LoopThread() : thread_([this] { loop_.run(); }) {}
  ~LoopThread() { stop(); }
  LoopThread(const LoopThread&) = delete;
  LoopThread& operator=(const LoopThread&) = delete;

  Loop& loop() noexcept { return loop_; }
  void stop();
  /// Runs `function` on the loop's thread and waits for it. Not from that thread itself.
  void run_inside(const std::function<void()>& function);

 private:
  Loop loop_;
  std::thread thread_;
};

}  // namespace bixws::net
