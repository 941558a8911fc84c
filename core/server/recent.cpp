// SPDX-License-Identifier: Apache-2.0
// Recent: runs in a queue, per topic where in them its messages are, and a place in one order for everything.
#include "server/recent.h"

#include <algorithm>

namespace bixws::server {
namespace {

bool numbered(const RunItem& item) {
  if (item.kind == RunItem::Kind::ticker) return true;
  if (item.kind != RunItem::Kind::message) return false;
  const Channel channel = item.topic->what.channel;
  return channel == Channel::trades || channel == Channel::book || channel == Channel::candle;
}

std::uint64_t before(const RunItem& item) { return item.kind == RunItem::Kind::ticker ? item.previous : item.seq - 1; }

}  // namespace

std::size_t Recent::cost_of(const Run& run) {
  return run.bytes.size() + run.items.size() * (sizeof(RunItem) + sizeof(Place));
}

bool Recent::Notice::concerns(const Topic& topic) const {
  if (channel != Channel::none && channel != topic.what.channel) return false;
  return instrument == topic.instrument ||
         (instrument->symbol.empty() && instrument->exchange == topic.instrument->exchange);
}

void Recent::keep(const SharedRun& run) {
  if (!enabled()) return;
  bool any = false;
  for (const RunItem& item : run->items) {
    if (item.kind == RunItem::Kind::notice) {
      notices_.push_back({++order_, item.channel, item.instrument, item.seq, std::string(run->text(item.frame))});
      if (notices_.size() <= kMostNotices) continue;
      notices_from_ = notices_.front().order;
      notices_.pop_front();
    } else if (numbered(item)) {
      any = true;
      topics_[item.topic].places.push_back({run, item.frame, item.seq, before(item), ++order_});
    }
  }
  if (!any) return;
  runs_.push_back(run);
  kept_ += cost_of(*run);
  while (kept_ - forgotten_ > most_bytes_) forget_oldest();
}

void Recent::forget_oldest() {
  const SharedRun run = std::move(runs_.front());
  runs_.pop_front();
  forgotten_ += cost_of(*run);
  for (const RunItem& item : run->items) {
    if (!numbered(item)) continue;
    Past& past = topics_.find(item.topic)->second;
    past.forgotten = {past.places.front().seq, past.places.front().order, true};
    past.places.pop_front();
  }
}

void Recent::clear() {
  topics_.clear();
  runs_.clear();
  notices_.clear();
  epoch_from_ = notices_from_ = order_;
  forgotten_ = kept_;
}

void Recent::note_state(const Topic& topic, std::uint64_t seq) {
  if (!enabled()) return;
  Moment& told = topics_[&topic].told;
  if (!told.known || told.seq != seq) told = {seq, order_, true};
}

/// The latest place in the order at which the topic had certainly not come further than `seq`.
std::uint64_t Recent::moment_of(const Past& past, std::uint64_t seq) const {
  std::uint64_t order = epoch_from_;
  for (const Moment& moment : {past.forgotten, past.told}) {
    if (moment.known && moment.seq <= seq) order = std::max(order, moment.order);
  }
  const auto after = std::upper_bound(past.places.begin(), past.places.end(), seq,
                                      [](std::uint64_t number, const Place& place) { return number < place.seq; });
  return after == past.places.begin() ? order : std::max(order, std::prev(after)->order);
}

bool Recent::add_missed(const Topic& topic, std::uint64_t after, std::uint64_t newest, std::size_t most,
                        Missed& into) const {
  if (!enabled()) return false;
  const auto at = topics_.find(&topic);
  static const Past nothing;
  const Past& past = at == topics_.end() ? nothing : at->second;
  const auto first = std::lower_bound(past.places.begin(), past.places.end(), after + 1,
                                      [](const Place& place, std::uint64_t seq) { return place.seq < seq; });
  // A topic is not encoded while nobody listens: what is held may have holes.
  std::uint64_t reached = after;
  std::size_t bytes = into.bytes;
  for (auto place = first; place != past.places.end(); ++place) {
    bytes += place->frame.size;
    if (place->previous > reached || (place != first && place->previous != reached) || bytes > most) return false;
    reached = place->seq;
  }
  if (reached < newest) return false;
  const std::uint64_t since = moment_of(past, after);
  if (since < notices_from_) return false;
  for (const Notice& notice : notices_) {
    if (notice.order > since && notice.number > into.gap && notice.concerns(topic))
      into.frames.try_emplace(notice.order, notice.frame);
  }
  for (auto place = first; place != past.places.end(); ++place) {
    into.frames.try_emplace(place->order, place->run->text(place->frame));
  }
  into.bytes = bytes;
  return true;
}

}  // namespace bixws::server
