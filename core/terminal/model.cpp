// SPDX-License-Identifier: Apache-2.0
// Model: events folded into the newest values.
#include "terminal/model.h"

#include <algorithm>

#include "model/event_json.h"
#include "model/symbol.h"
#include "terminal/numbers.h"

namespace bixws::terminal {
namespace {

std::string full_name(const Instrument& instrument) {
  return std::string(instrument.exchange) + ":" + std::string(instrument.symbol);
}

/// A label without what people may write differently: "kraken:btc-usd" and "kraken:BTCUSD" are one.
std::string same_spelling(std::string_view label) {
  const auto colon = label.find(':');
  if (colon == std::string_view::npos) return symbol_key(label);
  return std::string(label.substr(0, colon + 1)) + symbol_key(label.substr(colon + 1));
}

void widen(int& decimals, const Decimal& number) { decimals = std::max(decimals, decimals_of(number)); }

void add_trades(std::deque<TradeLine>& lines, Row& row, const Event& event) {
  for (const Trade& trade : event.trades().list) {
    lines.push_back({trade.price, trade.size, trade.side, trade.ts != 0 ? trade.ts : event.recv_ts, event.recv_ts});
    widen(row.decimals, trade.price);
    widen(row.size_decimals, trade.size);
  }
}

void keep_newest(Row& row) {
  while (row.trades.size() > Model::kTradesKept) row.trades.pop_front();
  row.trades_since_asked = std::min(row.trades_since_asked, row.trades.size());
}

}  // namespace

void Trend::add(Micros ts, double value) {
  if (values_.empty()) {
    newest_ = ts - ts % step_;
    values_.push_back(value);
    return;
  }
  if (ts < newest_) return;
  Micros steps = (ts - newest_) / step_;
  while (steps > 0 && values_.size() + static_cast<std::size_t>(steps) > kPoints && step_ < kLargestStep) {
    // Every second value is kept, the newest always.
    std::vector<double> half;
    for (std::size_t i = values_.size() % 2 == 0 ? 1 : 0; i < values_.size(); i += 2) half.push_back(values_[i]);
    values_ = std::move(half);
    step_ *= 2;
    newest_ -= newest_ % step_;
    steps = std::max<Micros>((ts - newest_) / step_, 0);
  }
  // Through silence the last value stands; a jump of hours (a seek) starts anew.
  if (steps > static_cast<Micros>(kPoints)) {
    values_.clear();
    newest_ = ts - ts % step_;
    values_.push_back(value);
    return;
  }
  for (Micros i = 1; i < steps; ++i) values_.push_back(values_.back());
  if (steps > 0) {
    values_.push_back(value);
    newest_ += steps * step_;
  } else {
    values_.back() = value;
  }
  if (values_.size() > kPoints) {
    values_.erase(values_.begin(), values_.end() - static_cast<std::ptrdiff_t>(kPoints));
  }
}

void RateMeter::add(Micros now, std::uint64_t count) {
  const std::int64_t second = now / 1'000'000;
  if (second > newest_) {
    const std::int64_t skipped = std::min<std::int64_t>(second - newest_, static_cast<std::int64_t>(buckets_.size()));
    for (std::int64_t i = 0; i < skipped; ++i) {
      buckets_[static_cast<std::size_t>(second - i) % buckets_.size()] = 0;
    }
    newest_ = second;
  }
  buckets_[static_cast<std::size_t>(newest_) % buckets_.size()] += count;
}

double RateMeter::per_second(Micros now) const {
  // Whole seconds only: the running one would make the figure jump.
  const std::int64_t second = now / 1'000'000;
  std::uint64_t total = 0;
  for (std::int64_t s = second - kSeconds; s < second; ++s) {
    if (s >= 0 && s <= newest_ && newest_ - s < static_cast<std::int64_t>(buckets_.size())) {
      total += buckets_[static_cast<std::size_t>(s) % buckets_.size()];
    }
  }
  return static_cast<double>(total) / static_cast<double>(kSeconds);
}

std::string Model::label_of(const Instrument& instrument) const {
  if (plain_exchange_.empty() || instrument.exchange == plain_exchange_) return std::string(instrument.symbol);
  return full_name(instrument);
}

void Model::expect(std::string_view label) {
  std::erase(removed_, label);
  if (find(label) != nullptr) return;
  Row row;
  row.label = label;
  rows_.push_back(std::move(row));
}

void Model::remove(std::string_view label) {
  if (find(label) == nullptr) return;
  std::erase_if(rows_, [&](const Row& row) { return row.label == label; });
  removed_.emplace_back(label);
  row_by_id_.clear();
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (rows_[i].instrument != nullptr) row_by_id_[rows_[i].instrument->id] = i;
  }
}

