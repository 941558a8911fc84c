// SPDX-License-Identifier: Apache-2.0
// Counters: what plugins count, by name, for /metrics.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace bixws::host {

/// Every call is safe from any thread. Plugins count per frame, not per event, so one lock is enough.
class Counters {
 public:
  void add(std::string_view name, std::uint64_t count) {
    const std::lock_guard lock(mutex_);
    const auto found = values_.find(name);
    if (found != values_.end()) {
      found->second += count;
    } else if (values_.size() < kMost) {
      values_.emplace(name, count);
    }
  }
  [[nodiscard]] std::map<std::string, std::uint64_t, std::less<>> all() const {
    const std::lock_guard lock(mutex_);
    return values_;
  }

 private:
  static constexpr std::size_t kMost = 1000;  // a plugin that makes up names must not fill the memory
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t, std::less<>> values_;
};

}  // namespace bixws::host
