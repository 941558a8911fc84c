// SPDX-License-Identifier: Apache-2.0
// ExchangeFeed: the outside of Engine.
#include "feed/exchange_feed.h"

#include "feed/engine.h"

namespace bixws::feed {

ExchangeFeed::ExchangeFeed(std::unique_ptr<Dialect> dialect, FeedConfig config, FeedHooks hooks,
                           Instruments& instruments, const Clock& clock)
    : engine_(std::make_unique<Engine>(std::move(dialect), std::move(config), std::move(hooks), instruments, clock)) {}

ExchangeFeed::~ExchangeFeed() { stop(); }
void ExchangeFeed::start() { engine_->start(); }
void ExchangeFeed::stop() { engine_->stop(); }

void ExchangeFeed::subscribe(std::vector<std::string> symbols, std::uint32_t channels) {
  engine_->subscribe(std::move(symbols), channels, true);
}
void ExchangeFeed::unsubscribe(std::vector<std::string> symbols, std::uint32_t channels) {
  engine_->subscribe(std::move(symbols), channels, false);
}

const Figures& ExchangeFeed::figures() const { return engine_->intake.figures(); }
const std::string& ExchangeFeed::exchange() const { return engine_->config.exchange; }

}  // namespace bixws::feed
