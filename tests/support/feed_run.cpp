// SPDX-License-Identifier: Apache-2.0
// Runs a feed against the stand-in and keeps what comes out.
#include "support/feed_run.h"

#include <cstdlib>

#include "model/event_json.h"
#include "support/dialect_run.h"

namespace bixws::test {

feed::FeedConfig quick_config(const std::string& exchange, std::vector<std::string> symbols) {
  feed::FeedConfig config;
  config.exchange = exchange;
  config.symbols = std::move(symbols);
  config.seed = 7;
  config.backoff_least = 20'000;
  config.backoff_most = 200'000;
  config.ping_interval = 300'000;
  config.pong_deadline = 300'000 * slowdown;
  config.answer_timeout = 2'000'000;
  config.status_interval = 200'000;
  config.connect_interval = 1'000;
  return config;
}

feed::FeedConfig steady_config(const std::string& exchange, std::vector<std::string> symbols) {
  auto config = quick_config(exchange, std::move(symbols));
  config.ping_interval = 5'000'000;
  config.pong_deadline = 30'000'000;
  return config;
}

FeedRun::FeedRun(const std::string& plugin, const StandinExchange& standin, feed::FeedConfig config,
                 std::map<std::string, std::string> options)
    : FeedRun(
          plugin,
          [&] {
            options["url"] = standin.ws_url();
            options["rest"] = standin.rest_url();
            return options;
          }(),
          std::move(config)) {}

FeedRun::FeedRun(const std::string& plugin, const std::map<std::string, std::string>& options, feed::FeedConfig config)
    : FeedRun(load_dialect(plugin, options), std::move(config)) {}

FeedRun::FeedRun(std::unique_ptr<Dialect> dialect, feed::FeedConfig config) {
  feed::FeedHooks hooks;
  hooks.publish = [this](std::unique_ptr<EventBatch> batch) {
    const std::lock_guard lock(mutex_);
    batches_.push_back(std::move(batch));
    return true;
  };
  hooks.log = [this](LogLevel, std::string_view text) {
    const std::lock_guard lock(mutex_);
    log_.emplace_back(text);
  };
  hooks.refused = [this](const std::string& text) {
    const std::lock_guard lock(mutex_);
    refusals_.push_back(text);
  };
  feed_ = std::make_unique<feed::ExchangeFeed>(std::move(dialect), std::move(config), std::move(hooks), instruments_,
                                               clock_);
}

FeedRun::~FeedRun() { feed_->stop(); }

std::vector<SharedBatch> FeedRun::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

std::vector<const Event*> FeedRun::events() const {
  std::vector<const Event*> all;
  for (const auto& batch : batches()) {
    for (const Event& event : batch->events()) all.push_back(&event);
  }
  return all;
}

std::vector<const Event*> FeedRun::events(Kind kind) const {
  auto some = events();
  std::erase_if(some, [&](const Event* event) { return event->kind != kind; });
  return some;
}

std::vector<std::string> FeedRun::gaps(const std::string& symbol) const {
  std::vector<std::string> all;
  for (const Event* event : events(Kind::gap)) {
    if (event->instrument->symbol != symbol) continue;
    all.push_back(std::string(name_of(event->gap().channel)) + "|" + std::string(event->gap().reason));
  }
  return all;
}

SymbolView FeedRun::view(const std::string& symbol) const {
  SymbolView view;
  for (const Event* event : events()) {
    if (event->instrument->symbol != symbol) continue;
    if (event->kind == Kind::status) view.state = event->status().state;
    if (event->kind != Kind::book) continue;
    view.book.apply(event->book());
    ++(event->book().action == BookAction::snapshot ? view.snapshots : view.updates);
  }
  return view;
}

FeedState FeedRun::state() const {
  FeedState state = FeedState::none;
  for (const Event* event : events(Kind::status)) {
    if (event->instrument->symbol.empty()) state = event->status().state;
  }
  return state;
}

std::string FeedRun::reason() const {
  std::string reason;
  for (const Event* event : events(Kind::status)) {
    if (event->instrument->symbol.empty()) reason = event->status().reason;
  }
  return reason;
}

bool FeedRun::saw_status(FeedState state, const std::string& reason_part) const {
  for (const Event* event : events(Kind::status)) {
    if (!event->instrument->symbol.empty() || event->status().state != state) continue;
    if (event->status().reason.find(reason_part) != Text::npos) return true;
  }
  return false;
}

std::vector<std::string> FeedRun::refusals() const {
  const std::lock_guard lock(mutex_);
  return refusals_;
}

std::vector<std::string> FeedRun::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::string difference(const StandinBook& theirs, const market::Book& ours) {
  for (const bool bid : {true, false}) {
    const auto& side = bid ? ours.bids() : ours.asks();
    const auto levels = theirs.best(bid, SIZE_MAX);
    const std::string where = bid ? "bid " : "ask ";
    for (std::size_t i = 0; i < levels.size() || i < side.size(); ++i) {
      const std::string mine = i < side.size() ? side[i].price.to_string() + " x " + side[i].size.to_string() : "none";
      const std::string right = i < levels.size() ? levels[i].price + " x " + levels[i].size : "none";
      if (mine != right) return where + std::to_string(i) + " is " + mine + ", must be " + right;
    }
  }
  return {};
}

}  // namespace bixws::test
