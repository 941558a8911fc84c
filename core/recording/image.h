// SPDX-License-Identifier: Apache-2.0
// SessionImage: what a market looks like at one point of a session, so that a replay can begin there.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "market/book.h"
#include "model/batch.h"

namespace bixws::recording {

/// Books, newest tickers and candles, feed states and annotations, built by applying a session's events in order.
/// Not thread-safe.
class SessionImage {
 public:
  void apply(const Event& event);
  void clear();
  /// The events that bring an empty market to this state: per instrument, in order of first appearance, its status,
  /// ticker, candles, book snapshot and annotations, each with the times of the newest event it stands for.
  void append_to(EventBatch& batch) const;
  [[nodiscard]] bool empty() const { return order_.empty(); }

 private:
  struct Instrument {
    const bixws::Instrument* instrument = nullptr;
    Event status, ticker, book;  // headers; recv_ts and ts of the newest, body unused
    bool has_status = false, has_ticker = false, has_book = false;
    FeedState state = FeedState::none;
    Integrity integrity = Integrity::none;
    Ticker last_ticker;
    market::Book levels;
    FeedState book_state = FeedState::none;
    std::uint32_t depth = 0;
    struct Series {
      Event header;
      Candle last;
    };
    std::map<std::int32_t, Series> candles;
    std::map<std::string, std::unique_ptr<EventBatch>, std::less<>> annotations;
  };
  Instrument& of(const bixws::Instrument& instrument);

  std::vector<std::unique_ptr<Instrument>> by_id_;
  std::vector<Instrument*> order_;
};

}  // namespace bixws::recording
