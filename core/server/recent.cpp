// SPDX-License-Identifier: Apache-2.0
// Recent: runs in a queue, and per topic where in them its messages are.
#include "server/recent.h"

#include <algorithm>

namespace bixws::server {
namespace {

bool numbered(const RunItem& item) {
  if (item.kind != RunItem::Kind::message) return false;
  const Channel channel = item.topic->what.channel;
  return channel == Channel::trades || channel == Channel::book || channel == Channel::candle;
}

}  // namespace

void Recent::keep(const SharedRun& run) {
  if (!enabled() || std::none_of(run->items.begin(), run->items.end(), numbered)) return;
  for (const RunItem& item : run->items) {
    if (numbered(item)) places_[item.topic].push_back({run, item.frame, item.seq});
  }
  runs_.push_back(run);
  kept_ += run->bytes.size();
  while (kept_ - forgotten_ > most_bytes_) forget_oldest();
}

void Recent::forget_oldest() {
  const SharedRun run = std::move(runs_.front());
  runs_.pop_front();
  forgotten_ += run->bytes.size();
  for (const RunItem& item : run->items) {
    if (!numbered(item)) continue;
    const auto at = places_.find(item.topic);
    at->second.pop_front();
    if (at->second.empty()) places_.erase(at);
  }
}

void Recent::clear() {
  places_.clear();
  runs_.clear();
  forgotten_ = kept_;
}

bool Recent::append_missed(const Topic& topic, std::uint64_t after, std::uint64_t newest, std::size_t most,
                           TextBuffer& out) const {
  const auto at = places_.find(&topic);
  if (at == places_.end()) return false;
  const std::deque<Place>& places = at->second;
  const auto first = std::lower_bound(places.begin(), places.end(), after + 1,
                                      [](const Place& place, std::uint64_t seq) { return place.seq < seq; });
  std::uint64_t expected = after + 1;
  std::size_t size = 0;
  // A topic is not encoded while nobody listens: what is held may have holes.
  for (auto place = first; place != places.end(); ++place, ++expected) {
    size += place->frame.size;
    if (place->seq != expected || size > most) return false;
  }
  if (expected != newest + 1) return false;
  for (auto place = first; place != places.end(); ++place) out.raw(place->run->text(place->frame));
  return true;
}

}  // namespace bixws::server
