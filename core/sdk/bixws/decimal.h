// SPDX-License-Identifier: Apache-2.0
// Decimal: an exchange's number exactly as it was written, trailing zeros included; never a binary floating point.
#pragma once

#include <charconv>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>

namespace bixws {

// 96-bit mantissas are computed in these; gcc and clang have them on every 64-bit target.
__extension__ using int128_t = __int128;
__extension__ using uint128_t = unsigned __int128;

/// A decimal number of up to 28 significant digits, 16 bytes, trivially copyable; a default one is absent ("no value").
///
/// value = sign * (high * 2^64 + low) * 10^exponent. The text form has -exponent decimals (none if exponent >= 0)
/// followed by `zeros` more zeros. `zeros` is 0 unless the trailing zeros would not have fitted: exchanges print
/// 24 h volumes such as 5123456789012.00000000, which a 64-bit mantissa cannot hold, and quote volumes in weak
/// currencies with 20 significant digits, which is why the mantissa has 96 bits.
struct Decimal {
  std::uint64_t low = 0;
  std::uint32_t high = 0;
  std::int8_t exponent = 0;
  std::uint8_t zeros = 0;
  std::uint8_t negative = 0;
  std::uint8_t present = 0;

  /// mantissa * 10^exponent, for numbers made by programs.
  static constexpr Decimal of(std::int64_t mantissa, int exponent = 0) noexcept {
    Decimal d;
    d.negative = mantissa < 0;
    d.low = mantissa < 0 ? 0 - static_cast<std::uint64_t>(mantissa) : static_cast<std::uint64_t>(mantissa);
    d.exponent = static_cast<std::int8_t>(exponent);
    d.present = 1;
    return d;
  }

  [[nodiscard]] constexpr bool has_value() const noexcept { return present != 0; }
  [[nodiscard]] constexpr bool is_zero() const noexcept { return low == 0 && high == 0; }
  /// The mantissa with its sign; 96 bits, so it always fits.
  [[nodiscard]] constexpr int128_t mantissa() const noexcept {
    const auto magnitude = static_cast<int128_t>((static_cast<uint128_t>(high) << 64) | low);
    return negative != 0 ? -magnitude : magnitude;
  }
  /// For charts and indicators only; prices that go out stay Decimal.
  [[nodiscard]] double to_double() const noexcept;
  [[nodiscard]] std::string to_string() const;
};
static_assert(sizeof(Decimal) == 16);

enum class NumberError : std::uint8_t { none, malformed, too_long };

/// The most characters write_decimal() can produce.
inline constexpr std::size_t kDecimalChars = 192;

namespace detail {
inline constexpr int kMaxDigits = 28;
inline constexpr int kMaxExponent = 64;

constexpr std::uint64_t pow10_u64(int n) noexcept {
  std::uint64_t p = 1;
  for (int i = 0; i < n; ++i) p *= 10;
  return p;
}

/// Digits of a 96-bit number, most significant first, without leading zeros ("0" for zero).
inline char* write_mantissa(char* out, std::uint64_t low, std::uint32_t high) noexcept {
  if (high == 0) return std::to_chars(out, out + 20, low).ptr;
  auto value = (static_cast<uint128_t>(high) << 64) | low;
  constexpr std::uint64_t kBillion2 = pow10_u64(18);
  const auto upper = static_cast<std::uint64_t>(value / kBillion2);
  const auto rest = static_cast<std::uint64_t>(value % kBillion2);
  out = std::to_chars(out, out + 20, upper).ptr;
  char digits[20];
  char* end = std::to_chars(digits, digits + 20, rest).ptr;
  const auto count = end - digits;
  for (auto i = count; i < 18; ++i) *out++ = '0';
  std::memcpy(out, digits, static_cast<std::size_t>(count));
  return out + count;
}
}  // namespace detail

namespace detail {
/// Any length, any form; parse_decimal() takes the short way first.
inline NumberError parse_long_decimal(std::string_view text, Decimal& out) noexcept {
  const char* p = text.data();
  const char* const end = p + text.size();
  Decimal d;
  d.present = 1;
  if (p != end && *p == '-') {
    d.negative = 1;
    ++p;
  }
  if (p == end || *p < '0' || *p > '9') return NumberError::malformed;

  // Zeros are held back until a later digit needs them, so that trailing ones never use up the mantissa unless they
  // fit.
  std::uint64_t low = 0;
  uint128_t wide = 0;
  bool is_wide = false;
  int digits = 0;         // significant digits taken
  int pending_zeros = 0;  // zeros seen since the last non-zero digit
  int decimals = 0;       // digits seen after the point
  bool after_point = false;
  const auto take = [&](unsigned digit) {
    if (is_wide) {
      wide = wide * 10 + digit;
    } else if (digits < 18) {
      low = low * 10 + digit;
    } else {
      is_wide = true;
      wide = static_cast<uint128_t>(low) * 10 + digit;
    }
    if (digits > 0 || digit != 0) ++digits;
  };
  for (; p != end; ++p) {
    const char c = *p;
    if (c >= '0' && c <= '9') {
      if (after_point) ++decimals;
      if (c == '0') {
        if (digits > 0) ++pending_zeros;
        continue;
      }
      if (digits + pending_zeros + 1 > detail::kMaxDigits) return NumberError::too_long;
      for (; pending_zeros > 0; --pending_zeros) take(0);
      take(static_cast<unsigned>(c - '0'));
    } else if (c == '.' && !after_point) {
      after_point = true;
      if (p + 1 == end || p[1] < '0' || p[1] > '9') return NumberError::malformed;
    } else {
      break;
    }
  }
  int power = 0;
  if (p != end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p != end && *p == '+') ++p;
    const auto result = std::from_chars(p, end, power);
    if (result.ec != std::errc() || power < -detail::kMaxExponent || power > detail::kMaxExponent) {
      return result.ec == std::errc() || result.ec == std::errc::result_out_of_range ? NumberError::too_long
                                                                                     : NumberError::malformed;
    }
    p = result.ptr;
  }
  if (p != end) return NumberError::malformed;

