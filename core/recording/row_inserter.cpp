// SPDX-License-Identifier: Apache-2.0
#include "recording/row_inserter.h"

#include <string>

namespace bixws::recording {
namespace {

std::string insert_sql(std::string_view table, std::size_t columns, std::size_t rows) {
  std::string row = "(?";
  for (std::size_t i = 1; i < columns; ++i) row += ",?";
  row += ')';
  std::string sql = "INSERT INTO " + std::string(table) + " VALUES" + row;
  for (std::size_t i = 1; i < rows; ++i) sql += "," + row;
  return sql;
}

}  // namespace

RowInserter::RowInserter(Database& database, std::string_view table, std::size_t columns, std::size_t together)
    : one_(database.prepare(insert_sql(table, columns, 1))), columns_(columns), together_(together) {
  if (together > 1) many_ = database.prepare(insert_sql(table, columns, together));
  values_.reserve(columns * together);
}

void RowInserter::take(Value value) {
  values_.push_back(value);
  if (values_.size() < columns_ * together_) return;
  if (together_ == 1) return flush();
  run(many_, values_);
  clear();
}

void RowInserter::flush() {
  for (std::size_t row = 0; row < values_.size(); row += columns_)
    run(one_, std::span<const Value>(values_).subspan(row, columns_));
  clear();
}

void RowInserter::clear() {
  values_.clear();
  texts_.clear();
}

void RowInserter::run(Statement& statement, std::span<const Value> values) {
  int index = 0;
  for (const Value& value : values) {
    ++index;
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      statement.bind(index, *integer);
    } else if (const auto* real = std::get_if<double>(&value)) {
      statement.bind(index, *real);
    } else if (const auto* text = std::get_if<Text>(&value)) {
      statement.bind_text(index, *text);
    } else {
      statement.bind_null(index);
    }
  }
  statement.run();
}

}  // namespace bixws::recording
