// SPDX-License-Identifier: Apache-2.0
// verify: reads everything once, believes nothing, and goes on after damage as far as there is something to read.
#include "recording/verify.h"

#include <algorithm>
#include <utility>

#include "model/config_error.h"
#include "model/time_text.h"
#include "recording/chunk.h"
#include "recording/coverage.h"
#include "recording/digest.h"
#include "recording/format.h"
#include "recording/image.h"
#include "recording/recording.h"
#include "recording/row_check.h"

namespace bixws::recording {
namespace {

constexpr std::size_t kMostErrors = 100;

std::vector<std::pair<std::string, std::string>> schema_of(Database& database) {
  std::vector<std::pair<std::string, std::string>> objects;
  Statement select = database.prepare("SELECT type || ' ' || name, sql FROM sqlite_schema WHERE sql IS NOT NULL");
  while (select.step()) objects.emplace_back(select.text(0), select.text(1));
  return objects;
}

void check_schema(Database& database, std::vector<std::string>& errors) {
  static const auto wanted = [] {
    Database model(":memory:", Database::Access::create);
    model.exec(kTables);
    model.exec(kViews);
    return schema_of(model);
  }();
  const auto there = schema_of(database);
  for (const auto& object : wanted) {
    const auto found = std::find_if(there.begin(), there.end(),
                                    [&](const auto& candidate) { return candidate.first == object.first; });
    if (found == there.end()) {
      errors.push_back(object.first + " is missing");
    } else if (found->second != object.second) {
      errors.push_back(object.first + " is not defined as it was made");
    }
  }
}

void check_structure(Database& database, std::vector<std::string>& errors) {
  try {
    check_schema(database, errors);
    Statement check = database.prepare("PRAGMA integrity_check(20)");
    while (check.step()) {
      if (check.text(0) != "ok") errors.push_back("structure: " + std::string(check.text(0)));
    }
  } catch (const DatabaseError& error) {
    if (!error.is_corrupt()) throw;
    errors.push_back(std::string("structure: ") + error.what());
  }
}

class SessionCheck {
 public:
  SessionCheck(Recording& recording, const SessionRow& row, std::function<bool(std::uint64_t)> progress)
      : database_(recording.database()), row_(row), progress_(std::move(progress)) {
    report_.session = row.id;
    report_.clean = row.clean;
  }

  SessionReport run() {
    check_row();
    rows_.emplace(database_, row_.id, [this](std::string text) { error(std::move(text)); });
    select_chunk_ = database_.prepare(std::string(kChunkColumns) + " WHERE id = ?1");
    select_keyframe_ = database_.prepare(std::string(kKeyframeColumns) + " WHERE id = ?1");
    std::int64_t next = 0;
    for (const std::int64_t number : chunk_numbers()) {
      if (number > next) note_missing(next, number - 1);
      check_chunk(number);
      next = number + 1;
    }
    if (!row_damaged_ && next < row_.chunks) note_missing(next, row_.chunks - 1);
    if (!row_damaged_ && next > row_.chunks) {
      error("there are chunks up to " + std::to_string(next - 1) + ", but the session has " +
            std::to_string(row_.chunks));
    }
    check_end();
    return std::move(report_);
  }

 private:
  void error(std::string text) {
    if (report_.errors.size() < kMostErrors) {
      report_.errors.push_back(std::move(text));
    } else {
      ++more_errors_;
    }
  }

  void check_row() {
    row_damaged_ = row_.crc32 != row_.expected_crc32();
    if (row_damaged_) error("the session's own row does not have the CRC32 it was written with");
  }

