// SPDX-License-Identifier: Apache-2.0
// Progress: one line that is drawn over and over and gone at the end.
#include "progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "model/time_text.h"

namespace bixws::cli {
namespace {

constexpr int kBarCells = 24;

std::string scaled(double value, const char* const* units, int count, double step) {
  int unit = 0;
  while (value >= step && unit + 1 < count) {
    value /= step;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof text, unit == 0 || value >= 100 ? "%.0f%s%s" : "%.1f%s%s", value, *units[unit] ? " " : "",
                units[unit]);
  return text;
}

}  // namespace

std::string short_count(double count) {
  static const char* const kUnits[] = {"", "k", "M", "G"};
  return scaled(count, kUnits, 4, 1000);
}

std::string short_bytes(double bytes) {
  static const char* const kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  return scaled(bytes, kUnits, 5, 1000);
}

Progress::Progress(std::string doing, std::string unit)
    : doing_(std::move(doing)),
      unit_(std::move(unit)),
      visible_(isatty(STDERR_FILENO) == 1),
      started_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::show(double share, std::uint64_t count) {
  const Time now = std::chrono::steady_clock::now();
  if (!visible_ || now - last_ < std::chrono::milliseconds(100)) return;
  last_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  share = std::clamp(share, 0.0, 1.0);
  const int cells = static_cast<int>(share * kBarCells);
  std::string line = "\r" + doing_ + " [" + std::string(static_cast<std::size_t>(cells), '=') +
                     std::string(static_cast<std::size_t>(kBarCells - cells), ' ') + "] " +
                     std::to_string(static_cast<int>(share * 100)) + " %";
  if (count != 0 && seconds > 0.2) {
    line += "  " + short_count(static_cast<double>(count) / seconds) + " " + unit_ + "/s";
  }
  if (share > 0.01 && seconds > 0.5) {
    const auto left = static_cast<Micros>(seconds * (1 - share) / share);
    line += "  " + format_duration(left * 1'000'000) + " left";
  }
  line += "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace bixws::cli
