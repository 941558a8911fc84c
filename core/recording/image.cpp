// SPDX-License-Identifier: Apache-2.0
// SessionImage: the market's state without its numbering.
#include "recording/image.h"

namespace bixws::recording {

SessionImage::Instrument& SessionImage::of(const bixws::Instrument& instrument) {
  if (instrument.id >= by_id_.size()) by_id_.resize(instrument.id + 1);
  auto& slot = by_id_[instrument.id];
  if (!slot) {
    slot = std::make_unique<Instrument>();
    slot->instrument = &instrument;
    order_.push_back(slot.get());
  }
  return *slot;
}

void SessionImage::clear() {
  by_id_.clear();
  order_.clear();
}

void SessionImage::apply(const Event& event) {
  switch (event.kind) {
    case Kind::book: {
      Instrument& at = of(*event.instrument);
      const BookChange& change = event.book();
      at.levels.apply(change);
      at.book = event;
      at.book_state = change.state;
      at.depth = change.depth;
      at.has_book = true;
      break;
    }
    case Kind::ticker: {
      Instrument& at = of(*event.instrument);
      at.ticker = event;
      at.last_ticker = event.ticker();
      at.has_ticker = true;
      break;
    }
    case Kind::candle:
      of(*event.instrument).candles[event.candle().seconds] = {event, event.candle()};
      break;
    case Kind::status: {
      if (event.status().replay != nullptr) break;
      Instrument& at = of(*event.instrument);
      at.status = event;
      at.state = event.status().state;
      if (event.status().integrity != Integrity::none) at.integrity = event.status().integrity;
      at.has_status = true;
      break;
    }
    case Kind::annotation: {
      auto& annotations = of(*event.instrument).annotations;
      if (event.mark().deleted) {
        annotations.erase(std::string(event.mark().id));
        break;
      }
      auto copy = std::make_unique<EventBatch>();
      copy->append(event);
      annotations[std::string(event.mark().id)] = std::move(copy);
      break;
    }
    case Kind::trades:
    case Kind::gap:
    case Kind::alert:
    case Kind::raw:
      break;
  }
}

void SessionImage::append_to(EventBatch& batch) const {
  Arena& arena = batch.arena();
  const auto add = [&batch](Event header, const void* body) {
    header.seq = 0;
    header.body = body;
    batch.append_in_place(header);
  };
  for (const Instrument* at : order_) {
    if (at->has_status) {
      Status status;
      status.state = at->state;
      status.integrity = at->integrity;
      add(at->status, arena.make(status));
    }
    if (at->has_ticker) add(at->ticker, arena.make(at->last_ticker));
    for (const auto& [seconds, series] : at->candles) add(series.header, arena.make(series.last));
    if (at->has_book) {
      BookChange book;
      book.action = BookAction::snapshot;
      book.state = at->book_state;
      book.depth = at->depth;
      const auto bids = at->levels.bids().top(SIZE_MAX);
      const auto asks = at->levels.asks().top(SIZE_MAX);
      book.bids = arena.copy(std::span<const Level>(bids));
      book.asks = arena.copy(std::span<const Level>(asks));
      add(at->book, arena.make(book));
    }
    for (const auto& [id, annotation] : at->annotations) batch.append(annotation->events().front());
  }
}

}  // namespace bixws::recording
