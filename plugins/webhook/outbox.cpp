// SPDX-License-Identifier: Apache-2.0
// Outbox: one table, each change a transaction of its own.
#include "outbox.h"

namespace bixws::webhook {
namespace {

constexpr std::string_view kSchema =
    "CREATE TABLE IF NOT EXISTS alerts(number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
    " message TEXT NOT NULL, text TEXT NOT NULL, ts INTEGER NOT NULL, added INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0)";

/// Locked for this process as long as it lives: two that send from one outbox would send everything twice.
void lock(recording::Database& db) {
  try {
    db.exec(
        "PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
        " PRAGMA synchronous = FULL");
    db.exec(kSchema);
    // The lock is taken by the first write, even one of nothing.
    db.exec("BEGIN IMMEDIATE; COMMIT");
  } catch (const recording::DatabaseError& e) {
    if (!e.is_busy()) throw;
    throw recording::RecordingError(db.path() +
                                    ": another bixws delivers from this outbox; give each its own outbox=FILE");
  }
}

}  // namespace

Outbox::Outbox(const std::string& path) : db_(path, recording::Database::Access::create) {
  lock(db_);
  insert_ = db_.prepare("INSERT OR IGNORE INTO alerts(id, message, text, ts, added) VALUES(?, ?, ?, ?, ?)");
  select_ =
      db_.prepare("SELECT number, id, message, text, ts, attempts FROM alerts WHERE due <= ? ORDER BY number LIMIT 1");
  next_ = db_.prepare("SELECT min(due) FROM alerts");
  attempt_ = db_.prepare("UPDATE alerts SET attempts = attempts + 1 WHERE number = ?");
  remove_ = db_.prepare("DELETE FROM alerts WHERE number = ?");
  postpone_ = db_.prepare("UPDATE alerts SET due = ? WHERE number = ?");
}

std::int64_t Outbox::add(const std::vector<Entry>& alerts, Micros now) {
  const std::lock_guard guard(mutex_);
  const std::int64_t before = db_.integer("SELECT total_changes()");
  db_.exec("BEGIN IMMEDIATE");
  try {
    for (const Entry& alert : alerts) {
      insert_.bind_text(1, alert.id);
      insert_.bind_text(2, alert.message);
      insert_.bind_text(3, alert.text);
      insert_.bind(4, alert.ts);
      insert_.bind(5, now);
      insert_.run();
    }
    db_.exec("COMMIT");
  } catch (...) {
    if (db_.in_transaction()) db_.exec("ROLLBACK");
    throw;
  }
  return db_.integer("SELECT total_changes()") - before;
}

std::optional<Waiting> Outbox::begin(Micros now, Micros& next_due) {
  const std::lock_guard guard(mutex_);
  next_due = 0;
  select_.bind(1, now);
  if (!select_.step()) {
    if (next_.step() && !next_.is_null(0)) next_due = next_.integer(0);
    next_.reset();
    return std::nullopt;
  }
  Waiting waiting{select_.integer(0),           std::string(select_.text(1)), std::string(select_.text(2)),
                  std::string(select_.text(3)), select_.integer(4),           select_.integer(5)};
  select_.reset();
  // On the disk before the first byte is sent: after a crash nobody could know whether it arrived.
  attempt_.bind(1, waiting.number);
  attempt_.run();
  return waiting;
}

void Outbox::delivered(std::int64_t number) {
  const std::lock_guard guard(mutex_);
  remove_.bind(1, number);
  remove_.run();
}

void Outbox::postpone(std::int64_t number, Micros due) {
  const std::lock_guard guard(mutex_);
  postpone_.bind(1, due);
  postpone_.bind(2, number);
  postpone_.run();
}

std::int64_t Outbox::expire(Micros oldest, std::int64_t most) {
  const std::lock_guard guard(mutex_);
  const std::int64_t before = db_.integer("SELECT count(*) FROM alerts");
  db_.exec("DELETE FROM alerts WHERE added < " + std::to_string(oldest));
  db_.exec("DELETE FROM alerts WHERE number NOT IN (SELECT number FROM alerts ORDER BY number DESC LIMIT " +
           std::to_string(most) + ")");
  return before - db_.integer("SELECT count(*) FROM alerts");
}

std::int64_t Outbox::size() {
  const std::lock_guard guard(mutex_);
  return db_.integer("SELECT count(*) FROM alerts");
}

}  // namespace bixws::webhook
