// SPDX-License-Identifier: Apache-2.0
// HistoryRing: plain values in deques; they become events again only for whoever asks.
#include "server/history_ring.h"

#include <algorithm>
#include <utility>

namespace bixws::server {
namespace {

// What all instruments together may keep: about 20, 5, 45 and at most 25 MB.
constexpr std::size_t kAllTrades = 200'000;
constexpr std::size_t kAllTickers = 20'000;
constexpr std::size_t kAllCandles = 400'000;
constexpr std::size_t kAllMarks = 1'000;

template <typename Items, typename Append>
void take(const Items& items, const HistoryQuery& query, Append&& append) {
  using Item = typename Items::value_type;
  const auto in_range = [&](const Item& item) { return query.covers(item.time()); };
  const std::size_t most = query.limit + 1;
  if (query.forward) {
    std::size_t taken = 0;
    for (const Item& item : items) {
      if (!in_range(item)) continue;
      append(item);
      if (++taken == most) return;
    }
    return;
  }
  auto first = items.end();
  for (std::size_t taken = 0; first != items.begin() && taken < most;) {
    --first;
    if (in_range(*first)) ++taken;
  }
  for (; first != items.end(); ++first) {
    if (in_range(*first)) append(*first);
  }
}

}  // namespace

template <typename Item>
void HistoryRing::Ring<Item>::let_go(std::size_t most) {
  while (items.size() > most) {
    floor = std::max(floor, items.front().time());
    items.pop_front();
  }
}

template <typename Item>
void HistoryRing::Ring<Item>::put(Item item, std::size_t most) {
  if (floor == INT64_MAX) floor = item.time() - 1;
  items.push_back(std::move(item));
  let_go(most);
}

std::size_t HistoryRing::share(std::size_t of_all, std::size_t least, std::size_t most) const {
  return std::clamp(of_all / std::max<std::size_t>(instruments_, 1), least, most);
}

HistoryRing::Row& HistoryRing::row_of(const Instrument& instrument) {
  if (instrument.id >= rows_.size()) rows_.resize(instrument.id + 1);
  auto& row = rows_[instrument.id];
  if (!row) {
    row = std::make_unique<Row>();
    ++instruments_;
  }
  return *row;
}

void HistoryRing::put_candle(Row& row, const Candle& candle, Micros recv_ts) {
  Ring<PastCandle>& ring = row.candles[candle.seconds];
  const std::size_t most = share(kAllCandles / market::kTimeframeCount, 60, kCandles);
  auto& items = ring.items;
  if (items.empty() || items.back().time() < candle.open_ts) {
    ring.put({candle, recv_ts}, most);
    return;
  }
  const auto at =
      std::lower_bound(items.begin(), items.end(), candle.open_ts,
                       [](const PastCandle& item, Micros open_ts) { return item.candle.open_ts < open_ts; });
  if (at->candle.open_ts == candle.open_ts) {
    *at = {candle, recv_ts};
  } else if (at != items.begin() || items.size() < most) {  // the exchange told an older one later
    items.insert(at, {candle, recv_ts});
    ring.let_go(most);
  }
}

void HistoryRing::note_derived(Row& row, const Event& event, const market::InstrumentState& state) {
  // Inside a minute there is only the current candle, which is asked for when somebody wants it.
  market::NumberedCandle minute;
  const Micros open_ts = event.kind == Kind::candle         ? event.candle().open_ts
                         : state.derived.current(0, minute) ? minute.candle.open_ts
                                                            : 0;
  const bool closed = event.kind == Kind::candle && event.candle().closed;
  if (std::exchange(row.minute, open_ts) == open_ts && !closed) return;
  for (std::size_t i = 0; i < market::kTimeframeCount; ++i) {
    changes_.clear();
    state.derived.changes(i, changes_);
    for (const market::NumberedCandle& change : changes_) put_candle(row, change.candle, event.recv_ts);
  }
}

void HistoryRing::note(const Event& event, const market::InstrumentState& state) {
  switch (event.kind) {
    case Kind::trades: {
      Row& row = row_of(*event.instrument);
      const std::size_t most = share(kAllTrades, 20, kTrades);
      for (const Trade& trade : event.trades().list) {
        row.trades.put({trade, std::string(trade.id), event.recv_ts, event.trades().history}, most);
      }
      note_derived(row, event, state);
      break;
    }
    case Kind::ticker:
      row_of(*event.instrument)
          .tickers.put({event.ticker(), event.ts, event.recv_ts}, share(kAllTickers, 10, kTickers));
      break;
    case Kind::candle: {
      Row& row = row_of(*event.instrument);
      put_candle(row, event.candle(), event.recv_ts);
      note_derived(row, event, state);
      break;
    }
    case Kind::alert:
    case Kind::annotation: {
      Row& row = row_of(*event.instrument);
      auto& ring = event.kind == Kind::alert ? row.alerts : row.annotations;
      ring.put(PastMark(event), share(kAllMarks, 10, kMarks));
      break;
    }
    case Kind::book:
    case Kind::status:
    case Kind::gap:
    case Kind::raw:
      break;
  }
}

// Of books only the present one is in memory: it stands for everything up to its newest event.
HistoryRing::Answer HistoryRing::book_now(const HistoryQuery& query, const market::InstrumentState* state) {
  Answer answer;
  if (state == nullptr || !state->has_book) return answer;
  answer.floor = state->book_recv_ts - 1;
  if (!query.covers(state->book_recv_ts)) return answer;
  const std::vector<Level> bids = state->book.bids().top(SIZE_MAX);
  const std::vector<Level> asks = state->book.asks().top(SIZE_MAX);
  const BookChange book{BookAction::snapshot, state->book_state, state->book_depth, bids, asks};
  answer.page.events->append(Event::of(*query.instrument, state->book_recv_ts, state->book_ts, book));
  return answer;
}

HistoryRing::Answer HistoryRing::page(const HistoryQuery& query, const market::InstrumentState* state) {
  Answer answer;
  const Instrument& instrument = *query.instrument;
  if (query.channel == Channel::book) return book_now(query, state);
  if (instrument.id >= rows_.size() || !rows_[instrument.id]) return answer;
  Row& row = *rows_[instrument.id];
  EventBatch& into = *answer.page.events;
  const auto marks = [&](const Ring<PastMark>& ring) {
    take(ring.items, query,
         [&](const PastMark& past) { past.as_event(instrument, [&](const Event& event) { into.append(event); }); });
    answer.floor = ring.floor;
  };
  switch (query.channel) {
    case Channel::trades:
      take(row.trades.items, query, [&](const PastTrade& past) {
        Trade trade = past.trade;
        trade.id = past.id;
        into.append(Event::of(instrument, past.recv_ts, 0, Trades{{&trade, 1}, past.history}));
      });
      answer.floor = row.trades.floor;
      break;
    case Channel::ticker:
      take(row.tickers.items, query,
           [&](const PastTicker& past) { into.append(Event::of(instrument, past.recv_ts, past.ts, past.ticker)); });
      answer.floor = row.tickers.floor;
      break;
    case Channel::candle: {
      const auto* const timeframe = std::find(market::kTimeframes.begin(), market::kTimeframes.end(), query.seconds);
      market::NumberedCandle current;
      if (state != nullptr && timeframe != market::kTimeframes.end() &&
          state->derived.current(static_cast<std::size_t>(timeframe - market::kTimeframes.begin()), current)) {
        put_candle(row, current.candle, state->derived.recv_ts());
      }
      const auto ring = row.candles.find(query.seconds);
      if (ring == row.candles.end()) break;
      take(ring->second.items, query,
           [&](const PastCandle& past) { into.append(Event::of(instrument, past.recv_ts, 0, past.candle)); });
      answer.floor = ring->second.floor;
      break;
    }
    case Channel::book:
      break;
    case Channel::alert:
      marks(row.alerts);
      break;
    case Channel::annotation:
      marks(row.annotations);
      break;
    case Channel::none:
    case Channel::status:
      break;
  }
  return answer;
}

}  // namespace bixws::server
