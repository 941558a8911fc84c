// SPDX-License-Identifier: Apache-2.0
// TradeMerge: one symbol's trades, each once and in order, from one or more connections and across reconnects.
#pragma once

#include <bixws/dialect.h>

#include <cstdint>
#include <deque>
#include <string>
#include <unordered_set>
#include <vector>

#include "feed/merge.h"

namespace bixws::feed {

/// Not thread-safe.
class TradeMerge {
 public:
  /// What to publish, in this order. Spans and texts live until the next call.
  class Output {
   public:
    /// Trades between these ids are missing; `lost` is kUnknown unless ids are consecutive.
    virtual void trades_missing(std::uint64_t from, std::uint64_t to, std::int64_t lost) = 0;
    virtual void trades_ready(Micros ts, const Trades& trades) = 0;

   protected:
    ~Output() = default;
  };

  explicit TradeMerge(TradeIds ids);

  void join(std::uint32_t connection) { merge_.join(connection); }
  /// May publish what was held for that connection to bring.
  void leave(std::uint32_t connection, Output& output);
  void offer(std::uint32_t connection, Micros ts, const Trades& trades, Output& output);

  /// Id of the newest trade published; kNoId: none yet, or ids are not numbers.
  [[nodiscard]] std::uint64_t newest() const { return merge_.newest(); }
  [[nodiscard]] std::uint64_t duplicates() const { return duplicates_; }

 private:
  struct Held {
    Merge::Item item;
    Micros ts;
    Trade trade;
    std::string id;
    bool history;
  };
  bool seen_before(Text id);
  void settle_held(Output& output);
  void hold(const Merge::Item& item, Micros ts, const Trade& trade, bool history);

  TradeIds ids_;
  Merge merge_;
  std::deque<Held> held_;
  std::vector<Trade> fresh_;
  std::uint64_t duplicates_ = 0;
  std::deque<std::size_t> recent_order_;
  std::unordered_set<std::size_t> recent_;
};

}  // namespace bixws::feed
