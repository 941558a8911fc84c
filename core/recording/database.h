// SPDX-License-Identifier: Apache-2.0
// Database: SQLite with owners and errors that say what failed; the only file that includes sqlite3.h is its .cpp.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace bixws::recording {

/// Something about a recording failed; the text names the file and stands alone after "bixws: ".
struct RecordingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What SQLite reported; `code` is its extended result code.
struct DatabaseError : RecordingError {
  DatabaseError(const std::string& text, int extended_code) : RecordingError(text), code(extended_code) {}
  int code;
  /// The file's content is not what a database can have (as opposed to: could not be read or written now).
  [[nodiscard]] bool is_corrupt() const;
  [[nodiscard]] bool is_busy() const;
};

class Statement;

/// One connection, for one thread at a time. Its statements must not be used after it.
class Database {
 public:
  enum class Access : std::uint8_t { read, write, create };

  /// Throws DatabaseError. `create` makes the file if there is none.
  Database(const std::string& path, Access access);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// One or more statements without results.
  void exec(std::string_view sql);
  /// The first column of the first row; `fallback` if there is no row.
  std::int64_t integer(std::string_view sql, std::int64_t fallback = 0);
  std::string text(std::string_view sql);
  [[nodiscard]] Statement prepare(std::string_view sql);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool in_transaction() const;
  /// Opened for writing, but the file does not allow it.
  [[nodiscard]] bool is_read_only() const;
  /// The file this connection writes to is no longer the one of that name.
  [[nodiscard]] bool has_moved() const;
  [[noreturn]] void fail(int code, std::string_view doing) const;

 private:
  friend class Statement;
  sqlite3* db_ = nullptr;
  std::string path_;
};

/// A prepared statement. Parameters and columns are counted from 1 and from 0, as in SQLite.
class Statement {
 public:
  Statement() = default;
  ~Statement();
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&& other) noexcept;

  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  /// The bytes must stay where they are until the next reset() or step to the end.
  void bind_text(int index, std::string_view value);
  void bind_blob(int index, std::string_view value);
  void bind_null(int index);

  /// True: a row; false: done, and the statement is ready to be run again.
  bool step();
  /// Runs to the end, ignoring rows.
  void run();
  void reset() noexcept;

  enum class Type : std::uint8_t { integer, real, text, blob, null };
  [[nodiscard]] Type type(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  /// Valid until the next step() or reset().
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] bool is_null(int column) const { return type(column) == Type::null; }

 private:
  friend class Database;
  Statement(const Database* database, sqlite3_stmt* statement) : database_(database), statement_(statement) {}
  void check(int code) const;

  const Database* database_ = nullptr;
  sqlite3_stmt* statement_ = nullptr;
};

}  // namespace bixws::recording
