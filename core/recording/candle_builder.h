// SPDX-License-Identifier: Apache-2.0
// CandleBuilder: candles of one instrument from its trades, exact.
#pragma once

#include <bixws/event.h>

#include <cstdint>

namespace bixws::recording {

/// Sums of decimals keep the most decimals of any summand; a sum that no longer fits is absent from then on.
[[nodiscard]] Decimal add(const Decimal& a, const Decimal& b) noexcept;

/// Intervals without a trade have no candle. Trades that come after their interval was closed are left out.
class CandleBuilder {
 public:
  explicit CandleBuilder(std::int32_t seconds) : interval_(Micros{seconds} * 1'000'000) { candle_.seconds = seconds; }

  /// True if `trade` begins a new interval and so closes the one before, which is in `closed`.
  bool add(const Trade& trade, Candle& closed) noexcept;
  /// The candle that is open; false if there is none.
  bool open(Candle& candle) const noexcept {
    candle = candle_;
    return started_;
  }

 private:
  Micros interval_;
  Candle candle_;
  bool started_ = false;
};

}  // namespace bixws::recording
