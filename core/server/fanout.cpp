// SPDX-License-Identifier: Apache-2.0
// Fanout: who listens, and taking runs in. They go out in sweep.cpp; clients that cannot follow are in laggards.cpp.
#include "server/fanout.h"

#include <algorithm>
#include <utility>

namespace bixws::server {

Fanout::Fanout(net::Loop& loop, std::uint32_t index, const FanoutOptions& options, const Labels& labels,
               Refresh refresh)
    : loop_(loop),
      index_(index),
      options_(options),
      labels_(labels),
      refresh_(std::move(refresh)),
      interval_(loop, [this] { finish_turn(); }),
      tick_(loop, [this] { finish_turn(); }),
      rest_(loop, [this] { finish_turn(); }) {}

Fanout::~Fanout() = default;

// ---- clients and audiences ----------------------------------------------------------------------------------------

Member& Fanout::add(Outlet& outlet, std::uint64_t number, int window) {
  auto& slot = members_[number];
  slot = std::make_unique<Member>();
  slot->outlet = &outlet;
  slot->number = number;
  slot->window = window;
  return *slot;
}

void Fanout::remove(Member& member) {
  leave(member);
  if (member.hurried) std::erase(hurried_, &member);
  members_.erase(member.number);
  drop_empty_audiences();
}

Audience& Fanout::audience_of(const std::shared_ptr<const Selection>& selection, int window) {
  auto& slot = audiences_[{selection.get(), window}];
  if (slot) return *slot;
  slot = std::make_unique<Audience>();
  slot->selection = selection;
  slot->window = window;
  for (const Selection::Item& item : selection->items()) {
    if (item.excluded) continue;
    const bool state = item.what.channel == Channel::ticker || item.what.channel == Channel::book ||
                       item.what.channel == Channel::candle;
    slot->lossless = slot->lossless || item.policy == Policy::lossless;
    slot->conflates = slot->conflates || (state && item.policy == Policy::conflate);
  }
  order_.push_back(slot.get());
  for (const Topic* topic : topics_) {
    if (topic == nullptr || !listening_[topic->id]) continue;
    if (const auto policy = selection->find(topic->what, *topic->instrument)) {
      listening_[topic->id]->push_back({slot.get(), *policy});
    }
  }
  return *slot;
}

void Fanout::enter(Member& member, Audience& audience) {
  member.audience = &audience;
  member.position = audience.log.end();
  member.index = static_cast<std::uint32_t>(audience.members.size());
  audience.members.push_back(&member);
}

void Fanout::leave(Member& member) {
  Audience* const audience = member.audience;
  if (audience == nullptr) return;
  member.audience = nullptr;
  audience->members[member.index] = audience->members.back();
  audience->members[member.index]->index = member.index;
  audience->members.pop_back();
  if (member.behind) std::erase(audience->laggards, &member);
  member.behind = false;
  emptied_ = emptied_ || audience->members.empty();
}

// Not as soon as the last member leaves: that may happen in the middle of a sweep.
void Fanout::drop_empty_audiences() {
  if (!emptied_) return;
  emptied_ = false;
  for (auto& list : listening_) {
    if (list) std::erase_if(*list, [](const Listening& l) { return l.audience->members.empty(); });
  }
  std::erase_if(order_, [](const Audience* audience) { return audience->members.empty(); });
  std::erase_if(audiences_, [](const auto& entry) { return entry.second->members.empty(); });
}

const std::vector<Fanout::Listening>& Fanout::listening(const Topic& topic) {
  if (topic.id >= listening_.size()) {
    listening_.resize(topic.id + 1);
    topics_.resize(topic.id + 1);
  }
  auto& list = listening_[topic.id];
  if (!list) {
    list.emplace();
    topics_[topic.id] = &topic;
    for (Audience* audience : order_) {
      if (const auto policy = audience->selection->find(topic.what, *topic.instrument)) {
        list->push_back({audience, *policy});
      }
    }
  }
  return *list;
}

// ---- what comes in ------------------------------------------------------------------------------------------------

void Fanout::append(Audience& audience, std::string_view frame, const LogEntry& entry) {
  audience.log.append(frame, entry);
  due_ = true;
}

void Fanout::take(const Run& run) {
  for (const RunItem& item : run.items) {
    squeezer_.begin(run.text(item.frame));
    switch (item.kind) {
      case RunItem::Kind::message:
        for (const Listening& l : listening(*item.topic)) {
          append(*l.audience, squeezer_.as(l.audience->window),
                 {0, l.policy, false, false, item.topic, item.seq, item.recv_ts});
        }
        break;
      case RunItem::Kind::ticker:
        take_ticker(run, item);
        break;
      case RunItem::Kind::notice:
        for (Audience* audience : order_) {
          if (audience->selection->concerned(item.channel, *item.instrument)) {
            append(*audience, squeezer_.as(audience->window),
                   {0, Policy::lossless, false, false, nullptr, 0, item.recv_ts});
          }
        }
        break;
      case RunItem::Kind::epoch:
        ++epochs_;
        for (const Topic* topic : fresh_) fragments_[topic->id].fresh = false;
        fresh_.clear();
        for (Audience* audience : order_) {
          audience->composed = 0;
          append(*audience, squeezer_.as(audience->window), {0, Policy::lossless, false, true, nullptr, 0, 0});
        }
        break;
      case RunItem::Kind::answer:
        take_answer(run, item);
        break;
    }
  }
  counters_.squeezed.store(squeezer_.squeezed(), std::memory_order_relaxed);
  counters_.saved.store(squeezer_.saved(), std::memory_order_relaxed);
}

void Fanout::take_ticker(const Run& run, const RunItem& item) {
  bool batched = false;
  for (const Listening& l : listening(*item.topic)) {
    if (l.policy == Policy::lossless || options_.interval == net::Duration::zero()) {
      append(*l.audience, squeezer_.as(l.audience->window),
             {0, l.policy, true, false, item.topic, item.seq, item.recv_ts});
    } else {
      batched = true;
    }
  }
  if (!batched) return;
  if (item.topic->id >= fragments_.size()) fragments_.resize(item.topic->id + 1);
  Fragment& fragment = fragments_[item.topic->id];
  fragment.text.assign(run.text(item.part));
  fragment.seq = item.seq;
  fragment.recv_ts = item.recv_ts;
  if (!fragment.fresh) fresh_.push_back(item.topic);
  fragment.fresh = true;
}

void Fanout::flush_tickers() {
  for (const Topic* topic : fresh_) {
    for (const Listening& l : listening(*topic)) {
      if (l.policy != Policy::lossless) l.audience->fresh_tickers.push_back(topic);
    }
  }
  for (Audience* audience : order_) {
    if (!audience->fresh_tickers.empty()) flush_tickers(*audience);
  }
  for (const Topic* topic : fresh_) fragments_[topic->id].fresh = false;
  fresh_.clear();
  flushed_at_ = loop_.now();
}

void Fanout::flush_tickers(Audience& audience) {
  // A client that came in between already made this audience tell some of them.
  std::erase_if(audience.fresh_tickers,
                [&](const Topic* topic) { return fragments_[topic->id].seq <= audience.composed; });
  std::uint64_t seq = 0;
  Micros newest = 0;
  for (const Topic* topic : audience.fresh_tickers) {
    seq = std::max(seq, fragments_[topic->id].seq);
    newest = std::max(newest, fragments_[topic->id].recv_ts);
  }
  if (!audience.fresh_tickers.empty()) {
    composed_.clear();
    const std::size_t begin = begin_frame(composed_);
    composed_.raw("{\"type\":\"market_update\",\"seq\":");
    composed_.integer(seq);
    composed_.raw(",\"ts\":");
    composed_.integer(newest);
    composed_.raw(",\"data\":{");
    bool first = true;
    for (const Topic* topic : audience.fresh_tickers) {
      if (!first) composed_.raw(',');
      first = false;
      composed_.raw(fragments_[topic->id].text);
    }
    composed_.raw("}}");
    const Extent frame = end_frame(composed_, begin);
    squeezer_.begin(composed_.view().substr(frame.offset, frame.size));
    append(audience, squeezer_.as(audience.window), {0, Policy::conflate, true, false, nullptr, seq, newest});
    audience.composed = seq;
  }
  audience.fresh_tickers.clear();
}

void Fanout::take_answer(const Run& run, const RunItem& item) {
  const Answer& answer = run.answers[item.index];
  if (answer.client.loop != index_) return;
  const auto at = members_.find(answer.client.number);
  if (at == members_.end() || at->second->gone) return;
  Member& member = *at->second;
  if (member.waiting() > options_.answers) {  // it asks and asks, and reads nothing
    too_slow(member);
    return;
  }
  std::string squeezed;
  std::string_view frames = run.text(answer.frames);
  if (member.window != 0) frames = squeezed = squeezer_.all(frames, member.window);
  switch (answer.kind) {
    case Answer::Kind::plain:
      add_private(member, member.audience == nullptr ? 0 : member.audience->log.end(), std::string(frames));
      hurry(member);
      break;
    case Answer::Kind::select:
      select(member, answer, frames);
      break;
    case Answer::Kind::refresh:
      refreshed(member, answer, frames);
      break;
  }
}

void Fanout::select(Member& member, const Answer& answer, std::string_view frames) {
  std::string before;
  RefreshRequest wanted;
  if (member.audience != nullptr) {
    // What it still has to get as a member of the old audience goes along as its own.
    keep_tail(member);
    if (member.extra) wanted = member.extra->asked;
    if (member.extra && member.extra->loss) wanted.merge(lost_state(member));
    if (!wanted.empty()) {
      Member::Extra& extra = *member.extra;
      wanted.new_epoch = wanted.new_epoch || member.audience->log.epoch_after(member.position);
      extra.untold = extra.untold || lost_epoch(member);
      extra.mark_stale(wanted);
    }
    before = take_gaps(member);
    before += keep_unrefreshed(member, member.audience->log.end(), nullptr);
    if (member.extra && member.extra->untold) member.extra->after_refresh += std::exchange(before, {});
    if (member.extra) {
      member.extra->token = 0;
      member.extra->mark_stale({});
      for (Member::Private& own : member.extra->privates) own.at = 0;
    }
    leave(member);
  }
  Audience& audience = audience_of(answer.selection, member.window);
  if (!fresh_.empty()) {
    // The answer contains these tickers already: the audience must be told before the newcomer joins it.
    for (const Topic* topic : fresh_) {
      const auto policy = audience.selection->find(topic->what, *topic->instrument);
      if (policy && *policy != Policy::lossless) audience.fresh_tickers.push_back(topic);
    }
    if (audience.members.empty()) audience.fresh_tickers.clear();
    flush_tickers(audience);
  }
  audience.composed = std::max(audience.composed, answer.ticker_seq);
  enter(member, audience);
  before += frames;
  add_private(member, member.position, std::move(before));
  if (answer.covered) {
    std::erase_if(wanted.topics, [&](const RefreshRequest::Stale& stale) {
      return answer.covered->find(stale.topic->what, *stale.topic->instrument).has_value();
    });
    for (const Selection::Item& item : answer.covered->items()) {
      if (item.what.channel == Channel::ticker) wanted.tickers = false;
    }
  }
  if (!wanted.empty()) request(member, std::move(wanted));
  hurry(member);
}

}  // namespace bixws::server
