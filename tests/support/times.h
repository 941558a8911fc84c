// SPDX-License-Identifier: Apache-2.0
// The time of events in tests.
#pragma once

#include <bixws/event.h>

namespace bixws::test {

inline constexpr Micros kT = 1'795'372'800'000'000;  // 2026-11-22 18:40:00 UTC
inline constexpr Micros kSecond = 1'000'000;

}  // namespace bixws::test
