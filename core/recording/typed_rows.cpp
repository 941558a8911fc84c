// SPDX-License-Identifier: Apache-2.0
// TypedRows: which values an event's rows have, table by table.
#include "recording/typed_rows.h"

#include "model/event_json.h"
#include "recording/chunk.h"
#include "recording/format.h"

namespace bixws::recording {
namespace {

constexpr std::array<double, 23> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

void add_number(RowInserter& rows, const TypedNumber& number, const Decimal& value) {
  char text[kDecimalChars];
  switch (number.form) {
    case TypedNumber::Form::absent:
      rows.add_null();
      break;
    case TypedNumber::Form::integer:
      rows.add(number.integer);
      break;
    case TypedNumber::Form::text:
      rows.add_text({text, static_cast<std::size_t>(write_decimal(text, value) - text)});
      break;
  }
}

void add_real(RowInserter& rows, const Decimal& value) {
  if (value.has_value()) {
    rows.add(real_of(value));
  } else {
    rows.add_null();
  }
}

void add_unless_zero(RowInserter& rows, std::int64_t value) {
  if (value != 0) {
    rows.add(value);
  } else {
    rows.add_null();
  }
}

/// Exchange times are kept as distance from the receive time, which takes half the bytes.
void add_lag(RowInserter& rows, Micros recv_ts, Micros ts) {
  if (ts != 0) {
    rows.add(difference(recv_ts, ts));
  } else {
    rows.add_null();
  }
}

void add_some_text(RowInserter& rows, std::string_view value) {
  if (!value.empty()) {
    rows.add_text(value);
  } else {
    rows.add_null();
  }
}

/// Of the tables, in the order of Table. Those that many events leave rows in get them many at a time.
struct Shape {
  std::string_view name;
  std::size_t values;  // behind the id
  std::size_t together;
};
constexpr std::array<Shape, kTableCount> kShapes = {{{"trades", 8, 64},
                                                     {"tickers", 15, 32},
                                                     {"candles", 11, 1},
                                                     {"gaps", 10, 1},
                                                     {"annotations", 12, 1},
                                                     {"book_levels", 8, 64}}};

}  // namespace

TypedNumber typed_number(const Decimal& value) noexcept {
  TypedNumber number;
  if (!value.has_value()) return number;
  const bool fits = value.high == 0 && value.low <= static_cast<std::uint64_t>(INT64_MAX) && value.zeros == 0 &&
                    value.exponent <= 0 && value.exponent >= -kMaxTypedDecimals &&
                    (value.negative == 0 || value.low != 0);
  if (!fits) {
    number.form = TypedNumber::Form::text;
    return number;
  }
  number.form = TypedNumber::Form::integer;
  const auto magnitude = static_cast<std::int64_t>(value.low);
  number.integer = value.negative != 0 ? -magnitude : magnitude;
  number.decimals = -value.exponent;
  return number;
}

double real_of(const Decimal& d) noexcept {
  // Both parts are exact as doubles, so the one operation rounds once: to the nearest double.
  constexpr std::uint64_t kExact = std::uint64_t{1} << 53;
  if (d.high != 0 || d.low > kExact || d.exponent < -22 || d.exponent > 22) return d.to_double();
  const auto magnitude = static_cast<double>(d.low);
  const double value = d.exponent < 0 ? magnitude / kPowers[static_cast<std::size_t>(-d.exponent)]
                                      : magnitude * kPowers[static_cast<std::size_t>(d.exponent)];
  return d.negative != 0 ? -value : value;
}

std::string points_json(const Mark& mark) {
  if (mark.points.empty()) return {};
  TextBuffer out;
  append_points(out, mark.points);
  return out.str();
}

TypedRows::TypedRows(Database& database, std::int64_t session, bool books) : session_(session), books_(books) {
  insert_instrument_ = database.prepare("INSERT OR IGNORE INTO instruments VALUES(NULL, ?1, ?2, ?3, ?4, ?5, ?6)");
  select_instrument_ = database.prepare(
      "SELECT id FROM instruments WHERE exchange = ?1 AND symbol = ?2 AND price_decimals = ?3 AND size_decimals = ?4");
  for (std::size_t i = 0; i < kTableCount; ++i) {
    if (i == static_cast<std::size_t>(Table::book_levels) && !books) continue;
    const Shape& shape = kShapes[i];
    insert_[i] = RowInserter(database, shape.name, shape.values, shape.together);
    Statement last = database.prepare("SELECT max(id) FROM " + std::string(shape.name) + " WHERE id BETWEEN ?1 AND ?2");
    last.bind(1, row_id(session, 1));
    last.bind(2, row_id(session + 1, 0) - 1);
    if (last.step() && !last.is_null(0)) rows_[i] = last.integer(0) - row_id(session, 0);
  }
  committed_ = rows_;
}

bool TypedRows::wants(Kind kind) const {
  switch (kind) {
    case Kind::trades:
    case Kind::ticker:
    case Kind::candle:
    case Kind::gap:
    case Kind::alert:
    case Kind::annotation:
      return true;
    case Kind::book:
      return books_;
    case Kind::status:
    case Kind::raw:
      break;
  }
  return false;
}

void TypedRows::committed() { committed_ = rows_; }

void TypedRows::flush() {
  for (RowInserter& rows : insert_) rows.flush();
}

void TypedRows::rolled_back() {
  rows_ = committed_;
  for (RowInserter& rows : insert_) rows.clear();
  instrument_rows_.clear();  // rows it knew may be gone
}

std::int64_t TypedRows::instrument_row(const Instrument& instrument, int price_decimals, int size_decimals) {
  if (instrument.id >= instrument_rows_.size()) instrument_rows_.resize(instrument.id + 1);
  auto& rows = instrument_rows_[instrument.id];
  for (const InstrumentRow& row : rows) {
    if (row.price_decimals == price_decimals && row.size_decimals == size_decimals) return row.id;
  }
  for (Statement* statement : {&insert_instrument_, &select_instrument_}) {
    statement->bind_text(1, instrument.exchange);
    statement->bind_text(2, instrument.symbol);
    statement->bind(3, std::int64_t{price_decimals});
    statement->bind(4, std::int64_t{size_decimals});
  }
  insert_instrument_.bind(5, kPowers[static_cast<std::size_t>(price_decimals)]);
  insert_instrument_.bind(6, kPowers[static_cast<std::size_t>(size_decimals)]);
  insert_instrument_.run();
  select_instrument_.step();
  const std::int64_t id = select_instrument_.integer(0);
  select_instrument_.reset();
  rows.push_back({price_decimals, size_decimals, id});
  return id;
}

RowInserter& TypedRows::begin(Table table, std::uint64_t seq, const Event& event, int price_decimals,
                              int size_decimals) {
  const std::int64_t instrument = instrument_row(*event.instrument, price_decimals, size_decimals);
  RowInserter& rows = insert_[static_cast<std::size_t>(table)];
  rows.begin(row_id(session_, ++rows_[static_cast<std::size_t>(table)]));
  rows.add(static_cast<std::int64_t>(seq));
  rows.add(instrument);
  rows.add(event.recv_ts);
  return rows;
}

void TypedRows::write(std::uint64_t seq, const Event& event) {
  switch (event.kind) {
    case Kind::trades:
      write_trades(seq, event);
      break;
    case Kind::ticker:
      write_ticker(seq, event);
      break;
    case Kind::candle:
      write_candle(seq, event);
      break;
    case Kind::gap:
      write_gap(seq, event);
      break;
    case Kind::alert:
    case Kind::annotation:
      write_mark(seq, event);
      break;
    case Kind::book:
      if (books_) write_book(seq, event);
      break;
    case Kind::status:
    case Kind::raw:
      break;
  }
}

void TypedRows::write_trades(std::uint64_t seq, const Event& event) {
  for (const Trade& trade : event.trades().list) {
    const TypedNumber price = typed_number(trade.price);
    const TypedNumber size = typed_number(trade.size);
    RowInserter& rows = begin(Table::trades, seq, event, price.decimals, size.decimals);
    add_lag(rows, event.recv_ts, trade.ts);
    rows.add(static_cast<std::int64_t>(trade.side));
    add_number(rows, price, trade.price);
    add_number(rows, size, trade.size);
    std::uint64_t id = 0;
    if (numeric_id(trade.id, id)) {
      rows.add(static_cast<std::int64_t>(id));
    } else {
      add_some_text(rows, trade.id);
    }
  }
}

void TypedRows::write_ticker(std::uint64_t seq, const Event& event) {
  const Ticker& t = event.ticker();
  RowInserter& rows = begin(Table::tickers, seq, event, 0, 0);
  add_lag(rows, event.recv_ts, event.ts);
  for (const Decimal* field : {&t.price, &t.bid, &t.ask, &t.bid_size, &t.ask_size, &t.open_24h, &t.high_24h, &t.low_24h,
                               &t.volume_24h, &t.quote_volume_24h, &t.change_24h}) {
    add_real(rows, *field);
  }
}

void TypedRows::write_candle(std::uint64_t seq, const Event& event) {
  const Candle& candle = event.candle();
  TextBuffer timeframe;
  append_timeframe(timeframe, candle.seconds);
  RowInserter& rows = begin(Table::candles, seq, event, 0, 0);
  rows.add_text(timeframe.view());
  rows.add(candle.open_ts);
  for (const Decimal* field : {&candle.open, &candle.high, &candle.low, &candle.close, &candle.volume}) {
    add_real(rows, *field);
  }
  rows.add(std::int64_t{candle.closed});
}

void TypedRows::write_gap(std::uint64_t seq, const Event& event) {
  const Gap& gap = event.gap();
  RowInserter& rows = begin(Table::gaps, seq, event, 0, 0);
  add_some_text(rows, name_of(gap.channel));
  add_some_text(rows, gap.reason);
  add_unless_zero(rows, gap.from_ts);
  add_unless_zero(rows, gap.to_ts);
  add_unless_zero(rows, static_cast<std::int64_t>(gap.from_seq));
  add_unless_zero(rows, static_cast<std::int64_t>(gap.to_seq));
  if (gap.lost != kUnknown) {
    rows.add(gap.lost);
  } else {
    rows.add_null();
  }
}

void TypedRows::write_mark(std::uint64_t seq, const Event& event) {
  const Mark& mark = event.mark();
  const std::string points = points_json(mark);
  RowInserter& rows = begin(Table::annotations, seq, event, 0, 0);
  add_unless_zero(rows, event.ts);
  rows.add_text(event.kind == Kind::alert ? "alert" : "annotation");
  rows.add_text(mark.id);
  add_some_text(rows, mark.kind);
  add_some_text(rows, mark.text);
  add_real(rows, mark.price);
  add_some_text(rows, mark.color);
  add_some_text(rows, points);
  rows.add(std::int64_t{mark.deleted});
}

void TypedRows::write_book(std::uint64_t seq, const Event& event) {
  const BookChange& book = event.book();
  for (const std::int64_t side : {0, 1}) {
    for (const Level& level : side == 0 ? book.bids : book.asks) {
      const TypedNumber price = typed_number(level.price);
      const TypedNumber size = typed_number(level.size);
      RowInserter& rows = begin(Table::book_levels, seq, event, price.decimals, size.decimals);
      add_lag(rows, event.recv_ts, event.ts);
      rows.add(static_cast<std::int64_t>(book.action));
      rows.add(side);
      add_number(rows, price, level.price);
      add_number(rows, size, level.size);
    }
  }
}

}  // namespace bixws::recording
