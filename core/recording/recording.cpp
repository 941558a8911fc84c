// SPDX-License-Identifier: Apache-2.0
// Recording: what is checked before anything of a file is believed.
#include "recording/recording.h"

#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <system_error>

#include "model/config_error.h"
#include "recording/format.h"

namespace bixws::recording {
namespace {

constexpr std::string_view kSessionColumns =
    "SELECT id, started_ts, ended_ts, clean, feeds, symbols, version, events, chunks, chain, crc32 FROM sessions ";

Hash hash_from(std::string_view bytes) {
  Hash hash{};
  if (bytes.size() == hash.size()) std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

SessionRow session_from(const Statement& row) {
  SessionRow s;
  s.id = row.integer(0);
  s.started_ts = row.integer(1);
  s.ended_ts = row.integer(2);
  s.clean = row.integer(3) != 0;
  s.feeds = row.text(4);
  s.symbols = row.text(5);
  s.version = row.text(6);
  s.events = static_cast<std::uint64_t>(row.integer(7));
  s.chunks = row.integer(8);
  s.chain = hash_from(row.blob(9));
  s.crc32 = static_cast<std::uint32_t>(row.integer(10));
  return s;
}

std::string hex_id(std::int64_t id) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%08" PRIx32, static_cast<std::uint32_t>(id));
  return text;
}

}  // namespace

std::uint32_t SessionRow::expected_crc32() const {
  ColumnWriter bytes;
  bytes.signed_varint(id);
  bytes.signed_varint(started_ts);
  bytes.signed_varint(ended_ts);
  bytes.byte(clean ? 1 : 0);
  for (const std::string* part : {&feeds, &symbols, &version}) {
    bytes.varint(part->size());
    bytes.bytes(*part);
  }
  bytes.varint(events);
  bytes.signed_varint(chunks);
  bytes.bytes(bytes_of(chain));
  return crc32_of(bytes.view());
}

std::string ChunkRow::head() const {
  ColumnWriter bytes;
  bytes.signed_varint(session);
  bytes.signed_varint(number);
  bytes.varint(first_seq);
  bytes.varint(events);
  bytes.signed_varint(start_ts);
  bytes.signed_varint(end_ts);
  bytes.signed_varint(codec);
  bytes.varint(size);
  return std::string(bytes.view());
}

std::uint32_t ChunkRow::expected_crc32(std::string_view data) const { return crc32_of(data, crc32_of(head())); }

Hash ChunkRow::expected_chain(const Hash& previous, std::string_view data) const {
  Sha256 sum;
  sum.add(bytes_of(previous));
  sum.add(head());
  sum.add(data);
  return sum.finish();
}

std::uint32_t KeyframeRow::expected_crc32(std::string_view data) const {
  ColumnWriter bytes;
  bytes.signed_varint(session);
  bytes.signed_varint(number);
  bytes.varint(seq);
  bytes.signed_varint(codec);
  bytes.varint(size);
  return crc32_of(data, crc32_of(bytes.view()));
}

ChunkRow chunk_row(const Statement& row, std::int64_t session, std::int64_t number) {
  ChunkRow chunk;
  chunk.session = session;
  chunk.number = number;
  chunk.first_seq = static_cast<std::uint64_t>(row.integer(0));
  chunk.events = static_cast<std::uint64_t>(row.integer(1));
  chunk.start_ts = row.integer(2);
  chunk.end_ts = row.integer(3);
  chunk.codec = row.integer(4);
  chunk.size = static_cast<std::uint64_t>(row.integer(5));
  chunk.crc32 = static_cast<std::uint32_t>(row.integer(6));
  chunk.chain = hash_from(row.blob(7));
  return chunk;
}

KeyframeRow keyframe_row(const Statement& row, std::int64_t session) {
  KeyframeRow keyframe;
  keyframe.session = session;
  keyframe.number = row.integer(0) - chunk_id(session, 0);
  keyframe.seq = static_cast<std::uint64_t>(row.integer(1));
  keyframe.codec = row.integer(2);
  keyframe.size = static_cast<std::uint64_t>(row.integer(3));
  keyframe.crc32 = static_cast<std::uint32_t>(row.integer(4));
  return keyframe;
}

void Inflater::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

Inflater::Inflater() : context_(ZSTD_createDCtx()) {}

std::string_view Inflater::inflate(std::int64_t codec, std::uint64_t size, std::string_view data,
                                   std::string& problem) {
  if (codec != static_cast<std::int64_t>(Codec::zstd)) {
    problem = "is stored in an unknown way (codec " + std::to_string(codec) + ")";
    return {};
  }
  if (size > kMaxPayloadBytes || size != ZSTD_getFrameContentSize(data.data(), data.size())) {
    problem = "has another size than it should";
    return {};
  }
  if (capacity_ < size) {
    buffer_ = std::make_unique_for_overwrite<char[]>(size);
    capacity_ = size;
  }
  const std::size_t made = ZSTD_decompressDCtx(context_.get(), buffer_.get(), size, data.data(), data.size());
  if (ZSTD_isError(made) != 0 || made != size) {
    problem = "cannot be decompressed";
    return {};
  }
  return {buffer_.get(), size};
}

void require_recording(Database& database) {
  const std::string& path = database.path();
  std::int64_t application = 0;
  std::int64_t version = 0;
  try {
    application = database.integer("PRAGMA application_id");
    version = database.integer("PRAGMA user_version");
  } catch (const DatabaseError& error) {
    if (error.is_corrupt()) {
      throw RecordingError(path + ": not a recording (" +
                           (error.code == 26 ? "no SQLite file" : "its first page is damaged") + ")");
    }
    throw;
  }
  if (application != kApplicationId && database.integer("PRAGMA page_count") == 0) {
    throw RecordingError(path + ": not a recording: the file is empty");
  }
  if (application != kApplicationId) {
    throw RecordingError(path + ": not a recording: a SQLite file of another program (application id " +
                         hex_id(application) + ", a recording has " + hex_id(kApplicationId) + ")");
  }
  if (version > kFormatVersion) {
    throw RecordingError(path + ": recording format " + std::to_string(version) +
                         " is newer than this program, which knows " + std::to_string(kFormatVersion) +
                         "; use the bixws that wrote it, or a later one");
  }
  if (version < kOldestVersion) {
    throw RecordingError(path + ": damaged: recording format " + std::to_string(version) + " never existed");
  }
}

Recording::Recording(const std::string& path) {
  // Not by opening it: closing any descriptor of the file would drop the locks of a recorder in this process.
  if (::access(path.c_str(), R_OK) != 0) {
    throw RecordingError(path + ": cannot open: " + std::generic_category().message(errno));
  }
  database_ = std::make_unique<Database>(path, Database::Access::read);
  require_recording(*database_);
}

std::vector<SessionRow> Recording::sessions() {
  std::vector<SessionRow> rows;
  Statement select = database_->prepare(std::string(kSessionColumns) + "ORDER BY id");
  while (select.step()) rows.push_back(session_from(select));
  return rows;
}

SessionRow Recording::session(std::int64_t id) {
  Statement select =
      database_->prepare(std::string(kSessionColumns) + (id == 0 ? "ORDER BY id DESC LIMIT 1" : "WHERE id = ?1"));
  if (id != 0) select.bind(1, id);
  if (select.step()) return session_from(select);
  if (id == 0) throw ConfigError(path() + ": the recording has no session");
  std::string known;
  for (const SessionRow& row : sessions()) known += (known.empty() ? "" : ", ") + std::to_string(row.id);
  throw ConfigError(path() + ": no session " + std::to_string(id) +
                    (known.empty() ? "; the recording has none" : "; there are: " + known));
}

SessionReader::SessionReader(const std::string& path, std::int64_t session, Instruments& instruments)
    : recording_(path), session_(recording_.session(session)), instruments_(instruments) {
  select_ = recording_.database().prepare(std::string(kChunkColumns) + " WHERE id = ?1");
  if (session_.crc32 != session_.expected_crc32()) measure_session();
}

void SessionReader::measure_session() {
  row_damaged_ = true;
  Statement last = recording_.database().prepare(
      "SELECT id, first_seq + events - 1, end_ts FROM chunks WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1");
  last.bind(1, chunk_id(session_.id, 0));
  last.bind(2, chunk_id(session_.id + 1, 0) - 1);
  session_.events = 0;
  session_.chunks = 0;
  if (!last.step()) return;
  session_.chunks = last.integer(0) - chunk_id(session_.id, 0) + 1;
  session_.events = static_cast<std::uint64_t>(last.integer(1));
  session_.ended_ts = last.integer(2);
  Statement first = recording_.database().prepare("SELECT start_ts FROM chunks WHERE id = ?1");
  first.bind(1, chunk_id(session_.id, 0));
  if (first.step()) session_.started_ts = first.integer(0);
}

void SessionReader::damaged(std::int64_t number, std::string_view what) const {
  std::string text = recording_.path() + ": session " + std::to_string(session_.id) + ", chunk " +
                     std::to_string(number) + " (from event " + std::to_string(next_seq_) + ") " + std::string(what);
  if (next_seq_ > 1) text += "; the " + std::to_string(next_seq_ - 1) + " events before it are good";
  throw DamageError(text);
}

bool SessionReader::open_chunk(std::int64_t number) {
  reader_.reset();
  try {
    select_.bind(1, chunk_id(session_.id, number));
    if (!select_.step()) {
      if (number < session_.chunks) damaged(number, "is missing");
      return false;
    }
    chunk_ = chunk_row(select_, session_.id, number);
    const std::string_view data = select_.blob(kChunkData);
    if (chunk_.expected_crc32(data) != chunk_.crc32) damaged(number, "does not have the CRC32 it was written with");
    std::string problem;
    const std::string_view payload = inflater_.inflate(chunk_.codec, chunk_.size, data, problem);
    if (!problem.empty()) damaged(number, problem);
    reader_.emplace(payload, instruments_);
    // No read transaction stays open between two chunks: it would keep the writer's log from being emptied.
    select_.reset();
  } catch (const DatabaseError& error) {
    select_.reset();
    if (error.is_corrupt()) damaged(number, "cannot be read: the file is damaged");
    throw;
  } catch (...) {
    select_.reset();
    throw;
  }
  return true;
}

bool SessionReader::next(EventBatch& into, std::size_t count) {
  std::size_t given = 0;
  while (given == 0) {
    if (next_seq_ > session_.events) {
      if (!row_damaged_) return false;
      throw DamageError(recording_.path() + ": session " + std::to_string(session_.id) +
                        ": its own row is damaged; it had at least " + std::to_string(session_.events) +
                        " events, which are good");
    }
    if (!reader_) {
      const std::int64_t number = next_seq_ == 1 ? 0 : chunk_.number + 1;
      if (!open_chunk(number)) return false;
      if (chunk_.first_seq != next_seq_) {
        reader_.reset();
        damaged(number, "does not follow the one before it");
      }
    }
    for (; given < count; ++given) {
      if (next_seq_ > session_.events) break;
      const ChunkReader::Result result = reader_->next(into);
      if (result == ChunkReader::Result::event) {
        ++next_seq_;
        continue;
      }
      const bool complete = result == ChunkReader::Result::end && next_seq_ == chunk_.first_seq + chunk_.events;
      reader_.reset();
      if (!complete) damaged(chunk_.number, "cannot be decoded");
      break;
    }
  }
  return true;
}

std::int64_t SessionReader::restore(std::int64_t number, SessionImage& image) {
  // A damaged keyframe costs only time: the one before it, or the beginning, leads to the same state.
  try {
    Statement select =
        recording_.database().prepare(std::string(kKeyframeColumns) + " WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC");
    select.bind(1, chunk_id(session_.id, 1));
    select.bind(2, chunk_id(session_.id, number));
    while (select.step()) {
      const KeyframeRow keyframe = keyframe_row(select, session_.id);
      const std::string_view data = select.blob(kKeyframeData);
      std::string problem;
      if (keyframe.expected_crc32(data) != keyframe.crc32) continue;
      const std::string_view payload = inflater_.inflate(keyframe.codec, keyframe.size, data, problem);
      if (!problem.empty()) continue;
      ChunkReader reader(payload, instruments_);
      scratch_.clear();
      ChunkReader::Result result{};
      while ((result = reader.next(scratch_)) == ChunkReader::Result::event) {
      }
      if (result != ChunkReader::Result::end) continue;
      image.clear();
      for (const Event& event : scratch_.events()) image.apply(event);
      next_seq_ = keyframe.seq + 1;
      return keyframe.number;
    }
  } catch (const DatabaseError& error) {
    if (!error.is_corrupt()) throw;
  }
  image.clear();
  next_seq_ = 1;
  return 0;
}

void SessionReader::go(std::int64_t chunk, std::uint64_t seq, Micros ts, SessionImage* image) {
  reader_.reset();
  for (std::int64_t at = image != nullptr ? restore(chunk, *image) : chunk;; ++at) {
    if (!open_chunk(at)) {
      next_seq_ = session_.events + 1;
      return;
    }
    if (image != nullptr && chunk_.first_seq != next_seq_) damaged(at, "does not follow the one before it");
    next_seq_ = chunk_.first_seq;
    scratch_.clear();
    std::uint64_t taken = 0;
    while (next_seq_ <= session_.events && reader_->next(scratch_) == ChunkReader::Result::event) {
      const Event& event = scratch_.events().back();
      if (next_seq_ >= seq || event.recv_ts >= ts) {
        open_chunk(at);  // the event was decoded to look at it, but must still be given
        for (scratch_.clear(); taken > 0; --taken) reader_->next(scratch_);
        return;
      }
      if (image != nullptr) image->apply(event);
      ++next_seq_;
      ++taken;
    }
    if (next_seq_ > session_.events) return;
    if (next_seq_ != chunk_.first_seq + chunk_.events) damaged(at, "cannot be decoded");
  }
}

void SessionReader::require_before(std::int64_t number, Micros ts) {
  // The search trusted numbers that only their chunk's sum vouches for.
  if (number > 0 && open_chunk(number - 1) && chunk_.end_ts >= ts) damaged(number - 1, "is not where its time belongs");
}

void SessionReader::seek_time(Micros ts, SessionImage* image) {
  std::int64_t low = 0;
  std::int64_t high = session_.chunks;  // first chunk whose end reaches `ts`
  Statement end = recording_.database().prepare("SELECT end_ts FROM chunks WHERE id = ?1");
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    end.bind(1, chunk_id(session_.id, middle));
    const bool found = end.step();
    const bool before = found && end.integer(0) < ts;
    end.reset();
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  require_before(low, ts);
  go(low, UINT64_MAX, ts, image);
}

void SessionReader::seek_seq(std::uint64_t seq, SessionImage* image) {
  std::int64_t low = 0;
  std::int64_t high = session_.chunks;  // first chunk that ends at or after `seq`
  Statement place = recording_.database().prepare("SELECT first_seq + events FROM chunks WHERE id = ?1");
  while (low < high) {
    const std::int64_t middle = low + (high - low) / 2;
    place.bind(1, chunk_id(session_.id, middle));
    const bool found = place.step();
    const bool before = found && static_cast<std::uint64_t>(place.integer(0)) <= seq;
    place.reset();
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  go(low, seq, INT64_MAX, image);
}

}  // namespace bixws::recording