void Model::set_plain_exchange(std::string_view exchange) {
  if (plain_exchange_ == exchange) return;
  plain_exchange_ = exchange;
  for (Row& row : rows_) {
    if (row.instrument != nullptr) row.label = label_of(*row.instrument);
  }
}

const Row* Model::find(std::string_view label) const {
  const auto at = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) { return row.label == label; });
  return at == rows_.end() ? nullptr : &*at;
}

Row* Model::row_of(const Instrument& instrument) {
  const auto known = row_by_id_.find(instrument.id);
  if (known != row_by_id_.end()) return &rows_[known->second];
  const std::string label = label_of(instrument);
  if (std::find(removed_.begin(), removed_.end(), label) != removed_.end()) return nullptr;
  auto at = std::find_if(rows_.begin(), rows_.end(), [&](const Row& row) {
    if (row.instrument != nullptr) return false;
    const std::string expected = same_spelling(row.label);
    return expected == same_spelling(label) || expected == same_spelling(full_name(instrument));
  });
  if (at == rows_.end()) at = rows_.emplace(rows_.end());
  at->instrument = &instrument;
  at->label = label;
  row_by_id_[instrument.id] = static_cast<std::size_t>(at - rows_.begin());
  return &*at;
}

void Model::apply(std::span<const Event> events, Micros now) {
  Micros newest = 0;
  for (const Event& event : events) newest = std::max(newest, event.recv_ts);
  bool data = false;
  for (const Event& event : events) {
    if (event.kind == Kind::raw) continue;
    ++events_;
    if (event.kind == Kind::status) {
      apply_status(event, now);
      continue;
    }
    if (event.kind == Kind::gap) {
      apply_gap(event, now);
      continue;
    }
    if (event.kind == Kind::alert) {
      notify("alert " + label_of(*event.instrument) + ": " + std::string(event.mark().text), now);
      continue;
    }
    if (event.kind == Kind::annotation) continue;
    Row* row = row_of(*event.instrument);
    if (row == nullptr) continue;
    data = true;
    if (event.kind == Kind::ticker) apply_ticker(*row, event, now, newest);
    if (event.kind == Kind::trades) apply_trades(*row, event, now);
    if (event.kind == Kind::book) apply_book(*row, event, now);
    if (event.kind == Kind::candle) apply_candle(*row, event.candle(), false);
  }
  meter_.add(now, events.size());
  if (data && newest > 0) lag_us_ = now - newest;
}

void Model::apply_ticker(Row& row, const Event& event, Micros now, Micros newest) {
  const Ticker& t = event.ticker();
  if (t.price.has_value()) {
    if (row.ticker.price.has_value() && row.ticker.price != t.price) {
      row.direction = row.ticker.price < t.price ? 1 : -1;
      row.changed_at = now;
    }
    row.trend.add(event.recv_ts, t.price.to_double());
  }
  // A server's tickers are whole; what is missing in one is not known any more.
  row.ticker = t;
  row.has_ticker = true;
  row.ts = event.ts;
  // In a snapshot some values are older than its newest one.
  row.updated_at = now - std::max<Micros>(newest - event.recv_ts, 0);
  row.heard_at = now;
  widen(row.decimals, t.price);
  widen(row.decimals, t.bid);
  widen(row.decimals, t.ask);
  widen(row.size_decimals, t.bid_size);
  widen(row.size_decimals, t.ask_size);
}

void Model::apply_trades(Row& row, const Event& event, Micros now) {
  add_trades(row.trades, row, event);
  row.trades_since_asked += event.trades().list.size();
  keep_newest(row);
  row.trades_at = now;
}

void Model::apply_book(Row& row, const Event& event, Micros now) {
  const BookChange& change = event.book();
  row.book.apply(change);
  row.has_book = true;
  row.book_state = change.state;
  row.book_ts = event.ts != 0 ? event.ts : event.recv_ts;
  row.book_at = now;
  for (const auto& side : {change.bids, change.asks}) {
    for (const Level& level : side) {
      widen(row.decimals, level.price);
      widen(row.size_decimals, level.size);
    }
  }
}

void Model::apply_candle(Row& row, const Candle& candle, bool history) {
  auto& list = row.candles[candle.seconds];
  auto at = list.end();
  while (at != list.begin() && (at - 1)->open_ts >= candle.open_ts) --at;
  if (at != list.end() && at->open_ts == candle.open_ts) {
    const bool newer = !history || (candle.closed && !at->closed);
    if (newer) *at = candle;
  } else {
    list.insert(at, candle);
  }
  if (list.size() > kCandlesKept) list.pop_front();
  for (const Decimal& price : {candle.open, candle.high, candle.low, candle.close}) widen(row.decimals, price);
}

