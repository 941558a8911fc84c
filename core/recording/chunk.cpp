// SPDX-License-Identifier: Apache-2.0
// Chunk: each kind of value has a column of its own, because like next to like compresses best.
#include "recording/chunk.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

namespace bixws::recording {
namespace {

constexpr std::int64_t kLargestShortMantissa = std::int64_t{1} << 62;

constexpr std::array<std::int64_t, 19> kPowers = [] {
  std::array<std::int64_t, 19> powers{};
  std::int64_t power = 1;
  for (auto& entry : powers) {
    entry = power;
    if (power <= std::numeric_limits<std::int64_t>::max() / 10) power *= 10;
  }
  return powers;
}();

/// What the slot's number would be at another exponent; 0 if that cannot be said.
std::int64_t predicted(const NumberSlot& slot, int exponent) noexcept {
  const int shift = slot.exponent - exponent;
  if (shift == 0) return slot.mantissa;
  if (shift > 18 || shift < -18) return 0;
  if (shift < 0) return slot.mantissa / kPowers[static_cast<std::size_t>(-shift)];
  std::int64_t scaled = 0;
  if (__builtin_mul_overflow(slot.mantissa, kPowers[static_cast<std::size_t>(shift)], &scaled)) return 0;
  return scaled;
}

bool is_short(const Decimal& d) noexcept {
  return d.high == 0 && d.low < static_cast<std::uint64_t>(kLargestShortMantissa) && d.zeros == 0 &&
         (d.negative == 0 || d.low != 0) && d.exponent >= -kMaxExponent && d.exponent <= kMaxExponent;
}

std::int64_t short_mantissa(const Decimal& d) noexcept {
  const auto magnitude = static_cast<std::int64_t>(d.low);
  return d.negative != 0 ? -magnitude : magnitude;
}

template <typename Body>
auto ticker_fields(Body& t) {
  return std::array{&t.price,    &t.bid,     &t.ask,        &t.bid_size,         &t.ask_size,  &t.open_24h,
                    &t.high_24h, &t.low_24h, &t.volume_24h, &t.quote_volume_24h, &t.change_24h};
}

template <typename Body>
auto candle_fields(Body& c) {
  return std::array{&c.open, &c.high, &c.low, &c.close, &c.volume};
}

// Book shape: action and state, whether the depth changed, and for the usual update of one level, which side it is on.
constexpr std::uint64_t kShapeUpdate = 0x01;
constexpr unsigned kShapeStateShift = 1;
constexpr std::uint64_t kShapeDepth = 0x10;
constexpr unsigned kShapeCountShift = 5;  // 0: counts follow, 1: one bid, 2: one ask
constexpr std::uint64_t kShapeEnd = 0x80;

constexpr std::uint8_t kLastFeedState = static_cast<std::uint8_t>(FeedState::ended);
constexpr std::uint8_t kLastIntegrity = static_cast<std::uint8_t>(Integrity::snapshot);
constexpr std::uint8_t kLastChannel = static_cast<std::uint8_t>(Channel::annotation);
constexpr std::uint8_t kLastDirection = static_cast<std::uint8_t>(RawFrame::Direction::rest);

}  // namespace

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

// ---- writer ----

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

// ---- reader ----

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
