// SPDX-License-Identifier: Apache-2.0
// Numbers, times and bars as a reader sees them. Digits of prices and sizes are never changed, only trailing zeros are
// left out or filled in so that a column lines up.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::terminal {

/// Digits after the point that matter: "50000.10000000" has 1. 0 for an absent number.
int decimals_of(const Decimal& number);
/// With exactly `decimals` digits after the point, more if the number has more that are not zero; "-" if absent.
std::string fixed(const Decimal& number, int decimals);
/// Exact difference; absent if one of them is, or if the digits do not fit.
Decimal difference(const Decimal& a, const Decimal& b);
/// Exact sum; absent counts as nothing.
Decimal sum(const Decimal& a, const Decimal& b);

/// "+2.50%", rounded: percentages are for the eye.
std::string percent(const Decimal& number);
/// "18.2K", "1.23M", "0.0042": three significant digits, at most 6 characters.
std::string compact(double number);
/// "4s", "12m", "3h", "9d": at most 4 characters.
std::string age(Micros elapsed);
/// "250us", "1.2ms", "3.4s": at most 6 characters, for delays.
std::string delay(std::int64_t micros);
/// "14:03:07.123" or "14:03:07" UTC.
std::string clock_time(Micros ts, bool milliseconds);
/// "11-22 14:03"
std::string short_date(Micros ts);

/// A line of bars, one per column: the newest `width` values scaled between their least and greatest.
std::u32string sparkline(const std::vector<double>& values, int width, bool utf8);
/// Where a value stands between low and high: "---o-----".
std::u32string range_bar(double low, double high, double value, int width, bool utf8);
/// A bar of `share` (0..1) of `width` columns, in eighths where the terminal can.
std::u32string solid_bar(double share, int width, bool utf8);

}  // namespace bixws::terminal
