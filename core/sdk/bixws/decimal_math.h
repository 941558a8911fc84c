// SPDX-License-Identifier: Apache-2.0
// Exact arithmetic on Decimals, for the few figures an exchange leaves to be derived. What does not fit is absent.
#pragma once

#include <bixws/decimal.h>

namespace bixws {
namespace detail {

/// mantissa * 10^power; false if it overflows.
inline bool scale(int128_t& mantissa, int power) noexcept {
  for (; power > 0; --power) {
    if (__builtin_mul_overflow(mantissa, static_cast<int128_t>(10), &mantissa)) return false;
  }
  return true;
}

inline Decimal make_decimal(int128_t mantissa, int exponent) noexcept {
  Decimal d;
  const auto magnitude = static_cast<uint128_t>(mantissa < 0 ? -mantissa : mantissa);
  if ((magnitude >> 96) != 0 || exponent < -kMaxExponent || exponent > kMaxExponent) return d;
  d.low = static_cast<std::uint64_t>(magnitude);
  d.high = static_cast<std::uint32_t>(magnitude >> 64);
  d.exponent = static_cast<std::int8_t>(exponent);
  d.negative = mantissa < 0;
  d.present = 1;
  return d;
}

/// Both mantissas at the smaller of the two exponents.
inline bool align(const Decimal& a, const Decimal& b, int128_t& x, int128_t& y, int& exponent) noexcept {
  exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
  x = a.mantissa();
  y = b.mantissa();
  return scale(x, a.exponent - exponent) && scale(y, b.exponent - exponent);
}

}  // namespace detail

inline Decimal add(const Decimal& a, const Decimal& b) noexcept {
  int128_t x = 0;
  int128_t y = 0;
  int exponent = 0;
  if (!a.has_value() || !b.has_value() || !detail::align(a, b, x, y, exponent)) return {};
  return __builtin_add_overflow(x, y, &x) ? Decimal{} : detail::make_decimal(x, exponent);
}

inline Decimal subtract(const Decimal& a, const Decimal& b) noexcept {
  Decimal negated = b;
  negated.negative = b.negative == 0;
  return add(a, negated);
}

/// Exact product.
inline Decimal multiply(const Decimal& a, const Decimal& b) noexcept {
  int128_t product = 0;
  if (!a.has_value() || !b.has_value() || __builtin_mul_overflow(a.mantissa(), b.mantissa(), &product)) return {};
  return detail::make_decimal(product, a.exponent + b.exponent);
}

/// value * 10^power, by moving the decimal point.
inline Decimal shift(const Decimal& value, int power) noexcept {
  if (!value.has_value()) return {};
  return detail::make_decimal(value.mantissa(), value.exponent + power);
}

/// (now - before) / before * 100, rounded half to even at 6 decimals, without trailing zeros; absent if before is 0.
inline Decimal percent_change(const Decimal& now, const Decimal& before) noexcept {
  int128_t x = 0;
  int128_t y = 0;
  int exponent = 0;
  if (!now.has_value() || !before.has_value() || before.is_zero()) return {};
  if (!detail::align(now, before, x, y, exponent)) return {};
  int128_t difference = x - y;
  if (!detail::scale(difference, 8)) return {};
  int128_t quotient = difference / y;
  const int128_t rest = difference % y;
  const int128_t twice = (rest < 0 ? -rest : rest) * 2;
  const int128_t divisor = y < 0 ? -y : y;
  if (twice > divisor || (twice == divisor && quotient % 2 != 0)) quotient += (difference < 0) == (y < 0) ? 1 : -1;
  int decimals = 6;
  while (decimals > 0 && quotient % 10 == 0) {
    quotient /= 10;
    --decimals;
  }
  return detail::make_decimal(quotient, -decimals);
}

}  // namespace bixws
