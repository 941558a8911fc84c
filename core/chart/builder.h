// SPDX-License-Identifier: Apache-2.0
// Builder: events to chart data: candles of the timeframe from the finest source there is, holes and notes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "chart/data.h"
#include "model/symbol.h"

namespace bixws::chart {

/// Not thread-safe.
class Builder {
 public:
  Builder(SymbolQuery symbol, std::int32_t seconds);

  /// Any event in order; those of other symbols are passed over.
  void add(const Event& event);
  /// The exchange's candles if they fit the timeframe, else candles of the trades, else of the tickers' prices.
  /// Throws ConfigError if nothing of the symbol came: unknown, with the nearest of those that did.
  [[nodiscard]] Data take();
  [[nodiscard]] bool found() const { return instrument_ != nullptr; }

 private:
  using Bars = std::map<Micros, Candle>;
  [[nodiscard]] bool wanted(const Instrument& instrument);
  void add_price(Bars& bars, Micros ts, const Decimal& price, const Decimal& size) const;
  void add_candle(const Candle& candle);
  [[nodiscard]] Bars from_candles() const;

  SymbolQuery symbol_;
  std::int32_t seconds_;
  const Instrument* instrument_ = nullptr;
  std::vector<std::string> others_;  // symbols seen, for a refusal
  Bars trades_, tickers_;
  std::map<std::int32_t, Bars> candles_;  // by timeframe, those of which ours is a multiple
  Data data_;
};

}  // namespace bixws::chart
