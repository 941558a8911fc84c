// SPDX-License-Identifier: Apache-2.0
// RowCheck: one cursor per table, moving along with the events.
#include "recording/row_check.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <utility>

#include "model/event_json.h"
#include "recording/chunk.h"
#include "recording/format.h"
#include "recording/typed_rows.h"

namespace bixws::recording {
namespace {

constexpr int kMostComplaints = 10;  // a table; what follows the first ones seldom says more

struct TableText {
  Table table;
  const char* name;
  const char* columns;  // after seq, exchange, symbol, price_decimals, size_decimals, price_unit, size_unit
};
constexpr std::array<TableText, kTableCount> kTableTexts = {{
    {Table::trades, "trades", "t.recv_ts, t.lag, t.side, t.price, t.size, t.trade_id"},
    {Table::tickers, "tickers",
     "t.recv_ts, t.lag, t.price, t.bid, t.ask, t.bid_size, t.ask_size, t.open_24h, t.high_24h, t.low_24h, "
     "t.volume_24h, t.quote_volume_24h, t.change_24h"},
    {Table::candles, "candles",
     "t.recv_ts, t.timeframe, t.open_ts, t.open, t.high, t.low, t.close, t.volume, t.closed"},
    {Table::gaps, "gaps", "t.ts, t.channel, t.reason, t.from_ts, t.to_ts, t.from_seq, t.to_seq, t.lost"},
    {Table::annotations, "annotations",
     "t.recv_ts, t.ts, t.type, t.mark_id, t.kind, t.text, t.price, t.color, t.points, t.deleted"},
    {Table::book_levels, "book_levels", "t.recv_ts, t.lag, t.action, t.side, t.price, t.size"},
}};

constexpr int kFirstColumn = 7;

/// Compares a row's columns one after the other, remembering the first that differs.
class RowReader {
 public:
  explicit RowReader(const Statement& row) : row_(row) {}

  void number(const char* name, std::int64_t wanted) {
    const int at = column_++;
    expect(name, row_.type(at) == Statement::Type::integer && row_.integer(at) == wanted);
  }
  void number_or_null(const char* name, bool present, std::int64_t wanted) {
    if (present) {
      number(name, wanted);
    } else {
      null(name);
    }
  }
  void lag(Micros recv_ts, Micros ts) { number_or_null("lag", ts != 0, difference(recv_ts, ts)); }
  void real(const char* name, const Decimal& wanted) {
    if (!wanted.has_value()) {
      null(name);
      return;
    }
    const int at = column_++;
    const double there = row_.real(at);
    expect(name, (row_.type(at) == Statement::Type::real || row_.type(at) == Statement::Type::integer) &&
                     there == real_of(wanted));
  }
  void text(const char* name, std::string_view wanted) {
    const int at = column_++;
    expect(name, row_.type(at) == Statement::Type::text && row_.text(at) == wanted);
  }
  void some_text(const char* name, std::string_view wanted) {
    if (wanted.empty()) {
      null(name);
    } else {
      text(name, wanted);
    }
  }
  void typed(const char* name, const TypedNumber& number_form, const Decimal& wanted) {
    switch (number_form.form) {
      case TypedNumber::Form::absent:
        null(name);
        break;
      case TypedNumber::Form::integer:
        number(name, number_form.integer);
        break;
      case TypedNumber::Form::text:
        text(name, wanted.to_string());
        break;
    }
  }
  void instrument(const Instrument& wanted, int price_decimals, int size_decimals) {
    const bool names = row_.text(1) == wanted.exchange && row_.text(2) == wanted.symbol;
    const bool decimals = row_.integer(3) == price_decimals && row_.integer(4) == size_decimals;
    const bool units = row_.real(5) == real_of(Decimal::of(1, price_decimals)) &&
                       row_.real(6) == real_of(Decimal::of(1, size_decimals));
    expect("instrument", names && decimals && units);
  }
  [[nodiscard]] const char* wrong() const { return wrong_; }

 private:
  void null(const char* name) { expect(name, row_.type(column_++) == Statement::Type::null); }
  void expect(const char* name, bool right) {
    if (!right && wrong_ == nullptr) wrong_ = name;
  }

