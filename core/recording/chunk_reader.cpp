// SPDX-License-Identifier: Apache-2.0
// ChunkReader: believes nothing that it has not checked.
#include <algorithm>
#include <bit>
#include <charconv>

#include "recording/chunk.h"
#include "recording/chunk_shape.h"

namespace bixws::recording {
namespace {

constexpr std::uint8_t kLastFeedState = static_cast<std::uint8_t>(FeedState::ended);
constexpr std::uint8_t kLastIntegrity = static_cast<std::uint8_t>(Integrity::snapshot);
constexpr std::uint8_t kLastChannel = static_cast<std::uint8_t>(Channel::annotation);
constexpr std::uint8_t kLastDirection = static_cast<std::uint8_t>(RawFrame::Direction::rest);

}  // namespace

ChunkReader::ChunkReader(std::string_view payload, Instruments& instruments) : instruments_(instruments) {
  ColumnReader head(payload);
  events_ = head.varint();
  std::array<std::uint64_t, kColumnCount> lengths{};
  for (auto& length : lengths) length = head.varint();
  for (std::size_t i = 0; i < kColumnCount; ++i) columns_[i] = ColumnReader(head.bytes(lengths[i]));
  // Every event has a tag, so a count that cannot be true shows at once.
  bad_ = head.failed() || head.left() != 0 || column(Column::tags).left() != events_;
}

bool ChunkReader::failed() const {
  return bad_ || std::any_of(columns_.begin(), columns_.end(), [](const ColumnReader& c) { return c.failed(); });
}

Decimal ChunkReader::number(Column forms, Column digits, const NumberSlot* slot) {
  const auto form = static_cast<std::int8_t>(column(forms).byte());
  Decimal d;
  if (form == kFormAbsent) return d;
  d.present = 1;
  ColumnReader& in = column(digits);
  if (form >= -kMaxExponent && form <= kMaxExponent) {
    const std::int64_t mantissa = sum(in.signed_varint(), slot != nullptr ? predicted(*slot, form) : 0);
    if (mantissa >= kLargestShortMantissa || mantissa <= -kLargestShortMantissa) bad_ = true;
    d.negative = mantissa < 0;
    d.low = mantissa < 0 ? 0 - static_cast<std::uint64_t>(mantissa) : static_cast<std::uint64_t>(mantissa);
    d.exponent = form;
    return d;
  }
  const std::int64_t exponent = in.signed_varint();
  const std::uint64_t flags = in.varint();
  d.low = in.varint();
  const std::uint64_t high = in.varint();
  if (form != kFormWide || exponent < -kMaxExponent || exponent > kMaxExponent || (flags >> 1) > kMaxZeros ||
      high > UINT32_MAX) {
    bad_ = true;
    return {};
  }
  d.exponent = static_cast<std::int8_t>(exponent);
  d.zeros = static_cast<std::uint8_t>(flags >> 1);
  d.negative = static_cast<std::uint8_t>(flags & 1);
  d.high = static_cast<std::uint32_t>(high);
  return d;
}

Decimal ChunkReader::price(NumberSlot& slot) {
  const Decimal d = number(Column::price_forms, Column::prices, &slot);
  if (d.present != 0 && is_short(d)) slot = {short_mantissa(d), d.exponent};
  return d;
}

Text ChunkReader::text(Arena& arena) {
  return arena.copy(column(Column::texts).bytes(column(Column::counts).varint()));
}

Text ChunkReader::trade_id(ChunkMemory& memory, Arena& arena) {
  const std::uint64_t code = column(Column::ids).varint();
  if (code == 0) return text(arena);
  memory.trade_id = static_cast<std::uint64_t>(sum(static_cast<std::int64_t>(memory.trade_id), unzigzag(code - 1)));
  char digits[24];
  const char* const end = std::to_chars(digits, digits + sizeof digits, memory.trade_id).ptr;
  return arena.copy(Text(digits, static_cast<std::size_t>(end - digits)));
}

Micros ChunkReader::time_or_none() {
  const std::int64_t offset = column(Column::exchange_times).signed_varint();
  return column(Column::counts).byte() == 0 ? 0 : sum(offset, last_recv_ts_);
}

ChunkReader::Result ChunkReader::next(EventBatch& into) {
  if (bad_) return Result::damaged;
  if (done_ == events_) {
    for (const ColumnReader& c : columns_) bad_ = bad_ || c.left() != 0;
    return bad_ ? Result::damaged : Result::end;
  }
  const std::uint8_t tag = column(Column::tags).byte();
  if ((tag & kTagUnused) != 0) bad_ = true;
  Arena& arena = into.arena();
  if ((tag & kTagInstrument) != 0) {
    const std::uint64_t place = column(Column::instruments).varint();
    if (place == known_.size()) {
      const Text exchange = column(Column::texts).bytes(column(Column::counts).varint());
      const Text symbol = column(Column::texts).bytes(column(Column::counts).varint());
      if (failed()) {
        bad_ = true;
        return Result::damaged;
      }
      known_.push_back(&instruments_.get(exchange, symbol));
      memory_.emplace_back();
    }
    last_place_ = place < known_.size() ? static_cast<std::uint32_t>(place) : UINT32_MAX;
  }
  if (last_place_ == UINT32_MAX) {
    bad_ = true;
    return Result::damaged;
  }
  ChunkMemory& memory = memory_[last_place_];
  Event event;
  event.kind = static_cast<Kind>(tag & kTagKind);
  event.instrument = known_[last_place_];
  event.recv_ts = last_recv_ts_ = sum(last_recv_ts_, column(Column::receive_times).signed_varint());
  if ((tag & kTagTime) != 0) event.ts = last_ts_ = sum(last_ts_, column(Column::exchange_times).signed_varint());

  switch (event.kind) {
    case Kind::ticker: {
      auto* body = arena.make(Ticker{});
      const auto fields = ticker_fields(*body);
      for (std::size_t i = 0; i < fields.size(); ++i) *fields[i] = price(memory.ticker[i]);
      event.body = body;
      break;
    }
    case Kind::trades:
      event.body = read_trades(arena, memory, event.ts);
      break;
    case Kind::book:
      event.body = read_book(arena, memory);
      break;
    case Kind::candle:
      event.body = read_candle(arena, memory);
      break;
    case Kind::status:
      event.body = read_status(arena);
      break;
    case Kind::gap:
      event.body = read_gap(arena);
      break;
    case Kind::alert:
    case Kind::annotation:
      event.body = read_mark(arena, memory, event.ts);
      break;
    case Kind::raw:
      event.body = read_raw(arena);
      break;
    default:
      bad_ = true;
      break;
  }
  if (failed()) {
    bad_ = true;
    return Result::damaged;
  }
  into.append_in_place(event);
  ++done_;
  return Result::event;
}

const void* ChunkReader::read_trades(Arena& arena, ChunkMemory& memory, Micros ts) {
  const std::uint64_t head = column(Column::counts).varint();
  const std::uint64_t count = head >> 1;
  if (count > column(Column::price_forms).left()) {
    bad_ = true;
    return nullptr;
  }
  auto* list = static_cast<Trade*>(arena.allocate(count * sizeof(Trade), alignof(Trade)));
  for (std::uint64_t i = 0; i < count; ++i) {
    auto* trade = new (list + i) Trade;
    const std::uint8_t side = column(Column::counts).byte();
    if (side > static_cast<std::uint8_t>(Side::sell)) bad_ = true;
    trade->side = static_cast<Side>(side);
    trade->price = price(memory.trade);
    trade->size = size();
    trade->id = trade_id(memory, arena);
    trade->ts = sum(column(Column::exchange_times).signed_varint(), ts);
  }
  return arena.make(Trades{{list, count}, (head & 1) != 0});
}

const void* ChunkReader::read_book(Arena& arena, ChunkMemory& memory) {
  ColumnReader& counts = column(Column::counts);
  const std::uint64_t shape = counts.byte();
  const auto state = static_cast<std::uint8_t>((shape >> kShapeStateShift) & 7U);
  const std::uint64_t one = shape >> kShapeCountShift;
  if (shape >= kShapeEnd || one > 2 || state > kLastFeedState) bad_ = true;
  if ((shape & kShapeDepth) != 0) {
    const std::uint64_t depth = counts.varint();
    if (depth > UINT32_MAX) bad_ = true;
    memory.depth = static_cast<std::uint32_t>(depth);
  }
  std::uint64_t bids = one == 1 ? 1 : 0;
  std::uint64_t asks = one == 2 ? 1 : 0;
  if (one == 0) {
    bids = counts.varint();
    asks = counts.varint();
  }
  const std::size_t left = column(Column::price_forms).left();
  if (bids > left || asks > left - bids) {
    bad_ = true;
    return nullptr;
  }
  auto* levels = static_cast<Level*>(arena.allocate((bids + asks) * sizeof(Level), alignof(Level)));
  for (std::uint64_t i = 0; i < bids + asks; ++i) {
    NumberSlot& slot = i < bids ? memory.bid : memory.ask;
    const Decimal at = price(slot);
    new (levels + i) Level{at, size()};
  }
  BookChange book;
  book.action = (shape & kShapeUpdate) != 0 ? BookAction::update : BookAction::snapshot;
  book.state = static_cast<FeedState>(state);
  book.depth = memory.depth;
  book.bids = {levels, bids};
  book.asks = {levels + bids, asks};
  return arena.make(book);
}

const void* ChunkReader::read_candle(Arena& arena, ChunkMemory& memory) {
  auto* candle = arena.make(Candle{});
  const std::int64_t seconds = column(Column::counts).signed_varint();
  if (seconds > INT32_MAX || seconds < INT32_MIN) bad_ = true;
  candle->seconds = static_cast<std::int32_t>(seconds);
  candle->closed = column(Column::counts).byte() != 0;
  candle->open_ts = memory.candle_open_ts = sum(column(Column::exchange_times).signed_varint(), memory.candle_open_ts);
  const auto fields = candle_fields(*candle);
  for (std::size_t i = 0; i < fields.size(); ++i) *fields[i] = price(memory.candle[i]);
  return candle;
}

const void* ChunkReader::read_status(Arena& arena) {
  auto* status = arena.make(Status{});
  ColumnReader& counts = column(Column::counts);
  const std::uint8_t state = counts.byte();
  const std::uint8_t integrity = counts.byte();
  if (state > kLastFeedState || integrity > kLastIntegrity) {
    bad_ = true;
    return status;
  }
  status->state = static_cast<FeedState>(state);
  status->integrity = static_cast<Integrity>(integrity);
  status->reason = text(arena);
  const std::uint8_t flags = counts.byte();
  if (flags > 7) bad_ = true;
  if ((flags & 1U) != 0) status->lag_us = counts.signed_varint();
  if ((flags & 2U) != 0) status->skew_us = counts.signed_varint();
  if ((flags & 4U) != 0) {
    auto* replay = arena.make(ReplayPosition{});
    replay->session = counts.signed_varint();
    replay->position = counts.signed_varint();
    replay->speed = std::bit_cast<double>(counts.varint());
    replay->state = text(arena);
    status->replay = replay;
  }
  return status;
}

const void* ChunkReader::read_gap(Arena& arena) {
  auto* gap = arena.make(Gap{});
  ColumnReader& counts = column(Column::counts);
  const std::uint8_t channel = counts.byte();
  const std::uint8_t flags = counts.byte();
  if (channel > kLastChannel || flags > 3) {
    bad_ = true;
    return gap;
  }
  gap->channel = static_cast<Channel>(channel);
  gap->client = (flags & 1U) != 0;
  gap->reason = text(arena);
  gap->from_ts = time_or_none();
  gap->to_ts = time_or_none();
  gap->from_seq = counts.varint();
  gap->to_seq = counts.varint();
  if ((flags & 2U) != 0) gap->lost = counts.signed_varint();
  return gap;
}

const void* ChunkReader::read_mark(Arena& arena, ChunkMemory& memory, Micros ts) {
  auto* mark = arena.make(Mark{});
  mark->id = text(arena);
  mark->text = text(arena);
  mark->kind = text(arena);
  mark->color = text(arena);
  mark->price = price(memory.trade);
  const std::uint64_t head = column(Column::counts).varint();
  const std::uint64_t count = head >> 1;
  if (count > column(Column::price_forms).left()) {
    bad_ = true;
    return mark;
  }
  mark->deleted = (head & 1) != 0;
  auto* points = static_cast<Point*>(arena.allocate(count * sizeof(Point), alignof(Point)));
  for (std::uint64_t i = 0; i < count; ++i) {
    const Micros at = sum(column(Column::exchange_times).signed_varint(), ts);
    new (points + i) Point{at, price(memory.trade)};
  }
  mark->points = {points, count};
  return mark;
}

const void* ChunkReader::read_raw(Arena& arena) {
  auto* raw = arena.make(RawFrame{});
  ColumnReader& counts = column(Column::counts);
  const std::uint64_t connection = counts.varint();
  const std::uint8_t direction = counts.byte();
  if (connection > UINT32_MAX || direction > kLastDirection) {
    bad_ = true;
    return raw;
  }
  raw->connection = static_cast<std::uint32_t>(connection);
  raw->direction = static_cast<RawFrame::Direction>(direction);
  raw->url = text(arena);
  raw->bytes = arena.copy(column(Column::frames).bytes(counts.varint()));
  return raw;
}

}  // namespace bixws::recording
