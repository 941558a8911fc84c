// SPDX-License-Identifier: Apache-2.0
// What ChunkWriter and ChunkReader must agree on.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "recording/chunk.h"

namespace bixws::recording {

inline constexpr std::int64_t kLargestShortMantissa = std::int64_t{1} << 62;

inline constexpr std::array<std::int64_t, 19> kPowers = [] {
  std::array<std::int64_t, 19> powers{};
  std::int64_t power = 1;
  for (auto& entry : powers) {
    entry = power;
    if (power <= std::numeric_limits<std::int64_t>::max() / 10) power *= 10;
  }
  return powers;
}();

/// What the slot's number would be at another exponent; 0 if that cannot be said.
inline std::int64_t predicted(const NumberSlot& slot, int exponent) noexcept {
  const int shift = slot.exponent - exponent;
  if (shift == 0) return slot.mantissa;
  if (shift > 18 || shift < -18) return 0;
  if (shift < 0) return slot.mantissa / kPowers[static_cast<std::size_t>(-shift)];
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(slot.mantissa, kPowers[static_cast<std::size_t>(shift)], &scaled)) return 0;
  return scaled;
}

inline bool is_short(const Decimal& d) noexcept {
  return d.high == 0 && d.low < static_cast<std::uint64_t>(kLargestShortMantissa) && d.zeros == 0 &&
         (d.negative == 0 || d.low != 0) && d.exponent >= -kMaxExponent && d.exponent <= kMaxExponent;
}

inline std::int64_t short_mantissa(const Decimal& d) noexcept {
  const auto magnitude = static_cast<std::int64_t>(d.low);
  return d.negative != 0 ? -magnitude : magnitude;
}

template <typename Body>
auto ticker_fields(Body& t) {
  return std::array{&t.price,    &t.bid,     &t.ask,        &t.bid_size,         &t.ask_size,  &t.open_24h,
                    &t.high_24h, &t.low_24h, &t.volume_24h, &t.quote_volume_24h, &t.change_24h};
}

template <typename Body>
auto candle_fields(Body& c) {
  return std::array{&c.open, &c.high, &c.low, &c.close, &c.volume};
}

// Book shape: action and state, whether the depth changed, and for the usual update of one level, which side it is on.
inline constexpr std::uint64_t kShapeUpdate = 0x01;
inline constexpr unsigned kShapeStateShift = 1;
inline constexpr std::uint64_t kShapeDepth = 0x10;
inline constexpr unsigned kShapeCountShift = 5;  // 0: counts follow, 1: one bid, 2: one ask
inline constexpr std::uint64_t kShapeEnd = 0x80;

}  // namespace bixws::recording
