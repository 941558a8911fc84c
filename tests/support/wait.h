// SPDX-License-Identifier: Apache-2.0
// Waiting for something to become true, up to a deadline: what tests do instead of sleeping.
#pragma once

#include <chrono>
#include <thread>

namespace bixws::test {

using SteadyTime = std::chrono::steady_clock::time_point;
using Milliseconds = std::chrono::milliseconds;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int slowdown = 5;  // what the sanitizers cost
#else
inline constexpr int slowdown = 1;
#endif

// How long a test waits for what must come; long, because only a failing test waits it out.
inline constexpr Milliseconds patience{10'000 * slowdown};

// True as soon as the condition is; false when `within` has passed and it still is not.
template <typename Condition>
bool wait_until(Condition&& condition, Milliseconds within = patience) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return condition();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// What is left until the deadline, never negative.
inline Milliseconds time_left(SteadyTime deadline) {
  const auto left = std::chrono::ceil<Milliseconds>(deadline - std::chrono::steady_clock::now());
  return left.count() > 0 ? left : Milliseconds(0);
}

}  // namespace bixws::test
