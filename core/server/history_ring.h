// SPDX-License-Identifier: Apache-2.0
// HistoryRing: the newest trades, tickers, candles, alerts and annotations of every instrument, and its book as it is,
// for clients that ask what was. Whether or not anybody is subscribed, and within a bound that does not grow with their
// number.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "market/market.h"
#include "model/history.h"
#include "server/mark_book.h"

namespace bixws::server {

/// Hub's thread only.
class HistoryRing {
 public:
  // Per instrument, while there are few of them; with many, each gets its part of what all may have.
  static constexpr std::size_t kTrades = 1000;
  static constexpr std::size_t kTickers = 500;
  static constexpr std::size_t kCandles = 1440;  ///< of each timeframe
  static constexpr std::size_t kMarks = 100;     ///< alerts, and as many changes of annotations

  /// After the market took the event in.
  void note(const Event& event, const market::InstrumentState& state);
  /// A new epoch: what was belongs to another story.
  void clear() {
    rows_.clear();
    instruments_ = 0;
  }

  struct Answer {
    HistoryPage page;
    /// Everything later than this is in the ring; whoever has more looks there for this time and what is before it.
    Micros floor = INT64_MAX;
  };
  /// At most one item more than the limit, so that it can be told there are more. `state`: as of now, or nullptr.
  [[nodiscard]] Answer page(const HistoryQuery& query, const market::InstrumentState* state);

 private:
  template <typename Item>
  struct Ring {
    std::deque<Item> items;
    Micros floor = INT64_MAX;
    void put(Item item, std::size_t most);
    void let_go(std::size_t most);
  };
  struct PastTrade {
    Trade trade;  ///< its id is in `id`
    std::string id;
    Micros recv_ts = 0;
    bool history = false;
    [[nodiscard]] Micros time() const { return recv_ts; }
  };
  struct PastTicker {
    Ticker ticker;
    Micros ts = 0, recv_ts = 0;
    [[nodiscard]] Micros time() const { return recv_ts; }
  };
  struct PastCandle {
    Candle candle;
    Micros recv_ts = 0;
    [[nodiscard]] Micros time() const { return candle.open_ts; }
  };
  struct PastMark : StoredMark {
    using StoredMark::StoredMark;
    [[nodiscard]] Micros time() const { return recv_ts; }
  };
  struct Row {
    Ring<PastTrade> trades;
    Ring<PastTicker> tickers;
    std::map<std::int32_t, Ring<PastCandle>> candles;  ///< by timeframe in seconds
    Ring<PastMark> alerts, annotations;
    Micros minute = 0;  ///< that the newest trade or candle fell into
  };

  [[nodiscard]] static Answer book_now(const HistoryQuery& query, const market::InstrumentState* state);
  Row& row_of(const Instrument& instrument);
  void put_candle(Row& row, const Candle& candle, Micros recv_ts);
  void note_derived(Row& row, const Event& event, const market::InstrumentState& state);
  [[nodiscard]] std::size_t share(std::size_t of_all, std::size_t least, std::size_t most) const;

  std::vector<std::unique_ptr<Row>> rows_;  // by instrument id
  std::size_t instruments_ = 0;             // rows there are
  std::vector<market::NumberedCandle> changes_;
};

}  // namespace bixws::server