  /// Of the chunks there are, whatever the session's row says.
  std::vector<std::int64_t> chunk_numbers() {
    std::vector<std::int64_t> numbers;
    try {
      Statement select = database_.prepare("SELECT id FROM chunks WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
      select.bind(1, chunk_id(row_.id, 0));
      select.bind(2, chunk_id(row_.id + 1, 0) - 1);
      while (select.step()) numbers.push_back(select.integer(0) - chunk_id(row_.id, 0));
    } catch (const DatabaseError& problem) {
      if (!problem.is_corrupt()) throw;
      error("the chunks cannot all be found: " + std::string(problem.what()));
    }
    return numbers;
  }

  void note_missing(std::int64_t first, std::int64_t last) {
    error(first == last ? "chunk " + std::to_string(first) + " is missing"
                        : "chunks " + std::to_string(first) + " to " + std::to_string(last) + " are missing");
    lose_place(std::nullopt);
  }

  void lose_place(std::optional<Hash> chain) {
    previous_chain_ = chain;
    damaged_ = lost_place_ = true;
    image_known_ = false;
  }

  /// Why the chunk cannot be believed; empty: it was decoded and its events went through all checks.
  std::string read_chunk(std::int64_t number, ChunkRow& chunk, bool& have_row) {
    select_chunk_.bind(1, chunk_id(row_.id, number));
    try {
      if (!select_chunk_.step()) return "is missing";
    } catch (const DatabaseError& problem) {
      if (!problem.is_corrupt()) throw;
      return "cannot be read: " + std::string(problem.what());
    }
    chunk = chunk_row(select_chunk_, row_.id, number);
    have_row = true;
    const std::string_view data = select_chunk_.blob(kChunkData);
    if (chunk.expected_crc32(data) != chunk.crc32) return "does not have the CRC32 it was written with";
    if (previous_chain_ && chunk.expected_chain(*previous_chain_, data) != chunk.chain) {
      error(name(number, chunk) + " does not follow from the one before it (hash chain)");
    }
    std::string problem;
    const std::string_view payload = inflater_.inflate(chunk.codec, chunk.size, data, problem);
    if (!problem.empty()) return problem;
    ChunkReader reader(payload, instruments_);
    events_.clear();
    ChunkReader::Result result{};
    while ((result = reader.next(events_)) == ChunkReader::Result::event) {
    }
    if (result != ChunkReader::Result::end || events_.size() != chunk.events) return "cannot be decoded";
    return {};
  }

  static std::string name(std::int64_t number, const ChunkRow& chunk) {
    return "chunk " + std::to_string(number) + " (events " + std::to_string(chunk.first_seq) + " to " +
           std::to_string(chunk.first_seq + chunk.events - 1) + ", received " + format_rfc3339(chunk.start_ts) +
           " to " + format_rfc3339(chunk.end_ts) + ")";
  }

  void check_chunk(std::int64_t number) {
    ChunkRow chunk;
    bool have_row = false;
    const std::string problem = read_chunk(number, chunk, have_row);
    if (!problem.empty()) {
      error((have_row ? name(number, chunk) : "chunk " + std::to_string(number)) + " " + problem);
      lose_place(have_row ? std::optional(chunk.chain) : std::nullopt);
      select_chunk_.reset();
      return;
    }
    select_chunk_.reset();
    previous_chain_ = chunk.chain;
    if (lost_place_) {
      rows_->skip(chunk.first_seq - 1);
      lost_place_ = false;
    } else if (chunk.first_seq != next_seq_) {
      error(name(number, chunk) + " should begin with event " + std::to_string(next_seq_));
      damaged_ = true;
    }
    check_keyframe(number, chunk);
    next_seq_ = chunk.first_seq;
    note_good(chunk.first_seq, chunk.first_seq + chunk.events - 1);
    Micros smallest = events_.empty() ? 0 : events_.events().front().recv_ts;
    for (const Event& event : std::as_const(events_).events()) take(event, smallest);
    if (chunk.start_ts != smallest || (!damaged_ && chunk.end_ts != max_recv_ts_)) {
      error(name(number, chunk) + " has other times inside");
    }
    if (!progress_(report_.events)) throw RecordingError("interrupted");
  }

  void take(const Event& event, Micros& smallest) {
    if (report_.events == 0) first_recv_ts_ = max_recv_ts_ = event.recv_ts;
    smallest = std::min(smallest, event.recv_ts);
    max_recv_ts_ = std::max(max_recv_ts_, event.recv_ts);
    digest_.add(event);
    coverage_.add(event);
    rows_->check(next_seq_, event);
    if (image_known_) image_.apply(event);
    ++next_seq_;
    ++report_.events;
  }

  void check_keyframe(std::int64_t number, const ChunkRow& chunk) {
    KeyframeRow keyframe;
    std::string payload;
    select_keyframe_.bind(1, chunk_id(row_.id, number));
    try {
      if (!select_keyframe_.step()) return;
      keyframe = keyframe_row(select_keyframe_, row_.id);
      const std::string_view data = select_keyframe_.blob(kKeyframeData);
      std::string problem;
      if (keyframe.expected_crc32(data) != keyframe.crc32) {
        problem = "does not have the CRC32 it was written with";
      } else {
        payload = inflater_.inflate(keyframe.codec, keyframe.size, data, problem);
      }
      select_keyframe_.reset();
      if (!problem.empty()) {
        error("the keyframe before chunk " + std::to_string(number) + " " + problem);
        return;
      }
    } catch (const DatabaseError& problem) {
      if (!problem.is_corrupt()) throw;
      error("the keyframe before chunk " + std::to_string(number) + " cannot be read: " + problem.what());
      return;
    }
    if (!image_known_) return;
    EventBatch state;
    image_.append_to(state);
    ChunkWriter writer;
    for (const Event& event : state.events()) writer.add(event);
    ColumnWriter wanted;
    writer.finish(wanted);
    if (wanted.view() != payload || keyframe.seq + 1 != chunk.first_seq) {
      error("the keyframe before chunk " + std::to_string(number) + " is not what the events add up to");
    }
  }

  void note_good(std::uint64_t from, std::uint64_t to) {
    if (from > to) return;
    if (!good_.empty() && good_.back().second + 1 == from) {
      good_.back().second = to;
    } else {
      good_.emplace_back(from, to);
    }
  }

  void check_end() {
    if (lost_place_) rows_->skip(UINT64_MAX);
    rows_->finish();
    if (!damaged_ && !row_damaged_) {
      if (report_.events != row_.events) {
        error("the session has " + std::to_string(report_.events) + " events, its row says " +
              std::to_string(row_.events));
        damaged_ = report_.events < row_.events;
      }
      if (previous_chain_.value_or(Hash{}) != row_.chain)
        error("the session's row names another last chunk (hash chain)");
      if (report_.events != 0 && (row_.started_ts != first_recv_ts_ || row_.ended_ts != max_recv_ts_)) {
        error("the session's row has other times than its events");
      }
    }
    if (damaged_) {
      std::string good;
      for (const auto& [from, to] : good_) {
        good += (good.empty() ? "" : ", ") + std::to_string(from) + " to " + std::to_string(to);
      }
      report_.errors.push_back(good.empty() ? "no event is good" : "good are the events " + good);
    } else {
      report_.digest = digest_.finish();
    }
    if (more_errors_ != 0) report_.errors.push_back("and " + std::to_string(more_errors_) + " more errors");
    report_.coverage = coverage_.percent();
    report_.gaps = coverage_.gaps();
  }

  Database& database_;
  const SessionRow& row_;
  std::function<bool(std::uint64_t)> progress_;
  SessionReport report_;
  std::size_t more_errors_ = 0;

  Instruments instruments_;
  Inflater inflater_;
  Statement select_chunk_, select_keyframe_;
  std::optional<RowCheck> rows_;
  EventBatch events_;
  Digest digest_;
  Coverage coverage_;
  SessionImage image_;
  bool image_known_ = true;
  std::optional<Hash> previous_chain_ = Hash{};
  std::uint64_t next_seq_ = 1;
  Micros first_recv_ts_ = 0, max_recv_ts_ = 0;
  bool row_damaged_ = false;
  bool damaged_ = false;     // some events are missing
  bool lost_place_ = false;  // and the next chunk's place cannot be checked
  std::vector<std::pair<std::uint64_t, std::uint64_t>> good_;
};

/// Chunks whose session is not listed would otherwise be overlooked.
void check_orphans(Database& database, const std::vector<SessionRow>& sessions, std::vector<std::string>& errors) {
  try {
    Statement select = database.prepare("SELECT DISTINCT id >> 32 FROM chunks");
    while (select.step()) {
      const std::int64_t session = select.integer(0);
      if (std::none_of(sessions.begin(), sessions.end(), [&](const SessionRow& row) { return row.id == session; })) {
        errors.push_back("there are chunks of a session " + std::to_string(session) + ", which has no row");
      }
    }
  } catch (const DatabaseError& error) {
    if (!error.is_corrupt()) throw;
    errors.push_back(std::string("chunks: ") + error.what());
  }
}

}  // namespace

bool VerifyReport::good() const {
  return errors.empty() && std::all_of(sessions.begin(), sessions.end(),
                                       [](const SessionReport& session) { return session.errors.empty(); });
}

VerifyReport verify(const std::string& path, const VerifyOptions& options) {
  Recording recording(path);
  VerifyReport report;
  // One transaction: a recorder may be writing, and all parts must be of the same commit.
  recording.database().exec("BEGIN");
  check_structure(recording.database(), report.errors);
  std::vector<SessionRow> sessions;
  try {
    sessions = recording.sessions();
  } catch (const DatabaseError& error) {
    if (!error.is_corrupt()) throw;
    report.errors.push_back(std::string("sessions: ") + error.what());
    return report;
  }
  check_orphans(recording.database(), sessions, report.errors);
  if (options.session != 0) sessions = {recording.session(options.session)};
  std::uint64_t total = 1;
  for (const SessionRow& row : sessions) total += row.events;
  std::uint64_t before = 0;
  for (const SessionRow& row : sessions) {
    const auto progress = [&](std::uint64_t events) {
      return !options.progress ||
             options.progress(std::min(1.0, static_cast<double>(before + events) / static_cast<double>(total)),
                              before + events);
    };
    try {
      report.sessions.push_back(SessionCheck(recording, row, progress).run());
    } catch (const DatabaseError& error) {
      if (!error.is_corrupt()) throw;
      SessionReport& session = report.sessions.emplace_back();
      session.session = row.id;
      session.clean = row.clean;
      session.errors.emplace_back(error.what());
    }
    before += row.events;
  }
  return report;
}

}  // namespace bixws::recording
