// SPDX-License-Identifier: Apache-2.0
// One thread's event loop: descriptors (epoll), timers, and functions posted from other threads.
#include "net/loop.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <future>
#include <system_error>

namespace bixws::net {
namespace {

class SystemClock final : public MonotonicClock {
 public:
  Instant now() const noexcept override { return std::chrono::steady_clock::now(); }
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

}  // namespace

const MonotonicClock& MonotonicClock::system() noexcept {
  static const SystemClock clock;
  return clock;
}

void Timer::start(Duration delay) { start_at(loop_->now() + delay); }

void Timer::start_at(Instant due) { loop_->arm(*this, due); }

void Timer::cancel() {
  if (position_ != outside) loop_->drop(*this);
  armed_ = false;
}

Loop::Loop(const MonotonicClock& clock)
    : clock_(&clock),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      batch_(512),
      scratch_(std::make_unique<std::array<char, 65536>>()) {
  if (epoll_fd_ < 0 || wake_fd_ < 0) fail("event loop: epoll_create1/eventfd");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) != 0) fail("event loop: epoll_ctl");
}

Loop::~Loop() {
  // What was posted may hold objects with timers in this loop: let them go while the loop is still whole.
  posted_.clear();
  graveyard_.clear();
  for (const Entry& entry : timers_) entry.timer->position_ = Timer::outside;
  ::close(wake_fd_);
  ::close(epoll_fd_);
}

void Loop::run() {
  while (!stopping_.exchange(false, std::memory_order_acq_rel)) turn(Duration{-1});
}

void Loop::stop() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

void Loop::wake() noexcept {
  const std::uint64_t one = 1;
  while (::write(wake_fd_, &one, sizeof one) < 0 && errno == EINTR) {
  }
}

void Loop::post(std::function<void()> function) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(function));
  }
  if (first) wake();
}

void Loop::add(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &pollable}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, fd, &event) != 0) fail("event loop: cannot watch a descriptor");
}

void Loop::modify(int fd, Pollable& pollable, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.ptr = &pollable}};
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, fd, &event) != 0) fail("event loop: cannot change a descriptor");
}

void Loop::remove(int fd, Pollable& pollable) {
  epoll_event event{};
  ::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, fd, &event);
  for (std::size_t i = batch_position_; i < batch_size_; ++i) {
    if (batch_[i].data.ptr == &pollable) batch_[i].events = 0;
  }
  for (auto* list : {&repeats_, &repeating_}) {
    for (Repeat& repeat : *list) {
      if (repeat.pollable == &pollable) repeat.pollable = nullptr;
    }
  }
}

void Loop::again(Pollable& pollable, std::uint32_t events) { repeats_.push_back({&pollable, events}); }

void Loop::turn(Duration wait) {
  if (!timers_.empty()) {
    const Duration until = std::max(timers_.front().key - now(), Duration::zero());
    if (wait < Duration::zero() || until < wait) wait = until;
  }
  if (!repeats_.empty()) wait = Duration::zero();
  timespec limit{};
  if (wait > Duration::zero()) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
    limit.tv_sec = seconds.count();
    limit.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(wait - seconds).count();
  }
  const int count = ::epoll_pwait2(epoll_fd_, batch_.data(), static_cast<int>(batch_.size()),
                                   wait < Duration::zero() ? nullptr : &limit, nullptr);
  if (count < 0 && errno != EINTR) fail("event loop: epoll_pwait2");

  repeating_.swap(repeats_);
  for (std::size_t i = 0; i < repeating_.size(); ++i) {
    if (repeating_[i].pollable != nullptr) repeating_[i].pollable->on_ready(repeating_[i].events);
  }
  repeating_.clear();

  batch_size_ = count > 0 ? static_cast<std::size_t>(count) : 0;
  for (batch_position_ = 0; batch_position_ < batch_size_;) {
    const epoll_event event = batch_[batch_position_++];
    if (event.data.ptr == nullptr) {
      std::uint64_t ignored = 0;
      while (::read(wake_fd_, &ignored, sizeof ignored) < 0 && errno == EINTR) {
      }
    } else if (event.events != 0) {
      static_cast<Pollable*>(event.data.ptr)->on_ready(event.events);
    }
  }
  batch_size_ = 0;

  serve_posted();
  serve_timers();
  while (!graveyard_.empty()) {  // a destructor may dispose of something else
    std::vector<std::shared_ptr<void>> dead;
    dead.swap(graveyard_);
  }
}

void Loop::serve_posted() {
  {
    const std::lock_guard lock(mutex_);
    if (posted_.empty()) return;
    serving_.swap(posted_);
  }
  for (auto& function : serving_) function();
  serving_.clear();
}

void Loop::serve_timers() {
  if (timers_.empty()) return;
  const Instant at = now();
  while (!timers_.empty() && timers_.front().key <= at) {
    Timer& timer = *timers_.front().timer;
    if (timer.due_ > at) {  // it was pushed back since: put it where it belongs now
      timers_.front().key = timer.due_;
      sift_down(0);
      continue;
    }
    timer.cancel();
    timer.fire_();
  }
}

void Loop::arm(Timer& timer, Instant due) {
  timer.due_ = due;
  timer.armed_ = true;
  if (timer.position_ == Timer::outside) {
    timers_.push_back({due, &timer});
    timer.position_ = static_cast<std::uint32_t>(timers_.size() - 1);
    sift_up(timers_.size() - 1);
  } else if (due < timers_[timer.position_].key) {
    timers_[timer.position_].key = due;
    sift_up(timer.position_);
  }
}

void Loop::drop(Timer& timer) {
  const std::size_t index = timer.position_;
  timer.position_ = Timer::outside;
  const Entry last = timers_.back();
  timers_.pop_back();
  if (index == timers_.size()) return;
  place(index, last);
  sift_up(index);
  sift_down(last.timer->position_);
}

void Loop::place(std::size_t index, Entry entry) {
  timers_[index] = entry;
  entry.timer->position_ = static_cast<std::uint32_t>(index);
}

void Loop::sift_up(std::size_t index) {
  const Entry entry = timers_[index];
  while (index > 0) {
    const std::size_t parent = (index - 1) / 2;
    if (timers_[parent].key <= entry.key) break;
    place(index, timers_[parent]);
    index = parent;
  }
  place(index, entry);
}

void Loop::sift_down(std::size_t index) {
  const Entry entry = timers_[index];
  for (std::size_t child = 2 * index + 1; child < timers_.size(); child = 2 * index + 1) {
    if (child + 1 < timers_.size() && timers_[child + 1].key < timers_[child].key) ++child;
    if (entry.key <= timers_[child].key) break;
    place(index, timers_[child]);
    index = child;
  }
  place(index, entry);
}

Signal::Signal(Loop& loop, std::function<void()> function) : loop_(&loop), state_(std::make_shared<State>()) {
  state_->function = std::move(function);
}

Signal::~Signal() { state_->alive = false; }

void Signal::raise() {
  if (state_->pending.exchange(true, std::memory_order_acq_rel)) return;
  loop_->post([state = state_] {
    state->pending.store(false, std::memory_order_release);
    if (state->alive) state->function();
  });
}

void LoopThread::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

void LoopThread::run_inside(const std::function<void()>& function) {
  std::promise<void> done;
  loop_.post([&] {
    function();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace bixws::net
