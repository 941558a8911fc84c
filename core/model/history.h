// SPDX-License-Identifier: Apache-2.0
// History: what a client may ask of the past, and a page of it. Answered from memory and from recordings alike.
#pragma once

#include <bixws/event.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "model/batch.h"
#include "model/text_buffer.h"

namespace bixws {

/// One channel of one instrument. Times are recv_ts, for candles open_ts.
struct HistoryQuery {
  const Instrument* instrument = nullptr;
  Channel channel = Channel::none;
  std::int32_t seconds = 0;  ///< candles: the timeframe
  std::size_t limit = 100;   ///< items: trades, tickers, candles, alerts or annotations
  Micros from = INT64_MIN;   ///< the first time asked for
  Micros to = INT64_MAX;     ///< this time and later ones are out
  Micros now = INT64_MAX;    ///< newest recv_ts there is: in a replay, what is later has not happened yet
  bool forward = false;      ///< of more than `limit`, the first ones instead of the last ones
  const std::atomic<bool>* cancelled = nullptr;  ///< set: nobody waits any more

  [[nodiscard]] bool covers(Micros time) const { return time >= from && time < to; }
  [[nodiscard]] bool over() const { return cancelled != nullptr && cancelled->load(std::memory_order_relaxed); }
};

/// Oldest first; each event is one item (a trades event has one trade).
struct HistoryPage {
  std::unique_ptr<EventBatch> events = std::make_unique<EventBatch>();
  bool more = false;  ///< there may be more beyond the limit, or beyond what was looked at

  [[nodiscard]] std::size_t size() const { return events->size(); }
};

/// The time by which an item is found: recv_ts, of a candle its beginning.
[[nodiscard]] inline Micros history_time(const Event& event) {
  return event.kind == Kind::candle ? event.candle().open_ts : event.recv_ts;
}

/// Appends the event's items: trades one by one.
inline void append_items(EventBatch& into, const Event& event) {
  if (event.kind != Kind::trades) {
    into.append(event);
    return;
  }
  for (const Trade& trade : event.trades().list) {
    const Trades one{{&trade, 1}, event.trades().history};
    Event& item = into.append(Event::of(*event.instrument, event.recv_ts, event.ts, one));
    item.seq = event.seq;
  }
}

/// What stands for an item in the `data` of an answer: a ticker, the trade, a candle, an alert or an annotation,
/// without what the envelope says. Nothing for other kinds.
void append_item(TextBuffer& out, const Event& item);

}  // namespace bixws
