// SPDX-License-Identifier: Apache-2.0
// Clock: the seam through which wall time enters. Feeds stamp with it; nothing behind them asks for the time.
#pragma once

#include <bixws/event.h>

#include <ctime>

namespace bixws {

/// Safe from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Micros now() const noexcept = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] Micros now() const noexcept override {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    return Micros{t.tv_sec} * 1'000'000 + t.tv_nsec / 1000;
  }
};

}  // namespace bixws
