// SPDX-License-Identifier: Apache-2.0
// Market: applies events in order and numbers them.
#include "market/market.h"

#include <algorithm>

namespace bixws::market {
namespace {

void merge(Decimal& into, const Decimal& from) {
  if (from.has_value()) into = from;
}

void merge(Ticker& into, const Ticker& from) {
  merge(into.price, from.price);
  merge(into.bid, from.bid);
  merge(into.ask, from.ask);
  merge(into.bid_size, from.bid_size);
  merge(into.ask_size, from.ask_size);
  merge(into.open_24h, from.open_24h);
  merge(into.high_24h, from.high_24h);
  merge(into.low_24h, from.low_24h);
  merge(into.volume_24h, from.volume_24h);
  merge(into.quote_volume_24h, from.quote_volume_24h);
  merge(into.change_24h, from.change_24h);
}

}  // namespace

InstrumentState& Market::state_of(const Instrument& instrument) {
  if (instrument.id >= by_id_.size()) by_id_.resize(instrument.id + 1);
  auto& slot = by_id_[instrument.id];
  if (!slot) {
    slot = std::make_unique<InstrumentState>();
    slot->instrument = &instrument;
    order_.push_back(slot.get());
  }
  return *slot;
}

void Market::number(Event& event, std::uint64_t& counter) const {
  if (!takes_numbers_ || event.seq == 0) event.seq = counter + 1;
  counter = event.seq;
}

void Market::number_depths(InstrumentState& state, bool snapshot) const {
  if (takes_numbers_ && snapshot && state.depths_told) {
    std::copy(std::begin(state.told_depth_seq), std::end(state.told_depth_seq), std::begin(state.depth_seq));
    state.depths_told = false;
    return;
  }
  const std::size_t touched = std::min(state.touched.bid, state.touched.ask);
  for (std::size_t i = 0; i < kDepthCount; ++i) {
    if (touched < kDepths[i]) ++state.depth_seq[i];
  }
}

void Market::reached(const Instrument& instrument, std::uint64_t trades, std::span<const std::uint64_t> depths) {
  InstrumentState& state = state_of(instrument);
  if (trades != 0) state.trades_seq = trades;
  if (depths.size() != kDepthCount) return;
  std::copy(depths.begin(), depths.end(), std::begin(state.told_depth_seq));
  state.depths_told = true;
}

void Market::apply(Event& event, Arena& arena) {
  last_recv_ts_ = std::max(last_recv_ts_, event.recv_ts);
  InstrumentState& state = state_of(*event.instrument);
  switch (event.kind) {
    case Kind::ticker: {
      merge(state.ticker, event.ticker());
      event.body = arena.make(state.ticker);
      if (event.ts == 0) event.ts = state.ticker_ts;  // best bid/ask frames of some exchanges carry no time
      state.has_ticker = true;
      state.ticker_ts = event.ts;
      state.ticker_recv_ts = event.recv_ts;
      if (!takes_numbers_ || event.seq == 0) event.seq = ticker_count_ + 1;
      ticker_count_ = std::max(ticker_count_, event.seq);
      state.ticker_seq = event.seq;
      break;
    }
    case Kind::trades:
      number(event, state.trades_seq);
      if (!event.trades().list.empty()) state.last_trade_ts = event.trades().list.back().ts;
      state.derived.apply(event.trades(), event.recv_ts);
      break;
    case Kind::book: {
      const BookChange& change = event.book();
      state.touched = state.book.apply(change);
      state.has_book = true;
      state.book_state = change.state;
      state.book_depth = change.depth;
      state.book_ts = event.ts;
      state.book_recv_ts = event.recv_ts;
      number(event, state.book_seq);
      number_depths(state, change.action == BookAction::snapshot);
      break;
    }
    case Kind::candle: {
      CandleSeries& series = state.candles[event.candle().seconds];
      series.last = event.candle();
      series.recv_ts = event.recv_ts;
      number(event, series.seq);
      state.derived.apply(event.candle(), event.recv_ts);
      break;
    }
    case Kind::status:
      state.has_status = true;
      state.state = event.status().state;
      if (event.status().integrity != Integrity::none) state.integrity = event.status().integrity;
      // The last good book stays readable while a feed repairs it; whoever reads it is told.
      if (state.has_book &&
          (state.state == FeedState::live || state.state == FeedState::resyncing || state.state == FeedState::stale)) {
        state.book_state = state.state;
      }
      break;
    case Kind::gap:
    case Kind::alert:
    case Kind::annotation:
    case Kind::raw:
      break;
  }
}

void Market::reset() {
  for (auto& slot : by_id_) {
    if (!slot) continue;
    const Instrument* instrument = slot->instrument;
    *slot = InstrumentState{};
    slot->instrument = instrument;
  }
  last_recv_ts_ = 0;
  ticker_count_ = 0;
}

const InstrumentState* Market::find(std::uint32_t instrument_id) const {
  return instrument_id < by_id_.size() ? by_id_[instrument_id].get() : nullptr;
}

}  // namespace bixws::market
