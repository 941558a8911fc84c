// SPDX-License-Identifier: Apache-2.0
// Coverage: the union of intervals, stream by stream.
#include "recording/coverage.h"

#include <algorithm>

#include "model/event_json.h"

namespace bixws::recording {

void Coverage::add(const Event& event) {
  if (first_ == 0 && last_ts_ == 0) first_ = last_ts_ = event.recv_ts;
  first_ = std::min(first_, event.recv_ts);
  last_ts_ = std::max(last_ts_, event.recv_ts);
  if (event.kind == Kind::gap) {
    ++gap_count_;
    const Gap& gap = event.gap();
    const Micros to = gap.to_ts != 0 ? gap.to_ts : event.recv_ts;
    if (gap.from_ts == 0 || gap.from_ts >= to) return;  // its length is not known
    holes_.push_back({event.instrument, gap.channel, gap.from_ts, to});
    longest_ = std::max(longest_, to - gap.from_ts);
    return;
  }
  const Channel channel = channel_of(event.kind);
  if (channel == Channel::none || channel == Channel::status) return;
  const std::pair stream(event.instrument, channel);
  if (stream == last_) return;
  last_ = stream;
  streams_.emplace(stream, true);
}

double Coverage::percent() const {
  const Micros span = last_ts_ - first_;
  if (streams_.empty() || span <= 0 || holes_.empty()) return 100;
  double covered = 0;
  for (const auto& [stream, exists] : streams_) {
    const auto& [instrument, channel] = stream;
    std::vector<std::pair<Micros, Micros>> holes;
    for (const Hole& hole : holes_) {
      const bool same_channel = hole.channel == Channel::none || hole.channel == channel;
      const bool same_exchange = hole.instrument->exchange.empty() || hole.instrument->exchange == instrument->exchange;
      const bool same_symbol = hole.instrument->symbol.empty() || hole.instrument->symbol == instrument->symbol;
      if (!same_channel || !same_exchange || !same_symbol) continue;
      const Micros from = std::clamp(hole.from, first_, last_ts_);
      const Micros to = std::clamp(hole.to, first_, last_ts_);
      if (from < to) holes.emplace_back(from, to);
    }
    std::sort(holes.begin(), holes.end());
    Micros missing = 0;
    Micros end = first_;
    for (const auto& [from, to] : holes) {
      missing += std::max<Micros>(0, to - std::max(from, end));
      end = std::max(end, to);
    }
    covered += 1.0 - static_cast<double>(missing) / static_cast<double>(span);
  }
  return 100.0 * covered / static_cast<double>(streams_.size());
}

}  // namespace bixws::recording
