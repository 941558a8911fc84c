// SPDX-License-Identifier: Apache-2.0
// SimSymbol: a random walk that keeps coming back, an order book around it, trades at its best prices.
#include <algorithm>
#include <charconv>

#include "sim_market.h"

namespace bixws::sim {
namespace {

constexpr std::int64_t kFine = 256;                     // parts of a tick the walk is counted in
constexpr std::int64_t kReturnMicros = 21'600'000'000;  // six hours: how slowly the walk comes back
constexpr Micros kMinute = 60'000'000;
constexpr Micros kQuarterHour = 15 * kMinute;
constexpr std::size_t kQuartersADay = 96;
constexpr std::int64_t kTradesADay = 60'000;  // what the made-up day before the start is filled with

std::int64_t square_root(std::int64_t value) {
  std::int64_t root = 0;
  for (std::int64_t bit = std::int64_t{1} << 31; bit != 0; bit >>= 1) {
    if ((root + bit) * (root + bit) <= value) root += bit;
  }
  return root;
}

/// Of a mantissa of more than 64 bits: turnover of a day in a weak currency.
Decimal decimal_of(int128_t mantissa, int exponent) {
  Decimal d = Decimal::of(0, exponent);
  const auto magnitude = static_cast<uint128_t>(mantissa);
  d.low = static_cast<std::uint64_t>(magnitude);
  d.high = static_cast<std::uint32_t>(magnitude >> 64);
  return d;
}

}  // namespace

SimSymbol::SimSymbol(const Terms& terms, const Instrument& instrument, std::uint64_t seed, std::uint32_t depth,
                     Micros start, Micros step_interval)
    : terms_(terms),
      instrument_(&instrument),
      random_(seed),
      depth_(depth),
      walk_(terms.price * kFine),
      interval_(std::clamp<std::int64_t>(step_interval, 1, 3'600'000'000)) {
  // One part in 10,000 of the price per second and root of time: about 3 % a day.
  deviation_ = std::max<std::int64_t>(1, walk_ * square_root(interval_) / 10'000'000);
  gap_ = std::max<std::int64_t>(1, terms.price / 30'000);
  trade_id_ = static_cast<std::uint64_t>(1'000'000 + random_.below(9'000'000));

  // A day of history, walked backwards from now.
  std::int64_t price = terms.price;
  for (std::size_t i = 0; i < kQuartersADay; ++i) {
    const std::int64_t before = std::max<std::int64_t>(1, price + random_.bell(std::max<std::int64_t>(1, price / 400)));
    const std::int64_t reach = std::max<std::int64_t>(1, price / 500);
    Quarter quarter;
    quarter.open = before;
    quarter.high = std::max(price, before) + random_.below(reach);
    quarter.low = std::max<std::int64_t>(1, std::min(price, before) - random_.below(reach));
    quarter.volume =
        terms.lot * kTradesADay / static_cast<std::int64_t>(kQuartersADay) * (50 + random_.below(100)) / 100;
    quarter.turnover = static_cast<int128_t>(quarter.volume) * (price + before) / 2;
    day_.push_front(quarter);
    price = before;
  }
  last_ = terms.price;
  quarter_ = start / kQuarterHour - 1;
  roll_day(start);

  move();
  bid_changes_.clear();
  ask_changes_.clear();
}

std::int64_t SimSymbol::some_lots() {
  // Mostly small, now and then ten times as much.
  const std::int64_t scale = random_.below(10) == 0 ? 10 : 1;
  return 1 + random_.below(terms_.lot * 2) * scale;
}

Micros SimSymbol::exchange_time(Micros due) {
  // An exchange far away: 8 to 20 ms before we see it, never backwards.
  last_exchange_time_ = std::max(last_exchange_time_ + 1, due - 8'000 - random_.below(12'000));
  return last_exchange_time_;
}

void SimSymbol::set(std::vector<Row>& changes, std::int64_t tick, std::int64_t lots) {
  for (Row& row : changes) {
    if (row.tick == tick) {
      row.lots = lots;
      return;
    }
  }
  changes.push_back({tick, lots});
}

/// Makes one side end at `best` (the best price it may have), keeps it dense at the top and `depth_` levels deep.
/// `direction`: +1 for asks, whose prices grow away from the top; -1 for bids.
void SimSymbol::fit_side(std::vector<Row>& rows, std::vector<Row>& changes, std::int64_t best, int direction) {
  const auto beyond = [&](std::int64_t tick) { return (tick - best) * direction < 0; };
  std::size_t gone = 0;
  while (gone < rows.size() && beyond(rows[gone].tick)) set(changes, rows[gone++].tick, 0);
  rows.erase(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(gone));

  if (rows.empty() || (rows.front().tick - best) * direction > gap_) {
    const Row row{best + direction * random_.below(gap_), some_lots()};
    rows.insert(rows.begin(), row);
    set(changes, row.tick, row.lots);
  }
  // Somebody changes an order, mostly near the top.
  for (std::int64_t i = random_.below(3); i >= 0; --i) {
    const auto reach = random_.below(static_cast<std::int64_t>(rows.size()));
    Row& row = rows[static_cast<std::size_t>(random_.below(reach + 1))];
    row.lots = some_lots();
    set(changes, row.tick, row.lots);
  }
  for (; rows.size() > depth_; rows.pop_back()) set(changes, rows.back().tick, 0);
  while (rows.size() < depth_) {
    const std::int64_t tick = rows.back().tick + direction * (1 + random_.below(2 * gap_));
    if (tick <= 0) break;  // a bid cannot be lower
    rows.push_back({tick, some_lots()});
    set(changes, tick, rows.back().lots);
  }
}

void SimSymbol::move() {
  const std::int64_t home = terms_.price * kFine;
  walk_ += random_.bell(deviation_) +
           static_cast<std::int64_t>(static_cast<int128_t>(home - walk_) * interval_ / kReturnMicros);
  walk_ = std::clamp(walk_, home / 2, home * 2);
  const std::int64_t middle = walk_ / kFine;
  bid_changes_.clear();
  ask_changes_.clear();
  fit_side(bids_, bid_changes_, middle, -1);
  fit_side(asks_, ask_changes_, middle + 1, +1);
}

void SimSymbol::trade(Micros due) {
  prints_.clear();
  const bool buy = random_.below(2) == 0;
  const std::vector<Row>& rows = buy ? asks_ : bids_;
  const std::size_t prints = random_.below(7) == 0 ? static_cast<std::size_t>(2 + random_.below(2)) : 1;
  for (std::size_t i = 0; i < std::min(prints, rows.size()); ++i) {
    prints_.push_back({rows[i].tick, some_lots(), buy});
    count(prints_.back(), due);
  }
}

void SimSymbol::count(const Print& print, Micros due) {
  roll_day(due);
  last_ = print.tick;
  Quarter& now = day_.back();
  now.high = std::max(now.high, print.tick);
  now.low = std::min(now.low, print.tick);
  now.volume += print.lots;
  now.turnover += static_cast<int128_t>(print.lots) * print.tick;

  Bar& bar = open_candle_;
  const Micros minute = due / kMinute * kMinute;
  if (bar.open_ts != minute) bar = {minute, print.tick, print.tick, print.tick, print.tick, 0};
  bar.high = std::max(bar.high, print.tick);
  bar.low = std::min(bar.low, print.tick);
  bar.close = print.tick;
  bar.volume += print.lots;
}

bool SimSymbol::close_candle(Micros due) {
  if (open_candle_.open_ts == 0 || open_candle_.open_ts == due / kMinute * kMinute) return false;
  closed_candle_ = open_candle_;
  open_candle_ = {};
  return true;
}

void SimSymbol::roll_day(Micros due) {
  const std::int64_t quarter = due / kQuarterHour;
  if (quarter <= quarter_) return;
  // After a long silence all of the day is gone; more rounds would change nothing.
  for (std::int64_t n = std::min<std::int64_t>(quarter - quarter_, kQuartersADay); n > 0; --n) {
    day_.pop_front();
    day_.push_back({last_, last_, last_, 0, 0});
  }
  quarter_ = quarter;
  high_before_ = volume_before_ = 0;
  low_before_ = INT64_MAX;
  turnover_before_ = 0;
  for (std::size_t i = 0; i + 1 < day_.size(); ++i) {
    high_before_ = std::max(high_before_, day_[i].high);
    low_before_ = std::min(low_before_, day_[i].low);
    volume_before_ += day_[i].volume;
    turnover_before_ += day_[i].turnover;
  }
}

Level SimSymbol::level(const Row& row) const { return {price(row.tick), size(row.lots)}; }

void SimSymbol::fill_snapshot(Slot& slot, Micros due) {
  slot.bids.clear();
  slot.asks.clear();
  for (const Row& row : bids_) slot.bids.push_back(level(row));
  for (const Row& row : asks_) slot.asks.push_back(level(row));
  slot.book = {BookAction::snapshot, FeedState::live, 0, slot.bids, slot.asks};
  slot.event = Event::of(*instrument_, due, exchange_time(due), slot.book);
}

void SimSymbol::fill_book(Slot& slot, Micros due) {
  slot.bids.clear();
  slot.asks.clear();
  for (const Row& row : bid_changes_) slot.bids.push_back(level(row));
  for (const Row& row : ask_changes_) slot.asks.push_back(level(row));
  slot.book = {BookAction::update, FeedState::live, 0, slot.bids, slot.asks};
  slot.event = Event::of(*instrument_, due, exchange_time(due), slot.book);
}

void SimSymbol::fill_trades(Slot& slot, Micros due) {
  const Micros ts = exchange_time(due);
  slot.trade_list.clear();
  slot.ids.resize(prints_.size());
  for (std::size_t i = 0; i < prints_.size(); ++i) {
    char* const text = slot.ids[i].data();
    const char* const end = std::to_chars(text, text + slot.ids[i].size(), trade_id_++).ptr;
    slot.trade_list.push_back({price(prints_[i].tick), size(prints_[i].lots), prints_[i].buy ? Side::buy : Side::sell,
                               Text(text, static_cast<std::size_t>(end - text)), ts});
  }
  slot.trades = {slot.trade_list, false};
  slot.event = Event::of(*instrument_, due, ts, slot.trades);
}

void SimSymbol::fill_ticker(Slot& slot, Micros due) {
  roll_day(due);
  const Quarter& now = day_.back();
  const std::int64_t open = day_.front().open;
  Ticker& t = slot.ticker;
  t.price = price(last_);
  t.bid = price(bids_.front().tick);
  t.bid_size = size(bids_.front().lots);
  t.ask = price(asks_.front().tick);
  t.ask_size = size(asks_.front().lots);
  t.open_24h = price(open);
  t.high_24h = price(std::max(high_before_, now.high));
  t.low_24h = price(std::min(low_before_, now.low));
  t.volume_24h = size(volume_before_ + now.volume);
  t.quote_volume_24h = decimal_of(turnover_before_ + now.turnover, terms_.tick_exponent + terms_.lot_exponent);
  t.change_24h = Decimal::of((last_ - open) * 100'000 / open, -3);
  slot.event = Event::of(*instrument_, due, exchange_time(due), t);
}

void SimSymbol::fill_bar(Slot& slot, const Bar& bar, bool closed, Micros due) const {
  slot.candle = {
      60, bar.open_ts, price(bar.open), price(bar.high), price(bar.low), price(bar.close), size(bar.volume), closed};
  slot.event = Event::of(*instrument_, due, 0, slot.candle);
}

void SimSymbol::fill_candle(Slot& slot, Micros due) const { fill_bar(slot, open_candle_, false, due); }
void SimSymbol::fill_closed(Slot& slot, Micros due) const { fill_bar(slot, closed_candle_, true, due); }

}  // namespace bixws::sim
