// SPDX-License-Identifier: Apache-2.0
// What the parts of the recording bench share: timing, and lines of the table.
#pragma once

#include <time.h>

#include <cstdint>
#include <cstdio>
#include <string>

#include "traffic.h"

namespace bixws::bench {

struct Options {
  std::string folder;  ///< for files, on the disk that is meant
  std::string captures;
  std::string plugins;
  std::size_t messages = 1'000'000;
};

inline double clock_seconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

/// Wall and processor time since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double wall() const { return clock_seconds(CLOCK_MONOTONIC) - wall_; }
  [[nodiscard]] double cpu() const { return clock_seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_; }

 private:
  double wall_ = clock_seconds(CLOCK_MONOTONIC);
  double cpu_ = clock_seconds(CLOCK_PROCESS_CPUTIME_ID);
};

[[nodiscard]] Traffic coinbase_traffic(const Options& options, bool trades_only);
[[nodiscard]] std::uint64_t bytes_on_disk(const std::string& path);
void remove_recording(const std::string& path);

/// The parts; each prints its own table.
int bench_writers(const Options& options);
int bench_delay(const Options& options);
int bench_queries(const Options& options);
int bench_flood(const Options& options);

}  // namespace bixws::bench
