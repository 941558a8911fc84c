// SPDX-License-Identifier: Apache-2.0
// Indicators as textbooks define them.
#include "chart/indicators.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::chart {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr Micros kDayLength = 86'400'000'000;
constexpr double kMostCandles = 10'000;

struct Known {
  const char* name;
  const char* shown;
  IndicatorType type;
  std::vector<double> defaults;
};
const std::array<Known, 6>& known() {
  static const std::array<Known, 6> all{{{"sma", "SMA", IndicatorType::sma, {20}},
                                         {"ema", "EMA", IndicatorType::ema, {20}},
                                         {"vwap", "VWAP", IndicatorType::vwap, {}},
                                         {"bb", "BB", IndicatorType::bb, {20, 2}},
                                         {"rsi", "RSI", IndicatorType::rsi, {14}},
                                         {"macd", "MACD", IndicatorType::macd, {12, 26, 9}}}};
  return all;
}

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces(1);
  for (const char c : text) {
    if (c == ':') {
      pieces.emplace_back();
    } else {
      pieces.back() += c;
    }
  }
  return pieces;
}

Line closes_of(std::span<const Candle> bars) {
  Line closes;
  for (const Candle& bar : bars) closes.push_back(bar.close.to_double());
  return closes;
}

/// Standard deviation of the last `count` around their mean.
Line deviation(std::span<const double> values, std::span<const double> means, int count) {
  Line line(values.size(), kNone);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(means[i])) continue;
    double sum = 0;
    for (std::size_t j = i + 1 - static_cast<std::size_t>(count); j <= i; ++j) {
      sum += (values[j] - means[i]) * (values[j] - means[i]);
    }
    line[i] = std::sqrt(sum / count);
  }
  return line;
}

/// ema() of a line that begins with NaNs.
Line ema_of_tail(const Line& line, int count) {
  const auto first = std::find_if(line.begin(), line.end(), [](double v) { return !std::isnan(v); });
  const auto skipped = static_cast<std::size_t>(first - line.begin());
  Line out(skipped, kNone);
  const Line tail = ema(std::span(line).subspan(skipped), count);
  out.insert(out.end(), tail.begin(), tail.end());
  return out;
}

template <typename Combine>
Line combined(const Line& a, const Line& b, Combine&& combine) {
  Line line(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) line[i] = combine(a[i], b[i]);
  return line;
}

}  // namespace

Indicator parse_indicator(std::string_view text) {
  const std::vector<std::string> pieces = pieces_of(text);
  const auto row = std::find_if(known().begin(), known().end(), [&](const Known& k) { return pieces[0] == k.name; });
  if (row == known().end()) {
    std::vector<std::string> names;
    for (const Known& k : known()) names.emplace_back(k.name);
    throw ConfigError("unknown indicator " + pieces[0] + did_you_mean(pieces[0], names));
  }
  Indicator indicator{row->type, row->shown, row->defaults};
  if (pieces.size() - 1 > indicator.args.size()) {
    throw ConfigError("indicator " + std::string(text) + " has too many numbers; " + row->name + " takes " +
                      std::to_string(indicator.args.size()));
  }
  for (std::size_t i = 1; i < pieces.size(); ++i) {
    const std::string& piece = pieces[i];
    double value = 0;
    const auto [end, error] = std::from_chars(piece.data(), piece.data() + piece.size(), value);
    const bool factor = row->type == IndicatorType::bb && i == 2;
    if (error != std::errc() || end != piece.data() + piece.size() || value <= 0 || value > kMostCandles ||
        (!factor && value != std::floor(value))) {
      throw ConfigError("indicator " + std::string(text) + ": " + (piece.empty() ? "nothing" : piece) + " is no " +
                        (factor ? "factor" : "number of candles from 1 to 10000"));
    }
    indicator.args[i - 1] = value;
  }
  for (std::size_t i = 0; i < indicator.args.size(); ++i) {
    const double value = indicator.args[i];
    std::array<char, 32> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    indicator.name += (i == 0 ? " " : ",") + std::string(digits.data(), end);
  }
  return indicator;
}

std::string indicator_problem(const std::string& text) {
  try {
    (void)parse_indicator(text);
    return {};
  } catch (const ConfigError& e) {
    return std::string("cannot be drawn: ") + e.what();
  }
}

Line sma(std::span<const double> values, int count) {
  Line line(values.size(), kNone);
  double sum = 0;
  const auto n = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i];
    if (i >= n) sum -= values[i - n];
    if (i + 1 >= n) line[i] = sum / count;
  }
  return line;
}

Line ema(std::span<const double> values, int count) {
  Line line(values.size(), kNone);
  const auto n = static_cast<std::size_t>(count);
  if (values.size() < n) return line;
  double value = 0;
  for (std::size_t i = 0; i < n; ++i) value += values[i];
  value /= count;
  line[n - 1] = value;
  for (std::size_t i = n; i < values.size(); ++i) {
    value += (values[i] - value) * 2 / (count + 1);
    line[i] = value;
  }
  return line;
}

Line rsi(std::span<const double> values, int count) {
  Line line(values.size(), kNone);
  const auto n = static_cast<std::size_t>(count);
  double gain = 0;
  double loss = 0;
  for (std::size_t i = 1; i < values.size(); ++i) {
    const double up = std::max(values[i] - values[i - 1], 0.0);
    const double down = std::max(values[i - 1] - values[i], 0.0);
    if (i <= n) {
      gain += up / count;
      loss += down / count;
    } else {
      gain += (up - gain) / count;
      loss += (down - loss) / count;
    }
    if (i < n) continue;
    const bool still = gain == 0 && loss == 0;
    line[i] = still ? 50 : 100 - 100 * loss / (gain + loss);
  }
  return line;
}

Line vwap(std::span<const Candle> bars) {
  Line line(bars.size(), kNone);
  double turnover = 0;
  double volume = 0;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    if (i == 0 || bars[i].open_ts / kDayLength != bars[i - 1].open_ts / kDayLength) turnover = volume = 0;
    const double size = bars[i].volume.to_double();
    turnover += (bars[i].high.to_double() + bars[i].low.to_double() + bars[i].close.to_double()) / 3 * size;
    volume += size;
    if (volume > 0) line[i] = turnover / volume;
  }
  return line;
}

std::vector<Line> lines_of(const Indicator& indicator, std::span<const Candle> bars) {
  const auto count = [&](std::size_t i) { return static_cast<int>(indicator.args[i]); };
  const Line closes = closes_of(bars);
  switch (indicator.type) {
    case IndicatorType::sma:
      return {sma(closes, count(0))};
    case IndicatorType::ema:
      return {ema(closes, count(0))};
    case IndicatorType::vwap:
      return {vwap(bars)};
    case IndicatorType::rsi:
      return {rsi(closes, count(0))};
    case IndicatorType::bb: {
      const Line middle = sma(closes, count(0));
      const Line spread = deviation(closes, middle, count(0));
      const double times = indicator.args[1];
      return {middle, combined(middle, spread, [times](double m, double s) { return m + times * s; }),
              combined(middle, spread, [times](double m, double s) { return m - times * s; })};
    }
    case IndicatorType::macd: {
      const auto minus = [](double a, double b) { return a - b; };
      const Line line = combined(ema(closes, count(0)), ema(closes, count(1)), minus);
      const Line signal = ema_of_tail(line, count(2));
      return {line, signal, combined(line, signal, minus)};
    }
  }
  return {};
}

}  // namespace bixws::chart
