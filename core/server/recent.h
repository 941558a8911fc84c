// SPDX-License-Identifier: Apache-2.0
// Recent: the newest encoded messages of every topic, for clients that come back and want what they missed.
#pragma once

#include <cstdint>
#include <deque>
#include <unordered_map>

#include "server/run.h"

namespace bixws::server {

/// Holds runs as they went out, so a kept message costs its bytes once and an index entry. The oldest runs go when the
/// bytes of all exceed the bound. Hub's thread only.
class Recent {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{16} << 20;

  /// 0 bytes: nothing is kept.
  explicit Recent(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// After the run's last change. Only numbered topics are kept: trades, books and candles.
  void keep(const SharedRun& run);
  /// A new epoch: numbers mean something else now.
  void clear();

  /// Appends the topic's frames numbered `after` + 1 to `newest` to `out`. False, and nothing appended, unless every
  /// one of them is held and together they are at most `most` bytes.
  [[nodiscard]] bool append_missed(const Topic& topic, std::uint64_t after, std::uint64_t newest, std::size_t most,
                                   TextBuffer& out) const;

  [[nodiscard]] bool enabled() const { return most_bytes_ > 0; }
  /// Bytes ever kept, and ever let go again: a place in the order of messages, and how far it was forgotten.
  [[nodiscard]] std::uint64_t kept() const { return kept_; }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  struct Place {
    SharedRun run;
    Extent frame;
    std::uint64_t seq = 0;
  };
  void forget_oldest();

  std::size_t most_bytes_;
  std::deque<SharedRun> runs_;
  std::unordered_map<const Topic*, std::deque<Place>> places_;  // each in the order of seq
  std::uint64_t kept_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace bixws::server
