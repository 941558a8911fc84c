// SPDX-License-Identifier: Apache-2.0
// Playback: reading ahead, and giving what is due.
#include "recording/playback.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "model/config_error.h"
#include "model/time_text.h"

namespace bixws::recording {
namespace {

constexpr std::size_t kBatchEvents = 1024;
constexpr std::size_t kPacedEvents = 256;  // read ahead while paced: copied when only some are due
constexpr std::int64_t kStatusEveryNs = 1'000'000'000;

Micros time_option(const std::string& text, std::string_view name, Micros fallback, const SessionRow& session) {
  if (text.empty()) return fallback;
  const auto time = parse_time(text, session.started_ts);
  if (!time) {
    throw ConfigError("--" + std::string(name) + " " + text +
                      ": not a time; write 2026-11-22T21:00:00Z, or +90s from the session's start");
  }
  return *time;
}

}  // namespace

std::optional<double> parse_speed(std::string_view text) {
  if (text == "max") return 0.0;
  if (!text.empty() && text.back() == 'x') text.remove_suffix(1);
  double speed = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), speed);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(speed) || speed < 0.001 || speed > 1e6) return std::nullopt;
  return speed;
}

Playback::Playback(PlaybackOptions options, Instruments& instruments)
    : options_(std::move(options)),
      reader_(options_.path, options_.session, instruments),
      whole_(instruments.get("", "")),
      chaos_(options_.chaos) {
  from_ = time_option(options_.from, "from", session().started_ts, session());
  to_ = time_option(options_.to, "to", INT64_MAX, session());
  if (from_ > session().ended_ts || to_ <= session().started_ts || to_ <= from_) {
    throw ConfigError("--from and --to leave nothing of session " + std::to_string(session().id) +
                      ", which goes from " + format_rfc3339(session().started_ts) + " to " +
                      format_rfc3339(session().ended_ts));
  }
  state_ = options_.paused ? State::paused : State::playing;
  go_to(from_);
}

void Playback::go_to(Micros position) {
  ahead_.reset();
  ahead_given_ = 0;
  exhausted_ = false;
  steps_ = 0;
  restored_.reset();
  position_ = position;
  anchored_ = false;
  latest_due_ns_ = 0;
  announce_ = true;
  try {
    SessionImage image;
    // The start needs no search; and events may precede `from_` in time only by the feeds' own disorder.
    if (position <= session().started_ts) {
      reader_.seek_seq(1, nullptr);
    } else {
      reader_.seek_time(position, &image);
    }
    if (!image.empty()) {
      restored_ = std::make_unique<EventBatch>();
      image.append_to(*restored_);
    }
  } catch (const DamageError& damage) {
    error_ = damage.what();
    exhausted_ = true;
  }
}

Micros Playback::position(std::int64_t now_ns) const {
  if (state_ != State::playing || options_.speed <= 0 || !anchored_) return position_;
  return std::clamp(pacing_.position(now_ns), position_, std::max(position_, std::min(to_, session().ended_ts)));
}

std::unique_ptr<EventBatch> Playback::status_batch(std::int64_t now_ns) {
  static constexpr Text kStates[] = {"playing", "paused", "ended"};
  auto batch = std::make_unique<EventBatch>();
  ReplayPosition replay;
  replay.session = session().id;
  replay.position = position(now_ns);
  replay.speed = options_.speed;
  replay.state = kStates[static_cast<std::size_t>(state_)];
  replay.from = std::max(from_, session().started_ts);
  replay.to = std::min(to_, session().ended_ts);
  Status status;
  status.state = state_ == State::ended ? FeedState::ended : FeedState::live;
  if (state_ == State::ended) status.reason = error_;
  status.replay = &replay;
  // Stamped like the events around it: a moment between two of them depends on who asked when.
  batch->append(Event::of(whole_, position_, 0, status));
  return batch;
}

bool Playback::fill() {
  if (ahead_ && ahead_given_ < ahead_->size()) return true;
  if (exhausted_) return false;
  ahead_ = std::make_unique<EventBatch>();
  ahead_given_ = 0;
  try {
    const bool paced = options_.speed > 0 || steps_ > 0;
    exhausted_ = !reader_.next(*ahead_, paced ? kPacedEvents : kBatchEvents);
    ahead_seq_ = reader_.next_seq() - ahead_->size();
  } catch (const DamageError& damage) {
    error_ = damage.what();
    exhausted_ = true;
  }
  return !ahead_->empty();
}

std::int64_t Playback::due_ns(std::size_t ahead) const {
  const Micros ts = std::as_const(*ahead_).events()[ahead].recv_ts;
  if (chaos_.options().delay == 0) return pacing_.due_ns(ts);
  return std::max(latest_due_ns_, pacing_.due_ns(ts) + 1000 * chaos_.delay(chaos_key("delay", ahead_seq_ + ahead)));
}

