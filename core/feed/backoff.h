// SPDX-License-Identifier: Apache-2.0
// Backoff: how long to wait before the next attempt; doubles up to a cap, with jitter so that many do not return at
// once.
#pragma once

#include <bixws/event.h>

#include <algorithm>
#include <cstdint>
#include <random>

namespace bixws::feed {

class Backoff {
 public:
  /// The n-th delay lies between least * 2^n and half as much again, and never above `most`.
  Backoff(Micros least, Micros most, std::uint64_t seed) : least_(least), most_(most), random_(seed) {}

  Micros next() {
    const Micros step = failures_ < 20 ? std::min(most_, least_ << failures_) : most_;
    ++failures_;
    const Micros jitter = static_cast<Micros>(random_() % static_cast<std::uint64_t>(step / 2 + 1));
    return step + step / 2 <= most_ ? step + jitter : most_ - jitter / 2;
  }
  void reset() { failures_ = 0; }
  [[nodiscard]] unsigned failures() const { return failures_; }

 private:
  Micros least_, most_;
  unsigned failures_ = 0;
  std::mt19937_64 random_;
};

}  // namespace bixws::feed
