// SPDX-License-Identifier: Apache-2.0
// Instruments: the one table of exchanges and symbols of a process; entries never move and never go away.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace bixws {

/// Every call is safe from any thread. Bounded by what the exchanges list, since feeds refuse unlisted symbols.
class Instruments {
 public:
  /// The same reference for the same names, always.
  const Instrument& get(std::string_view exchange, std::string_view symbol);
  /// nullptr if never seen.
  [[nodiscard]] const Instrument* find(std::string_view exchange, std::string_view symbol) const;
  [[nodiscard]] const Instrument& at(std::uint32_t id) const;
  [[nodiscard]] std::uint32_t size() const;

 private:
  struct Entry {
    std::string exchange, symbol;
    Instrument instrument;
  };
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // stable addresses: instruments point into it
  std::unordered_map<std::string, std::uint32_t> by_name_;
};

}  // namespace bixws
