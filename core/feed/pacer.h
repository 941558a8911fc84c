// SPDX-License-Identifier: Apache-2.0
// Pacer and Window: what an exchange tolerates in a span of time.
#pragma once

#include <bixws/event.h>

#include <algorithm>
#include <deque>

namespace bixws::feed {

/// A token bucket: `amount` per `span`, all of it at once if it was saved up. Times are of one clock, in microseconds.
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

/// At most `amount` in any stretch of `span`, which is how exchanges count the requests of a connection.
class Window {
 public:
  /// amount 0: no limit.
  Window(std::size_t amount, Micros span) : amount_(amount), span_(span) {}

  /// How long until one more is tolerated; 0: now.
  [[nodiscard]] Micros wait(Micros now) const {
    if (amount_ == 0 || taken_.size() < amount_) return 0;
    return std::max<Micros>(0, taken_[taken_.size() - amount_] + span_ - now);
  }
  void take(Micros now) {
    if (amount_ == 0) return;
    if (taken_.size() == amount_) taken_.pop_front();
    taken_.push_back(now);
  }

 private:
  std::size_t amount_;
  Micros span_;
  std::deque<Micros> taken_;
};

}  // namespace bixws::feed
