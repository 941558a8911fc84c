// SPDX-License-Identifier: Apache-2.0
// LagMeter: how late data arrives, although the exchange's clock is not ours.
#pragma once

#include <bixws/event.h>

#include <algorithm>

namespace bixws::feed {

/// The fastest frame of the last minute or two sets the zero: what others took longer is lag, and where the fastest
/// seems to come from the future, the exchange's clock is ahead by that much. A measured clock (from a REST answer)
/// replaces the guess. Not thread-safe.
class LagMeter {
 public:
  void sample(Micros recv_ts, Micros ts) {
    const std::int64_t delta = recv_ts - ts;
    if (recv_ts - window_start_ >= kWindow) {
      previous_least_ = recv_ts - window_start_ < 2 * kWindow ? least_ : delta;
      least_ = delta;
      window_start_ = recv_ts;
    }
    least_ = std::min(least_, delta);
    last_ = delta;
    any_ = true;
  }
  /// exchange_now was read half-way between asking and being answered.
  void measured(Micros asked, Micros answered, Micros exchange_now) {
    skew_ = exchange_now - (asked + (answered - asked) / 2);
    has_skew_ = true;
  }
  [[nodiscard]] std::int64_t lag() const {
    if (!any_) return kUnknown;
    return std::max<std::int64_t>(0, last_ - std::min(least_, previous_least_));
  }
  /// Exchange's clock minus ours; without a measurement the least that explains what was seen.
  [[nodiscard]] std::int64_t skew() const {
    if (has_skew_) return skew_;
    return any_ ? std::max<std::int64_t>(0, -std::min(least_, previous_least_)) : kUnknown;
  }

 private:
  static constexpr Micros kWindow = 60'000'000;
  Micros window_start_ = 0;
  std::int64_t least_ = INT64_MAX, previous_least_ = INT64_MAX, last_ = 0, skew_ = 0;
  bool any_ = false, has_skew_ = false;
};

}  // namespace bixws::feed