  int exponent = power - decimals;
  if (digits == 0) {
    // Zero: its zeros are decimals already.
  } else if (digits + pending_zeros <= 18) {
    for (; pending_zeros > 0; --pending_zeros) take(0);  // the usual case: all digits of one symbol share one exponent
  } else {
    exponent += pending_zeros;
    if (exponent <= 0) {
      d.zeros = static_cast<std::uint8_t>(pending_zeros < 200 ? pending_zeros : 200);
    } else {
      const int fraction_zeros = pending_zeros - exponent;  // those after the point, if the zeros cross it
      d.zeros = static_cast<std::uint8_t>(fraction_zeros > 0 ? fraction_zeros : 0);
    }
    if (pending_zeros > detail::kMaxExponent) return NumberError::too_long;
  }
  // A bound on all integer digits, so that what is written can be read back.
  if (exponent < -detail::kMaxExponent || exponent + digits > detail::kMaxExponent) return NumberError::too_long;
  d.exponent = static_cast<std::int8_t>(exponent);
  if (is_wide) {
    d.low = static_cast<std::uint64_t>(wide);
    d.high = static_cast<std::uint32_t>(wide >> 64);
  } else {
    d.low = low;
  }
  out = d;
  return NumberError::none;
}

}  // namespace detail

/// Reads a number in JSON's syntax ("-12.50", "1e-08"); leading zeros are tolerated because exchanges send numbers as
/// text. `malformed` for anything else (empty, "NaN", "0.-1"), `too_long` for more than 28 significant digits.
inline NumberError parse_decimal(std::string_view text, Decimal& out) noexcept {
  // Nearly all numbers have at most 18 digits in all and no exponent: one pass, one multiplication a digit.
  const char* p = text.data();
  const char* const end = p + text.size();
  const bool negative = p != end && *p == '-';
  p += negative ? 1 : 0;
  if (end - p > 19 || p == end) return detail::parse_long_decimal(text, out);
  std::uint64_t mantissa = 0;
  const char* point = nullptr;
  const char* const digits = p;
  for (; p != end; ++p) {
    const auto digit = static_cast<unsigned>(*p) - '0';
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit;
    } else if (*p == '.' && point == nullptr) {
      point = p;
    } else {
      return detail::parse_long_decimal(text, out);
    }
  }
  const auto decimals = point == nullptr ? 0 : end - point - 1;
  if (point == digits || (point != nullptr && decimals == 0)) return NumberError::malformed;
  if (point == nullptr && end - digits > 18) return detail::parse_long_decimal(text, out);
  out = {mantissa, 0, static_cast<std::int8_t>(-decimals), 0, negative, 1};
  return NumberError::none;
}

