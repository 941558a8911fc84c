// SPDX-License-Identifier: Apache-2.0
// Playback: a session being played: what comes next and when, with pause, step, seek and speed. It never waits and
// never asks for the time, so tests turn the clock by hand.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "model/batch.h"
#include "model/chaos.h"
#include "model/instruments.h"
#include "recording/pacing.h"
#include "recording/recording.h"

namespace bixws::recording {

struct PlaybackOptions {
  std::string path;
  std::int64_t session = 0;  ///< 0: the latest
  double speed = 1;          ///< 0: as fast as consumers take
  std::string from, to;      ///< RFC 3339, or "+90s" from the session's start; empty: all of it. Events at `to` are out
  bool loop = false;
  bool paused = false;
  ChaosOptions chaos;                         ///< delay and disconnect; what happens to single messages is the server's
  std::function<void(std::string_view)> log;  ///< is told of each injected fault; absent: nobody is
};

/// "2", "0.5", "100x", "max"; nullopt if it is no speed. 0 stands for max.
[[nodiscard]] std::optional<double> parse_speed(std::string_view text);

/// `now_ns` is the steady clock everywhere. Not thread-safe.
class Playback {
 public:
  enum class State : std::uint8_t { playing, paused, ended };
  enum class Action : std::uint8_t {
    publish,  ///< batch, after beginning a new epoch if new_epoch
    wait,     ///< nothing is due before due_ns
    rest,     ///< nothing will be due until a control is used: paused, or ended
  };
  struct Step {
    Action action = Action::rest;
    bool new_epoch = false;
    bool disconnect = false;  ///< behind the batch everybody is cut off
    std::unique_ptr<EventBatch> batch;
    std::int64_t due_ns = 0;
  };

  /// Throws RecordingError (cannot be read), ConfigError (no such session, bad times).
  Playback(PlaybackOptions options, Instruments& instruments);

  /// What to do now. Damage ends the playback: everything before it is given, error() says what it is.
  Step advance(std::int64_t now_ns);

  void pause(std::int64_t now_ns);
  void resume(std::int64_t now_ns);
  /// Gives this many events at once, and pauses.
  void step(std::uint64_t events, std::int64_t now_ns);
  /// To the first event received at or after `position`, within what is played at all. The market's state before it
  /// comes first, in a new epoch.
  void seek(Micros position);
  void set_speed(double speed, std::int64_t now_ns);
  /// The clock stood still up to now.
  void go_on(std::int64_t now_ns);

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] double speed() const { return options_.speed; }
  /// Recorded time reached.
  [[nodiscard]] Micros position(std::int64_t now_ns) const;
  [[nodiscard]] const SessionRow& session() const { return reader_.session(); }
  [[nodiscard]] Micros from() const { return from_; }
  [[nodiscard]] Micros to() const { return to_; }
  /// Not empty: the recording is damaged, and where.
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  void go_to(Micros position);
  [[nodiscard]] std::unique_ptr<EventBatch> status_batch(std::int64_t now_ns);
  bool fill();
  [[nodiscard]] std::int64_t due_ns(std::size_t ahead) const;
  /// Of the event that is given next; true: everybody is cut off behind it.
  bool inject_faults(std::size_t ahead, std::int64_t due);
  void tell(std::string_view fault, Micros at) const;
  Step give(std::size_t count);
  Step end(std::int64_t now_ns);

  PlaybackOptions options_;
  SessionReader reader_;
  const Instrument& whole_;  // the instrument of status events about the replay
  Micros from_ = 0, to_ = 0;
  Pacing pacing_;
  Chaos chaos_;
  std::int64_t latest_due_ns_ = 0;  // of what was given: delays keep the order
  std::uint64_t given_ = 0;         // events, in all
  std::uint64_t ahead_seq_ = 0;     // place in the session of the first one in ahead_
  bool anchored_ = false;  // a new place is reached at the first advance() after it, however long it took to find
  State state_ = State::playing;
  Micros position_ = 0;  // of the last event given, or sought

  std::unique_ptr<EventBatch> restored_;  // state to be given first
  bool new_epoch_ = false;
  bool announce_ = true;  // a status is due
  std::int64_t next_status_ns_ = 0;
  std::uint64_t steps_ = 0;

  std::unique_ptr<EventBatch> ahead_;  // read, but not yet due
  std::size_t ahead_given_ = 0;
  bool exhausted_ = false;
  bool played_any_ = false;  // since the last loop: an empty session must not loop for ever
  std::string error_;
};

}  // namespace bixws::recording
