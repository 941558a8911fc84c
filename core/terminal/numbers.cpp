// SPDX-License-Identifier: Apache-2.0
// Numbers, times and bars for the screen.
#include "terminal/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace bixws::terminal {
namespace {

template <typename... Values>
std::string print(const char* format, Values... values) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// number as mantissa * 10^exponent with the exponent given; false if it does not fit.
bool mantissa_at(const Decimal& number, int exponent, int128_t& out) {
  constexpr int kLargestShift = 18;
  const int shift = static_cast<int>(number.exponent) - exponent;
  if (shift < 0 || shift > kLargestShift) return false;
  const int128_t limit = static_cast<int128_t>(1) << 100;
  out = number.mantissa();
  for (int i = 0; i < shift; ++i) {
    if (out > limit || out < -limit) return false;
    out *= 10;
  }
  return true;
}

Decimal combine(const Decimal& a, const Decimal& b, int sign) {
  const int exponent = std::min(a.exponent, b.exponent);
  int128_t x = 0;
  int128_t y = 0;
  if (!mantissa_at(a, exponent, x) || !mantissa_at(b, exponent, y)) return {};
  int128_t value = x + sign * y;
  Decimal d;
  d.present = 1;
  d.negative = value < 0 ? 1 : 0;
  if (value < 0) value = -value;
  if (value >> 96 != 0) return {};
  d.low = static_cast<std::uint64_t>(value);
  d.high = static_cast<std::uint32_t>(static_cast<uint128_t>(value) >> 64);
  d.exponent = static_cast<std::int8_t>(exponent);
  return d;
}

std::tm utc(Micros ts) {
  const std::time_t seconds = ts / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  return parts;
}

}  // namespace

int decimals_of(const Decimal& number) {
  if (!number.has_value()) return 0;
  std::array<char, kDecimalChars> text{};
  const std::string_view digits(text.data(),
                                static_cast<std::size_t>(write_decimal(text.data(), number) - text.data()));
  const auto point = digits.find('.');
  if (point == std::string_view::npos) return 0;
  const auto last = digits.find_last_not_of('0');
  return last <= point ? 0 : static_cast<int>(last - point);
}

std::string fixed(const Decimal& number, int decimals) {
  if (!number.has_value()) return "-";
  std::string text = number.to_string();
  auto point = text.find('.');
  if (point == std::string::npos) {
    point = text.size();
    if (decimals > 0) text += '.';
  }
  const std::size_t wanted = decimals > 0 ? point + 1 + static_cast<std::size_t>(decimals) : point;
  while (text.size() > wanted && (text.back() == '0' || text.back() == '.')) text.pop_back();
  if (text.size() < wanted) text.append(wanted - text.size(), '0');
  return text;
}

Decimal difference(const Decimal& a, const Decimal& b) {
  return a.has_value() && b.has_value() ? combine(a, b, -1) : Decimal{};
}

Decimal sum(const Decimal& a, const Decimal& b) {
  if (!a.has_value()) return b;
  if (!b.has_value()) return a;
  return combine(a, b, 1);
}

std::string percent(const Decimal& number) {
  if (!number.has_value()) return "-";
  const double value = number.to_double();
  if (std::abs(value) >= 1000) return print("%+.0f%%", value);
  const std::string text = print("%+.2f%%", value);
  return text == "-0.00%" || text == "+0.00%" ? "0.00%" : text;
}

std::string compact(double number) {
  if (!std::isfinite(number)) return "-";
  const double magnitude = std::abs(number);
  if (magnitude == 0) return "0";
  if (magnitude < 0.001) return print("%.0e", number);
  static constexpr std::array<char, 6> kUnits = {' ', 'K', 'M', 'B', 'T', 'Q'};
  double scaled = magnitude;
  std::size_t unit = 0;
  while (scaled >= 999.5 && unit + 1 < kUnits.size()) {
    scaled /= 1000;
    ++unit;
  }
  const int decimals = scaled < 0.0995 ? 4 : scaled < 0.9995 ? 3 : scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0;
  std::string text = print("%.*f", decimals, number < 0 ? -scaled : scaled);
  if (unit > 0) text += kUnits[unit];
  return text;
}

