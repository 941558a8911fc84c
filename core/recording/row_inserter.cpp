// SPDX-License-Identifier: Apache-2.0
#include "recording/row_inserter.h"

#include <algorithm>
#include <string>

namespace bixws::recording {
namespace {

std::vector<std::string> columns_of(Database& database, std::string_view table) {
  Statement select = database.prepare("SELECT name FROM pragma_table_info(?1) ORDER BY cid");
  select.bind_text(1, table);
  std::vector<std::string> names;
  while (select.step()) names.emplace_back(select.text(0));
  return names;
}

std::string insert_sql(std::string_view table, std::span<const std::string> columns, std::size_t rows) {
  std::string names;
  std::string row;
  for (const std::string& column : columns) {
    names += (names.empty() ? "" : ",") + column;
    row += row.empty() ? "(?" : ",?";
  }
  row += ')';
  std::string sql = "INSERT INTO " + std::string(table) + "(" + names + ") VALUES" + row;
  for (std::size_t i = 1; i < rows; ++i) sql += "," + row;
  return sql;
}

}  // namespace

RowInserter::RowInserter(Database& database, std::string_view table, std::size_t values, std::size_t together)
    : columns_(values), together_(together) {
  const std::vector<std::string> columns = columns_of(database, table);
  if (columns.size() != values + 1) {
    throw RecordingError(database.path() + ": cannot write: its table " + std::string(table) + " has " +
                         std::to_string(columns.size()) + " columns instead of " + std::to_string(values + 1) +
                         "; somebody has changed it, so record into another file");
  }
  insert_one_ = database.prepare(insert_sql(table, columns, 1));
  if (together == 1) return;
  insert_ = database.prepare(insert_sql(table, columns, together));
  append_ = database.prepare(insert_sql(table, std::span(columns).subspan(1), together));
  select_last_ = database.prepare("SELECT max(id) FROM " + std::string(table));
  values_.reserve(columns_ * together);
}

void RowInserter::begin(std::int64_t id) {
  if (values_.size() == columns_ * together_) send_together();
  if (values_.empty()) next_id_ = id;
}

/// A table that ends with the row before these numbers them as we do: by one more each. It does not if another writer
/// has begun a later session, or at the first rows of one.
void RowInserter::send_together() {
  if (together_ == 1) return flush();
  if (!last_) {
    select_last_.step();
    last_ = select_last_.integer(0);
    select_last_.reset();
  }
  if (*last_ == next_id_ - 1) {
    run(append_, values_, Ids::next);
  } else {
    run(insert_, values_, Ids::given);
  }
  last_ = std::max(*last_, next_id_ - 1);
  forget_values();
}

void RowInserter::flush() {
  for (std::size_t row = 0; row < values_.size(); row += columns_) {
    run(insert_one_, std::span<const Value>(values_).subspan(row, columns_), Ids::given);
  }
  clear();
}

void RowInserter::clear() {
  forget_values();
  last_.reset();
}

void RowInserter::forget_values() {
  values_.clear();
  texts_.clear();
}

void RowInserter::run(Statement& statement, std::span<const Value> values, Ids ids) {
  int index = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % columns_ == 0) {
      if (ids == Ids::given) statement.bind(++index, next_id_);
      ++next_id_;
    }
    const Value& value = values[i];
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
