// SPDX-License-Identifier: Apache-2.0
// Axis: values and times to pixels, and where their labels stand.
#pragma once

#include <bixws/event.h>

#include <string>
#include <vector>

namespace bixws::chart {

/// A range of values over a stretch of pixels, larger values higher up.
struct ValueAxis {
  double low = 0, high = 1;  ///< low < high
  double top = 0, bottom = 1;

  [[nodiscard]] double y(double value) const { return bottom - (value - low) / (high - low) * (bottom - top); }
};

/// Times from `begin` to `end` over a stretch of pixels.
struct TimeAxis {
  Micros begin = 0, end = 1;  ///< begin < end
  double left = 0, right = 1;

  [[nodiscard]] double x(Micros ts) const {
    return left + static_cast<double>(ts - begin) / static_cast<double>(end - begin) * (right - left);
  }
};

struct Tick {
  double at = 0;  ///< the value, or microseconds
  std::string label;
};

/// About `count` round values (1, 2 or 5 times a power of ten) within the range, each with as many decimals as they
/// need.
[[nodiscard]] std::vector<Tick> value_ticks(double low, double high, int count);
/// At most `count` round times within the range, UTC: "21:05", "21:05:30", or "22 Nov" at midnight.
[[nodiscard]] std::vector<Tick> time_ticks(Micros begin, Micros end, int count);

}  // namespace bixws::chart