void Model::take_history(std::span<const Event> events) {
  for (const Event& event : events) {
    Row* row = row_of(*event.instrument);
    if (row == nullptr) continue;
    if (event.kind == Kind::candle) apply_candle(*row, event.candle(), true);
    if (event.kind == Kind::trades) return add_past_trades(*row, events);
  }
}

void Model::ask_for_trades(std::string_view label) {
  for (Row& row : rows_) {
    if (row.label == label) row.trades_since_asked = 0;
  }
}

void Model::forget_past() {
  for (Row& row : rows_) {
    row.trades.clear();
    row.trades_since_asked = 0;
    row.candles.clear();
  }
}

/// All of one symbol, up to some moment after they were asked for. The trades of one frame came together, so those of
/// the oldest frame since then are known, all of them.
void Model::add_past_trades(Row& row, std::span<const Event> events) {
  const auto since = row.trades.end() - static_cast<std::ptrdiff_t>(row.trades_since_asked);
  const Micros known_from = since == row.trades.end() ? INT64_MAX : since->recv_ts;
  std::deque<TradeLine> lines;
  for (const Event& event : events) {
    if (event.kind == Kind::trades && event.recv_ts < known_from) add_trades(lines, row, event);
  }
  if (lines.empty()) return;
  lines.insert(lines.end(), since, row.trades.end());
  row.trades = std::move(lines);
  keep_newest(row);
}

void Model::apply_status(const Event& event, Micros now) {
  const Status& status = event.status();
  if (status.replay != nullptr) {
    const ReplayPosition& p = *status.replay;
    replay_ = ReplayLine{p.session, p.position, p.speed, std::string(p.state)};
  }
  const Instrument& instrument = *event.instrument;
  if (!instrument.symbol.empty()) {
    if (Row* row = row_of(instrument); row != nullptr) {
      if (status.state != FeedState::none) row->state = status.state;
      if (status.integrity != Integrity::none) row->integrity = status.integrity;
    }
  } else {
    FeedLine& feed = feeds_[std::string(instrument.exchange)];
    if (status.state != FeedState::none) feed.state = status.state;
    feed.reason = status.reason;
    if (status.lag_us != kUnknown) feed.lag_us = status.lag_us;
    if (status.skew_us != kUnknown) feed.skew_us = status.skew_us;
  }
  const bool trouble = status.state == FeedState::down || status.state == FeedState::stale ||
                       status.state == FeedState::resyncing || status.state == FeedState::ended;
  if (trouble) {
    const std::string who = instrument.symbol.empty() ? std::string(instrument.exchange) : label_of(instrument);
    std::string text = who + " " + std::string(name_of(status.state));
    if (!status.reason.empty()) text += ": " + std::string(status.reason);
    notify(std::move(text), now);
  }
}

void Model::apply_gap(const Event& event, Micros now) {
  const Gap& gap = event.gap();
  if (gap.client) {
    drops_ += gap.lost > 0 ? static_cast<std::uint64_t>(gap.lost) : 1;
  } else {
    ++gaps_;
  }
  std::string who(event.instrument->exchange);
  if (!event.instrument->symbol.empty()) {
    who = label_of(*event.instrument);
    if (Row* row = row_of(*event.instrument); row != nullptr) ++row->gaps;
  }
  std::string text = "gap " + who;
  if (gap.channel != Channel::none) text += " " + std::string(name_of(gap.channel));
  if (gap.lost != kUnknown) text += ", " + std::to_string(gap.lost) + " lost";
  if (!gap.reason.empty()) text += ": " + std::string(gap.reason);
  notify(std::move(text), now);
}

void Model::set_link(Link link, Micros now) {
  if (link.state == LinkState::up && link_.state != LinkState::up) link.since = now;
  if (link.state == LinkState::up && link_.state == LinkState::up) link.since = link_.since;
  link_ = std::move(link);
}

void Model::notify(std::string text, Micros now) { notice_ = {std::move(text), now}; }

bool Model::stale(const Row& row, Micros now) const {
  if (link_.state != LinkState::up || row.heard_at < link_.since) return true;
  const auto troubled = [](FeedState state) {
    return state == FeedState::stale || state == FeedState::down || state == FeedState::connecting ||
           state == FeedState::ended;
  };
  if (troubled(row.state)) return true;
  if (row.instrument != nullptr) {
    const auto feed = feeds_.find(row.instrument->exchange);
    if (feed != feeds_.end() && troubled(feed->second.state)) return true;
  }
  return now - row.updated_at >= kOld;
}

}  // namespace bixws::terminal
