// SPDX-License-Identifier: Apache-2.0
// Pacer: a token bucket, for what an exchange tolerates in a span of time.
#pragma once

#include <bixws/event.h>

#include <algorithm>

namespace bixws::feed {

/// `amount` per `span`, all of it at once if it was saved up. Times are of one clock, in microseconds.
class Pacer {
 public:
  /// amount 0: no limit.
  Pacer(double amount, Micros span) : amount_(amount), rate_(amount / static_cast<double>(span)), saved_(amount) {}

  /// Takes `cost`, or says how long to wait until it can be taken.
  Micros take(Micros now, double cost = 1) {
    if (amount_ == 0) return 0;
    cost = std::min(cost, amount_);
    saved_ = std::min(amount_, saved_ + static_cast<double>(now - last_) * rate_);
    last_ = now;
    if (saved_ + 1e-9 >= cost) {
      saved_ -= cost;
      return 0;
    }
    return static_cast<Micros>((cost - saved_) / rate_) + 1;
  }

 private:
  double amount_, rate_, saved_;
  Micros last_ = 0;
};

}  // namespace bixws::feed
