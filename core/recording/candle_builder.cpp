// SPDX-License-Identifier: Apache-2.0
// CandleBuilder: open, high, low, close and an exact sum.
#include "recording/candle_builder.h"

namespace bixws::recording {
namespace {

/// `value` times 10^power, false if it gets too long.
bool scale(int128_t& value, int power) noexcept {
  constexpr int128_t kLimit = (int128_t{1} << 120);
  for (; power > 0; --power) {
    if (value > kLimit / 10 || value < -kLimit / 10) return false;
    value *= 10;
  }
  return true;
}

}  // namespace

Decimal add(const Decimal& a, const Decimal& b) noexcept {
  if (!a.has_value() || !b.has_value()) return {};
  if (a.exponent == b.exponent && a.high == 0 && b.high == 0 && a.negative == 0 && b.negative == 0 && a.zeros == 0 &&
      b.zeros == 0 && a.low + b.low >= a.low) {
    Decimal sum = a;
    sum.low += b.low;
    return sum;
  }
  // Zeros that did not fit a mantissa are decimals like others.
  const auto decimals = [](const Decimal& d) { return (d.exponent < 0 ? -d.exponent : 0) + d.zeros; };
  const int exponent = -(decimals(a) > decimals(b) ? decimals(a) : decimals(b));
  int128_t x = a.mantissa();
  int128_t y = b.mantissa();
  if (!scale(x, a.exponent - exponent) || !scale(y, b.exponent - exponent)) return {};
  const int128_t total = x + y;
  const auto magnitude = static_cast<uint128_t>(total < 0 ? -total : total);
  if ((magnitude >> 96) != 0) return {};
  Decimal sum;
  sum.low = static_cast<std::uint64_t>(magnitude);
  sum.high = static_cast<std::uint32_t>(magnitude >> 64);
  sum.exponent = static_cast<std::int8_t>(exponent);
  sum.negative = total < 0 ? 1 : 0;
  sum.present = 1;
  return sum;
}

bool CandleBuilder::add(const Trade& trade, Candle& closed) noexcept {
  const Micros open_ts = trade.ts / interval_ * interval_;
  bool closes = false;
  if (!started_ || open_ts > candle_.open_ts) {
    if (started_) {
      closed = candle_;
      closed.closed = true;
      closes = true;
    }
    candle_.open_ts = open_ts;
    candle_.open = candle_.high = candle_.low = candle_.close = trade.price;
    candle_.volume = trade.size;
    started_ = true;
    return closes;
  }
  if (open_ts < candle_.open_ts) return false;
  if (candle_.high < trade.price) candle_.high = trade.price;
  if (trade.price < candle_.low) candle_.low = trade.price;
  candle_.close = trade.price;
  candle_.volume = recording::add(candle_.volume, trade.size);
  return closes;
}

}  // namespace bixws::recording
