// SPDX-License-Identifier: Apache-2.0
// Pacing: when a recorded moment is due on the steady clock, at a given speed. Pure arithmetic.
#pragma once

#include <bixws/event.h>

#include <cstdint>

namespace bixws::recording {

/// Every answer is computed from the anchor, never from the answer before, so rounding cannot add up to drift.
class Pacing {
 public:
  /// From now on, recorded time `position` is at `now_ns` and runs `speed` times as fast as the clock. Speed 0:
  /// everything is due at once.
  void anchor(Micros position, std::int64_t now_ns, double speed) {
    position_ = position;
    now_ns_ = now_ns;
    speed_ = speed;
  }
  [[nodiscard]] double speed() const { return speed_; }

  /// When an event of recorded time `ts` is due. Times far away are cut to about 290 years from the anchor.
  [[nodiscard]] std::int64_t due_ns(Micros ts) const {
    if (speed_ <= 0) return now_ns_;
    constexpr double kFarthest = 9e18;
    const double wait = (static_cast<double>(ts) - static_cast<double>(position_)) * (1000.0 / speed_);
    if (wait > kFarthest - static_cast<double>(now_ns_)) return INT64_MAX;
    if (wait < -kFarthest) return now_ns_;
    return now_ns_ + static_cast<std::int64_t>(wait);
  }
  /// The recorded time that belongs to `now_ns`; at speed 0 the anchor's.
  [[nodiscard]] Micros position(std::int64_t now_ns) const {
    if (speed_ <= 0) return position_;
    return position_ + static_cast<Micros>(static_cast<double>(now_ns - now_ns_) * (speed_ / 1000.0));
  }

 private:
  Micros position_ = 0;
  std::int64_t now_ns_ = 0;
  double speed_ = 1;
};

}  // namespace bixws::recording
