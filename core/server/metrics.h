// SPDX-License-Identifier: Apache-2.0
// Metrics text: counters, gauges and histograms in Prometheus' exposition format.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace bixws::server {

/// Writes one family after the other; the help line comes with the first sample of a family.
class MetricsText {
 public:
  using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

  void counter(std::string_view name, std::string_view help, std::uint64_t value, Labels labels = {});
  void counter(std::string_view name, std::string_view help, double value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, std::int64_t value, Labels labels = {});
  void gauge(std::string_view name, std::string_view help, double value, Labels labels = {});
  [[nodiscard]] std::string take() { return std::move(text_); }
  [[nodiscard]] std::string& raw() { return text_; }

 private:
  friend class Histogram;
  void head(std::string_view name, std::string_view help, std::string_view type);
  void sample(std::string_view name, std::string_view suffix, Labels labels, std::string_view value);
  std::string text_;
  std::string family_;
};

/// Times in microseconds, in buckets that double from 50 us to 6.7 s. observe() on one thread, read on any.
class Histogram {
 public:
  void observe(std::int64_t micros, std::uint64_t times = 1);
  void write(MetricsText& out, std::string_view name, std::string_view help) const;
  /// For sums over loops.
  void add(const Histogram& other);

 private:
  static constexpr std::size_t kBuckets = 18;
  static constexpr std::int64_t kFirst = 50;
  std::array<std::atomic<std::uint64_t>, kBuckets + 1> counts_{};
  std::atomic<std::int64_t> sum_{0};
};

}  // namespace bixws::server
