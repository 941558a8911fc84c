// SPDX-License-Identifier: Apache-2.0
// TypedRows: one prepared INSERT per table.
#include "recording/typed_rows.h"

#include "model/event_json.h"
#include "recording/chunk.h"
#include "recording/format.h"

namespace bixws::recording {
namespace {

constexpr std::array<double, 23> kPowers = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                            1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

void bind_number(Statement& statement, int index, const TypedNumber& number, const Decimal& value, char* text) {
  switch (number.form) {
    case TypedNumber::Form::absent:
      statement.bind_null(index);
      break;
    case TypedNumber::Form::integer:
      statement.bind(index, number.integer);
      break;
    case TypedNumber::Form::text:
      statement.bind_text(index, {text, static_cast<std::size_t>(write_decimal(text, value) - text)});
      break;
  }
}

void bind_real(Statement& statement, int index, const Decimal& value) {
  if (value.has_value()) {
    statement.bind(index, real_of(value));
  } else {
    statement.bind_null(index);
  }
}

void bind_time(Statement& statement, int index, Micros value) {
  if (value != 0) {
    statement.bind(index, value);
  } else {
    statement.bind_null(index);
  }
}

/// Exchange times are kept as distance from the receive time, which takes half the bytes.
void bind_lag(Statement& statement, int index, Micros recv_ts, Micros ts) {
  if (ts != 0) {
    statement.bind(index, difference(recv_ts, ts));
  } else {
    statement.bind_null(index);
  }
}

void bind_some_text(Statement& statement, int index, std::string_view value) {
  if (!value.empty()) {
    statement.bind_text(index, value);
  } else {
    statement.bind_null(index);
  }
}

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
  const auto prepare = [&](Table table, std::string_view sql) {
    insert_[static_cast<std::size_t>(table)] = database.prepare(sql);
  };
  prepare(Table::trades, "INSERT INTO trades VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  prepare(Table::tickers,
          "INSERT INTO tickers VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
  prepare(Table::candles, "INSERT INTO candles VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)");
  prepare(Table::gaps, "INSERT INTO gaps VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
  prepare(Table::annotations, "INSERT INTO annotations VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
  if (books) prepare(Table::book_levels, "INSERT INTO book_levels VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
  constexpr std::array<std::string_view, kTableCount> kNames = {"trades", "tickers",     "candles",
                                                                "gaps",   "annotations", "book_levels"};
  for (std::size_t i = 0; i < kTableCount; ++i) {
    if (i == static_cast<std::size_t>(Table::book_levels) && !books) continue;
    Statement last = database.prepare("SELECT max(id) FROM " + std::string(kNames[i]) + " WHERE id BETWEEN ?1 AND ?2");
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

void TypedRows::rolled_back() {
  rows_ = committed_;
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

Statement& TypedRows::begin(Table table, std::uint64_t seq, const Event& event, int price_decimals, int size_decimals) {
  const std::int64_t instrument = instrument_row(*event.instrument, price_decimals, size_decimals);
  Statement& insert = insert_[static_cast<std::size_t>(table)];
  insert.bind(1, row_id(session_, ++rows_[static_cast<std::size_t>(table)]));
  insert.bind(2, static_cast<std::int64_t>(seq));
  insert.bind(3, instrument);
  return insert;
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
  char price_text[kDecimalChars];
  char size_text[kDecimalChars];
  for (const Trade& trade : event.trades().list) {
    const TypedNumber price = typed_number(trade.price);
    const TypedNumber size = typed_number(trade.size);
    Statement& insert = begin(Table::trades, seq, event, price.decimals, size.decimals);
    insert.bind(4, event.recv_ts);
    bind_lag(insert, 5, event.recv_ts, trade.ts);
    insert.bind(6, static_cast<std::int64_t>(trade.side));
    bind_number(insert, 7, price, trade.price, price_text);
    bind_number(insert, 8, size, trade.size, size_text);
    std::uint64_t id = 0;
    if (numeric_id(trade.id, id)) {
      insert.bind(9, static_cast<std::int64_t>(id));
    } else {
      bind_some_text(insert, 9, trade.id);
    }
    insert.run();
  }
}

void TypedRows::write_ticker(std::uint64_t seq, const Event& event) {
  const Ticker& t = event.ticker();
  Statement& insert = begin(Table::tickers, seq, event, 0, 0);
  insert.bind(4, event.recv_ts);
  bind_lag(insert, 5, event.recv_ts, event.ts);
  int index = 6;
  for (const Decimal* field : {&t.price, &t.bid, &t.ask, &t.bid_size, &t.ask_size, &t.open_24h, &t.high_24h, &t.low_24h,
                               &t.volume_24h, &t.quote_volume_24h, &t.change_24h}) {
    bind_real(insert, index++, *field);
  }
  insert.run();
}

void TypedRows::write_candle(std::uint64_t seq, const Event& event) {
  const Candle& candle = event.candle();
  TextBuffer timeframe;
  append_timeframe(timeframe, candle.seconds);
  Statement& insert = begin(Table::candles, seq, event, 0, 0);
  insert.bind(4, event.recv_ts);
  insert.bind_text(5, timeframe.view());
  insert.bind(6, candle.open_ts);
  int index = 7;
  for (const Decimal* field : {&candle.open, &candle.high, &candle.low, &candle.close, &candle.volume}) {
    bind_real(insert, index++, *field);
  }
  insert.bind(12, std::int64_t{candle.closed});
  insert.run();
}

void TypedRows::write_gap(std::uint64_t seq, const Event& event) {
  const Gap& gap = event.gap();
  Statement& insert = begin(Table::gaps, seq, event, 0, 0);
  insert.bind(4, event.recv_ts);
  bind_some_text(insert, 5, name_of(gap.channel));
  bind_some_text(insert, 6, gap.reason);
  bind_time(insert, 7, gap.from_ts);
  bind_time(insert, 8, gap.to_ts);
  bind_time(insert, 9, static_cast<std::int64_t>(gap.from_seq));
  bind_time(insert, 10, static_cast<std::int64_t>(gap.to_seq));
  if (gap.lost != kUnknown) {
    insert.bind(11, gap.lost);
  } else {
    insert.bind_null(11);
  }
  insert.run();
}

void TypedRows::write_mark(std::uint64_t seq, const Event& event) {
  const Mark& mark = event.mark();
  const std::string points = points_json(mark);
  Statement& insert = begin(Table::annotations, seq, event, 0, 0);
  insert.bind(4, event.recv_ts);
  bind_time(insert, 5, event.ts);
  insert.bind_text(6, event.kind == Kind::alert ? "alert" : "annotation");
  insert.bind_text(7, mark.id);
  bind_some_text(insert, 8, mark.kind);
  bind_some_text(insert, 9, mark.text);
  bind_real(insert, 10, mark.price);
  bind_some_text(insert, 11, mark.color);
  bind_some_text(insert, 12, points);
  insert.bind(13, std::int64_t{mark.deleted});
  insert.run();
}

void TypedRows::write_book(std::uint64_t seq, const Event& event) {
  char price_text[kDecimalChars];
  char size_text[kDecimalChars];
  const BookChange& book = event.book();
  for (const std::int64_t side : {0, 1}) {
    for (const Level& level : side == 0 ? book.bids : book.asks) {
      const TypedNumber price = typed_number(level.price);
      const TypedNumber size = typed_number(level.size);
      Statement& insert = begin(Table::book_levels, seq, event, price.decimals, size.decimals);
      insert.bind(4, event.recv_ts);
      bind_lag(insert, 5, event.recv_ts, event.ts);
      insert.bind(6, static_cast<std::int64_t>(book.action));
      insert.bind(7, side);
      bind_number(insert, 8, price, level.price, price_text);
      bind_number(insert, 9, size, level.size, size_text);
      insert.run();
    }
  }
}

}  // namespace bixws::recording
