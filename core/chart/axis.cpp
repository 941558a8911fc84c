// SPDX-License-Identifier: Apache-2.0
// Round numbers and round times.
#include "chart/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace bixws::chart {
namespace {

constexpr Micros kSecond = 1'000'000;
constexpr Micros kDay = 86'400 * kSecond;

std::string time_label(Micros ts, Micros step) {
  const std::time_t seconds = ts / kSecond;
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  const char* format = ts % kDay == 0 ? "%d %b" : step < 60 * kSecond ? "%H:%M:%S" : "%H:%M";
  std::strftime(text.data(), text.size(), format, &utc);
  return text.data();
}

}  // namespace

std::vector<Tick> value_ticks(double low, double high, int count) {
  const double rough = (high - low) / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double step = power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
  const int decimals = std::clamp(static_cast<int>(-std::floor(std::log10(step) + 1e-9)), 0, 12);
  std::vector<Tick> ticks;
  for (double number = std::ceil(low / step); number * step <= high; ++number) {
    std::array<char, 64> text{};
    const double value = number == 0 ? 0 : number * step;  // never "-0"
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    ticks.push_back({number * step, text.data()});
  }
  return ticks;
}

std::vector<Tick> time_ticks(Micros begin, Micros end, int count) {
  static constexpr std::array<Micros, 20> kSteps{1,   2,    5,    10,   15,    30,    60,    120,   300,    600,
                                                 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800};
  Micros step = kSteps.back() * kSecond;
  for (const Micros candidate : kSteps) {
    if ((end - begin) / (candidate * kSecond) > count) continue;
    step = candidate * kSecond;
    break;
  }
  while ((end - begin) / step > count) step *= 2;
  std::vector<Tick> ticks;
  for (Micros at = (begin + step - 1) / step * step; at <= end; at += step) {
    ticks.push_back({static_cast<double>(at), time_label(at, step)});
  }
  return ticks;
}

}  // namespace bixws::chart
