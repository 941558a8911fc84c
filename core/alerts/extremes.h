// SPDX-License-Identifier: Apache-2.0
// Extremes: lowest and highest of a sliding window of time, in bounded memory: values that share a 256th of the window
// are kept as one, so its far edge is exact to that much.
#pragma once

#include <bixws/event.h>

#include <algorithm>
#include <deque>

namespace bixws::alerts {

class Extremes {
 public:
  explicit Extremes(Micros window) : window_(window), slice_(std::max<Micros>(window / 256, 1)) {}

  /// Times must not go back; an earlier one counts as the latest.
  void add(Micros ts, double value) {
    latest_ = std::max(latest_, ts);
    push(lows_, value, [](double a, double b) { return a >= b; });
    push(highs_, value, [](double a, double b) { return a <= b; });
  }
  /// Of the window that ends with the latest value. REQUIRES: a value was added.
  [[nodiscard]] double lowest() const { return lows_.front().value; }
  [[nodiscard]] double highest() const { return highs_.front().value; }

 private:
  struct Point {
    Micros ts;
    double value;
  };
  /// Each deque holds what may yet become the extreme: every point is beaten by those before it.
  template <typename Beats>
  void push(std::deque<Point>& points, double value, Beats beats) {
    while (!points.empty() && points.front().ts < latest_ - window_) points.pop_front();
    while (!points.empty() && beats(points.back().value, value)) points.pop_back();
    if (points.empty() || points.back().ts / slice_ != latest_ / slice_) points.push_back({latest_, value});
  }

  Micros window_, slice_;
  Micros latest_ = 0;
  std::deque<Point> lows_, highs_;
};

}  // namespace bixws::alerts
