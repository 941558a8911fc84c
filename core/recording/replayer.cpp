// SPDX-License-Identifier: Apache-2.0
// Replayer: the thread that waits for what Playback says is next.
#include "recording/replayer.h"

#include <chrono>

namespace bixws::recording {
namespace {

using SteadyClock = std::chrono::steady_clock;

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now().time_since_epoch()).count();
}

}  // namespace

Replayer::Replayer(PlaybackOptions options, Instruments& instruments, ReplayTarget& target)
    : target_(target), playback_(std::move(options), instruments) {}

Replayer::~Replayer() { stop(); }

void Replayer::start(std::function<void()> on_ended) {
  on_ended_ = std::move(on_ended);
  thread_ = std::thread([this] { run(); });
}

void Replayer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Replayer::wait() {
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return ended_; });
}

template <typename Control>
void Replayer::control(Control&& apply) {
  {
    const std::lock_guard lock(mutex_);
    apply(now_ns());
  }
  changed_.notify_all();
}

void Replayer::pause() {
  control([this](std::int64_t now) { playback_.pause(now); });
}
void Replayer::resume() {
  control([this](std::int64_t now) { playback_.resume(now); });
}
void Replayer::step(std::uint64_t events) {
  control([this, events](std::int64_t now) { playback_.step(events, now); });
}
void Replayer::seek(Micros position) {
  control([this, position](std::int64_t) { playback_.seek(position); });
}
void Replayer::set_speed(double speed) {
  control([this, speed](std::int64_t now) { playback_.set_speed(speed, now); });
}

Replayer::Position Replayer::position() const {
  const std::lock_guard lock(mutex_);
  const SessionRow& session = playback_.session();
  return {session.id,        session.started_ts, session.ended_ts, playback_.position(now_ns()),
          playback_.speed(), playback_.state(),  playback_.error()};
}

void Replayer::run() {
  bool complete = false;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    Playback::Step step = playback_.advance(now_ns());
    if (step.action == Playback::Action::publish) {
      lock.unlock();
      if (step.new_epoch) target_.new_epoch();
      const bool wanted = target_.publish(std::move(step.batch));
      if (wanted && step.disconnect) target_.disconnect();
      lock.lock();
      if (step.disconnect) playback_.go_on(now_ns());
      if (!wanted) break;
      continue;
    }
    if (playback_.state() == Playback::State::ended) {
      complete = true;
      break;
    }
    if (step.action == Playback::Action::wait) {
      changed_.wait_until(lock, SteadyClock::time_point(std::chrono::nanoseconds(step.due_ns)));
    } else {
      changed_.wait(lock);
    }
  }
  lock.unlock();
  if (complete && on_ended_) on_ended_();
  lock.lock();
  ended_ = true;
  done_.notify_all();
}

}  // namespace bixws::recording