/// Writes the number with the digits it was parsed from, never in exponent form; returns the end. `out` needs
/// kDecimalChars of room. The value must be present.
inline char* write_decimal(char* out, const Decimal& d) noexcept {
  if (d.negative != 0) *out++ = '-';
  if (d.high == 0 && d.exponent <= 0 && d.exponent >= -20 && d.zeros == 0) {
    char text[24];  // from the back: digits, the point among them, zeros up to it
    char* const end = text + sizeof text;
    char* p = end;
    std::uint64_t rest = d.low;
    for (auto left = -static_cast<int>(d.exponent); left > 0; --left) {
      *--p = static_cast<char>('0' + rest % 10);
      rest /= 10;
    }
    char* const whole = std::to_chars(out, out + 20, rest).ptr;
    if (p == end) return whole;
    *whole = '.';
    std::memcpy(whole + 1, p, static_cast<std::size_t>(end - p));
    return whole + 1 + (end - p);
  }
  char digits[32];
  const int count = static_cast<int>(detail::write_mantissa(digits, d.low, d.high) - digits);
  const int decimals = d.exponent < 0 ? -d.exponent : 0;
  if (count > decimals) {
    std::memcpy(out, digits, static_cast<std::size_t>(count - decimals));
    out += count - decimals;
    for (int i = 0; i < d.exponent && !d.is_zero(); ++i) *out++ = '0';
    if (decimals + d.zeros > 0) *out++ = '.';
    std::memcpy(out, digits + count - decimals, static_cast<std::size_t>(decimals));
    out += decimals;
  } else {
    *out++ = '0';
    *out++ = '.';
    for (int i = count; i < decimals; ++i) *out++ = '0';
    std::memcpy(out, digits, static_cast<std::size_t>(count));
    out += count;
  }
  for (int i = 0; i < d.zeros; ++i) *out++ = '0';
  return out;
}

inline std::string Decimal::to_string() const {
  if (!has_value()) return {};
  char text[kDecimalChars];
  return {text, write_decimal(text, *this)};
}

inline double Decimal::to_double() const noexcept {
  if (!has_value()) return 0;
  char text[kDecimalChars];
  const char* end = write_decimal(text, *this);
  double value = 0;
  std::from_chars(text, end, value);
  return value;
}

namespace detail {
/// Compares magnitudes of different scale through their digits; rare, so clarity before speed.
inline int compare_magnitude(const Decimal& a, const Decimal& b) noexcept {
  char x[kDecimalChars];
  char y[kDecimalChars];
  Decimal ua = a;
  Decimal ub = b;
  ua.negative = ub.negative = 0;
  const std::string_view p(x, static_cast<std::size_t>(write_decimal(x, ua) - x));
  const std::string_view q(y, static_cast<std::size_t>(write_decimal(y, ub) - y));
  const std::size_t pi = p.find('.') == std::string_view::npos ? p.size() : p.find('.');
  const std::size_t qi = q.find('.') == std::string_view::npos ? q.size() : q.find('.');
  if (pi != qi) return pi < qi ? -1 : 1;
  for (std::size_t i = 0; i < p.size() || i < q.size(); ++i) {
    const char c = i < p.size() ? p[i] : '0';
    const char e = i < q.size() ? q[i] : '0';
    if (c == '.' || e == '.') continue;
    if (c != e) return c < e ? -1 : 1;
  }
  return 0;
}
}  // namespace detail

/// Orders by value: 1.50 and 1.5 are equal. Both must be present.
inline std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) noexcept {
  const bool a_negative = a.negative != 0 && !a.is_zero();
  const bool b_negative = b.negative != 0 && !b.is_zero();
  if (a_negative != b_negative) return a_negative ? std::strong_ordering::less : std::strong_ordering::greater;
  int order = 0;
  if (a.exponent == b.exponent) {
    if (a.high != b.high) {
      order = a.high < b.high ? -1 : 1;
    } else if (a.low != b.low) {
      order = a.low < b.low ? -1 : 1;
    }
  } else {
    order = detail::compare_magnitude(a, b);
  }
  if (order == 0) return std::strong_ordering::equal;
  return (order < 0) != a_negative ? std::strong_ordering::less : std::strong_ordering::greater;
}
inline bool operator==(const Decimal& a, const Decimal& b) noexcept { return std::is_eq(a <=> b); }

/// Same digits on the wire, not only the same value.
inline bool identical(const Decimal& a, const Decimal& b) noexcept { return std::memcmp(&a, &b, sizeof a) == 0; }

}  // namespace bixws
