// SPDX-License-Identifier: Apache-2.0
// Recent: the newest encoded messages of every topic and the newest gap notices, in the order in which they went out,
// for clients that come back and want what they missed.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/run.h"

namespace bixws::server {

/// Holds runs as they went out, so a kept message costs its bytes once and what it takes to find it. The oldest runs go
/// when all of that exceeds the bound. Hub's thread only.
class Recent {
 public:
  static constexpr std::size_t kDefaultBytes = std::size_t{16} << 20;
  static constexpr std::size_t kMostNotices = 1000;

  /// 0 bytes: nothing is kept.
  explicit Recent(std::size_t most_bytes) : most_bytes_(most_bytes) {}

  /// After the run's last change. Only numbered topics are kept: tickers, trades, books and candles.
  void keep(const SharedRun& run);
  /// A new epoch: numbers mean something else now.
  void clear();
  /// Somebody is told the topic's state as of this number, whether or not it was ever encoded.
  void note_state(const Topic& topic, std::uint64_t seq);

  /// Frames that were missed, by their place in the order; of several topics each one once.
  struct Missed {
    std::uint64_t gap = 0;  ///< in: gaps up to this number are known
    std::map<std::uint64_t, std::string> frames;
    std::size_t bytes = 0;
  };
  /// Adds the topic's frames after number `after` up to `newest`, and the notices that concern it since then. False,
  /// and `into` as it was, unless all of that is held and `into` stays within `most` bytes. `after` of a ticker may be
  /// any number that had been given out, for tickers of all instruments are numbered together.
  [[nodiscard]] bool add_missed(const Topic& topic, std::uint64_t after, std::uint64_t newest, std::size_t most,
                                Missed& into) const;

  [[nodiscard]] bool enabled() const { return most_bytes_ > 0; }
  /// Bytes ever kept, and ever let go again: a place in the order of messages, and how far it was forgotten.
  [[nodiscard]] std::uint64_t kept() const { return kept_; }
  [[nodiscard]] std::uint64_t forgotten() const { return forgotten_; }

 private:
  struct Place {
    SharedRun run;
    Extent frame;
    std::uint64_t seq = 0;
    std::uint64_t previous = 0;  ///< the topic's number before
    std::uint64_t order = 0;
  };
  /// When a topic had come to a number.
  struct Moment {
    std::uint64_t seq = 0, order = 0;
    bool known = false;
  };
  struct Past {
    std::deque<Place> places;  ///< in the order of seq
    Moment forgotten;          ///< the newest place that was let go
    Moment told;               ///< the newest state that somebody was told
  };
  struct Notice {
    std::uint64_t order = 0;
    Channel channel = Channel::none;
    const Instrument* instrument = nullptr;
    std::uint64_t number = 0;
    std::string frame;
    [[nodiscard]] bool concerns(const Topic& topic) const;
  };
  static std::size_t cost_of(const Run& run);
  void forget_oldest();
  [[nodiscard]] std::uint64_t moment_of(const Past& past, std::uint64_t seq) const;

  std::size_t most_bytes_;
  std::deque<SharedRun> runs_;
  std::unordered_map<const Topic*, Past> topics_;
  std::deque<Notice> notices_;
  std::uint64_t order_ = 0;
  std::uint64_t epoch_from_ = 0;    // the epoch began after this place
  std::uint64_t notices_from_ = 0;  // those up to this place are not held
  std::uint64_t kept_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace bixws::server
