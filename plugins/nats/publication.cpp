// SPDX-License-Identifier: Apache-2.0
// Publication: a market of its own, which is what was published and no more, answers for the subjects.
#include "nats/publication.h"

#include "model/event_json.h"
#include "nats/envelope.h"

namespace bixws::nats {

void Publication::begin_epoch(std::string_view epoch) {
  epoch_ = epoch;
  market_.reset();
  broken_.clear();
  subjects_.clear();
}

std::string Publication::label_of(const Instrument& instrument) const {
  if (instrument.symbol.empty()) return {};
  if (instrument.exchange == plain_exchange_) return std::string(instrument.symbol);
  return std::string(instrument.exchange) + ':' + std::string(instrument.symbol);
}

Publication::Subject& Publication::subject_of_event(const Event& event) {
  const std::int32_t seconds = event.kind == Kind::candle ? event.candle().seconds : 0;
  const std::uint64_t key = std::uint64_t{event.instrument->id} << 32U | static_cast<std::uint64_t>(event.kind) << 26U |
                            static_cast<std::uint32_t>(seconds);
  Subject& subject = subjects_[key];
  if (subject.instrument == nullptr) {
    subject.instrument = event.instrument;
    subject.kind = event.kind;
    subject.seconds = seconds;
    subject.name = subject_of(prefix_, event);
  }
  return subject;
}

Publication::Message Publication::publish(const Event& original) {
  if (original.kind == Kind::raw) return {};
  Event event = original;
  market_.apply(event, arena_);
  if (event.kind == Kind::book && event.book().action == BookAction::snapshot) broken_.erase(event.instrument->id);
  Subject& subject = subject_of_event(event);
  text_.clear();
  append_message(text_, event, label_of(*event.instrument));
  if (event.kind == Kind::status) subject.last_status = text_.view();
  arena_.clear();
  close_envelope(text_, {epoch_, ++subject.n});
  return {subject.name, text_.view(), subject.n};
}

void Publication::note_loss(const Instrument& instrument) {
  for (auto& [key, subject] : subjects_) {
    if (subject.instrument != &instrument && !instrument.symbol.empty()) continue;
    ++subject.n;
    if (subject.kind == Kind::book) broken_.insert(subject.instrument->id);
  }
}

void Publication::append_state(const Subject& subject) {
  const market::InstrumentState& state = *market_.find(subject.instrument->id);
  const std::string label = label_of(*subject.instrument);
  text_.clear();
  switch (subject.kind) {
    case Kind::ticker: {
      Event event = Event::of(*subject.instrument, state.ticker_recv_ts, state.ticker_ts, state.ticker);
      event.seq = state.ticker_seq;
      append_message(text_, event, label);
      return;
    }
    case Kind::book: {
      const auto bids = state.book.bids().top(SIZE_MAX);
      const auto asks = state.book.asks().top(SIZE_MAX);
      append_book(text_, {subject.instrument->exchange, label, state.book_seq, 0, state.book_depth,
                          BookAction::snapshot, bids, asks, state.book_ts, state.book_recv_ts,
                          broken_.contains(subject.instrument->id) ? FeedState::stale : state.book_state});
      return;
    }
    case Kind::candle: {
      const market::CandleSeries& series = state.candles.at(subject.seconds);
      append_candle(text_, {subject.instrument->exchange, label, series.seq, 0, series.recv_ts, &series.last, false});
      return;
    }
    case Kind::status:
      text_.raw(subject.last_status);
      return;
    case Kind::trades: {  // none of them, but how far they are
      const Trades none;
      Event event = Event::of(*subject.instrument, 0, 0, none);
      event.seq = state.trades_seq;
      append_message(text_, event, label);
      return;
    }
    default:
      text_.raw("{\"type\":\"position\"}");
  }
}

void Publication::answer(const std::set<std::string, std::less<>>& wanted,
                         const std::function<void(std::string_view)>& send) {
  for (const auto& [key, subject] : subjects_) {
    if (!wanted.empty() && !wanted.contains(subject.name)) continue;
    append_state(subject);
    const bool book = subject.kind == Kind::book;
    close_answer(text_, subject.name, {epoch_, subject.n},
                 book ? std::span<const std::uint64_t>(market_.find(subject.instrument->id)->depth_seq)
                      : std::span<const std::uint64_t>());
    send(text_.view());
  }
  text_.clear();
  text_.raw("{\"type\":\"end\"}");
  close_envelope(text_, {epoch_, subjects_.size()});
  send(text_.view());
}

}  // namespace bixws::nats
