// SPDX-License-Identifier: Apache-2.0
// Recording: an opened recording to read from, and SessionReader, which reads one session's events in order.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"
#include "recording/chunk.h"
#include "recording/database.h"
#include "recording/hash.h"
#include "recording/image.h"

struct ZSTD_DCtx_s;

namespace bixws::recording {

/// Part of the file cannot be what was written. What was read before it is good.
struct DamageError : RecordingError {
  using RecordingError::RecordingError;
};

/// One row of `sessions`, as of the last commit.
struct SessionRow {
  std::int64_t id = 0;
  Micros started_ts = 0;  ///< recv_ts of the first event; of the opening of the session while there is none
  Micros ended_ts = 0;    ///< largest recv_ts so far
  bool clean = false;     ///< ended as intended; false: still being written, or the recorder died
  std::string feeds, symbols, version;
  std::uint64_t events = 0;
  std::int64_t chunks = 0;
  Hash chain{};  ///< of the last chunk
  std::uint32_t crc32 = 0;

  [[nodiscard]] std::uint32_t expected_crc32() const;
};

/// One row of `chunks` without its data.
struct ChunkRow {
  std::int64_t session = 0, number = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t events = 0;
  Micros start_ts = 0;  ///< smallest recv_ts inside
  Micros end_ts = 0;    ///< largest recv_ts of the session up to the end of this chunk
  std::int64_t codec = 0;
  std::uint64_t size = 0;  ///< of the payload before compression
  std::uint32_t crc32 = 0;
  Hash chain{};

  /// What the sums cover besides the data.
  [[nodiscard]] std::string head() const;
  [[nodiscard]] std::uint32_t expected_crc32(std::string_view data) const;
  [[nodiscard]] Hash expected_chain(const Hash& previous, std::string_view data) const;
};

/// One row of `keyframes` without its data: the state between two chunks.
struct KeyframeRow {
  std::int64_t session = 0, number = 0;  ///< of the chunk that comes next
  std::uint64_t seq = 0;                 ///< of the last event it contains
  std::int64_t codec = 0;
  std::uint64_t size = 0;
  std::uint32_t crc32 = 0;

  [[nodiscard]] std::uint32_t expected_crc32(std::string_view data) const;
};

/// How rows of chunks and keyframes are selected, and where their data stands then.
inline constexpr std::string_view kChunkColumns =
    "SELECT first_seq, events, start_ts, end_ts, codec, size, crc32, chain, data FROM chunks";
inline constexpr int kChunkData = 8;
[[nodiscard]] ChunkRow chunk_row(const Statement& row, std::int64_t session, std::int64_t number);
inline constexpr std::string_view kKeyframeColumns = "SELECT id, seq, codec, size, crc32, data FROM keyframes";
inline constexpr int kKeyframeData = 5;
[[nodiscard]] KeyframeRow keyframe_row(const Statement& row, std::int64_t session);

/// Decompresses payloads; one per thread.
class Inflater {
 public:
  Inflater();
  /// The payload, valid until the next call. If `data` is not `size` bytes compressed with `codec`, says so in
  /// `problem` ("cannot be decompressed").
  std::string_view inflate(std::int64_t codec, std::uint64_t size, std::string_view data, std::string& problem);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = 0;
};

/// Read access while it may still be written by others. One thread at a time.
class Recording {
 public:
  /// Throws RecordingError whose text says why this cannot be read: missing, foreign, of a future version, damaged.
  explicit Recording(const std::string& path);

  [[nodiscard]] const std::string& path() const { return database_->path(); }
  [[nodiscard]] Database& database() { return *database_; }
  [[nodiscard]] std::vector<SessionRow> sessions();
  /// 0: the latest. Throws ConfigError if there is none.
  [[nodiscard]] SessionRow session(std::int64_t id);

 private:
  std::unique_ptr<Database> database_;
};

/// Throws RecordingError unless the opened database is a recording of a version this program knows.
void require_recording(Database& database);

/// A session's events in order, from any place. Not thread-safe.
class SessionReader {
 public:
  /// Throws RecordingError, ConfigError. Reads up to what was committed by now.
  SessionReader(const std::string& path, std::int64_t session, Instruments& instruments);

  [[nodiscard]] const SessionRow& session() const { return session_; }
  /// Place in the session, from 1, of the event that next() gives first.
  [[nodiscard]] std::uint64_t next_seq() const { return next_seq_; }

  /// Appends up to `count` events, all from one chunk; false: the session has no more. Throws DamageError at the first
  /// chunk that is not as it was written; all events before it have been given.
  bool next(EventBatch& into, std::size_t count);
  /// Goes to the first event received at or after `ts` (or to the end). With `image`, makes it what all events before
  /// that place add up to. Throws DamageError.
  void seek_time(Micros ts, SessionImage* image);
  /// Likewise to a place in the session.
  void seek_seq(std::uint64_t seq, SessionImage* image);

 private:
  /// Reads and checks a chunk and places the reader at its first event. False: the session has no such chunk.
  bool open_chunk(std::int64_t number);
  /// Newest intact keyframe at or before the chunk; answers the chunk it leads to.
  /// Takes the session's extent from its chunks, because its row is not to be believed.
  void measure_session();
  void require_before(std::int64_t number, Micros ts);
  std::int64_t restore(std::int64_t number, SessionImage& image);
  void go(std::int64_t chunk, std::uint64_t seq, Micros ts, SessionImage* image);
  [[noreturn]] void damaged(std::int64_t number, std::string_view what) const;

  Recording recording_;
  SessionRow session_;
  bool row_damaged_ = false;
  Instruments& instruments_;
  Statement select_;
  Inflater inflater_;
  std::optional<ChunkReader> reader_;  // at next_seq_ if it has a value
  ChunkRow chunk_;
  std::uint64_t next_seq_ = 1;
  EventBatch scratch_;
};

}  // namespace bixws::recording
