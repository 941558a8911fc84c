// SPDX-License-Identifier: Apache-2.0
// Publisher: what clients are told when they come, subscribe, or have fallen behind. Runs on the hub's thread, so that
// an answer and what follows it leave in one order.
#include <algorithm>

#include "model/event_json.h"
#include "server/publisher.h"

namespace bixws::server {
namespace {

Event ticker_event(const market::InstrumentState& state) {
  Event event = Event::of(*state.instrument, state.ticker_recv_ts, state.ticker_ts, state.ticker);
  event.seq = state.ticker_seq;
  return event;
}

bool wants(const SubscribeRequest* only, const Instrument& instrument) {
  return only == nullptr || only->every ||
         std::find(only->instruments.begin(), only->instruments.end(), &instrument) != only->instruments.end();
}

bool has_channel(const SubscribeRequest& request, Channel channel) {
  return std::any_of(request.channels.begin(), request.channels.end(),
                     [channel](const ChannelSpec& what) { return what.channel == channel; });
}

/// Channels whose newest state says all that matters.
const std::vector<ChannelSpec>& state_channels() {
  static const std::vector<ChannelSpec> list = [] {
    std::vector<ChannelSpec> made;
    for (const std::string& name : channel_names()) {
      const ChannelSpec what = *parse_channel(name);
      if (what.channel == Channel::book || what.channel == Channel::candle) made.push_back(what);
    }
    return made;
  }();
  return list;
}

std::function<bool(const Instrument&)> chosen_tickers(const Selection& selection) {
  return [&selection](const Instrument& i) { return selection.find({Channel::ticker, 0}, i).has_value(); };
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

// ---- the requests -------------------------------------------------------------------------------------------------

void Publisher::add_answer(Answer::Kind kind, ClientKey client, std::shared_ptr<const Selection> selection,
                           std::size_t begin, const market::Market& market, std::uint64_t token,
                           std::shared_ptr<const Selection> covered) {
  Run& current = run();
  RunItem& item = current.items.emplace_back();
  item.kind = RunItem::Kind::answer;
  item.index = static_cast<std::uint32_t>(current.answers.size());
  current.answers.push_back(
      {kind,
       client,
       std::move(selection),
       std::move(covered),
       {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(current.bytes.size() - begin)},
       market.ticker_count(),
       token});
  hand_over();
}

RequestError Publisher::too_many_subscriptions(const std::string& id) const {
  return {id, ErrorCode::too_many,
          "more than " + std::to_string(most_subscriptions_) + " subscriptions on one connection"};
}

void Publisher::join(ClientKey client, const std::optional<SubscribeRequest>& request,
                     const std::optional<RequestError>& error, const market::Market& market) {
  const std::size_t begin = run().bytes.size();
  Selection selection;
  if (request) {
    for (const ChannelSpec& what : request->channels) {
      const Policy policy = effective_policy(what.channel, request->policy);
      if (request->every) selection.add(what, nullptr, policy);
      for (const Instrument* instrument : request->instruments) selection.add(what, instrument, policy);
    }
  }
  std::optional<RequestError> refusal = error;
  if (selection.items().size() > most_subscriptions_) refusal = too_many_subscriptions({});
  const SubscribeRequest* const granted = request && !refusal ? &*request : nullptr;
  write_initial_data([granted](const Instrument& instrument) { return wants(granted, instrument); }, market);
  if (granted != nullptr) {
    write_answer(*granted, market);
    Recent::Missed missed;
    write_snapshots(*granted, missed, market);
  } else {
    selection = Selection::initial();
    write_statuses(nullptr);
  }
  if (refusal) {
    TextBuffer text;
    append_error(text, *refusal);
    write_payload(text.view());
  }
  const auto shared = acquire(std::move(selection), market);
  clients_[client] = {shared, granted == nullptr};
  add_answer(Answer::Kind::select, client, shared->second.selection, begin, market);
}

void Publisher::leave(ClientKey client, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  release(at->second.shared, market);
  clients_.erase(at);
  std::erase_if(early_, [&](const Early& early) { return early.client == client; });
}

void Publisher::ping(ClientKey client, const market::Market& market) {
  answer_waiting(market);
  if (!clients_.contains(client)) return;
  const std::size_t begin = run().bytes.size();
  run().bytes.raw(kPingFrame);
  add_answer(Answer::Kind::plain, client, nullptr, begin, market);
}

void Publisher::answer(ClientKey client, const Request& request, const market::Market& market) {
  TextBuffer text;
  answer_waiting(client, market);  // what it asked first is answered first
  if (const auto* subscribe = std::get_if<SubscribeRequest>(&request)) {
    if (!wait_for_numbers(client, *subscribe, market)) select(client, *subscribe, market);
  } else if (const auto* ping = std::get_if<PingRequest>(&request)) {
    append_pong(text, *ping, market.last_recv_ts());
    reply(client, text.view(), market);
  } else if (const auto* error = std::get_if<RequestError>(&request)) {
    append_error(text, *error);
    reply(client, text.view(), market);
  } else if (const auto* annotation = std::get_if<AnnotateRequest>(&request)) {
    annotate(client, *annotation, market);
  } else if (const auto* history = std::get_if<HistoryRequest>(&request)) {
    ask_history(client, *history, market);
  }
}

void Publisher::reply(ClientKey client, std::string_view payload, const market::Market& market) {
  const std::size_t begin = run().bytes.size();
  write_payload(payload);
  add_answer(Answer::Kind::plain, client, nullptr, begin, market);
}

void Publisher::select(ClientKey client, const SubscribeRequest& request, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  Selection selection;
  auto covered = std::make_shared<Selection>();
  if (!request.subscribe || !at->second.by_default) selection = *at->second.shared->second.selection;
  for (const ChannelSpec& what : request.channels) {
    const Policy policy = effective_policy(what.channel, request.policy);
    if (request.every) {
      request.subscribe ? selection.add(what, nullptr, policy) : selection.remove(what, nullptr);
    }
    for (const Instrument* instrument : request.instruments) {
      request.subscribe ? selection.add(what, instrument, policy) : selection.remove(what, instrument);
      covered->add(what, instrument, policy);
    }
    if (request.every) covered->add(what, nullptr, policy);
  }
  if (selection.items().size() > most_subscriptions_) {
    TextBuffer text;
    append_error(text, too_many_subscriptions(request.id));
    reply(client, text.view(), market);
    return;
  }
  const std::size_t begin = run().bytes.size();
  write_answer(request, market);
  // Acquired before the old one is released, so that a topic both name never stops being encoded.
  const auto shared = acquire(std::move(selection), market);
  release(at->second.shared, market);
  at->second.shared = shared;
  if (request.subscribe) {
    at->second.by_default = false;
    Recent::Missed missed;
    if (!market.takes_numbers()) missed.gap = request.gap;  // an edge counts those it was told of, from when it came
    if (has_channel(request, Channel::ticker)) {
      write_tickers_start(request, *shared->second.selection, missed, market);
    }
    write_snapshots(request, missed, market);
  } else {
    covered = nullptr;
  }
  add_answer(Answer::Kind::select, client, shared->second.selection, begin, market, 0, covered);
}

void Publisher::refresh(ClientKey client, const RefreshRequest& request, const market::Market& market) {
  const auto at = clients_.find(client);
  if (at == clients_.end()) return;
  const Selection& selection = *at->second.shared->second.selection;
  const bool same_epoch = request.epochs == epochs_ && !request.new_epoch;
  const std::size_t begin = run().bytes.size();
  if (!same_epoch) {
    write_initial_data(chosen_tickers(selection), market);
    for (const market::InstrumentState* state : market.all()) {
      for (const ChannelSpec& what : state_channels()) {
        const auto policy = selection.find(what, *state->instrument);
        if (policy && *policy != Policy::lossless) write_state(what, *state->instrument, 0, market);
      }
    }
  } else {
    if (request.tickers) write_tickers_after(selection, request.tickers_after, market);
    for (const RefreshRequest::Stale& stale : request.topics) {
      const Topic& topic = *stale.topic;
      const auto policy = selection.find(topic.what, *topic.instrument);
      if (!policy) continue;  // unsubscribed meanwhile
      const std::uint64_t now = seq_of(topic.what, market.find(topic.instrument->id));
      const bool gap = *policy == Policy::drop_oldest && stale.from_seq != 0 && stale.from_seq <= now;
      if (gap) write_gap(topic.what, *topic.instrument, stale.from_seq, now, "slow consumer");
      write_state(topic.what, *topic.instrument, gap ? 0 : stale.from_seq, market);
    }
  }
  add_answer(Answer::Kind::refresh, client, nullptr, begin, market, request.token);
}

void Publisher::on_epoch(const std::string& epoch, const market::Market& market) {
  (void)epoch;
  release_overtaken(nullptr);
  ++epochs_;
  recent_.clear();
  history_.clear();
  gaps_ = 0;
  own_marks_.clear();
  for (auto& row : rows_) {
    if (!row) continue;
    row->last_status.clear();
    row->marks.clear();
    for (TopicState* topic : row->depths) {
      if (topic != nullptr) topic->view.reset(market::Book{}, topic->topic.what.param);
    }
    row->ticker_seq = row->previous_ticker_seq = 0;
  }
  if (market.takes_numbers()) keep_everything(market);
  const std::size_t begin = run().bytes.size();
  write_initial_data([](const Instrument&) { return true; }, market);
  RunItem& item = run().items.emplace_back();
  item.kind = RunItem::Kind::epoch;
  item.frame = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(run().bytes.size() - begin)};
  hand_over();
}

// ---- what they are told -------------------------------------------------------------------------------------------

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
