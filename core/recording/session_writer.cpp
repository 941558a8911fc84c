// SPDX-License-Identifier: Apache-2.0
// SessionWriter: events become chunks as they come; SQLite sees them once per commit.
#include "recording/session_writer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <system_error>

#include "model/event_json.h"
#include "recording/format.h"

namespace bixws::recording {
namespace {

// Seeking reads one keyframe and then at most this many events. A keyframe is not worth more than a twentieth of the
// bytes it saves reading.
constexpr std::uint64_t kKeyframeEvents = 50'000;
constexpr std::uint64_t kKeyframeEventsAtMost = 200'000;
constexpr std::size_t kKeyframeShare = 20;

std::string reason_of_errno() { return std::generic_category().message(errno); }

void write_schema(Database& database) {
  database.exec("PRAGMA page_size = 8192");
  database.exec("BEGIN");
  database.exec(kTables);
  database.exec(kViews);
  database.exec("PRAGMA application_id = " + std::to_string(kApplicationId));
  database.exec("PRAGMA user_version = " + std::to_string(kFormatVersion));
  database.exec("COMMIT");
}

/// A recording appears under its name complete or not at all.
void create_file(const std::string& path) {
  const std::string unfinished = path + ".new-" + std::to_string(::getpid());
  ::unlink(unfinished.c_str());
  try {
    Database database(unfinished, Database::Access::create);
    write_schema(database);
  } catch (const DatabaseError& error) {
    ::unlink(unfinished.c_str());
    std::string text = error.what();
    if (text.starts_with(unfinished)) text.replace(0, unfinished.size(), path);
    throw DatabaseError(text, error.code);
  }
  // Not rename(): somebody else's file of that name, made meanwhile, must stay.
  const bool linked = ::link(unfinished.c_str(), path.c_str()) == 0;
  const bool there = linked || errno == EEXIST;
  const std::string why = there ? std::string() : reason_of_errno();
  const bool renamed =
      !there && ::renameat2(AT_FDCWD, unfinished.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0;
  if (!renamed) ::unlink(unfinished.c_str());
  if (!there && !renamed) throw RecordingError(path + ": cannot create: " + why);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

}  // namespace

void SessionWriter::FreeContext::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

SessionWriter::SessionWriter(SessionOptions options) : options_(std::move(options)), zstd_(ZSTD_createCCtx()) {
  // A file over the size limit is an error to be handled, not a reason to die.
  static std::once_flag once;
  std::call_once(once, [] { ::signal(SIGXFSZ, SIG_IGN); });
  ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, options_.level);
  struct stat status {};
  if (::stat(options_.path.c_str(), &status) != 0) {
    if (errno != ENOENT) throw RecordingError(options_.path + ": cannot open: " + reason_of_errno());
    create_file(options_.path);
  } else if (S_ISDIR(status.st_mode)) {
    throw RecordingError(options_.path + ": cannot open: it is a directory");
  } else if (status.st_size == 0) {
    Database database(options_.path, Database::Access::write);
    write_schema(database);
  }
  open();
  begin_session();
}

SessionWriter::~SessionWriter() = default;

void SessionWriter::open() {
  rows_.reset();
  for (Statement* statement : {&insert_chunk_, &insert_keyframe_, &update_session_}) *statement = Statement();
  database_.reset();
  database_ = std::make_unique<Database>(options_.path, Database::Access::write);
  require_recording(*database_);
  if (database_->is_read_only()) throw RecordingError(options_.path + ": cannot write: the file is read-only");
  if (database_->text("PRAGMA journal_mode = WAL") != "wal") {
    throw RecordingError(options_.path + ": cannot keep a write-ahead log here; recordings need a local file system");
  }
  database_->exec("PRAGMA synchronous = FULL");
  database_->exec("PRAGMA journal_size_limit = 67108864");
  database_->exec("PRAGMA cache_size = -16000");
  database_->exec("PRAGMA secure_delete = OFF");
  if (options_.sql_books) database_->exec(kBookTables);
}

void SessionWriter::prepare() {
  insert_chunk_ = database_->prepare("INSERT OR REPLACE INTO chunks VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
  insert_keyframe_ = database_->prepare("INSERT OR REPLACE INTO keyframes VALUES(?1, ?2, ?3, ?4, ?5, ?6)");
  update_session_ = database_->prepare(
      "UPDATE sessions SET started_ts = ?2, ended_ts = ?3, clean = ?4, feeds = ?5, symbols = ?6, version = ?7, "
      "events = ?8, chunks = ?9, chain = ?10, crc32 = ?11 WHERE id = ?1");
  rows_ = std::make_unique<TypedRows>(*database_, row_.id, options_.sql_books);
}

void SessionWriter::begin_session() {
  row_.feeds = options_.feeds;
  row_.version = options_.version;
  row_.started_ts = row_.ended_ts = options_.now;
  database_->exec("BEGIN IMMEDIATE");
  row_.id = database_->integer("SELECT max(id) FROM sessions") + 1;
  if (row_.id >= kMaxSessions) throw RecordingError(options_.path + ": has no room for another session");
  Statement insert = database_->prepare("INSERT INTO sessions(id) VALUES(?1)");
  insert.bind(1, row_.id);
  insert.run();
  prepare();
  update_row();
  if (!options_.whole) database_->exec("COMMIT");
  committed_.session = row_.id;
}

bool SessionWriter::reopen() {
  if (::access(options_.path.c_str(), F_OK) != 0 && errno == ENOENT) return false;
  open();
  Statement select = database_->prepare("SELECT events, chain FROM sessions WHERE id = ?1");
  select.bind(1, row_.id);
  const bool same = select.step() && static_cast<std::uint64_t>(select.integer(0)) == committed_.seq &&
                    select.blob(1) == bytes_of(committed_chain_);
  select.reset();
  if (same) prepare();
  return same;
}

bool SessionWriter::wanted(const Event& event) const {
  if (event.kind == Kind::raw) return options_.raw;
  // What was said about the data belongs to it, whichever channels are chosen.
  if (event.kind == Kind::gap || event.kind == Kind::alert || event.kind == Kind::annotation) return true;
  // Where a replay stands is no part of what happened on the market.
  if (event.kind == Kind::status) return event.status().replay == nullptr;
  return (options_.channels & (1U << static_cast<unsigned>(channel_of(event.kind)))) != 0;
}

void SessionWriter::write(const SharedBatch& batch) {
  const std::uint64_t first = seq_ + 1;
  bool typed = false;
  if (const LogPlace* place = batch->place(); place != nullptr) {
    places_[place->feed] = place->text;
    places_changed_ = true;
  }
  for (const Event& event : batch->events()) {
    if (!wanted(event)) continue;
    typed = typed || rows_->wants(event.kind);
    take(event);
  }
  if (!typed) return;
  typed_.push_back({batch, first});
  typed_bytes_ += batch->bytes();
}

void SessionWriter::take(const Event& event) {
  if (seq_ == 0) row_.started_ts = max_recv_ts_ = event.recv_ts;
  ++seq_;
  last_recv_ts_ = event.recv_ts;
  max_recv_ts_ = std::max(max_recv_ts_, event.recv_ts);
  note_symbol(*event.instrument);
  image_.apply(event);
  chunk_.add(event);
  if (chunk_.events() >= kChunkEvents || chunk_.bytes() >= kChunkBytes ||
      chunk_.max_recv_ts() - chunk_.min_recv_ts() >= kChunkAgeUs) {
    seal();
  }
}

void SessionWriter::note_symbol(const Instrument& instrument) {
  if (instrument.id < seen_.size() && seen_[instrument.id]) return;
  if (instrument.id >= seen_.size()) seen_.resize(instrument.id + 1);
  seen_[instrument.id] = true;
  if (instrument.exchange.empty() || instrument.symbol.empty()) return;
  if (options_.first_feed.empty()) options_.first_feed = instrument.exchange;
  if (!row_.symbols.empty()) row_.symbols += ',';
  if (instrument.exchange != options_.first_feed) {
    row_.symbols += instrument.exchange;
    row_.symbols += ':';
  }
  row_.symbols += instrument.symbol;
}

std::string SessionWriter::compress(const ColumnWriter& payload) {
  std::string data(ZSTD_compressBound(payload.size()), '\0');
  const std::size_t size = ZSTD_compress2(zstd_.get(), data.data(), data.size(), payload.view().data(), payload.size());
  if (ZSTD_isError(size) != 0) {
    throw RecordingError(options_.path + ": cannot compress: " + std::string(ZSTD_getErrorName(size)));
  }
  data.resize(size);
  return data;
}

SessionWriter::PendingChunk SessionWriter::pack_open_chunk() {
  payload_.clear();
  chunk_.finish(payload_);
  PendingChunk packed;
  packed.data = compress(payload_);
  ChunkRow& row = packed.row;
  row.session = row_.id;
  row.number = chunk_number_;
  row.first_seq = chunk_first_seq_;
  row.events = chunk_.events();
  row.start_ts = chunk_.min_recv_ts();
  row.end_ts = max_recv_ts_;
  row.codec = static_cast<std::int64_t>(Codec::zstd);
  row.size = payload_.size();
  row.crc32 = row.expected_crc32(packed.data);
  row.chain = row.expected_chain(sealed_chain_, packed.data);
  return packed;
}

void SessionWriter::seal() {
  chunks_.push_back(pack_open_chunk());
  const PendingChunk& sealed = chunks_.back();
  sealed_chain_ = sealed.row.chain;
  chunk_bytes_ += sealed.data.size();
  bytes_since_keyframe_ += sealed.data.size();
  chunk_.clear();
  chunk_first_seq_ = seq_ + 1;
  ++chunk_number_;
  const std::uint64_t events = seq_ - keyframe_seq_;
  if (events >= kKeyframeEventsAtMost ||
      (events >= kKeyframeEvents && bytes_since_keyframe_ >= kKeyframeShare * keyframe_bytes_)) {
    add_keyframe();
  }
}

void SessionWriter::add_keyframe() {
  EventBatch state;
  image_.append_to(state);
  ChunkWriter events;
  for (const Event& event : state.events()) events.add(event);
  payload_.clear();
  events.finish(payload_);
  PendingKeyframe& keyframe = keyframes_.emplace_back();
  keyframe.data = compress(payload_);
  KeyframeRow& row = keyframe.row;
  row.session = row_.id;
  row.number = chunk_number_;
  row.seq = seq_;
  row.codec = static_cast<std::int64_t>(Codec::zstd);
  row.size = payload_.size();
  row.crc32 = row.expected_crc32(keyframe.data);
  chunk_bytes_ += keyframe.data.size();
  keyframe_bytes_ = keyframe.data.size();
  keyframe_seq_ = seq_;
  bytes_since_keyframe_ = 0;
}

std::size_t SessionWriter::pending_bytes() const {
  return uncommitted() == 0 ? 0 : chunk_bytes_ + typed_bytes_ + chunk_.bytes();
}

std::uint64_t SessionWriter::file_bytes() const {
  std::uint64_t total = 0;
  for (const char* suffix : {"", "-wal"}) {
    struct stat status {};
    if (::stat((options_.path + suffix).c_str(), &status) == 0) total += static_cast<std::uint64_t>(status.st_size);
  }
  return total;
}

Committed SessionWriter::commit() { return commit(false); }

Committed SessionWriter::finish() {
  const Committed done = commit(true);
  try {
    // A finished recording is one plain file, which can also be read where nothing can be written.
    database_->exec("PRAGMA busy_timeout = 0");
    database_->exec("PRAGMA journal_mode = DELETE");
  } catch (const DatabaseError&) {
    // Somebody else has it open; then the log is emptied when the last one closes.
  }
  return done;
}

void SessionWriter::write_chunk(const PendingChunk& chunk) {
  insert_chunk_.bind(1, chunk_id(row_.id, chunk.row.number));
  insert_chunk_.bind(2, static_cast<std::int64_t>(chunk.row.first_seq));
  insert_chunk_.bind(3, static_cast<std::int64_t>(chunk.row.events));
  insert_chunk_.bind(4, chunk.row.start_ts);
  insert_chunk_.bind(5, chunk.row.end_ts);
  insert_chunk_.bind(6, chunk.row.codec);
  insert_chunk_.bind(7, static_cast<std::int64_t>(chunk.row.size));
  insert_chunk_.bind(8, static_cast<std::int64_t>(chunk.row.crc32));
  insert_chunk_.bind_blob(9, bytes_of(chunk.row.chain));
  insert_chunk_.bind_blob(10, chunk.data);
  insert_chunk_.run();
}

void SessionWriter::write_keyframe(const PendingKeyframe& keyframe) {
  insert_keyframe_.bind(1, chunk_id(row_.id, keyframe.row.number));
  insert_keyframe_.bind(2, static_cast<std::int64_t>(keyframe.row.seq));
  insert_keyframe_.bind(3, keyframe.row.codec);
  insert_keyframe_.bind(4, static_cast<std::int64_t>(keyframe.row.size));
  insert_keyframe_.bind(5, static_cast<std::int64_t>(keyframe.row.crc32));
  insert_keyframe_.bind_blob(6, keyframe.data);
  insert_keyframe_.run();
}

void SessionWriter::update_row() {
  row_.crc32 = row_.expected_crc32();
  update_session_.bind(1, row_.id);
  update_session_.bind(2, row_.started_ts);
  update_session_.bind(3, row_.ended_ts);
  update_session_.bind(4, std::int64_t{row_.clean});
  update_session_.bind_text(5, row_.feeds);
  update_session_.bind_text(6, row_.symbols);
  update_session_.bind_text(7, row_.version);
  update_session_.bind(8, static_cast<std::int64_t>(row_.events));
  update_session_.bind(9, row_.chunks);
  update_session_.bind_blob(10, bytes_of(row_.chain));
  update_session_.bind(11, static_cast<std::int64_t>(row_.crc32));
  update_session_.run();
}

void SessionWriter::write_places() {
  database_->exec(kPlacesTable);
  Statement insert = database_->prepare("INSERT OR REPLACE INTO places VALUES(?1, ?2, ?3)");
  for (const auto& [feed, place] : places_) {
    insert.bind_text(1, feed);
    insert.bind_text(2, place);
    insert.bind(3, row_.id);
    insert.run();
  }
}

void SessionWriter::set_places(std::map<std::string, std::string> places) {
  places_ = std::move(places);
  places_changed_ = !places_.empty();
}

std::string last_place(const std::string& path, const std::string& feed) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || status.st_size == 0) return {};
  Database database(path, Database::Access::read);
  require_recording(database);
  if (database.integer("SELECT count(*) FROM sqlite_schema WHERE name = 'places'") == 0) return {};
  Statement select = database.prepare("SELECT place FROM places WHERE feed = ?1");
  select.bind_text(1, feed);
  return select.step() ? std::string(select.text(0)) : std::string();
}

void SessionWriter::write_rows() {
  for (const PendingRows& pending : typed_) {
    std::uint64_t seq = pending.first_seq;
    for (const Event& event : pending.batch->events()) {
      if (wanted(event)) rows_->write(seq++, event);
    }
  }
  rows_->flush();
}

Committed SessionWriter::commit(bool clean) {
  if (uncommitted() == 0 && row_.clean == clean) return committed_;
  if (database_->has_moved()) throw RecordingError(options_.path + ": cannot write: the file was removed or replaced");
  try {
    if (!options_.whole) database_->exec("BEGIN IMMEDIATE");
    write_rows();
    for (const PendingChunk& chunk : chunks_) write_chunk(chunk);
    for (const PendingKeyframe& keyframe : keyframes_) write_keyframe(keyframe);
    row_.chain = sealed_chain_;
    row_.chunks = chunk_number_;
    if (chunk_.events() != 0) {
      const PendingChunk open_chunk = pack_open_chunk();
      write_chunk(open_chunk);
      row_.chain = open_chunk.row.chain;
      ++row_.chunks;
    }
    row_.events = seq_;
    if (seq_ != 0) row_.ended_ts = max_recv_ts_;
    row_.clean = clean;
    update_row();
    if (places_changed_) write_places();
    if (!options_.whole || clean) database_->exec("COMMIT");
  } catch (...) {
    row_.clean = false;
    try {
      if (database_->in_transaction()) database_->exec("ROLLBACK");
    } catch (const DatabaseError&) {
      // The error that led here is the one worth telling.
    }
    rows_->rolled_back();
    throw;
  }
  rows_->committed();
  places_changed_ = false;
  chunks_.clear();
  keyframes_.clear();
  typed_.clear();
  chunk_bytes_ = typed_bytes_ = 0;
  committed_.seq = seq_;
  committed_.recv_ts = last_recv_ts_;
  committed_chain_ = row_.chain;
  return committed_;
}

}  // namespace bixws::recording
