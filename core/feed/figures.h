// SPDX-License-Identifier: Apache-2.0
// Figures: what a feed counts, written by its own thread and read by any.
#pragma once

#include <bixws/dialect.h>

#include <atomic>
#include <cstdint>

namespace bixws::feed {

/// A number with one writer.
class Figure {
 public:
  void add(std::uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  void set(std::uint64_t n) { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

inline constexpr std::size_t kFaults = 6;

struct Figures {
  Figure frames, bytes;  ///< received from the sockets
  Figure trades, tickers, candles, book_updates, book_snapshots;
  Figure duplicates;       ///< came a second time, over another connection or after a reconnect
  Figure updates_dropped;  ///< already in the snapshot
  Figure gaps, resyncs, checksums_ok;
  Figure faults[kFaults];  ///< by Fault
  Figure unknown_symbols;  ///< frames for symbols nobody asked for
  Figure connects, disconnects;
  Figure rest_requests, rest_failures;
  std::atomic<std::int64_t> lag_us{kUnknown};   ///< receive time minus exchange time, skew removed
  std::atomic<std::int64_t> skew_us{kUnknown};  ///< exchange's clock minus ours
};

/// The fault in words: "not JSON", "number too long".
const char* fault_text(Fault fault);

}  // namespace bixws::feed
