// SPDX-License-Identifier: Apache-2.0
// LTTB: the points of a line that keep its looks. Sveinn Steinarsson, "Downsampling Time Series for Visual
// Representation" (2013), largest triangle three buckets.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace bixws::csv {

struct Spot {
  double x = 0, y = 0;
};

/// Indices of at most `most` points, ascending, the first and the last among them; all if they are no more.
/// REQUIRES: most >= 3.
inline std::vector<std::size_t> lttb(const std::vector<Spot>& spots, std::size_t most) {
  std::vector<std::size_t> chosen;
  const std::size_t count = spots.size();
  if (count <= most) {
    for (std::size_t i = 0; i < count; ++i) chosen.push_back(i);
    return chosen;
  }
  const double width = static_cast<double>(count - 2) / static_cast<double>(most - 2);
  const auto start_of = [&](std::size_t bucket) {
    return std::min(static_cast<std::size_t>(std::floor(static_cast<double>(bucket) * width)) + 1, count - 1);
  };
  chosen.push_back(0);
  for (std::size_t bucket = 0; bucket < most - 2; ++bucket) {
    const std::size_t begin = start_of(bucket);
    const std::size_t end = start_of(bucket + 1);
    // The mean of the next bucket stands for what follows; in the end that is the last point.
    const std::size_t next_end = bucket + 3 == most ? count : start_of(bucket + 2);
    Spot mean;
    for (std::size_t i = end; i < next_end; ++i) {
      mean.x += spots[i].x;
      mean.y += spots[i].y;
    }
    mean.x /= static_cast<double>(next_end - end);
    mean.y /= static_cast<double>(next_end - end);
    const Spot& last = spots[chosen.back()];
    std::size_t best = begin;
    double largest = -1;
    for (std::size_t i = begin; i < end; ++i) {
      const double area =
          std::abs((last.x - mean.x) * (spots[i].y - last.y) - (last.x - spots[i].x) * (mean.y - last.y));
      if (area > largest) {
        largest = area;
        best = i;
      }
    }
    chosen.push_back(best);
  }
  chosen.push_back(count - 1);
  return chosen;
}

}  // namespace bixws::csv
