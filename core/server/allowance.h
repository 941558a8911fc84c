// SPDX-License-Identifier: Apache-2.0
// Allowance: how many messages a client may still send; fills up with time.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "net/loop.h"

namespace bixws::server {

class Allowance {
 public:
  enum class Verdict : std::uint8_t { good, too_fast, abuse };

  Allowance(unsigned per_second, net::Instant now)
      : per_second_(static_cast<float>(per_second)), left_(2 * per_second_), refilled_at_(now) {}

  Verdict take(net::Instant now) {
    const float seconds = std::chrono::duration<float>(now - refilled_at_).count();
    refilled_at_ = now;
    left_ = std::min(2 * per_second_, left_ + seconds * per_second_);
    if (left_ < 1) return ++refused_ > kPatience ? Verdict::abuse : Verdict::too_fast;
    left_ -= 1;
    refused_ = 0;
    return Verdict::good;
  }

 private:
  static constexpr std::uint16_t kPatience = 200;  // messages beyond the rate before it is called abuse
  float per_second_;
  float left_;
  net::Instant refilled_at_;
  std::uint16_t refused_ = 0;  // messages in a row that came too fast
};

}  // namespace bixws::server
