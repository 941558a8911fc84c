// SPDX-License-Identifier: Apache-2.0
// Indicators: lines computed from candles. NaN where there are not enough candles yet.
#pragma once

#include <bixws/event.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::chart {

enum class IndicatorType : std::uint8_t { sma, ema, vwap, bb, rsi, macd };

/// As asked for: "sma:20", "bb:20:2", "macd:12:26:9", "vwap".
struct Indicator {
  IndicatorType type = IndicatorType::sma;
  std::string name;          ///< as shown: "SMA 20"
  std::vector<double> args;  ///< all of them, defaults filled in
};

/// Throws ConfigError, with the nearest known name.
[[nodiscard]] Indicator parse_indicator(std::string_view text);
/// Flag::check of one: empty, or what is wrong with it.
[[nodiscard]] std::string indicator_problem(const std::string& text);

using Line = std::vector<double>;

/// Over the last `count` values.
[[nodiscard]] Line sma(std::span<const double> values, int count);
/// Weight 2 / (count + 1), begun with the mean of the first `count`.
[[nodiscard]] Line ema(std::span<const double> values, int count);
/// Wilder's: 100 - 100 / (1 + mean gain / mean loss), both smoothed by 1 / count.
[[nodiscard]] Line rsi(std::span<const double> values, int count);
/// Of each UTC day, from typical prices (high + low + close) / 3.
[[nodiscard]] Line vwap(std::span<const Candle> bars);

/// What is drawn for an indicator. bb: middle, upper, lower. macd: line, signal, histogram. The others: one line.
[[nodiscard]] std::vector<Line> lines_of(const Indicator& indicator, std::span<const Candle> bars);

}  // namespace bixws::chart
