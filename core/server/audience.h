// SPDX-License-Identifier: Apache-2.0
// Audience: the clients of one loop that get exactly the same messages, and the log of those messages that they all
// send from. Per client there is a position in the log; nothing is copied for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "model/text_buffer.h"
#include "server/selection.h"

namespace bixws::server {

struct Member;

/// One message in a log. The kind of loss it suffers when a client cannot follow is decided by its policy.
struct LogEntry {
  std::uint32_t end = 0;  ///< offset after it, in its chunk
  Policy policy = Policy::lossless;
  bool tickers = false;          ///< market_update
  bool epoch = false;            ///< the numbering starts anew
  const Topic* topic = nullptr;  ///< nullptr: notices and batched tickers
  std::uint64_t seq = 0;
  Micros recv_ts = 0;
};

/// Whole framed messages in one piece of memory: what a client is given in one send.
struct LogChunk {
  std::uint64_t begin = 0;  ///< position of its first byte since the log began
  TextBuffer bytes;
  std::vector<LogEntry> entries;
  [[nodiscard]] std::uint64_t end() const { return begin + bytes.size(); }
};

/// Position after at most `messages` messages from `position`, a boundary inside the chunk.
[[nodiscard]] std::uint64_t piece_end(const LogChunk& chunk, std::uint64_t position, std::size_t messages);

/// What has left the log for good, per topic: the last number (and the first ever), from which losses are computed.
struct Trimmed {
  std::uint64_t first = 0, last = 0;
  Micros recv_ts = 0;
};

/// Not thread-safe: lives on one loop.
class MessageLog {
 public:
  /// Position after the newest message.
  [[nodiscard]] std::uint64_t end() const { return end_; }
  /// Position after the newest sealed chunk: what has been swept, or is being swept.
  [[nodiscard]] std::uint64_t sealed_end() const { return open_ ? chunks_.back().begin : end_; }
  [[nodiscard]] bool has_unsealed() const { return open_; }
  [[nodiscard]] std::uint64_t begin() const { return chunks_.empty() ? end_ : chunks_.front().begin; }
  /// Bytes of the largest message it holds.
  [[nodiscard]] std::size_t largest() const { return largest_; }

  void append(std::string_view frame, const LogEntry& entry);
  /// Ends the chunk under construction and returns it. REQUIRES: has_unsealed().
  const LogChunk& seal();

  /// The chunk that holds the byte at `position`. REQUIRES: begin() <= position < end().
  [[nodiscard]] const LogChunk& at(std::uint64_t position) const;
  [[nodiscard]] const LogChunk& front() const { return chunks_.front(); }
  /// First message boundary at or after `position`.
  [[nodiscard]] std::uint64_t boundary(std::uint64_t position) const;
  /// Calls visit(entry, bytes) for each message in [from, to); `from` is a boundary.
  template <typename Visit>
  void walk(std::uint64_t from, std::uint64_t to, Visit&& visit) const;

  /// Removes the oldest sealed chunk, noting what went.
  void trim_front();
  /// Removes everything sealed.
  void trim_all();
  [[nodiscard]] const std::vector<Trimmed>& trimmed() const { return trimmed_; }
  /// Newest market_update that left the log.
  [[nodiscard]] std::uint64_t trimmed_tickers() const { return trimmed_tickers_; }
  /// Whether an epoch begins at or after `position`, a boundary.
  [[nodiscard]] bool epoch_after(std::uint64_t position) const;
  /// Newest market_update before `position`, a boundary.
  [[nodiscard]] std::uint64_t tickers_before(std::uint64_t position) const;
  /// Counts the epochs that left the log.
  [[nodiscard]] std::uint64_t trimmed_epochs() const { return trimmed_epochs_; }

 private:
  void note(const LogChunk& chunk);

  std::deque<LogChunk> chunks_;
  LogChunk spare_;  // memory of the last trimmed chunk, to be used again
  bool open_ = false;
  std::uint64_t end_ = 0;
  std::size_t largest_ = 0;
  std::vector<Trimmed> trimmed_;  // by topic id
  std::uint64_t trimmed_tickers_ = 0;
  std::uint64_t trimmed_epochs_ = 0;
};

struct Audience {
  std::shared_ptr<const Selection> selection;
  int window = 0;  ///< of permessage-deflate, in bits; 0: everything is plain
  MessageLog log;
  std::vector<Member*> members;
  std::vector<Member*> laggards;  ///< those that have not got everything sealed
  bool lossless = false;          ///< has a lossless topic
  bool conflates = false;         ///< has a topic whose state is sent afresh when its messages pile up

  std::uint64_t swept = 0;                  ///< position up to which everybody was offered the log
  std::vector<const Topic*> fresh_tickers;  ///< for the next batched market_update
  std::uint64_t composed = 0;               ///< newest ticker that a batched market_update contained
};

template <typename Visit>
void MessageLog::walk(std::uint64_t from, std::uint64_t to, Visit&& visit) const {
  for (const LogChunk& chunk : chunks_) {
    if (chunk.end() <= from) continue;
    if (chunk.begin >= to) break;
    std::uint32_t start = 0;
    for (const LogEntry& entry : chunk.entries) {
      const std::uint64_t position = chunk.begin + start;
      if (position >= to) return;
      if (position >= from) visit(entry, chunk.bytes.view().substr(start, entry.end - start));
      start = entry.end;
    }
  }
}

}  // namespace bixws::server