std::string age(Micros elapsed) {
  const std::int64_t seconds = std::max<std::int64_t>(elapsed, 0) / 1'000'000;
  if (seconds < 100) return print("%llds", static_cast<long long>(seconds));
  if (seconds < std::int64_t{100} * 60) return print("%lldm", static_cast<long long>(seconds / 60));
  if (seconds < std::int64_t{100} * 3600) return print("%lldh", static_cast<long long>(seconds / 3600));
  return print("%lldd", static_cast<long long>(std::min<std::int64_t>(seconds / 86400, 999)));
}

std::string delay(std::int64_t micros) {
  const char* sign = micros < 0 ? "-" : "";
  const double m = std::abs(static_cast<double>(micros));
  if (m < 1000) return print("%s%.0fus", sign, m);
  if (m < 9950) return print("%s%.1fms", sign, m / 1e3);
  if (m < 999500) return print("%s%.0fms", sign, m / 1e3);
  if (m < 99.95e6) return print("%s%.1fs", sign, m / 1e6);
  return print("%s%.0fs", sign, std::min(m / 1e6, 9999.0));
}

std::string clock_time(Micros ts, bool milliseconds) {
  const std::tm t = utc(ts);
  if (!milliseconds) return print("%02d:%02d:%02d", t.tm_hour, t.tm_min, t.tm_sec);
  return print("%02d:%02d:%02d.%03d", t.tm_hour, t.tm_min, t.tm_sec, static_cast<int>(ts / 1000 % 1000));
}

std::string short_date(Micros ts) {
  const std::tm t = utc(ts);
  return print("%02d-%02d %02d:%02d", t.tm_mon + 1, t.tm_mday, t.tm_hour, t.tm_min);
}

std::u32string sparkline(const std::vector<double>& values, int width, bool utf8) {
  static constexpr std::u32string_view kBlocks = U"▁▂▃▄▅▆▇█";
  static constexpr std::u32string_view kAscii = U"_.-=*#";
  const std::u32string_view steps = utf8 ? kBlocks : kAscii;
  const auto columns = static_cast<std::size_t>(std::max(width, 0));
  const std::size_t count = std::min(values.size(), columns);
  std::u32string line(columns - count, U' ');
  if (count == 0) return line;
  const auto begin = values.end() - static_cast<std::ptrdiff_t>(count);
  const auto [least, greatest] = std::minmax_element(begin, values.end());
  const double span = *greatest - *least;
  for (auto v = begin; v != values.end(); ++v) {
    // A flat line stands in the middle: neither low nor high.
    const double share = span > 0 ? (*v - *least) / span : 0.5;
    const auto step = static_cast<std::size_t>(std::lround(share * static_cast<double>(steps.size() - 1)));
    line += steps[std::min(step, steps.size() - 1)];
  }
  return line;
}

std::u32string range_bar(double low, double high, double value, int width, bool utf8) {
  const auto columns = static_cast<std::size_t>(std::max(width, 1));
  std::u32string bar(columns, utf8 ? U'─' : U'-');
  const double share = high > low ? std::clamp((value - low) / (high - low), 0.0, 1.0) : 0.5;
  const auto at = static_cast<std::size_t>(std::lround(share * static_cast<double>(columns - 1)));
  bar[at] = utf8 ? U'●' : U'o';
  return bar;
}

std::u32string solid_bar(double share, int width, bool utf8) {
  static constexpr std::u32string_view kEighths = U" ▏▎▍▌▋▊▉";
  const auto columns = static_cast<std::size_t>(std::max(width, 0));
  std::u32string bar;
  if (!(share > 0) || columns == 0) return bar;
  const double full = std::min(share, 1.0) * static_cast<double>(columns);
  auto eighths = static_cast<std::size_t>(std::lround(full * 8));
  if (!utf8) {
    bar.assign(std::min(columns, static_cast<std::size_t>(std::lround(full))), U'#');
    return bar;
  }
  eighths = std::clamp<std::size_t>(eighths, 1, columns * 8);  // something is never nothing
  bar.assign(eighths / 8, U'█');
  if (eighths % 8 != 0) bar += kEighths[eighths % 8];
  return bar;
}

}  // namespace bixws::terminal
