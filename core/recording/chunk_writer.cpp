// SPDX-License-Identifier: Apache-2.0
// ChunkWriter: each kind of value has a column of its own, because like next to like compresses best.
#include <algorithm>
#include <bit>

#include "recording/chunk.h"
#include "recording/chunk_shape.h"

namespace bixws::recording {

bool numeric_id(Text id, std::uint64_t& value) noexcept {
  if (id.empty() || id.size() > 18 || (id.front() == '0' && id.size() > 1)) return false;
  std::uint64_t number = 0;
  for (const char c : id) {
    if (c < '0' || c > '9') return false;
    number = number * 10 + static_cast<unsigned>(c - '0');
  }
  value = number;
  return true;
}

std::size_t ChunkWriter::bytes() const {
  std::size_t total = 0;
  for (const ColumnWriter& column : columns_) total += column.size();
  return total;
}

void ChunkWriter::clear() {
  for (ColumnWriter& column : columns_) column.clear();
  for (const std::uint32_t id : known_) place_[id] = 0;
  known_.clear();
  memory_.clear();
  last_instrument_ = UINT32_MAX;
  last_recv_ts_ = last_ts_ = 0;
  min_recv_ts_ = max_recv_ts_ = 0;
  events_ = 0;
}

void ChunkWriter::finish(ColumnWriter& out) const {
  out.varint(events_);
  for (const ColumnWriter& column : columns_) out.varint(column.size());
  for (const ColumnWriter& column : columns_) out.bytes(column.view());
}

ChunkMemory& ChunkWriter::memory_of(const Instrument& instrument, bool& is_new, std::uint32_t& index) {
  if (instrument.id >= place_.size()) place_.resize(instrument.id + 1);
  std::uint32_t& place = place_[instrument.id];
  is_new = place == 0;
  if (is_new) {
    known_.push_back(instrument.id);
    memory_.emplace_back();
    place = static_cast<std::uint32_t>(known_.size());
  }
  index = place - 1;
  return memory_[index];
}

void ChunkWriter::number(const Decimal& value, Column forms, Column digits, std::int64_t expected) {
  if (value.present == 0) {
    column(forms).byte(static_cast<std::uint8_t>(kFormAbsent));
  } else if (is_short(value)) {
    column(forms).byte(static_cast<std::uint8_t>(value.exponent));
    column(digits).signed_varint(difference(short_mantissa(value), expected));
  } else {
    column(forms).byte(static_cast<std::uint8_t>(kFormWide));
    ColumnWriter& out = column(digits);
    out.signed_varint(value.exponent);
    out.varint(static_cast<std::uint64_t>(value.zeros) << 1 | (value.negative != 0 ? 1U : 0U));
    out.varint(value.low);
    out.varint(value.high);
  }
}

void ChunkWriter::price(const Decimal& value, NumberSlot& slot) {
  const bool plain = value.present != 0 && is_short(value);
  number(value, Column::price_forms, Column::prices, plain ? predicted(slot, value.exponent) : 0);
  if (plain) slot = {short_mantissa(value), value.exponent};
}

void ChunkWriter::text(Text value) {
  column(Column::counts).varint(value.size());
  column(Column::texts).bytes(value);
}

void ChunkWriter::trade_id(Text id, ChunkMemory& memory) {
  std::uint64_t value = 0;
  if (!numeric_id(id, value)) {
    column(Column::ids).varint(0);
    text(id);
    return;
  }
  // At most 10^18 apart, so the one added for the escape cannot overflow.
  column(Column::ids)
      .varint(1 + zigzag(difference(static_cast<std::int64_t>(value), static_cast<std::int64_t>(memory.trade_id))));
  memory.trade_id = value;
}

void ChunkWriter::time_or_none(Micros value) {
  column(Column::exchange_times).signed_varint(value == 0 ? 0 : difference(value, last_recv_ts_));
  column(Column::counts).byte(value == 0 ? 0 : 1);
}

void ChunkWriter::add(const Event& event) {
  bool is_new = false;
  std::uint32_t place = 0;
  ChunkMemory& memory = memory_of(*event.instrument, is_new, place);

  auto tag = static_cast<std::uint8_t>(event.kind);
  if (event.instrument->id != last_instrument_) tag |= kTagInstrument;
  if (event.ts != 0) tag |= kTagTime;
  column(Column::tags).byte(tag);
  if ((tag & kTagInstrument) != 0) {
    column(Column::instruments).varint(place);
    last_instrument_ = event.instrument->id;
  }
  if (is_new) {
    text(event.instrument->exchange);
    text(event.instrument->symbol);
  }
  column(Column::receive_times).signed_varint(difference(event.recv_ts, last_recv_ts_));
  last_recv_ts_ = event.recv_ts;
  if (event.ts != 0) {
    column(Column::exchange_times).signed_varint(difference(event.ts, last_ts_));
    last_ts_ = event.ts;
  }
  min_recv_ts_ = events_ == 0 ? event.recv_ts : std::min(min_recv_ts_, event.recv_ts);
  max_recv_ts_ = events_ == 0 ? event.recv_ts : std::max(max_recv_ts_, event.recv_ts);
  ++events_;

  switch (event.kind) {
    case Kind::ticker: {
      const auto fields = ticker_fields(event.ticker());
      for (std::size_t i = 0; i < fields.size(); ++i) price(*fields[i], memory.ticker[i]);
      break;
    }
    case Kind::trades:
      add_trades(event, memory);
      break;
    case Kind::book:
      add_book(event, memory);
      break;
    case Kind::candle:
      add_candle(event, memory);
      break;
    case Kind::status:
      add_status(event);
      break;
    case Kind::gap:
      add_gap(event);
      break;
    case Kind::alert:
    case Kind::annotation:
      add_mark(event, memory);
      break;
    case Kind::raw:
      add_raw(event);
      break;
  }
}

void ChunkWriter::add_trades(const Event& event, ChunkMemory& memory) {
  const Trades& trades = event.trades();
  column(Column::counts).varint(static_cast<std::uint64_t>(trades.list.size()) << 1 | (trades.history ? 1U : 0U));
  for (const Trade& trade : trades.list) {
    column(Column::counts).byte(static_cast<std::uint8_t>(trade.side));
    price(trade.price, memory.trade);
    size(trade.size);
    trade_id(trade.id, memory);
    column(Column::exchange_times).signed_varint(difference(trade.ts, event.ts));
  }
}

void ChunkWriter::add_book(const Event& event, ChunkMemory& memory) {
  const BookChange& book = event.book();
  std::uint64_t shape = static_cast<std::uint64_t>(book.state) << kShapeStateShift;
  if (book.action == BookAction::update) shape |= kShapeUpdate;
  if (book.depth != memory.depth) shape |= kShapeDepth;
  const std::uint64_t one = book.bids.size() + book.asks.size() != 1 ? 0 : (book.bids.size() == 1 ? 1 : 2);
  shape |= one << kShapeCountShift;
  ColumnWriter& counts = column(Column::counts);
  counts.byte(static_cast<std::uint8_t>(shape));
  if (book.depth != memory.depth) {
    counts.varint(book.depth);
    memory.depth = book.depth;
  }
  if (one == 0) {
    counts.varint(book.bids.size());
    counts.varint(book.asks.size());
  }
  for (const Level& level : book.bids) {
    price(level.price, memory.bid);
    size(level.size);
  }
  for (const Level& level : book.asks) {
    price(level.price, memory.ask);
    size(level.size);
  }
}

void ChunkWriter::add_candle(const Event& event, ChunkMemory& memory) {
  const Candle& candle = event.candle();
  column(Column::counts).signed_varint(candle.seconds);
  column(Column::counts).byte(candle.closed ? 1 : 0);
  column(Column::exchange_times).signed_varint(difference(candle.open_ts, memory.candle_open_ts));
  memory.candle_open_ts = candle.open_ts;
  const auto fields = candle_fields(candle);
  for (std::size_t i = 0; i < fields.size(); ++i) price(*fields[i], memory.candle[i]);
}

void ChunkWriter::add_status(const Event& event) {
  const Status& status = event.status();
  ColumnWriter& counts = column(Column::counts);
  counts.byte(static_cast<std::uint8_t>(status.state));
  counts.byte(static_cast<std::uint8_t>(status.integrity));
  text(status.reason);
  counts.byte(static_cast<std::uint8_t>((status.lag_us != kUnknown ? 1U : 0U) | (status.skew_us != kUnknown ? 2U : 0U) |
                                        (status.replay != nullptr ? 4U : 0U)));
  if (status.lag_us != kUnknown) counts.signed_varint(status.lag_us);
  if (status.skew_us != kUnknown) counts.signed_varint(status.skew_us);
  if (status.replay != nullptr) {
    counts.signed_varint(status.replay->session);
    counts.signed_varint(status.replay->position);
    counts.varint(std::bit_cast<std::uint64_t>(status.replay->speed));
    text(status.replay->state);
  }
}

void ChunkWriter::add_gap(const Event& event) {
  const Gap& gap = event.gap();
  ColumnWriter& counts = column(Column::counts);
  counts.byte(static_cast<std::uint8_t>(gap.channel));
  counts.byte(static_cast<std::uint8_t>((gap.client ? 1U : 0U) | (gap.lost != kUnknown ? 2U : 0U)));
  text(gap.reason);
  time_or_none(gap.from_ts);
  time_or_none(gap.to_ts);
  counts.varint(gap.from_seq);
  counts.varint(gap.to_seq);
  if (gap.lost != kUnknown) counts.signed_varint(gap.lost);
}

void ChunkWriter::add_mark(const Event& event, ChunkMemory& memory) {
  const Mark& mark = event.mark();
  text(mark.id);
  text(mark.text);
  text(mark.kind);
  text(mark.color);
  price(mark.price, memory.trade);
  column(Column::counts).varint(static_cast<std::uint64_t>(mark.points.size()) << 1 | (mark.deleted ? 1U : 0U));
  for (const Point& point : mark.points) {
    column(Column::exchange_times).signed_varint(difference(point.ts, event.ts));
    price(point.price, memory.trade);
  }
}

void ChunkWriter::add_raw(const Event& event) {
  const RawFrame& raw = event.raw();
  ColumnWriter& counts = column(Column::counts);
  counts.varint(raw.connection);
  counts.byte(static_cast<std::uint8_t>(raw.direction));
  text(raw.url);
  counts.varint(raw.bytes.size());
  column(Column::frames).bytes(raw.bytes);
}

}  // namespace bixws::recording
