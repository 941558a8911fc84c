// SPDX-License-Identifier: Apache-2.0
// PastCandles: three series of buckets, joined when they are wanted.
#include "recording/past_candles.h"

#include <algorithm>

#include "market/derived_candles.h"

namespace bixws::recording {
namespace {

constexpr std::int32_t kMinute = 60;

/// Buckets begin at multiples of the timeframe since 1970 UTC, as those of the live candles do.
Micros bucket_start(Micros ts, std::int32_t seconds) {
  const Micros width = Micros{seconds} * 1'000'000;
  const Micros rest = ts % width;
  return ts - (rest < 0 ? rest + width : rest);
}

/// `later` continues `into`.
void continue_with(Candle& into, const Candle& later) {
  if (into.high < later.high) into.high = later.high;
  if (later.low < into.low) into.low = later.low;
  into.close = later.close;
  into.volume = market::add(into.volume, later.volume);
}

}  // namespace

void PastCandles::extend(Series& series, const Candle& piece, Micros recv_ts) const {
  const Micros open_ts = bucket_start(piece.open_ts, seconds_);
  const auto [at, made] = series.try_emplace(open_ts);
  if (made) {
    at->second.candle = piece;
    at->second.candle.seconds = seconds_;
    at->second.candle.open_ts = open_ts;
  } else {
    continue_with(at->second.candle, piece);
  }
  at->second.recv_ts = std::max(at->second.recv_ts, recv_ts);
}

void PastCandles::add(std::span<const Event* const> events, bool before) {
  Series own;
  Series minutes;
  Series traded;
  for (const Event* event : events) {
    if (event->kind == Kind::candle) {
      const Candle& candle = event->candle();
      newest_ = std::max(newest_, candle.open_ts);
      if (candle.seconds == seconds_) own[candle.open_ts] = {candle, event->recv_ts};
      if (candle.seconds == kMinute && seconds_ != kMinute) minutes[candle.open_ts] = {candle, event->recv_ts};
    } else if (event->kind == Kind::trades && !event->trades().history) {
      for (const Trade& trade : event->trades().list) {
        if (!trade.price.has_value() || !trade.size.has_value()) continue;
        const Micros ts = trade.ts != 0 ? trade.ts : event->recv_ts;
        newest_ = std::max(newest_, ts);
        extend(traded, {seconds_, ts, trade.price, trade.price, trade.price, trade.price, trade.size, false},
               event->recv_ts);
      }
    }
  }
  join(own_, own, before, false);
  join(minutes_, minutes, before, false);
  join(traded_, traded, before, true);
}

void PastCandles::join(Series& into, const Series& part, bool before, bool sums) {
  for (const auto& [open_ts, made] : part) {
    const auto [at, fresh] = into.try_emplace(open_ts, made);
    if (fresh) continue;
    Made& known = at->second;
    if (!sums) {  // the later message about a candle says all of it
      if (!before) known = made;
      continue;
    }
    Made first = before ? made : known;
    continue_with(first.candle, before ? known.candle : made.candle);
    first.recv_ts = std::max(known.recv_ts, made.recv_ts);
    known = first;
  }
}

std::size_t PastCandles::buckets() const {
  const auto minutes = minutes_.size() / static_cast<std::size_t>(std::max(seconds_ / kMinute, 1));
  return std::max({own_.size(), minutes, traded_.size()});
}

PastCandles::Series PastCandles::merged() const {
  Series all = traded_;
  Series from_minutes;
  for (const auto& [open_ts, minute] : minutes_) extend(from_minutes, minute.candle, minute.recv_ts);
  for (const auto& [open_ts, made] : from_minutes) all[open_ts] = made;
  for (auto& [open_ts, made] : all) made.candle.closed = newest_ >= open_ts + Micros{seconds_} * 1'000'000;
  for (const auto& [open_ts, made] : own_) all[open_ts] = made;
  return all;
}

void PastCandles::append_to(EventBatch& into, const Instrument& instrument, Micros from, Micros to) const {
  for (const auto& [open_ts, made] : merged()) {
    if (open_ts >= from && open_ts < to) into.append(Event::of(instrument, made.recv_ts, 0, made.candle));
  }
}

}  // namespace bixws::recording
