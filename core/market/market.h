// SPDX-License-Identifier: Apache-2.0
// Market: what is true now, per instrument, and the numbering of what was sent. Owned by the hub's thread.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "market/book.h"
#include "market/derived_candles.h"
#include "model/batch.h"

namespace bixws::market {

/// The depths of `book:N` topics. A derived topic has its own numbering that follows from the events alone, whether or
/// not anybody is subscribed: an update counts for depth N if it touched a level among the first N of its side.
inline constexpr std::uint32_t kDepths[] = {5, 10, 25, 50, 100, 500, 1000};
inline constexpr std::size_t kDepthCount = std::size(kDepths);

struct CandleSeries {
  Candle last;
  Micros recv_ts = 0;
  std::uint64_t seq = 0;
};

/// Everything known of one instrument. Sequence numbers start at 0: nothing sent yet in this epoch.
struct InstrumentState {
  const Instrument* instrument = nullptr;

  bool has_ticker = false;
  Ticker ticker;
  Micros ticker_ts = 0, ticker_recv_ts = 0;
  std::uint64_t ticker_seq = 0;  ///< number, among all tickers of the hub, of the newest one

  std::uint64_t trades_seq = 0;
  Micros last_trade_ts = 0;

  bool has_book = false;
  Book book;
  FeedState book_state = FeedState::none;
  std::uint32_t book_depth = 0;
  Micros book_ts = 0, book_recv_ts = 0;
  std::uint64_t book_seq = 0;
  std::uint64_t depth_seq[kDepthCount] = {};
  std::uint64_t told_depth_seq[kDepthCount] = {};  ///< what the next snapshot brings depth_seq to, where it is told
  bool depths_told = false;
  Book::Touched touched;  ///< by the latest book event, for encoders of derived depths

  std::map<std::int32_t, CandleSeries> candles;  ///< the feed's own, by timeframe in seconds
  DerivedCandles derived;                        ///< the timeframes the feed does not send

  bool has_status = false;
  FeedState state = FeedState::none;
  Integrity integrity = Integrity::none;
};

/// Not thread-safe: one owner.
class Market {
 public:
  /// Applies one event and numbers it; may rewrite it (a partial ticker becomes the whole one), with new bodies taken
  /// from `arena`, so that all outputs and the recording see the same.
  void apply(Event& event, Arena& arena);
  /// A new epoch: forgets prices and starts numbering anew; instruments stay.
  void reset();
  /// Whether events that come with a number keep it: it was given by the node that this one is an edge of.
  void take_numbers(bool on) { takes_numbers_ = on; }
  [[nodiscard]] bool takes_numbers() const { return takes_numbers_; }
  /// How far trades (0: not known) and, with the book's next snapshot, the derived depths have come there.
  void reached(const Instrument& instrument, std::uint64_t trades, std::span<const std::uint64_t> depths);

  /// nullptr if nothing came for it yet.
  [[nodiscard]] const InstrumentState* find(std::uint32_t instrument_id) const;
  /// In order of first appearance, which is the same in every replay.
  [[nodiscard]] const std::vector<const InstrumentState*>& all() const { return order_; }
  /// The largest recv_ts applied; what envelopes call now.
  [[nodiscard]] Micros last_recv_ts() const { return last_recv_ts_; }
  [[nodiscard]] std::uint64_t ticker_count() const { return ticker_count_; }

 private:
  InstrumentState& state_of(const Instrument& instrument);
  void number(Event& event, std::uint64_t& counter) const;
  void number_depths(InstrumentState& state, bool snapshot) const;

  std::vector<std::unique_ptr<InstrumentState>> by_id_;
  std::vector<const InstrumentState*> order_;
  Micros last_recv_ts_ = 0;
  std::uint64_t ticker_count_ = 0;
  bool takes_numbers_ = false;
};

}  // namespace bixws::market
