// SPDX-License-Identifier: Apache-2.0
// Times and durations as people write them: 250ms, 1h30m, 2026-11-22T21:00:00Z, +90s.
#pragma once

#include <bixws/event.h>

#include <optional>
#include <string>
#include <string_view>

namespace bixws {

/// "250ms", "5s", "2m", "1h", "1d", "1.5s", "1h30m", "250us", and "0". nullopt for anything else, a bare number too.
std::optional<Micros> parse_duration(std::string_view text);
/// The shortest text that parse_duration() reads back: "1h30m", "250ms", "0s".
std::string format_duration(Micros duration);

/// RFC 3339: "2026-11-22T21:00:00Z", with any fraction (digits past microseconds are dropped) and any offset.
std::optional<Micros> parse_rfc3339(std::string_view text);
/// "2026-11-22T21:00:00.123456Z", the fraction only as long as needed.
std::string format_rfc3339(Micros time);

/// RFC 3339, "+90s" from `start`, or microseconds since 1970.
std::optional<Micros> parse_time(std::string_view text, Micros start);

}  // namespace bixws
