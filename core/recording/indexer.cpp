// SPDX-License-Identifier: Apache-2.0
// Indexer: additions only; nothing that was recorded is touched.
#include "recording/indexer.h"

#include "model/config_error.h"
#include "recording/format.h"
#include "recording/recording.h"
#include "recording/typed_rows.h"

namespace bixws::recording {
namespace {

std::uint64_t add_books(Database& database, const SessionRow& session,
                        const std::function<bool(double, std::uint64_t)>& progress) {
  Statement last = database.prepare("SELECT 1 FROM book_levels WHERE id BETWEEN ?1 AND ?2 LIMIT 1");
  last.bind(1, row_id(session.id, 0));
  last.bind(2, row_id(session.id + 1, 0) - 1);
  const bool has_levels = last.step();
  last.reset();
  if (has_levels) return 0;
  std::uint64_t levels = 0;
  database.exec("BEGIN IMMEDIATE");
  try {
    Instruments instruments;
    SessionReader reader(database.path(), session.id, instruments);
    TypedRows rows(database, session.id, true);
    EventBatch batch;
    while (reader.next(batch, 4096)) {
      std::uint64_t seq = reader.next_seq() - batch.size();
      for (const Event& event : batch.events()) {
        if (event.kind == Kind::book) {
          rows.write(seq, event);
          levels += event.book().bids.size() + event.book().asks.size();
        }
        ++seq;
      }
      batch.clear();
      const double share = static_cast<double>(reader.next_seq()) / static_cast<double>(session.events + 1);
      if (progress && !progress(share, reader.next_seq() - 1)) throw RecordingError("interrupted");
    }
    rows.flush();
    database.exec("COMMIT");
  } catch (...) {
    if (database.in_transaction()) database.exec("ROLLBACK");
    throw;
  }
  return levels;
}

}  // namespace

std::uint64_t index_recording(const IndexOptions& options, const std::function<bool(double, std::uint64_t)>& progress) {
  std::vector<SessionRow> sessions = Recording(options.path).sessions();
  if (options.session != 0) {
    std::erase_if(sessions, [&](const SessionRow& row) { return row.id != options.session; });
    if (sessions.empty()) {
      throw ConfigError(options.path + ": there is no session " + std::to_string(options.session));
    }
  }
  Database database(options.path, Database::Access::write);
  require_recording(database);
  if (database.is_read_only()) throw RecordingError(options.path + ": cannot write: the file is read-only");
  std::uint64_t levels = 0;
  if (options.books) {
    database.exec(kBookTables);
    for (const SessionRow& session : sessions) levels += add_books(database, session, progress);
  }
  for (const char* table : {"trades", "tickers", "candles"}) {
    const std::string name(table);
    database.exec("CREATE INDEX IF NOT EXISTS " + name + "_by_instrument ON " + name + "(instrument, recv_ts)");
    if (progress && !progress(1, 0)) throw RecordingError("interrupted");
  }
  if (options.books) {
    database.exec("CREATE INDEX IF NOT EXISTS book_levels_by_instrument ON book_levels(instrument, recv_ts)");
  }
  database.exec("ANALYZE");
  return levels;
}

}  // namespace bixws::recording
