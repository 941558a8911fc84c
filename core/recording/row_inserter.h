// SPDX-License-Identifier: Apache-2.0
// RowInserter: rows for one table, several in each INSERT. Half of what a row costs is starting the statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "model/batch.h"
#include "recording/database.h"

namespace bixws::recording {

/// Works inside the caller's transactions. Not thread-safe.
class RowInserter {
 public:
  RowInserter() = default;
  /// `together`: rows of `columns` values that make a statement; what is left at flush() goes one by one.
  RowInserter(Database& database, std::string_view table, std::size_t columns, std::size_t together);

  // The next value of the row; the last of `columns` ends it. Whatever throws DatabaseError leaves clear() to be
  // called.
  void add(std::int64_t value) { take(value); }
  void add(double value) { take(value); }
  void add_null() { take(std::monostate{}); }
  /// Copied.
  void add_text(std::string_view value) { take(texts_.copy(Text(value))); }
  /// What was added is in the table afterwards.
  void flush();
  /// Forgets what is not in the table yet.
  void clear();

 private:
  using Value = std::variant<std::monostate, std::int64_t, double, Text>;
  void take(Value value);
  static void run(Statement& statement, std::span<const Value> values);

  Statement many_, one_;
  std::size_t columns_ = 0;
  std::size_t together_ = 1;
  std::vector<Value> values_;
  Arena texts_;
};

}  // namespace bixws::recording
