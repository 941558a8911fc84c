// SPDX-License-Identifier: Apache-2.0
// Replayer: a recording as a feed. A thread of its own plays a session into a target, which may hold it back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "hub/hub.h"
#include "recording/playback.h"

namespace bixws::recording {

/// Where events go. Both calls come from the replayer's thread.
class ReplayTarget {
 public:
  virtual ~ReplayTarget() = default;
  /// May wait, which slows the replay instead of losing anything. False: no more is wanted.
  virtual bool publish(std::unique_ptr<EventBatch> batch) = 0;
  /// What follows has nothing to do with what came before: a seek, or the next loop.
  virtual void new_epoch() = 0;
  /// An injected fault: whoever listens is to be cut off behind everything published so far. May wait.
  virtual void disconnect() {}
};

class HubTarget final : public ReplayTarget {
 public:
  explicit HubTarget(hub::Hub& hub) : hub_(hub) {}
  bool publish(std::unique_ptr<EventBatch> batch) override { return hub_.publish(std::move(batch)); }
  void new_epoch() override { hub_.new_epoch(); }

 private:
  hub::Hub& hub_;
};

/// All members may be called from any thread.
class Replayer {
 public:
  struct Position {
    std::int64_t session = 0;
    Micros started_ts = 0, ended_ts = 0;  ///< of the session
    Micros position = 0;
    double speed = 1;  ///< 0: max
    Playback::State state = Playback::State::playing;
    std::string error;  ///< the recording is damaged, and where
  };

  /// Throws RecordingError, ConfigError; nothing is published before start().
  Replayer(PlaybackOptions options, Instruments& instruments, ReplayTarget& target);
  ~Replayer();
  Replayer(const Replayer&) = delete;
  Replayer& operator=(const Replayer&) = delete;

  /// `on_ended` is called once, on the replayer's thread, after everything including the status `ended` was published,
  /// unless the replay was stopped before.
  void start(std::function<void()> on_ended = {});
  /// Ends the thread; the target must not be waiting for this thread's caller.
  void stop();
  /// Until everything was published, or stop().
  void wait();

  void pause();
  void resume();
  void step(std::uint64_t events);
  /// Times outside what is played are cut to it; 0 is the beginning.
  void seek(Micros position);
  /// 0: max.
  void set_speed(double speed);
  [[nodiscard]] Position position() const;

 private:
  void run();
  template <typename Control>
  void control(Control&& apply);

  ReplayTarget& target_;
  mutable std::mutex mutex_;
  std::condition_variable changed_, done_;
  Playback playback_;
  bool stopping_ = false;
  bool ended_ = false;
  std::function<void()> on_ended_;
  std::thread thread_;
};

}  // namespace bixws::recording
