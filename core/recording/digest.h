// SPDX-License-Identifier: Apache-2.0
// Digest: the SHA-256 that says two sessions hold the same market data, computed from decoded events.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "model/text_buffer.h"
#include "recording/hash.h"
#include "recording/recording.h"

struct ZSTD_CCtx_s;

namespace bixws::recording {

/// SHA-256 over the canonical messages (each followed by a newline) of all groups (exchange, symbol, channel) in byte
/// order, each group in its order. The order of groups is known only at the end, so each group's text is kept
/// compressed: in memory up to a bound, then in a temporary file without a name. Not thread-safe.
class Digest {
 public:
  explicit Digest(std::size_t memory = std::size_t{32} << 20);
  ~Digest();

  void add(const Event& event);
  /// Ends this digest; call once. Throws RecordingError if the temporary file cannot be used.
  Hash finish();
  /// Events that counted.
  [[nodiscard]] std::uint64_t events() const { return events_; }

 private:
  struct Block {
    std::uint64_t offset;
    std::size_t size, text;
  };
  struct Group {
    TextBuffer pending;
    std::vector<Block> blocks;
  };
  using Key = std::tuple<std::string, std::string, std::string>;
  struct Cached {
    const Instrument* instrument = nullptr;
    Group* groups[8] = {};  // by channel; candles are looked up by their timeframe each time
  };

  Group& group_of(const Event& event);
  void spill(Group& group);
  void read(const Block& block, std::string& into);

  std::size_t memory_;
  std::map<Key, Group> groups_;
  std::vector<Cached> cache_;
  std::size_t block_bytes_ = std::size_t{256} << 10;
  std::string blocks_;     // the first `memory_` bytes of all blocks
  std::uint64_t end_ = 0;  // of all blocks, in memory and file
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, CloseFile> file_;
  struct FreeContext {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, FreeContext> zstd_;
  std::string compressed_;
  std::uint64_t events_ = 0;
};

}  // namespace bixws::recording
