// SPDX-License-Identifier: Apache-2.0
// PastCandles: candles of one timeframe from parts of a recording that are read in any direction.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <map>
#include <span>

#include "model/batch.h"

namespace bixws::recording {

/// For each bucket the best there is: the exchange's own candle, else its minutes, else the trades.
class PastCandles {
 public:
  explicit PastCandles(std::int32_t seconds) : seconds_(seconds) {}

  /// Events of one instrument, in their order, that come right before (or else after) all that was added so far.
  void add(std::span<const Event* const> events, bool before);
  /// Buckets known by now.
  [[nodiscard]] std::size_t buckets() const;
  /// Appends the candles that begin in [from, to), oldest first.
  void append_to(EventBatch& into, const Instrument& instrument, Micros from, Micros to) const;

 private:
  struct Made {
    Candle candle;
    Micros recv_ts = 0;
  };
  using Series = std::map<Micros, Made>;  // by open_ts

  static void join(Series& into, const Series& part, bool before, bool sums);
  void extend(Series& series, const Candle& piece, Micros recv_ts) const;
  [[nodiscard]] Series merged() const;

  std::int32_t seconds_;
  Series own_, minutes_, traded_;
  Micros newest_ = 0;  // by the exchange's clock; whose bucket is not over yet
};

}  // namespace bixws::recording
