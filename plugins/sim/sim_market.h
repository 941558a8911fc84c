// SPDX-License-Identifier: Apache-2.0
// SimMarket: a made-up market in integers only, so that one seed gives the same bytes on every machine.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::sim {

/// splitmix64: small, good enough, and the same everywhere, which the standard distributions are not.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// 0 .. bound-1. REQUIRES: bound > 0.
  std::int64_t below(std::int64_t bound);
  /// Bell-shaped around 0 with this standard deviation, never beyond 3.5 of them.
  std::int64_t bell(std::int64_t deviation);

 private:
  std::uint64_t state_;
};

/// How a symbol trades. Prices are counted in ticks of 10^tick_exponent, sizes in lots of 10^lot_exponent.
struct Terms {
  std::string symbol;
  std::int64_t price = 0;  ///< ticks, where the walk starts and what it keeps coming back to
  int tick_exponent = 0;
  int lot_exponent = 0;
  std::int64_t lot = 0;  ///< lots of a common trade
};

/// Every symbol sim knows, and its terms.
std::vector<std::string> known_symbols();
Terms terms_of(std::string_view known_symbol);

/// One event with everything it points to; reused from event to event.
struct Slot {
  Event event;
  Ticker ticker;
  Trades trades;
  BookChange book;
  Candle candle;
  std::vector<Trade> trade_list;
  std::vector<std::array<char, 24>> ids;
  std::vector<Level> bids, asks;
};

/// One symbol's order book, price walk, candle and rolling 24 hours.
class SimSymbol {
 public:
  SimSymbol(const Terms& terms, const Instrument& instrument, std::uint64_t seed, std::uint32_t depth, Micros start,
            Micros step_interval);

  /// Walks the price and moves the book with it; changes are left for fill_book().
  void move();
  /// Prints one to three trades at the book's best prices; left for fill_trades().
  void trade(Micros due);
  /// Closes the candle whose minute is over. False: none was open.
  bool close_candle(Micros due);

  void fill_snapshot(Slot& slot, Micros due);
  void fill_book(Slot& slot, Micros due);
  void fill_trades(Slot& slot, Micros due);
  void fill_ticker(Slot& slot, Micros due);
  void fill_candle(Slot& slot, Micros due) const;
  void fill_closed(Slot& slot, Micros due) const;
  [[nodiscard]] bool has_candle() const { return open_candle_.open_ts != 0; }

 private:
  struct Row {
    std::int64_t tick = 0, lots = 0;
  };
  struct Bar {
    Micros open_ts = 0;
    std::int64_t open = 0, high = 0, low = 0, close = 0, volume = 0;
  };
  /// A quarter of an hour of the rolling day.
  struct Quarter {
    std::int64_t open = 0, high = 0, low = 0, volume = 0;
    int128_t turnover = 0;
  };
  struct Print {
    std::int64_t tick = 0, lots = 0;
    bool buy = false;
  };

  [[nodiscard]] Micros exchange_time(Micros due);
  [[nodiscard]] std::int64_t some_lots();
  void fit_side(std::vector<Row>& rows, std::vector<Row>& changes, std::int64_t best, int direction);
  void set(std::vector<Row>& changes, std::int64_t tick, std::int64_t lots);
  void count(const Print& print, Micros due);
  void roll_day(Micros due);
  [[nodiscard]] Level level(const Row& row) const;
  [[nodiscard]] Decimal price(std::int64_t ticks) const { return Decimal::of(ticks, terms_.tick_exponent); }
  [[nodiscard]] Decimal size(std::int64_t lots) const { return Decimal::of(lots, terms_.lot_exponent); }
  void fill_bar(Slot& slot, const Bar& bar, bool closed, Micros due) const;

  Terms terms_;
  const Instrument* instrument_;
  Random random_;
  std::size_t depth_;
  std::int64_t walk_ = 0;   ///< price in 1/256 ticks
  std::int64_t deviation_;  ///< of one move(), in the same unit
  std::int64_t interval_;   ///< microseconds between moves, on average
  std::int64_t gap_ = 1;    ///< ticks between levels, about
  Micros last_exchange_time_ = 0;
  std::uint64_t trade_id_ = 0;
  std::vector<Row> bids_, asks_;  ///< best first
  std::vector<Row> bid_changes_, ask_changes_;
  std::vector<Print> prints_;
  std::int64_t last_ = 0;  ///< ticks of the last trade
  Bar open_candle_, closed_candle_;
  std::deque<Quarter> day_;                                            ///< oldest first; the last one is now
  std::int64_t quarter_ = 0;                                           ///< number of the last one since the epoch
  std::int64_t high_before_ = 0, low_before_ = 0, volume_before_ = 0;  ///< of all but the last
  int128_t turnover_before_ = 0;
};

/// All symbols of one feed; says which event comes at which place.
class SimMarket {
 public:
  struct Options {
    std::vector<Terms> symbols;
    std::vector<const Instrument*> instruments;  ///< one for each
    std::uint32_t channels = 0;                  ///< 1 << int(Channel)
    std::uint64_t seed = 1;
    std::uint32_t depth = 20;
    Micros start = 0;
    std::int64_t millirate = 1'000'000;  ///< events in a thousand seconds
  };
  explicit SimMarket(Options options);

  /// When event `index` is due.
  [[nodiscard]] Micros due(std::int64_t index) const;
  /// Makes the next event, stamped with the time it is due.
  void next(Slot& slot);

 private:
  [[nodiscard]] Channel pick_channel();

  Options options_;
  Random random_;
  std::vector<SimSymbol> symbols_;
  struct Weight {
    Channel channel;
    std::int64_t upto;
  };
  std::vector<Weight> weights_;
  std::int64_t total_weight_ = 0;
  std::int64_t index_ = 0;
  std::int64_t minute_ = 0;
  std::deque<std::size_t> closing_;  ///< symbols whose candle of the last minute is still to be sent
  bool moves_with_book_, prints_with_trades_;
};

}  // namespace bixws::sim
