// SPDX-License-Identifier: Apache-2.0
// SessionWriter: writes one session of a recording, commit by commit. What commit() has answered is on the disk.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "model/batch.h"
#include "recording/chunk.h"
#include "recording/database.h"
#include "recording/image.h"
#include "recording/recording.h"
#include "recording/typed_rows.h"

struct ZSTD_CCtx_s;

namespace bixws::recording {

struct SessionOptions {
  std::string path;        ///< made if missing; an existing recording gets one more session
  std::string feeds;       ///< as given by the user, for `sessions list`
  std::string first_feed;  ///< its symbols are listed by their plain name; empty: the first exchange seen
  std::string version;     ///< of the program
  Micros now = 0;          ///< stands for the start and the end while there is no event
  std::uint32_t channels = ~std::uint32_t{0};  ///< recorded: 1 << int(Channel); gaps and status always are
  bool raw = false;                            ///< keep the exchange's own frames
  bool sql_books = false;                      ///< a row for each book level
  bool whole = false;  ///< all or nothing: one transaction, ended by finish(); other writers wait meanwhile
  int level = 1;       ///< of zstd
};

struct Committed {
  std::int64_t session = 0;
  std::uint64_t seq = 0;  ///< the last event on the disk; 0: none yet
  Micros recv_ts = 0;     ///< its
};

/// Up to which place of its log a feed's events are in this recording; empty: it has none, or there is no such file.
/// Throws RecordingError for what is no recording.
std::string last_place(const std::string& path, const std::string& feed);

/// Not thread-safe.
class SessionWriter {
 public:
  /// Opens or makes the file and begins a session. Throws RecordingError; then nothing was changed.
  explicit SessionWriter(SessionOptions options);
  ~SessionWriter();
  SessionWriter(const SessionWriter&) = delete;
  SessionWriter& operator=(const SessionWriter&) = delete;

  /// Takes the batch's events; cheap, and never touches the disk.
  void write(const SharedBatch& batch);
  /// Puts everything taken so far on the disk, in one transaction. Throws RecordingError (disk full, file gone); then
  /// the disk is as after the last commit, nothing taken was forgotten, and commit() may be tried again.
  Committed commit();
  /// commit(), and the session is marked as ended cleanly.
  Committed finish();
  /// Opens the file anew, which some failures make necessary before a commit can succeed. Throws RecordingError. False:
  /// there is another file now, or none; what was written is gone, and only a new SessionWriter can go on.
  bool reopen();

  [[nodiscard]] std::int64_t session() const { return row_.id; }
  [[nodiscard]] const std::string& path() const { return options_.path; }
  [[nodiscard]] std::uint64_t taken() const { return seq_; }
  [[nodiscard]] std::uint64_t uncommitted() const { return seq_ - committed_.seq; }
  /// The places of logs that its events were read up to, the batches taken included. By feed; `last_place()` reads
  /// them.
  [[nodiscard]] const std::map<std::string, std::string>& places() const { return places_; }
  void set_places(std::map<std::string, std::string> places);
  /// What all events taken so far add up to.
  [[nodiscard]] const SessionImage& image() const { return image_; }
  /// On the disk, the log included; 0 if that cannot be told.
  [[nodiscard]] std::uint64_t file_bytes() const;
  /// Memory that waits for the next commit.
  [[nodiscard]] std::size_t pending_bytes() const;

 private:
  struct PendingChunk {
    ChunkRow row;
    std::string data;
  };
  struct PendingKeyframe {
    KeyframeRow row;
    std::string data;
  };
  struct PendingRows {
    SharedBatch batch;
    std::uint64_t first_seq;
  };

  [[nodiscard]] bool wanted(const Event& event) const;
  void open();
  void begin_session();
  void prepare();
  void take(const Event& event);
  void note_symbol(const Instrument& instrument);
  [[nodiscard]] PendingChunk pack_open_chunk();
  void seal();
  void add_keyframe();
  std::string compress(const ColumnWriter& payload);
  Committed commit(bool clean);
  void write_rows();
  void write_chunk(const PendingChunk& chunk);
  void write_keyframe(const PendingKeyframe& keyframe);
  void write_places();
  void update_row();

  SessionOptions options_;
  std::unique_ptr<Database> database_;
  Statement insert_chunk_, insert_keyframe_, update_session_;
  std::unique_ptr<TypedRows> rows_;
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;

  SessionRow row_;
  Committed committed_;
  Hash committed_chain_{};
  std::uint64_t seq_ = 0;
  Micros last_recv_ts_ = 0, max_recv_ts_ = 0;
  ChunkWriter chunk_;
  std::uint64_t chunk_first_seq_ = 1;
  std::int64_t chunk_number_ = 0;
  Hash sealed_chain_{};  // of the last sealed chunk
  SessionImage image_;
  std::uint64_t keyframe_seq_ = 0;
  std::size_t bytes_since_keyframe_ = 0;
  std::size_t keyframe_bytes_ = 0;

  std::vector<PendingChunk> chunks_;
  std::vector<PendingKeyframe> keyframes_;
  std::vector<PendingRows> typed_;
  std::size_t chunk_bytes_ = 0, typed_bytes_ = 0;
  std::vector<bool> seen_;  // by instrument id
  std::map<std::string, std::string> places_;
  bool places_changed_ = false;
  ColumnWriter payload_;
};

}  // namespace bixws::recording
