// SPDX-License-Identifier: Apache-2.0
// Publisher: what a client is told of the state: the answer, what it missed, snapshots, and gaps where that is gone.
#include <algorithm>

#include "model/event_json.h"
#include "server/asked.h"
#include "server/publisher.h"

namespace bixws::server {
namespace {

Event ticker_event(const market::InstrumentState& state) {
  Event event = Event::of(*state.instrument, state.ticker_recv_ts, state.ticker_ts, state.ticker);
  event.seq = state.ticker_seq;
  return event;
}

/// Derived candles follow from what an edge was told since it began: another edge has told more or less of them.
bool numbered_here_alone(const ChannelSpec& what, const Instrument& instrument, const market::Market& market) {
  if (!market.takes_numbers() || what.channel != Channel::candle) return false;
  const market::InstrumentState* state = market.find(instrument.id);
  return state == nullptr || !state->candles.contains(static_cast<std::int32_t>(what.param));
}

std::size_t depth_index(std::uint32_t depth) {
  return static_cast<std::size_t>(std::find(std::begin(market::kDepths), std::end(market::kDepths), depth) -
                                  std::begin(market::kDepths));
}

std::size_t timeframe_index(std::uint32_t seconds) {
  return static_cast<std::size_t>(
      std::find(market::kTimeframes.begin(), market::kTimeframes.end(), static_cast<std::int32_t>(seconds)) -
      market::kTimeframes.begin());
}

}  // namespace

void Publisher::write_payload(std::string_view payload) {
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  out.raw(payload);
  end_frame(out, begin);
}

void Publisher::write_initial_data(const std::function<bool(const Instrument&)>& wanted, const market::Market& market) {
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  Micros newest = 0;
  std::vector<const market::InstrumentState*> states;
  for (const market::InstrumentState* state : market.all()) {
    if (!state->has_ticker || !wanted(*state->instrument)) continue;
    states.push_back(state);
    newest = std::max(newest, state->ticker_recv_ts);
  }
  out.raw("{\"type\":\"initial_data\",\"protocol\":1,\"epoch\":");
  out.quoted(hub_.epoch());
  out.raw(",\"seq\":");
  out.integer(market.ticker_count());
  out.raw(",\"ts\":");
  out.integer(newest);
  write_tickers(states);
  end_frame(out, begin);
}

/// The end of a message about tickers: its `data`, and the braces that close it.
void Publisher::write_tickers(const std::vector<const market::InstrumentState*>& states) {
  TextBuffer& out = run().bytes;
  out.raw(",\"data\":{");
  for (std::size_t i = 0; i < states.size(); ++i) {
    if (i != 0) out.raw(',');
    out.quoted(row_of(*states[i]->instrument).label);
    out.raw(':');
    append_ticker(out, ticker_event(*states[i]));
  }
  out.raw("}}");
}

void Publisher::write_answer(const SubscribeRequest& request, const market::Market& market) {
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  out.raw(request.subscribe ? std::string_view("{\"type\":\"subscribed\"")
                            : std::string_view("{\"type\":\"unsubscribed\""));
  if (!request.id.empty()) {
    out.raw(",\"id\":");
    out.raw(request.id);
  }
  out.raw(",\"epoch\":");
  out.quoted(hub_.epoch());
  if (!request.every) {
    out.raw(",\"symbols\":[");
    for (std::size_t i = 0; i < request.instruments.size(); ++i) {
      if (i != 0) out.raw(',');
      out.quoted(labels_->label(*request.instruments[i]));
    }
    out.raw(']');
  }
  out.raw(",\"channels\":[");
  for (std::size_t i = 0; i < request.channels.size(); ++i) {
    if (i != 0) out.raw(',');
    out.quoted(channel_text(request.channels[i]));
  }
  out.raw(']');
  if (request.subscribe && request.policy) {
    out.raw(",\"policy\":");
    out.quoted(name_of(*request.policy));
  }
  if (request.subscribe) write_positions(request, market);
  out.raw('}');
  end_frame(out, begin);
}

// Trades have no snapshot that would tell where they stand: whoever resumes before the first one came needs it.
void Publisher::write_positions(const SubscribeRequest& request, const market::Market& market) {
  if (!has_channel(request, Channel::trades)) return;
  TextBuffer& out = run().bytes;
  bool any = false;
  for (const market::InstrumentState* state : market.all()) {
    if (state->trades_seq == 0 || !wants(&request, *state->instrument)) continue;
    out.raw(any ? std::string_view(",") : std::string_view(",\"last\":{"));
    any = true;
    out.quoted(row_of(*state->instrument).label);
    out.raw(":{\"trades\":");
    out.integer(state->trades_seq);
    out.raw('}');
    recent_.note_state(topic_of({Channel::trades, 0}, *state->instrument).topic, state->trades_seq);
  }
  if (any) out.raw('}');
}

void Publisher::write_snapshots(const SubscribeRequest& request, Recent::Missed& missed, const market::Market& market) {
  if (has_channel(request, Channel::status)) write_statuses(&request);
  const auto one = [&](const Instrument& instrument) {
    for (const ChannelSpec& what : request.channels) {
      if (what.channel != Channel::ticker && what.channel != Channel::status) {
        write_start(request, what, instrument, missed, market);
      }
    }
  };
  if (request.every) {
    for (const market::InstrumentState* state : market.all()) {
      if (!state->instrument->symbol.empty()) one(*state->instrument);
    }
  } else {
    for (const Instrument* instrument : request.instruments) one(*instrument);
  }
  // In the order in which everybody else got them.
  for (const auto& [order, frame] : missed.frames) run().bytes.raw(frame);
}

void Publisher::write_tickers_start(const SubscribeRequest& request, const Selection& selection, Recent::Missed& missed,
                                    const market::Market& market) {
  const ChannelSpec what{Channel::ticker, 0};
  bool complete = request.resume && request.epoch == hub_.epoch();
  bool resumes = false;
  Recent::Missed found = missed;
  for (const market::InstrumentState* state : market.all()) {
    const Instrument& instrument = *state->instrument;
    const auto policy = selection.find(what, instrument);
    if (instrument.symbol.empty() || policy != Policy::lossless || !wants(&request, instrument)) continue;
    const SubscribeRequest::Position* position = request.position(what, instrument);
    resumes = resumes || position != nullptr;
    complete = complete && recent_.add_missed(topic_of(what, instrument).topic, position != nullptr ? position->seq : 0,
                                              state->ticker_seq, kMostMissed, found);
    recent_.note_state(topic_of(what, instrument).topic, market.ticker_count());
  }
  if (resumes && complete) {
    missed = std::move(found);
    return;
  }
  // Where nothing may be missing it is said of every symbol; of the others the newest ticker says it all.
  for (const market::InstrumentState* state : market.all()) {
    const SubscribeRequest::Position* position = request.position(what, *state->instrument);
    if (position == nullptr || selection.find(what, *state->instrument) != Policy::lossless) continue;
    if (request.epoch != hub_.epoch() || position->seq > market.ticker_count()) {
      write_gap(what, *state->instrument, 0, 0, "another epoch");
    } else if (position->seq < state->ticker_seq) {
      write_gap(what, *state->instrument, position->seq + 1, state->ticker_seq, "no longer held");
    }
  }
  // All tickers it is now subscribed to: one message that replaces whatever the client had.
  write_initial_data(chosen_tickers(selection), market);
}

void Publisher::write_start(const SubscribeRequest& request, const ChannelSpec& what, const Instrument& instrument,
                            Recent::Missed& missed, const market::Market& market) {
  const SubscribeRequest::Position* position = request.resume ? request.position(what, instrument) : nullptr;
  const std::uint64_t now = seq_of(what, market.find(instrument.id));
  const Topic& topic = topic_of(what, instrument).topic;
  if (position != nullptr) {
    if (numbered_here_alone(what, instrument, market)) {
      write_gap(what, instrument, 0, 0, "derived candles are numbered by each edge for itself");
    } else if (request.epoch == hub_.epoch() && position->seq <= now) {
      if (recent_.add_missed(topic, position->seq, now, kMostMissed, missed)) return;
      const bool behind = position->seq < now;  // if not, there may have been gaps upstream that nobody told it of
      write_gap(what, instrument, behind ? position->seq + 1 : 0, behind ? now : 0, "no longer held");
    } else {
      write_gap(what, instrument, 0, 0, "another epoch");
    }
  }
  recent_.note_state(topic, now);
  write_state(what, instrument, 0, market);
}

std::uint64_t Publisher::seq_of(const ChannelSpec& what, const market::InstrumentState* state) {
  if (state == nullptr) return 0;
  switch (what.channel) {
    case Channel::ticker:
      return state->ticker_seq;
    case Channel::trades:
      return state->trades_seq;
    case Channel::book:
      return what.param == 0 ? state->book_seq : state->depth_seq[depth_index(what.param)];
    case Channel::candle: {
      const auto own = state->candles.find(static_cast<std::int32_t>(what.param));
      if (own != state->candles.end()) return own->second.seq;
      market::NumberedCandle derived;
      return state->derived.current(timeframe_index(what.param), derived) ? derived.seq : 0;
    }
    default:
      return 0;
  }
}

void Publisher::write_state(const ChannelSpec& what, const Instrument& instrument, std::uint64_t from_seq,
                            const market::Market& market) {
  const market::InstrumentState* state = market.find(instrument.id);
  if (state == nullptr) return;
  const Row& row = row_of(instrument);
  TextBuffer& out = run().bytes;
  const std::uint64_t seq = seq_of(what, state);
  if (from_seq >= seq) from_seq = 0;  // it conflates nothing
  if (what.channel == Channel::book && state->has_book) {
    const std::size_t depth = what.param == 0 ? SIZE_MAX : what.param;
    const std::vector<Level> bids = state->book.bids().top(depth);
    const std::vector<Level> asks = state->book.asks().top(depth);
    const std::size_t begin = begin_frame(out);
    append_book(out, {instrument.exchange, row.label, seq, from_seq, what.param == 0 ? state->book_depth : what.param,
                      BookAction::snapshot, bids, asks, state->book_ts, state->book_recv_ts, state->book_state});
    end_frame(out, begin);
  } else if (what.channel == Channel::candle) {
    const auto own = state->candles.find(static_cast<std::int32_t>(what.param));
    market::NumberedCandle derived;
    const bool is_own = own != state->candles.end();
    if (!is_own && !state->derived.current(timeframe_index(what.param), derived)) return;
    const std::size_t begin = begin_frame(out);
    append_candle(
        out, {instrument.exchange, row.label, seq, from_seq, is_own ? own->second.recv_ts : state->derived.recv_ts(),
              is_own ? &own->second.last : &derived.candle, !is_own});
    end_frame(out, begin);
  } else if (what.channel == Channel::annotation) {
    for (const StoredMark& mark : row.marks.annotations()) write_mark(mark, row, false);
  } else if (what.channel == Channel::alert) {
    for (const StoredMark& mark : row.marks.alerts()) write_mark(mark, row, true);
  }
}

void Publisher::write_mark(const StoredMark& mark, const Row& row, bool history) {
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  mark.as_event(*row.instrument, [&](const Event& event) { append_message(out, event, row.label); });
  if (history) append_history_flag(out);
  end_frame(out, begin);
}

void Publisher::write_tickers_after(const Selection& selection, std::uint64_t after, const market::Market& market) {
  std::vector<const market::InstrumentState*> states;
  std::uint64_t seq = 0;
  Micros newest = 0;
  for (const market::InstrumentState* state : market.all()) {
    if (!state->has_ticker || state->ticker_seq <= after) continue;
    if (!selection.find({Channel::ticker, 0}, *state->instrument)) continue;
    states.push_back(state);
    seq = std::max(seq, state->ticker_seq);
    newest = std::max(newest, state->ticker_recv_ts);
  }
  if (states.empty()) return;
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  out.raw("{\"type\":\"market_update\",\"seq\":");
  out.integer(seq);
  out.raw(",\"ts\":");
  out.integer(newest);
  write_tickers(states);
  end_frame(out, begin);
}

void Publisher::write_statuses(const SubscribeRequest* only) {
  for (const auto& row : rows_) {
    if (!row || row->last_status.empty()) continue;
    const bool whole_feed = row->instrument->symbol.empty();
    const bool asked =
        wants(only, *row->instrument) ||
        (whole_feed && std::any_of(only->instruments.begin(), only->instruments.end(),
                                   [&](const Instrument* i) { return i->exchange == row->instrument->exchange; }));
    if (asked) write_payload(row->last_status);
  }
}

void Publisher::write_gap(const ChannelSpec& what, const Instrument& instrument, std::uint64_t from, std::uint64_t to,
                          std::string_view reason) {
  Gap gap;
  gap.channel = what.channel;
  gap.client = true;
  gap.reason = reason;
  gap.from_seq = from;
  gap.to_seq = to;
  // Tickers of all instruments are numbered together: how many of them were this one's is not known.
  if (from != 0 && what.channel != Channel::ticker) gap.lost = static_cast<std::int64_t>(to - from + 1);
  TextBuffer& out = run().bytes;
  const std::size_t begin = begin_frame(out);
  append_message(out, Event::of(instrument, 0, 0, gap), row_of(instrument).label);
  append_gap_param(out, what);
  end_frame(out, begin);
}

}  // namespace bixws::server