  const Statement& row_;
  int column_ = kFirstColumn;
  const char* wrong_ = nullptr;
};

void read_trade(RowReader& row, const Event& event, const Trade& trade) {
  const TypedNumber price = typed_number(trade.price);
  const TypedNumber size = typed_number(trade.size);
  row.instrument(*event.instrument, price.decimals, size.decimals);
  row.number("recv_ts", event.recv_ts);
  row.lag(event.recv_ts, trade.ts);
  row.number("side", static_cast<std::int64_t>(trade.side));
  row.typed("price", price, trade.price);
  row.typed("size", size, trade.size);
  std::uint64_t id = 0;
  if (numeric_id(trade.id, id)) {
    row.number("trade_id", static_cast<std::int64_t>(id));
  } else {
    row.some_text("trade_id", trade.id);
  }
}

void read_ticker(RowReader& row, const Event& event) {
  const Ticker& t = event.ticker();
  row.instrument(*event.instrument, 0, 0);
  row.number("recv_ts", event.recv_ts);
  row.lag(event.recv_ts, event.ts);
  const std::array<std::pair<const char*, const Decimal*>, 11> fields = {{{"price", &t.price},
                                                                          {"bid", &t.bid},
                                                                          {"ask", &t.ask},
                                                                          {"bid_size", &t.bid_size},
                                                                          {"ask_size", &t.ask_size},
                                                                          {"open_24h", &t.open_24h},
                                                                          {"high_24h", &t.high_24h},
                                                                          {"low_24h", &t.low_24h},
                                                                          {"volume_24h", &t.volume_24h},
                                                                          {"quote_volume_24h", &t.quote_volume_24h},
                                                                          {"change_24h", &t.change_24h}}};
  for (const auto& [name, value] : fields) row.real(name, *value);
}

void read_candle(RowReader& row, const Event& event) {
  const Candle& candle = event.candle();
  TextBuffer timeframe;
  append_timeframe(timeframe, candle.seconds);
  row.instrument(*event.instrument, 0, 0);
  row.number("recv_ts", event.recv_ts);
  row.text("timeframe", timeframe.view());
  row.number("open_ts", candle.open_ts);
  row.real("open", candle.open);
  row.real("high", candle.high);
  row.real("low", candle.low);
  row.real("close", candle.close);
  row.real("volume", candle.volume);
  row.number("closed", candle.closed ? 1 : 0);
}

void read_gap(RowReader& row, const Event& event) {
  const Gap& gap = event.gap();
  row.instrument(*event.instrument, 0, 0);
  row.number("ts", event.recv_ts);
  row.some_text("channel", name_of(gap.channel));
  row.some_text("reason", gap.reason);
  row.number_or_null("from_ts", gap.from_ts != 0, gap.from_ts);
  row.number_or_null("to_ts", gap.to_ts != 0, gap.to_ts);
  row.number_or_null("from_seq", gap.from_seq != 0, static_cast<std::int64_t>(gap.from_seq));
  row.number_or_null("to_seq", gap.to_seq != 0, static_cast<std::int64_t>(gap.to_seq));
  row.number_or_null("lost", gap.lost != kUnknown, gap.lost);
}

void read_mark(RowReader& row, const Event& event) {
  const Mark& mark = event.mark();
  row.instrument(*event.instrument, 0, 0);
  row.number("recv_ts", event.recv_ts);
  row.number_or_null("ts", event.ts != 0, event.ts);
  row.text("type", event.kind == Kind::alert ? "alert" : "annotation");
  row.text("mark_id", mark.id);
  row.some_text("kind", mark.kind);
  row.some_text("text", mark.text);
  row.real("price", mark.price);
  row.some_text("color", mark.color);
  row.some_text("points", points_json(mark));
  row.number("deleted", mark.deleted ? 1 : 0);
}

void read_level(RowReader& row, const Event& event, const Level& level, bool ask) {
  const TypedNumber price = typed_number(level.price);
  const TypedNumber size = typed_number(level.size);
  row.instrument(*event.instrument, price.decimals, size.decimals);
  row.number("recv_ts", event.recv_ts);
  row.lag(event.recv_ts, event.ts);
  row.number("action", static_cast<std::int64_t>(event.book().action));
  row.number("side", ask ? 1 : 0);
  row.typed("price", price, level.price);
  row.typed("size", size, level.size);
}

}  // namespace

/// The rows of one table that belong to the session, in the order of their ids.
class RowCheck::Rows {
 public:
  Rows(Database& database, const TableText& text, std::int64_t session, const Complain& complain)
      : name_(text.name), complain_(complain) {
    guarded([&] {
      // LEFT JOIN: a row whose instrument is missing must be seen, too.
      select_ = database.prepare(std::string("SELECT t.seq, i.exchange, i.symbol, i.price_decimals, i.size_decimals, "
                                             "i.price_unit, i.size_unit, ") +
                                 text.columns + " FROM " + text.name +
                                 " t LEFT JOIN instruments i ON i.id = t.instrument "
                                 "WHERE t.id BETWEEN ?1 AND ?2 ORDER BY t.id");
      select_.bind(1, row_id(session, 0));
      select_.bind(2, row_id(session + 1, 0) - 1);
      advance();
      any_ = more_;
    });
  }

