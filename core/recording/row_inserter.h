// SPDX-License-Identifier: Apache-2.0
// RowInserter: rows for one table, several in each INSERT. Half of what a row costs is starting the statement, and a
// third of the rest is looking whether its id is taken, which SQLite leaves out for rows that it may number itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "model/batch.h"
#include "recording/database.h"

namespace bixws::recording {

/// Works inside the caller's transactions, which end with flush() or clear(). Not thread-safe.
class RowInserter {
 public:
  RowInserter() = default;
  /// For a table whose first column is its row id. `values`: those that follow it in each row; another number of
  /// columns throws RecordingError. `together`: rows that make a statement; what is left at flush() goes one by one.
  RowInserter(Database& database, std::string_view table, std::size_t values, std::size_t together);

  /// The next row; ids are consecutive between two flush(). Its values follow. Whatever throws
  /// DatabaseError leaves clear() to be called.
  void begin(std::int64_t id);
  void add(std::int64_t value) { values_.emplace_back(value); }
  void add(double value) { values_.emplace_back(value); }
  void add_null() { values_.emplace_back(std::monostate{}); }
  /// Copied.
  void add_text(std::string_view value) { values_.emplace_back(texts_.copy(Text(value))); }
  /// What was added is in the table afterwards.
  void flush();
  /// Forgets what is not in the table yet.
  void clear();

 private:
  using Value = std::variant<std::monostate, std::int64_t, double, Text>;
  enum class Ids : std::uint8_t { given, next };
  void send_together();
  void run(Statement& statement, std::span<const Value> values, Ids ids);
  void forget_values();

  Statement append_, insert_, insert_one_, select_last_;
  std::size_t columns_ = 0;  // without the id
  std::size_t together_ = 1;
  std::vector<Value> values_;
  Arena texts_;
  std::int64_t next_id_ = 0;          // of the first of values_
  std::optional<std::int64_t> last_;  // the largest id in the table, as far as known in this transaction
};

}  // namespace bixws::recording
