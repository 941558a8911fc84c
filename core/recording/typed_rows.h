// SPDX-License-Identifier: Apache-2.0
// TypedRows: the rows for SQL that stand beside the chunks, and the rules by which a number becomes a column.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "recording/database.h"
#include "recording/row_inserter.h"

namespace bixws::recording {

/// A price or size as a column holds it. `text` is its digits, for those that are no int64 times a power of ten.
struct TypedNumber {
  enum class Form : std::uint8_t { absent, integer, text };
  Form form = Form::absent;
  std::int64_t integer = 0;  ///< the number times 10^decimals
  int decimals = 0;
};
[[nodiscard]] TypedNumber typed_number(const Decimal& value) noexcept;
/// The nearest double, as the REAL columns hold it.
[[nodiscard]] double real_of(const Decimal& value) noexcept;
/// The points of a mark as JSON: [[ts,price],...]; empty if there are none.
[[nodiscard]] std::string points_json(const Mark& mark);

enum class Table : std::uint8_t { trades, tickers, candles, gaps, annotations, book_levels };
inline constexpr std::size_t kTableCount = 6;

/// Writes inside the caller's transactions. Not thread-safe.
class TypedRows {
 public:
  /// `books`: a row for every level of every book event as well (the table must exist).
  TypedRows(Database& database, std::int64_t session, bool books);

  /// True if events of this kind leave rows.
  [[nodiscard]] bool wants(Kind kind) const;
  void write(std::uint64_t seq, const Event& event);
  /// What was written is in the tables afterwards: to be called before COMMIT.
  void flush();
  /// To be called after COMMIT; after ROLLBACK, which takes back the rows since then, the other.
  void committed();
  void rolled_back();

 private:
  struct InstrumentRow {
    int price_decimals, size_decimals;
    std::int64_t id;
  };

  /// Begins a row with what all have: id, seq, instrument, recv_ts.
  RowInserter& begin(Table table, std::uint64_t seq, const Event& event, int price_decimals, int size_decimals);
  std::int64_t instrument_row(const Instrument& instrument, int price_decimals, int size_decimals);
  void write_trades(std::uint64_t seq, const Event& event);
  void write_ticker(std::uint64_t seq, const Event& event);
  void write_candle(std::uint64_t seq, const Event& event);
  void write_gap(std::uint64_t seq, const Event& event);
  void write_mark(std::uint64_t seq, const Event& event);
  void write_book(std::uint64_t seq, const Event& event);

  std::int64_t session_;
  bool books_;
  Statement insert_instrument_, select_instrument_;
  std::array<RowInserter, kTableCount> insert_;
  std::array<std::int64_t, kTableCount> rows_{}, committed_{};
  std::vector<std::vector<InstrumentRow>> instrument_rows_;  // by instrument id
};

}  // namespace bixws::recording
