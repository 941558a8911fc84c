// SPDX-License-Identifier: Apache-2.0
// RemoteSource: a server's messages as the events of a session.
#include "feed/remote_source.h"

#include <algorithm>
#include <utility>

namespace bixws::feed {
namespace {

constexpr std::string_view kOtherEpoch = "another epoch";

}  // namespace

RemoteSource::RemoteSource(RemoteOptions options, std::vector<std::string> symbols, std::vector<std::string> channels,
                           Instruments& instruments)
    : asks_{{std::move(symbols), std::move(channels), "lossless"}},
      instruments_(instruments),
      feed_(std::make_unique<RemoteFeed>(std::move(options), instruments, static_cast<RemoteFeed::Listener&>(*this))) {}

void RemoteSource::start(Callbacks callbacks) {
  callbacks_ = std::move(callbacks);
  feed_->ask(asks_);
  feed_->start();
}

void RemoteSource::stop() { feed_->stop(); }

void RemoteSource::finish(const End& end) {
  if (std::exchange(finished_, true)) return;
  callbacks_.end(end);
}

void RemoteSource::on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch,
                              std::size_t first) {
  if (!message.problem.empty()) {
    if (message.type == MessageType::status) return;  // about the replay as a whole: of no exchange, and not recorded
    constexpr std::size_t kShown = 120;
    callbacks_.note(message.problem + ": " + std::string(text.substr(0, kShown)));
    return;
  }
  if (message.type == MessageType::error) {
    finish({true, true, message.message});
    return;
  }
  if (!message.epoch.empty() && message.epoch != epoch_) {
    const bool again = !epoch_.empty() && !lost_because_.empty();
    epoch_ = message.epoch;
    if (again) on_new_epoch(message.ts, batch, first);
  }
  if (message.type == MessageType::initial_data) drop_known_tickers(batch, first);
  // A server that started anew says "another epoch" for each topic; on_new_epoch has said it once for all.
  if (message.type == MessageType::gap && batch.events()[first].gap().reason == kOtherEpoch) {
    batch.truncate(first);
    return;
  }
  // What the server computes itself is no event of what it serves, and would change a recording's digest.
  if (message.type == MessageType::candle && text.find("\"derived\":true") != std::string_view::npos) {
    batch.truncate(first);
    return;
  }
  for (Event& event : batch.events().subspan(first)) note_event(event);
  const bool live = message.type == MessageType::market_update || message.type == MessageType::trades ||
                    message.type == MessageType::book || message.type == MessageType::candle;
  if (live) lost_because_.clear();
}

void RemoteSource::on_new_epoch(Micros resumed_at, EventBatch& batch, std::size_t first) {
  std::string reason = "the server started anew: " + lost_because_;
  for (const std::string& exchange : exchanges_) {
    Gap gap;
    gap.reason = reason;
    gap.from_ts = newest_;
    gap.to_ts = resumed_at;
    batch.append(Event::of(instruments_.get(exchange, ""), std::max(newest_, resumed_at), 0, gap));
  }
  // Before what the message itself brings.
  auto events = batch.events().subspan(first);
  std::rotate(events.begin(), events.end() - static_cast<std::ptrdiff_t>(exchanges_.size()), events.end());
  tickers_.clear();
  lost_because_.clear();
}

void RemoteSource::drop_known_tickers(EventBatch& batch, std::size_t first) {
  auto events = batch.events().subspan(first);
  const auto end = std::remove_if(events.begin(), events.end(), [this](const Event& event) {
    if (event.kind != Kind::ticker) return false;
    const auto known = tickers_.find(event.instrument->id);
    return known != tickers_.end() && event.recv_ts <= known->second;
  });
  batch.truncate(first + static_cast<std::size_t>(end - events.begin()));
}

void RemoteSource::note_event(Event& event) {
  newest_ = std::max(newest_, event.recv_ts);
  if (event.kind == Kind::ticker) tickers_[event.instrument->id] = event.recv_ts;
  if (!exchanges_.contains(event.instrument->exchange)) exchanges_.emplace(event.instrument->exchange);
  if (event.kind == Kind::gap) {
    // What this client lost, its recording lacks for good.
    auto gap = event.gap();
    if (!gap.client) return;
    gap.client = false;
    if (gap.from_ts == 0 && !lost_because_.empty()) gap.from_ts = newest_;
    if (event.recv_ts == 0) event.recv_ts = newest_;
    *const_cast<Gap*>(static_cast<const Gap*>(event.body)) = gap;  // our own batch, not frozen yet
  }
}

void RemoteSource::on_events(std::unique_ptr<EventBatch>& batch) {
  if (finished_) return;
  if (!callbacks_.publish(std::move(batch))) finish({});
}

void RemoteSource::on_link(const RemoteLink& link) {
  switch (link.state) {
    case RemoteLink::State::connecting:
      return;
    case RemoteLink::State::up:
      callbacks_.note("connected to " + name());
      return;
    case RemoteLink::State::ended:
      finish({false, false, link.reason});
      return;
    case RemoteLink::State::failed:
      finish({true, false, link.reason});
      return;
    case RemoteLink::State::waiting:
      break;
  }
  callbacks_.note(link.reason + "; next attempt in " +
                  std::to_string(std::chrono::ceil<std::chrono::seconds>(link.retry_in).count()) + " s");
  if (callbacks_.lost && !finished_) callbacks_.lost(link.reason);
  if (finished_ || !lost_because_.empty() || exchanges_.empty()) return;
  lost_because_ = link.reason;
  auto batch = std::make_unique<EventBatch>();
  for (const std::string& exchange : exchanges_) {
    Status status;
    status.state = FeedState::down;
    status.reason = link.reason;
    batch->append(Event::of(instruments_.get(exchange, ""), newest_, 0, status));
  }
  if (!callbacks_.publish(std::move(batch))) finish({});
}

}  // namespace bixws::feed
