// SPDX-License-Identifier: Apache-2.0
// Trigger: one direction of one rule on one symbol. Fires when its condition begins to hold; again only after the
// value came back far enough (hysteresis) and the cool-down is over.
#pragma once

#include <bixws/event.h>

#include <cstdint>

namespace bixws::alerts {

class Trigger {
 public:
  /// `armed` false: the first value only says on which side it is, which is what crossing a limit needs.
  explicit Trigger(bool armed) : armed_(armed) {}

  /// `beyond`: the condition holds. `back`: it is over, with the hysteresis taken into account. True: fire.
  bool pass(bool beyond, bool back, Micros now, Micros cooldown) {
    if (!seen_) {
      seen_ = true;
      if (!beyond) armed_ = true;
    }
    if (back) armed_ = true;
    if (!beyond || !armed_) return false;
    armed_ = false;
    if (fired_ && now - last_ < cooldown) {
      ++held_back_;
      return false;
    }
    fired_ = true;
    last_ = now;
    return true;
  }
  /// Firings that the cool-down swallowed since the last call.
  std::uint64_t take_held_back() {
    const std::uint64_t count = held_back_;
    held_back_ = 0;
    return count;
  }

 private:
  bool armed_;
  bool seen_ = false;
  bool fired_ = false;
  Micros last_ = 0;
  std::uint64_t held_back_ = 0;
};

}  // namespace bixws::alerts
