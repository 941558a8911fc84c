// SPDX-License-Identifier: Apache-2.0
// DialectFeed: what an exchange feed tells, turned into log lines and ends.
#include "host/dialect_feed.h"

#include <stdexcept>
#include <utility>

#include "model/config_error.h"

namespace bixws::host {

DialectFeed::DialectFeed(std::string name, std::unique_ptr<Dialect> dialect, Options options,
                         const Surroundings& around)
    : name_(std::move(name)), around_(around) {
  feed::FeedConfig config;
  config.exchange = name_;
  config.symbols = std::move(options.symbols);
  config.channels = options.channels;
  config.connections = options.connections;
  config.raw = options.raw;
  config.symbols_must_exist = options.symbols_must_exist;
  feed::FeedHooks hooks;
  hooks.publish = [this](std::unique_ptr<EventBatch> batch) { return around_.hub.publish(std::move(batch)); };
  hooks.log = [this](LogLevel level, std::string_view text) {
    around_.log.write(level, "feed " + std::string(text));  // which begins with the exchange's name
  };
  hooks.refused = [this](const std::string& sentence) { refuse(sentence); };
  hooks.resolved = [this](const std::vector<std::string>& symbols) {
    if (symbols.empty()) refuse(name_ + ": lists none of the symbols asked for");
  };
  feed_ = std::make_unique<feed::ExchangeFeed>(std::move(dialect), std::move(config), std::move(hooks),
                                               around.instruments, around.clock);
}

void DialectFeed::start(OnEnd on_end) {
  on_end_ = std::move(on_end);
  try {
    feed_->start();
  } catch (const std::runtime_error& e) {
    throw ConfigError("feed " + name_ + ": " + e.what());
  }
}

void DialectFeed::refuse(const std::string& sentence) {
  if (std::exchange(refused_, true)) return;
  on_end_({.failed = true, .refused = true, .reason = "feed " + sentence});
}

}  // namespace bixws::host
