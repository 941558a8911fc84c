// SPDX-License-Identifier: Apache-2.0
// RFC 3339 times as exchanges write them, read into microseconds.
#pragma once

#include <bixws/event.h>

#include <string_view>

namespace bixws {

/// "2021-04-17T16:43:37.089723Z", with no to nine decimals, 'T' or a space, 'Z' or an offset "+02:00". Finer than a
/// microsecond is cut. 0 (not known) for anything else and for years before 1970, which exchanges send as "never".
inline Micros rfc3339_micros(std::string_view text) noexcept {
  const auto number = [&](std::size_t at, std::size_t digits, std::int64_t& out) {
    if (at + digits > text.size()) return false;
    out = 0;
    for (std::size_t i = at; i < at + digits; ++i) {
      if (text[i] < '0' || text[i] > '9') return false;
      out = out * 10 + (text[i] - '0');
    }
    return true;
  };
  const auto is = [&](std::size_t at, char c) { return at < text.size() && text[at] == c; };
  std::int64_t year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
  if (!number(0, 4, year) || !is(4, '-') || !number(5, 2, month) || !is(7, '-') || !number(8, 2, day)) return 0;
  if (!is(10, 'T') && !is(10, ' ') && !is(10, 't')) return 0;
  if (!number(11, 2, hour) || !is(13, ':') || !number(14, 2, minute) || !is(16, ':') || !number(17, 2, second))
    return 0;
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return 0;
  std::int64_t micros = 0;
  std::size_t at = 19;
  if (is(at, '.')) {
    ++at;
    int decimals = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, ++decimals) {
      if (decimals < 6) micros = micros * 10 + (text[at] - '0');
    }
    if (decimals == 0) return 0;
    for (; decimals < 6; ++decimals) micros *= 10;
  }
  std::int64_t offset_minutes = 0;
  if (is(at, 'Z') || is(at, 'z')) {
    ++at;
  } else if (is(at, '+') || is(at, '-')) {
    std::int64_t hours = 0, minutes = 0;
    if (!number(at + 1, 2, hours) || !is(at + 3, ':') || !number(at + 4, 2, minutes)) return 0;
    offset_minutes = (text[at] == '-' ? -1 : 1) * (hours * 60 + minutes);
    at += 6;
  } else {
    return 0;
  }
  if (at != text.size()) return 0;
  // Days since 1970 in the civil calendar, with March as the first month so that leap days come last.
  const std::int64_t y = month <= 2 ? year - 1 : year;
  const std::int64_t m = month > 2 ? month - 3 : month + 9;
  const std::int64_t days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
  return ((days * 24 + hour) * 60 + minute - offset_minutes) * 60'000'000 + second * 1'000'000 + micros;
}

}  // namespace bixws
