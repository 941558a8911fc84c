// SPDX-License-Identifier: Apache-2.0
// A sound feed that does as its options say: ends, fails, prints, has options of every type.
#include <bixws/describe.h>
#include <poll.h>

#include <cstdio>
#include <iterator>
#include <string>

namespace {

using namespace bixws;

const Option kOptions[] = {
    {"mode", OptionType::string, "end", "end|fail|wait: what run() does"},
    {"count", OptionType::integer, "3", "trades to publish first"},
    {"share", OptionType::number, "0.5", "any number"},
    {"loud", OptionType::boolean, "false", "log something"},
    {"pause", OptionType::duration, "1s", "any duration"},
    {"kinds", OptionType::list, "", "red|green|blue"},
    {"key", OptionType::string, "none", "any text", true},
};

class MoodyFeed final : public FeedSource {
 public:
  MoodyFeed(std::string mode, std::int64_t count, std::string key)
      : mode_(std::move(mode)), count_(count), key_(std::move(key)) {}

  int run(Host& host) noexcept override {
    host.log(LogLevel::info, "my key is " + key_);
    const Instrument& instrument = host.instrument("BTCUSDT");
    for (std::int64_t i = 1; i <= count_; ++i) {
      const Trade trade{Decimal::of(100 + i, -1), Decimal::of(i, -2), Side::buy, "1", i};
      const Trades trades{{&trade, 1}, false};
      const Event event = Event::of(instrument, i, i, trades);
      if (!host.publish(&event, 1)) return 0;
    }
    if (mode_ == "fail") return 7;
    if (mode_ == "wait") {
      pollfd p{host.stop_fd(), POLLIN, 0};
      ::poll(&p, 1, -1);
    }
    return 0;
  }

 private:
  std::string mode_;
  std::int64_t count_;
  std::string key_;
};

FeedSource* make(const Settings& settings, Error& error) noexcept {
  if (settings.integer("count") < 0) {
    std::snprintf(error.text, sizeof error.text, "count must not be negative");
    return nullptr;
  }
  return new MoodyFeed(std::string(settings.get("mode")), settings.integer("count"), std::string(settings.get("key")));
}

constexpr Descriptor kDescriptor = describe_feed("moody", "1.2", "does as it is told", kOptions, &make);

}  // namespace

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }
