// SPDX-License-Identifier: Apache-2.0
// Coverage: how much of a session's time its data covers, from its own gap events.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace bixws::recording {

/// Every (instrument, channel) that has data counts the same; its covered time is the session's span without the union
/// of its gaps. A gap without a channel concerns all channels of its instrument, one without a symbol all symbols of
/// its exchange, one without an exchange everything.
class Coverage {
 public:
  void add(const Event& event);
  /// 0 to 100.
  [[nodiscard]] double percent() const;
  [[nodiscard]] std::uint64_t gaps() const { return gap_count_; }
  /// Longest single gap.
  [[nodiscard]] Micros longest_gap() const { return longest_; }

 private:
  struct Hole {
    const Instrument* instrument;
    Channel channel;
    Micros from, to;
  };
  std::map<std::pair<const Instrument*, Channel>, bool> streams_;
  std::pair<const Instrument*, Channel> last_{nullptr, Channel::none};
  std::vector<Hole> holes_;
  std::uint64_t gap_count_ = 0;
  Micros first_ = 0, last_ts_ = 0, longest_ = 0;
};

}  // namespace bixws::recording
