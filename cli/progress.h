// SPDX-License-Identifier: Apache-2.0
// Progress: how far a long command is, on the terminal's stderr and nowhere else.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace bixws::cli {

class Progress {
 public:
  /// `unit` is what is counted: "lines". Shown only if stderr is a terminal.
  Progress(std::string doing, std::string unit);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `share` from 0 to 1. Draws at most ten times a second.
  void show(double share, std::uint64_t count = 0);

 private:
  using Time = std::chrono::steady_clock::time_point;
  std::string doing_, unit_;
  bool visible_ = false;
  bool drawn_ = false;
  Time started_, last_;
};

/// "1.5 M", "820 k", "12": what a person reads at a glance.
std::string short_count(double count);
/// "1.5 GB", "820 kB".
std::string short_bytes(double bytes);

}  // namespace bixws::cli
