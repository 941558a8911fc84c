// SPDX-License-Identifier: Apache-2.0
// Window: what an exchange tolerates in a span of time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>

#include "net/loop.h"

namespace bixws::feed {

inline constexpr Micros kSecond = 1'000'000;

/// At most `amount` in any stretch of `span`, wherever it begins: exchanges count in stretches of their own, whose
/// beginning nobody knows. Of the loop's clock, which no administrator sets back.
class Window {
 public:
  /// amount 0: no limit.
  Window(std::uint64_t amount, net::Duration span) : amount_(amount), span_(span) {}

  /// How long until `cost` is tolerated; 0: now. What costs more than the whole amount waits for all of it.
  [[nodiscard]] net::Duration wait(net::Instant now, std::uint64_t cost = 1) const {
    if (amount_ == 0) return {};
    cost = std::min(cost, amount_);
    std::uint64_t used = used_;
    net::Duration wait{};
    for (const Taken& taken : taken_) {
      if (taken.at + span_ > now) {
        if (used + cost <= amount_) break;
        wait = taken.at + span_ - now;
      }
      used -= taken.cost;
    }
    return wait;
  }
  void take(net::Instant now, std::uint64_t cost = 1) {
    if (amount_ == 0) return;
    while (!taken_.empty() && taken_.front().at + span_ <= now) {
      used_ -= taken_.front().cost;
      taken_.pop_front();
    }
    cost = std::min(cost, amount_);
    taken_.push_back({now, cost});
    used_ += cost;
  }

 private:
  struct Taken {
    net::Instant at;
    std::uint64_t cost;
  };
  std::uint64_t amount_;
  net::Duration span_;
  std::deque<Taken> taken_;
  std::uint64_t used_ = 0;  // by all of taken_
};

}  // namespace bixws::feed
