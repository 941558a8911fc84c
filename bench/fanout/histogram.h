// SPDX-License-Identifier: Apache-2.0
// Histogram: counts of durations, log-linear, exact to better than 1 %.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace bixws::bench {

/// Values are microseconds or anything else that is not negative; negative ones count as 0.
class Histogram {
 public:
  void add(std::int64_t signed_value) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(signed_value, 0));
    ++counts_[bucket_of(value)];
    ++total_;
    largest_ = std::max(largest_, value);
  }
  [[nodiscard]] std::uint64_t count() const { return total_; }
  [[nodiscard]] std::uint64_t largest() const { return largest_; }
  /// Smallest value that `part` (0..1) of all values do not exceed; 0 without values.
  [[nodiscard]] double quantile(double part) const {
    const auto needed =
        std::max<std::uint64_t>(1, static_cast<std::uint64_t>(part * static_cast<double>(total_) + 0.5));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= needed) return std::min(middle_of(i), static_cast<double>(largest_));
    }
    return 0;
  }

 private:
  static constexpr std::size_t kParts = 128;  // of each power of two

  static std::size_t bucket_of(std::uint64_t value) {
    if (value < kParts) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - 8;
    return (shift + 1) * kParts + ((value >> shift) - kParts);
  }
  static double middle_of(std::size_t bucket) {
    if (bucket < kParts) return static_cast<double>(bucket);
    const std::size_t shift = bucket / kParts - 1;
    const double width = static_cast<double>(std::uint64_t{1} << shift);
    return (static_cast<double>(kParts + bucket % kParts) + 0.5) * width;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(58 * kParts);
  std::uint64_t total_ = 0;
  std::uint64_t largest_ = 0;
};

}  // namespace bixws::bench
