// SPDX-License-Identifier: Apache-2.0
// DerivedCandles: one base series of minutes; larger timeframes are the finished minutes of a bucket plus the current
// one, so that an event inside a minute costs the same whatever the number of timeframes.
#include "market/derived_candles.h"

#include <algorithm>

namespace bixws::market {
namespace {

constexpr Micros kSecond = 1'000'000;

Micros bucket_start(Micros ts, std::int32_t seconds) {
  const Micros width = seconds * kSecond;
  const Micros rest = ts % width;
  return ts - (rest < 0 ? rest + width : rest);
}

Decimal from_mantissa(int128_t mantissa, int exponent) {
  Decimal sum;
  sum.negative = mantissa < 0;
  const auto magnitude = static_cast<uint128_t>(mantissa < 0 ? -mantissa : mantissa);
  if ((magnitude >> 96) != 0) return {};
  sum.low = static_cast<std::uint64_t>(magnitude);
  sum.high = static_cast<std::uint32_t>(magnitude >> 64);
  sum.exponent = static_cast<std::int8_t>(exponent);
  sum.present = 1;
  return sum;
}

bool scale_up(int128_t& mantissa, int places) {
  for (; places > 0; --places) {
    if (__builtin_mul_overflow(mantissa, int128_t{10}, &mantissa)) return false;
  }
  return true;
}

/// `later` continues `into`, which is of the same bucket.
void extend(Candle& into, const Candle& later) {
  if (into.high < later.high) into.high = later.high;
  if (later.low < into.low) into.low = later.low;
  into.close = later.close;
  into.volume = add(into.volume, later.volume);
}

bool complete(const Candle& c) {
  return c.open.has_value() && c.high.has_value() && c.low.has_value() && c.close.has_value();
}

}  // namespace

Decimal add(const Decimal& a, const Decimal& b) {
  if (!a.has_value() || !b.has_value()) return {};
  const int exponent = std::min<int>(a.exponent, b.exponent);
  int128_t x = a.mantissa();
  int128_t y = b.mantissa();
  int128_t sum = 0;
  if (!scale_up(x, a.exponent - exponent) || !scale_up(y, b.exponent - exponent)) return {};
  if (__builtin_add_overflow(x, y, &sum)) return {};
  return from_mantissa(sum, exponent);
}

bool DerivedCandles::derives(std::size_t timeframe) const {
  return (own_ >> timeframe & 1U) == 0 && (timeframe != 0 || !from_candles_);
}

Candle DerivedCandles::whole(std::size_t timeframe, const Series& series) const {
  Candle candle = minute_;
  if (series.has_past) {
    candle = series.past;
    extend(candle, minute_);
  }
  candle.seconds = kTimeframes[timeframe];
  candle.open_ts = series.open_ts;
  candle.closed = series.closed;
  return candle;
}

void DerivedCandles::begin_minute(const Candle& minute) {
  for (std::size_t i = 0; i < kTimeframeCount; ++i) {
    Series& series = series_[i];
    const Micros open_ts = bucket_start(minute.open_ts, kTimeframes[i]);
    if (series.started && has_minute_) {
      if (series.open_ts == open_ts) {
        if (series.has_past) {
          extend(series.past, minute_);
        } else {
          series.past = minute_;
          series.has_past = true;
        }
        continue;
      }
      if (!series.closed) {
        series.closed = true;
        series.listed.push_back({whole(i, series), steps_ + ++series.extra});
      }
    }
    series.started = true;
    series.has_past = false;
    series.closed = false;
    series.open_ts = open_ts;
  }
}

void DerivedCandles::step(const Candle& minute) {
  const bool next = !has_minute_ || minute.open_ts != minute_.open_ts;
  if (next) begin_minute(minute);
  minute_ = minute;
  has_minute_ = true;
  ++steps_;
  for (std::size_t i = 0; i < kTimeframeCount; ++i) {
    Series& series = series_[i];
    if (minute.closed) series.closed = minute.open_ts + 60 * kSecond == series.open_ts + kTimeframes[i] * kSecond;
    if (kind_ == Change::listed) series.listed.push_back({whole(i, series), steps_ + series.extra});
  }
}

void DerivedCandles::apply(const Candle& candle, Micros recv_ts) {
  kind_ = Change::none;
  if (candle.seconds != kTimeframes[0]) {
    const auto at = std::find(kTimeframes.begin(), kTimeframes.end(), candle.seconds);
    if (at != kTimeframes.end()) own_ |= 1U << (at - kTimeframes.begin());
    return;
  }
  if (!complete(candle)) return;
  if (!from_candles_) {  // what trades had begun is not the exchange's candle: start over
    from_candles_ = true;
    has_minute_ = false;
    for (Series& series : series_) series.started = series.has_past = series.closed = false;
  }
  if (has_minute_ && candle.open_ts < minute_.open_ts) return;  // history
  for (Series& series : series_) series.listed.clear();
  kind_ = has_minute_ && candle.open_ts == minute_.open_ts ? Change::simple : Change::listed;
  recv_ts_ = recv_ts;
  step(candle);
}

void DerivedCandles::apply(const Trades& trades, Micros recv_ts) {
  kind_ = Change::none;
  if (from_candles_ || trades.history) return;
  bool began = false;
  const auto begin = [&](Change kind) {
    if (!began) {
      for (Series& series : series_) series.listed.clear();
    }
    began = true;
    recv_ts_ = recv_ts;
    if (kind_ != Change::listed) kind_ = kind;
  };
  // The trades of one frame that fall into one minute make one step.
  Candle pending;
  bool has_pending = false;
  const auto flush = [&] {
    if (has_pending) step(pending);
    has_pending = false;
  };
  for (const Trade& trade : trades.list) {
    if (!trade.price.has_value() || !trade.size.has_value()) continue;
    const Micros open_ts = bucket_start(trade.ts != 0 ? trade.ts : recv_ts, kTimeframes[0]);
    const Micros current = has_pending ? pending.open_ts : has_minute_ ? minute_.open_ts : open_ts;
    if (open_ts < current) continue;  // its candle is closed already
    if (open_ts > current || (!has_pending && !has_minute_)) {
      begin(Change::listed);
      flush();
      if (has_minute_ && !minute_.closed) {
        Candle closed = minute_;
        closed.closed = true;
        step(closed);
      }
      pending = {kTimeframes[0], open_ts, trade.price, trade.price, trade.price, trade.price, trade.size, false};
      has_pending = true;
      continue;
    }
    if (!has_pending) {
      begin(Change::simple);
      pending = minute_;
      has_pending = true;
    }
    extend(pending, {kTimeframes[0], open_ts, trade.price, trade.price, trade.price, trade.price, trade.size, false});
  }
  flush();
}

void DerivedCandles::changes(std::size_t timeframe, std::vector<NumberedCandle>& out) const {
  if (kind_ == Change::none || !derives(timeframe)) return;
  const Series& series = series_[timeframe];
  if (kind_ == Change::simple) {
    out.push_back({whole(timeframe, series), steps_ + series.extra});
    return;
  }
  out.insert(out.end(), series.listed.begin(), series.listed.end());
}

bool DerivedCandles::current(std::size_t timeframe, NumberedCandle& out) const {
  const Series& series = series_[timeframe];
  if (!series.started || !has_minute_ || !derives(timeframe)) return false;
  out = {whole(timeframe, series), steps_ + series.extra};
  return true;
}

}  // namespace bixws::market
