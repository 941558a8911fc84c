// SPDX-License-Identifier: Apache-2.0
// feed_wave: prices on a sine wave, to show what a feed needs: options, a loop that can be stopped, events.
#include <bixws/describe.h>
#include <poll.h>

#include <cmath>
#include <new>
#include <string>

namespace {

using namespace bixws;

constexpr Option kOptions[] = {
    {"interval", OptionType::duration, "100ms", "time between two trades"},
    {"count", OptionType::integer, "0", "end after so many trades of each symbol; 0: never"},
};

class WaveFeed final : public FeedSource {
 public:
  explicit WaveFeed(const Settings& settings)
      : interval_ms_(static_cast<int>(settings.integer("interval") / 1000)), count_(settings.integer("count")) {
    for (std::size_t i = 0; i < settings.symbol_count(); ++i) symbols_[i % 8] = std::string(settings.symbol(i));
  }

  int run(Host& host) noexcept override {
    Status live;
    live.state = FeedState::live;
    const Event status = Event::of(host.instrument(""), host.now(), 0, live);
    host.publish(&status, 1);
    for (std::int64_t n = 0; count_ == 0 || n < count_; ++n) {
      pollfd stop{host.stop_fd(), POLLIN, 0};
      if (::poll(&stop, 1, interval_ms_) > 0) return 0;
      const auto cents = static_cast<std::int64_t>(5'000'000 + 100'000 * std::sin(static_cast<double>(n) / 10));
      const std::string id = std::to_string(n);
      const Trade trade{Decimal::of(cents, -2), Decimal::of(25, -2), n % 2 == 0 ? Side::buy : Side::sell, id,
                        host.now()};
      for (const std::string& symbol : symbols_) {
        if (symbol.empty()) break;
        const Event event = Event::of(host.instrument(symbol), host.now(), trade.ts, Trades{{&trade, 1}});
        if (!host.publish(&event, 1)) return 0;
      }
    }
    return 0;
  }

 private:
  int interval_ms_;
  std::int64_t count_;
  std::string symbols_[8];
};

FeedSource* make(const Settings& settings, Error&) noexcept { return new (std::nothrow) WaveFeed(settings); }

constexpr Descriptor kDescriptor = describe_feed("wave", "1.0", "prices on a sine wave", kOptions, &make);
}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }
