// SPDX-License-Identifier: Apache-2.0
// FeedHost: the plugin's side of the feed thread, and what happens when it returns.
#include "host/feed_host.h"

#include <poll.h>

#include <algorithm>
#include <exception>
#include <utility>

#include "model/batch.h"

namespace bixws::host {

FeedHost::FeedHost(std::string name, std::unique_ptr<FeedSource> source, const Surroundings& around, Options options)
    : name_(std::move(name)), source_(std::move(source)), around_(around), options_(std::move(options)) {}

FeedHost::~FeedHost() { stop(); }

void FeedHost::start(OnEnd on_end) {
  on_end_ = std::move(on_end);
  thread_ = std::thread([this] { run(); });
}

void FeedHost::stop() {
  stopping_ = true;
  stop_.set();
  if (thread_.joinable()) thread_.join();
}

void FeedHost::run() {
  auto wait_time = options_.first_wait;
  for (;;) {
    const Micros begin = now();
    const int result = source_->run(*this);
    if (stopping_) return;
    if (result == 0) {
      // Stamped with the feed's own time: the end of a simulated or replayed day is not now.
      tell(FeedState::ended, {}, last_recv_ts_);
      on_end_({});
      return;
    }
    if (result == kAskedForWhatIsNot) {
      const std::lock_guard lock(error_mutex_);
      on_end_({.failed = true,
               .refused = true,
               .reason =
                   "feed " + name_ + ": " + (last_error_.empty() ? "what was asked for does not exist" : last_error_)});
      return;
    }
    if (now() - begin >= options_.good_run) wait_time = options_.first_wait;
    const std::string reason = "failed with " + std::to_string(result);
    log(LogLevel::warning, reason + "; starting it again in " + std::to_string(wait_time.count()) + " ms");
    tell(FeedState::down, reason, now());
    if (wait(wait_time)) return;
    wait_time = std::min(wait_time * 2, options_.longest_wait);
    tell(FeedState::connecting, {}, now());
  }
}

bool FeedHost::wait(std::chrono::milliseconds time) const {
  pollfd p{stop_.fd(), POLLIN, 0};
  return ::poll(&p, 1, static_cast<int>(time.count())) > 0;
}

void FeedHost::tell(FeedState state, std::string_view reason, Micros when) {
  Status status;
  status.state = state;
  status.reason = reason;
  const Event event = Event::of(instrument(""), when, 0, status);
  publish(&event, 1);
}

const Instrument& FeedHost::instrument(std::string_view symbol) noexcept {
  return around_.instruments.get(name_, symbol);
}

bool FeedHost::publish(const Event* events, std::size_t count) noexcept {
  try {
    auto batch = std::make_unique<EventBatch>();
    Micros last = last_recv_ts_;
    for (std::size_t i = 0; i < count; ++i) {
      // A plugin that was built with newer kinds, or forgot who an event is about, must not take the hub down.
      if (events[i].instrument == nullptr || events[i].body == nullptr || events[i].kind < Kind::ticker ||
          events[i].kind > Kind::raw) {
        this->count("bad_events", 1);
        continue;
      }
      Event& copy = batch->append(events[i]);
      if (copy.recv_ts == 0) copy.recv_ts = now();
      last = std::max(last, copy.recv_ts);
    }
    last_recv_ts_ = last;
    if (!place_.empty() && !batch->empty()) {
      batch->set_place({name_, place_});
      options_.last_place = std::exchange(place_, {});
    }
    return around_.hub.publish(std::move(batch));
  } catch (const std::exception& e) {
    log(LogLevel::error, e.what());
    return false;
  }
}

void FeedHost::log(LogLevel level, std::string_view text) noexcept {
  try {
    if (level == LogLevel::error) {
      const std::lock_guard lock(error_mutex_);
      last_error_ = text;
    }
    around_.log.write(level, "feed " + name_ + ": " + std::string(text));
  } catch (const std::exception&) {
    // Out of memory while saying so; the feed goes on.
  }
}

void FeedHost::plain_exchange(std::string_view exchange) noexcept {
  if (std::exchange(told_plain_, true) || !options_.on_plain_exchange) return;
  try {
    options_.on_plain_exchange(exchange);
  } catch (const std::exception& e) {
    log(LogLevel::error, e.what());
  }
}

void FeedHost::numbered(std::string_view epoch) noexcept {
  if (!options_.passes_numbers) return;
  try {
    around_.hub.adopt_epoch(std::string(epoch));
  } catch (const std::exception& e) {
    log(LogLevel::error, e.what());
  }
}

void FeedHost::reached(const Instrument& instrument, const Reached& numbers) noexcept {
  if (!options_.passes_numbers) return;
  try {
    around_.hub.reached(instrument, numbers.trades, {numbers.depths, numbers.depths + numbers.depth_count});
  } catch (const std::exception& e) {
    log(LogLevel::error, e.what());
  }
}

void FeedHost::place(std::string_view text) noexcept {
  try {
    place_ = text;
  } catch (const std::exception&) {
    // Without it the recording says an older place: events are read twice then, and none is lost.
  }
}

void FeedHost::count(std::string_view name, std::uint64_t add) noexcept {
  try {
    around_.counters.add("feed_" + name_ + "_" + std::string(name), add);
  } catch (const std::exception&) {
    // A lost count is better than a lost feed.
  }
}

}  // namespace bixws::host
