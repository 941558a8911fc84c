// SPDX-License-Identifier: Apache-2.0
// Database: the thin layer over SQLite's C interface.
#include "recording/database.h"

#include <sqlite3.h>

#include <system_error>
#include <utility>

namespace bixws::recording {

bool DatabaseError::is_corrupt() const {
  const int primary = code & 0xff;
  // Our SQL is right, so if it means nothing to the file (SQLITE_ERROR: no such table), the file's schema is wrong.
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT || primary == SQLITE_ERROR ||
         primary == SQLITE_TOOBIG || code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS;
}

bool DatabaseError::is_busy() const {
  const int primary = code & 0xff;
  return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

void Database::fail(int code, std::string_view doing) const {
  std::string text = path_;
  text += ": ";
  text += doing;
  text += ": ";
  const int extended = db_ != nullptr ? sqlite3_extended_errcode(db_) : code;
  const bool known = db_ != nullptr && (extended & 0xff) == (code & 0xff);
  text += known ? sqlite3_errmsg(db_) : sqlite3_errstr(code);
  // "disk I/O error" alone does not tell a full disk from a broken one.
  const int cause = known && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(db_) : 0;
  if (cause != 0) text += " (" + std::generic_category().message(cause) + ")";
  throw DatabaseError(text, known ? extended : code);
}

Database::Database(const std::string& path, Access access) : path_(path) {
  int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
  flags |= access == Access::read ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (access == Access::create) flags |= SQLITE_OPEN_CREATE;
  const int code = sqlite3_open_v2(path.c_str(), &db_, flags, nullptr);
  if (code != SQLITE_OK) {
    std::string text = path + ": cannot open: " + (db_ != nullptr ? sqlite3_errmsg(db_) : sqlite3_errstr(code));
    const int extended = db_ != nullptr ? sqlite3_extended_errcode(db_) : code;
    const int cause = db_ != nullptr ? sqlite3_system_errno(db_) : 0;
    if (cause != 0) text += " (" + std::generic_category().message(cause) + ")";
    sqlite3_close_v2(db_);
    throw DatabaseError(text, extended);
  }
  sqlite3_extended_result_codes(db_, 1);
  sqlite3_busy_timeout(db_, 10'000);
  // The file may come from anywhere: its schema gets no chance to run anything, and every page is checked as it is
  // read.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_exec(db_, "PRAGMA cell_size_check = ON", nullptr, nullptr, nullptr);
}

Database::~Database() { sqlite3_close_v2(db_); }

bool Database::in_transaction() const { return sqlite3_get_autocommit(db_) == 0; }

bool Database::is_read_only() const { return sqlite3_db_readonly(db_, "main") == 1; }

bool Database::has_moved() const {
  int moved = 0;
  sqlite3_file_control(db_, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

void Database::exec(std::string_view sql) {
  const std::string terminated(sql);
  const int code = sqlite3_exec(db_, terminated.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code, sqlite3_db_readonly(db_, "main") == 1 ? "cannot read" : "cannot write");
}

Statement Database::prepare(std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) fail(code, "cannot read its tables");
  return {this, statement};
}

std::int64_t Database::integer(std::string_view sql, std::int64_t fallback) {
  Statement statement = prepare(sql);
  return statement.step() ? statement.integer(0) : fallback;
}

std::string Database::text(std::string_view sql) {
  Statement statement = prepare(sql);
  return statement.step() ? std::string(statement.text(0)) : std::string();
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement::Statement(Statement&& other) noexcept
    : database_(other.database_), statement_(std::exchange(other.statement_, nullptr)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  if (this != &other) {
    sqlite3_finalize(statement_);
    database_ = other.database_;
    statement_ = std::exchange(other.statement_, nullptr);
  }
  return *this;
}

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_->fail(code, "cannot bind a value");
}

void Statement::bind(int index, std::int64_t value) { check(sqlite3_bind_int64(statement_, index, value)); }
void Statement::bind(int index, double value) { check(sqlite3_bind_double(statement_, index, value)); }
void Statement::bind_null(int index) { check(sqlite3_bind_null(statement_, index)); }

void Statement::bind_text(int index, std::string_view value) {
  // A null pointer would bind NULL, which an empty text is not.
  check(sqlite3_bind_text64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC,
                            SQLITE_UTF8));
}

void Statement::bind_blob(int index, std::string_view value) {
  check(
      sqlite3_bind_blob64(statement_, index, value.data() == nullptr ? "" : value.data(), value.size(), SQLITE_STATIC));
}

bool Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  sqlite3_reset(statement_);
  if (code != SQLITE_DONE) {
    const char* verb = sqlite3_stmt_readonly(statement_) != 0 ? "cannot read" : "cannot write";
    database_->fail(code, verb);
  }
  return false;
}

void Statement::run() {
  while (step()) {
  }
}

void Statement::reset() noexcept { sqlite3_reset(statement_); }

Statement::Type Statement::type(int column) const {
  switch (sqlite3_column_type(statement_, column)) {
    case SQLITE_INTEGER:
      return Type::integer;
    case SQLITE_FLOAT:
      return Type::real;
    case SQLITE_TEXT:
      return Type::text;
    case SQLITE_BLOB:
      return Type::blob;
    default:
      return Type::null;
  }
}

std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string_view Statement::text(int column) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string_view Statement::blob(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

}  // namespace bixws::recording
