// SPDX-License-Identifier: Apache-2.0
// feed_sim: a seeded market out of nothing, for demos, tests and load. Each event is due at a fixed time and stamped
// with it, so latency can be measured from recv_ts and one seed gives the same bytes every time.
#include <bixws/describe.h>
#include <poll.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "model/symbol.h"
#include "model/time_text.h"
#include "sim/sim_market.h"

namespace bixws::sim {
namespace {

constexpr std::size_t kMostAtOnce = 256;
// Below this distance events share a wake-up: 20,000 a second must not mean 20,000 wake-ups.
constexpr Micros kShortestSleep = 500;
// rate=0 has no times of its own; its clock ticks as if this were the rate.
constexpr std::int64_t kFreeMillirate = 1'000'000;
constexpr std::int64_t kMostDepth = 5'000;

constexpr Option kOptions[] = {
    {"rate", OptionType::number, "200", "events per second in all; 0: as fast as consumers take"},
    {"seed", OptionType::integer, "1", "the same seed and start give the same events"},
    {"channels", OptionType::list, "", "trades|book|ticker|candles, joined with +; default: all that is asked for"},
    {"start", OptionType::string, "", "time of the first event, as 2026-11-22T00:00:00Z; default: now"},
    {"count", OptionType::integer, "0", "end after so many events; 0: never"},
    {"duration", OptionType::duration, "0s", "end after this much of its own time; 0s: never"},
    {"depth", OptionType::integer, "20", "levels on each side of the books"},
};

struct Plan {
  SimMarket::Options market;
  bool paced = true;
  bool has_start = false;
  std::int64_t count = 0;  ///< INT64_MAX: endless
};

/// Waits until `stop_fd` is readable or the time is over; true: stop.
bool wait(int stop_fd, Micros time) {
  pollfd p{stop_fd, POLLIN, 0};
  const timespec t{time / 1'000'000, time % 1'000'000 * 1000};
  return ::ppoll(&p, 1, &t, nullptr) > 0;
}

class SimFeed final : public FeedSource {
 public:
  explicit SimFeed(Plan plan) : plan_(std::move(plan)), slots_(kMostAtOnce) {}

  [[nodiscard]] bool held_back() const noexcept override { return !plan_.paced; }

  int run(Host& host) noexcept override {
    ::prctl(PR_SET_TIMERSLACK, 1000);  // 1 us instead of 50
    const Micros begin = host.now();
    SimMarket::Options options = plan_.market;
    if (!plan_.has_start) options.start = begin;
    for (const Terms& terms : options.symbols) options.instruments.push_back(&host.instrument(terms.symbol));
    const Micros start = options.start;
    SimMarket market(std::move(options));

    Status live;
    live.state = FeedState::live;
    live.integrity = Integrity::sequence;
    const Event hello = Event::of(host.instrument(""), start, start, live);
    if (!host.publish(&hello, 1)) return 0;

    std::vector<Event> events;
    events.reserve(kMostAtOnce);
    Micros shift = begin - start;  // from the feed's time to the clock's
    for (std::int64_t made = 0; made < plan_.count;) {
      Micros until = INT64_MAX;  // events due by then go now
      if (plan_.paced) {
        const Micros now = host.now();
        Micros ahead = market.due(made) + shift - now;
        // A clock that was set back must not stop the market for as long.
        const Micros usual = market.due(made) - (made > 0 ? market.due(made - 1) : start);
        if (ahead > usual + 2'000'000) {
          shift -= ahead - usual;
          ahead = usual;
        }
        if (ahead > 0) {
          if (wait(host.stop_fd(), std::max(ahead, kShortestSleep))) return 0;
          continue;
        }
        until = now - shift;
      }
      events.clear();
      while (made < plan_.count && events.size() < kMostAtOnce && market.due(made) <= until) {
        Slot& slot = slots_[events.size()];
        market.next(slot);
        events.push_back(slot.event);
        ++made;
      }
      if (!host.publish(events.data(), events.size())) return 0;
      if (wait(host.stop_fd(), 0)) return 0;
    }
    return 0;
  }