  template <typename Read>
  void expect(std::uint64_t seq, Read&& read) {
    guarded([&] {
      while (more_ && row_seq() < seq) {
        complain("row " + place() + " belongs to no event");
        advance();
      }
      if (!more_ || row_seq() > seq) {
        complain("the row of event " + std::to_string(seq) + " is missing");
        return;
      }
      RowReader row(select_);
      read(row);
      if (row.wrong() != nullptr) complain("row " + place() + ": " + row.wrong() + " is not what the chunk says");
      advance();
    });
  }
  void skip_to(std::uint64_t seq) {
    guarded([&] {
      while (more_ && row_seq() <= seq) advance();
    });
  }
  void finish() {
    guarded([&] {
      std::uint64_t extra = 0;
      for (; more_; advance()) ++extra;
      if (extra != 0) complain(std::to_string(extra) + " rows belong to no event");
    });
    if (complaints_ > kMostComplaints) {
      complain_("table " + name_ + ": and " + std::to_string(complaints_ - kMostComplaints) + " more");
    }
  }
  /// Book levels are optional: all or none.
  [[nodiscard]] bool any() const { return any_; }

 private:
  [[nodiscard]] std::uint64_t row_seq() const { return static_cast<std::uint64_t>(select_.integer(0)); }
  [[nodiscard]] std::string place() const {
    return std::to_string(number_) + " (event " + std::to_string(row_seq()) + ")";
  }
  void advance() {
    more_ = select_.step();
    ++number_;
  }
  void complain(const std::string& what) {
    if (++complaints_ <= kMostComplaints) complain_("table " + name_ + ": " + what);
  }
  template <typename Do>
  void guarded(Do&& action) {
    if (broken_) return;
    try {
      action();
    } catch (const DatabaseError& error) {
      if (!error.is_corrupt()) throw;
      complain(std::string("cannot be read further: ") + error.what());
      broken_ = true;
      more_ = false;
    }
  }

  std::string name_;
  const Complain& complain_;
  Statement select_;
  bool more_ = false, any_ = false, broken_ = false;
  std::uint64_t number_ = 0;
  int complaints_ = 0;
};

RowCheck::RowCheck(Database& database, std::int64_t session, Complain complain) : complain_(std::move(complain)) {
  for (const TableText& text : kTableTexts) {
    const bool optional = text.table == Table::book_levels;
    if (optional &&
        database.integer("SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'book_levels'") == 0) {
      continue;
    }
    auto rows = std::make_unique<Rows>(database, text, session, complain_);
    if (!optional || rows->any()) tables_[static_cast<std::size_t>(text.table)] = std::move(rows);
  }
}

RowCheck::~RowCheck() = default;

void RowCheck::check(std::uint64_t seq, const Event& event) {
  const auto rows = [this](Table table) -> Rows& { return *tables_[static_cast<std::size_t>(table)]; };
  switch (event.kind) {
    case Kind::trades:
      for (const Trade& trade : event.trades().list) {
        rows(Table::trades).expect(seq, [&](RowReader& row) { read_trade(row, event, trade); });
      }
      break;
    case Kind::ticker:
      rows(Table::tickers).expect(seq, [&](RowReader& row) { read_ticker(row, event); });
      break;
    case Kind::candle:
      rows(Table::candles).expect(seq, [&](RowReader& row) { read_candle(row, event); });
      break;
    case Kind::gap:
      rows(Table::gaps).expect(seq, [&](RowReader& row) { read_gap(row, event); });
      break;
    case Kind::alert:
    case Kind::annotation:
      rows(Table::annotations).expect(seq, [&](RowReader& row) { read_mark(row, event); });
      break;
    case Kind::book: {
      if (!tables_[static_cast<std::size_t>(Table::book_levels)]) break;
      Rows& levels = rows(Table::book_levels);
      for (const Level& level : event.book().bids) {
        levels.expect(seq, [&](RowReader& row) { read_level(row, event, level, false); });
      }
      for (const Level& level : event.book().asks) {
        levels.expect(seq, [&](RowReader& row) { read_level(row, event, level, true); });
      }
      break;
    }
    case Kind::status:
    case Kind::raw:
      break;
  }
}

void RowCheck::skip(std::uint64_t to) {
  for (auto& rows : tables_) {
    if (rows) rows->skip_to(to);
  }
}

void RowCheck::finish() {
  for (auto& rows : tables_) {
    if (rows) rows->finish();
  }
}

}  // namespace bixws::recording