bool Playback::inject_faults(std::size_t ahead, std::int64_t due) {
  ++given_;
  if (!chaos_.options().any()) return false;
  latest_due_ns_ = std::max(latest_due_ns_, due);
  const Micros at = std::as_const(*ahead_).events()[ahead].recv_ts;
  if (const Micros late = chaos_.delay(chaos_key("delay", ahead_seq_ + ahead)); late > 0) {
    tell("delay of " + format_duration(late), at);
  }
  if (!chaos_.disconnects(given_, at)) return false;
  tell("disconnect", at);
  return true;
}

void Playback::go_on(std::int64_t now_ns) {
  latest_due_ns_ = 0;
  pacing_.anchor(position_, now_ns, options_.speed);
}

void Playback::tell(std::string_view fault, Micros at) const {
  if (!options_.log) return;
  options_.log("chaos: " + std::string(fault) + " at event " + std::to_string(given_) + ", " + format_rfc3339(at));
}

Playback::Step Playback::give(std::size_t count) {
  Step step;
  step.action = Action::publish;
  const auto events = std::as_const(*ahead_).events().subspan(ahead_given_, count);
  position_ = std::max(position_, events.back().recv_ts);
  played_any_ = true;
  if (count == ahead_->size()) {
    step.batch = std::move(ahead_);
    ahead_given_ = 0;
    return step;
  }
  step.batch = std::make_unique<EventBatch>();
  for (const Event& event : events) step.batch->append(event);
  ahead_given_ += count;
  return step;
}

Playback::Step Playback::end(std::int64_t now_ns) {
  Step step;
  step.action = Action::publish;
  if (options_.loop && error_.empty() && played_any_) {
    played_any_ = false;
    go_to(from_);
    new_epoch_ = true;
    return advance(now_ns);
  }
  state_ = State::ended;
  announce_ = false;
  step.batch = status_batch(now_ns);
  return step;
}

Playback::Step Playback::advance(std::int64_t now_ns) {
  Step step;
  if (!anchored_) {
    pacing_.anchor(position_, now_ns, options_.speed);
    anchored_ = true;
  }
  if (new_epoch_ || restored_ || announce_ || (state_ == State::playing && now_ns >= next_status_ns_)) {
    step.action = Action::publish;
    step.new_epoch = std::exchange(new_epoch_, false);
    step.batch = std::move(restored_);
    if (!step.batch) {
      announce_ = false;
      next_status_ns_ = now_ns + kStatusEveryNs;
      step.batch = status_batch(now_ns);
    }
    return step;
  }
  if (state_ == State::ended || (state_ == State::paused && steps_ == 0)) return step;
  if (!fill()) return end(now_ns);

  const auto ahead = std::as_const(*ahead_).events().subspan(ahead_given_);
  std::size_t count = 0;
  std::uint64_t stepped = 0;  // an exchange's own frames, which nobody sees, are no steps
  bool cut = false;
  while (count < ahead.size() && ahead[count].recv_ts < to_ && !cut) {
    const std::int64_t due = due_ns(ahead_given_ + count);
    if (state_ == State::paused ? stepped == steps_ : due > now_ns) break;
    if (ahead[count].kind != Kind::raw) ++stepped;
    cut = inject_faults(ahead_given_ + count, due);
    ++count;
  }
  if (count > 0) {
    if (state_ == State::paused) {
      steps_ -= stepped;
      announce_ = steps_ == 0;
    }
    step = give(count);
    step.disconnect = cut;
    return step;
  }
  if (ahead.front().recv_ts >= to_) return end(now_ns);
  step.action = Action::wait;
  step.due_ns = std::min(due_ns(ahead_given_), next_status_ns_);
  return step;
}

void Playback::pause(std::int64_t now_ns) {
  if (state_ != State::playing) return;
  position_ = position(now_ns);
  state_ = State::paused;
  steps_ = 0;
  announce_ = true;
}

void Playback::resume(std::int64_t now_ns) {
  if (state_ != State::paused) return;
  state_ = State::playing;
  steps_ = 0;
  pacing_.anchor(position_, now_ns, options_.speed);
  announce_ = true;
}

void Playback::step(std::uint64_t events, std::int64_t now_ns) {
  if (state_ == State::ended) return;
  pause(now_ns);
  steps_ += events;
}

void Playback::seek(Micros position) {
  if (state_ == State::ended) state_ = State::paused;
  error_.clear();
  go_to(std::clamp(position, from_, std::max(from_, std::min(to_, session().ended_ts))));
  new_epoch_ = true;
}

void Playback::set_speed(double speed, std::int64_t now_ns) {
  position_ = position(now_ns);
  options_.speed = speed;
  pacing_.anchor(position_, now_ns, speed);
  announce_ = true;
}

}  // namespace bixws::recording