 private:
  Plan plan_;
  std::vector<Slot> slots_;
};

FeedSource* refuse(Error& error, const std::string& text) {
  std::snprintf(error.text, sizeof error.text, "%s", text.c_str());
  return nullptr;
}

std::uint32_t channels_of(const Settings& settings) {
  constexpr std::uint32_t kAll =
      1U << static_cast<unsigned>(Channel::trades) | 1U << static_cast<unsigned>(Channel::book) |
      1U << static_cast<unsigned>(Channel::ticker) | 1U << static_cast<unsigned>(Channel::candle);
  const std::string_view named = settings.get("channels");
  if (named.empty()) return settings.channels() & kAll;
  std::uint32_t channels = 0;
  for (const auto& [name, channel] : {std::pair{"trades", Channel::trades}, std::pair{"book", Channel::book},
                                      std::pair{"ticker", Channel::ticker}, std::pair{"candles", Channel::candle}}) {
    if (named.find(name) != std::string_view::npos) channels |= 1U << static_cast<unsigned>(channel);
  }
  return channels;
}

FeedSource* make(const Settings& settings, Error& error) noexcept try {
  Plan plan;
  const double rate = settings.number("rate");
  if (rate < 0 || rate > 1'000'000) return refuse(error, "rate must be from 0 to 1000000 events per second");
  plan.paced = rate > 0;
  plan.market.millirate = plan.paced ? std::max<std::int64_t>(1, std::llround(rate * 1000)) : kFreeMillirate;
  plan.market.seed = static_cast<std::uint64_t>(settings.integer("seed"));
  plan.market.channels = channels_of(settings);
  if (plan.market.channels == 0) return refuse(error, "none of its channels is asked for");
  const std::int64_t depth = settings.integer("depth");
  if (depth < 1 || depth > kMostDepth) return refuse(error, "depth must be from 1 to " + std::to_string(kMostDepth));
  plan.market.depth = static_cast<std::uint32_t>(depth);

  if (const std::string_view start = settings.get("start"); !start.empty()) {
    const auto time = parse_rfc3339(start);
    if (!time || *time <= 0) {
      return refuse(error, "start must be a time such as 2026-11-22T00:00:00Z, not " + std::string(start));
    }
    plan.has_start = true;
    plan.market.start = *time;
  }
  const std::int64_t count = settings.integer("count");
  if (count < 0) return refuse(error, "count must not be negative");
  plan.count = count == 0 ? INT64_MAX : count;
  if (const Micros duration = settings.integer("duration"); duration > 0) {
    const auto events =
        static_cast<std::int64_t>(static_cast<int128_t>(duration) * plan.market.millirate / 1'000'000'000);
    plan.count = std::min(plan.count, events);
  }

  const std::vector<std::string> known = known_symbols();
  for (std::size_t i = 0; i < settings.symbol_count(); ++i) {
    const SymbolMatch match = match_symbol(settings.symbol(i), known);
    if (!match.error.empty()) return refuse(error, match.error);
    const auto known_already = [&](const Terms& terms) { return terms.symbol == match.symbol; };
    if (std::none_of(plan.market.symbols.begin(), plan.market.symbols.end(), known_already)) {
      plan.market.symbols.push_back(terms_of(match.symbol));
    }
  }
  if (plan.market.symbols.empty()) return refuse(error, "no symbols are asked for");
  return new SimFeed(std::move(plan));
} catch (const std::bad_alloc&) {
  return refuse(error, "out of memory");
}

constexpr Descriptor kDescriptor =
    describe_feed("sim", BIXWS_VERSION, "a made-up market, seeded and repeatable", kOptions, &make);

}  // namespace
}  // namespace bixws::sim

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &bixws::sim::kDescriptor; }
