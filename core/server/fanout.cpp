// SPDX-License-Identifier: Apache-2.0
// Fanout: taking runs in and sending them out. What happens to clients that cannot follow is in laggards.cpp.
#include "server/fanout.h"

#include <algorithm>
#include <utility>

namespace bixws::server {
namespace {

void count(FanoutCounters::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

constexpr std::size_t kPrefetch = 6;  // clients ahead of the one that is sent to

std::size_t waiting(const Member& member) {
  std::size_t bytes = 0;
  if (member.extra) {
    for (const Member::Private& own : member.extra->privates) bytes += own.bytes.size() - own.sent;
  }
  return bytes;
}

}  // namespace

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
  if (waiting(member) > options_.answers) {  // it asks and asks, and reads nothing
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

// ---- what goes out ------------------------------------------------------------------------------------------------

void Fanout::hurry(Member& member) {
  if (!member.hurried) hurried_.push_back(&member);
  member.hurried = true;
  due_ = true;
}

void Fanout::add_private(Member& member, std::uint64_t at, std::string bytes) {
  if (bytes.empty()) return;
  auto& privates = member.more().privates;
  if (!privates.empty()) at = std::max(at, privates.back().at);
  privates.push_back({at, std::move(bytes), 0, false});
}

void Fanout::send(Member& member, std::string frames) {
  if (member.gone) return;
  const std::uint64_t at = member.audience == nullptr ? 0 : member.audience->log.boundary(member.position);
  add_private(member, at, std::move(frames));
  if (!member.blocked && !member.waits_for_refresh()) deliver(member);
}

void Fanout::writable(Member& member) {
  member.blocked = false;
  deliver(member);
}

void Fanout::drop_backlog(Member& member) {
  keep_tail(member);
  std::string rest;
  if (member.extra && !member.extra->privates.empty()) {
    const Member::Private& own = member.extra->privates.front();
    if (own.tail) {
      rest = own.bytes.substr(own.sent);
    } else {
      rest = own.bytes.substr(own.sent, frame_boundary(own.bytes, own.sent) - own.sent);
    }
  }
  if (rest.empty()) member.outlet->frame_finished();
  leave(member);
  member.extra.reset();
  member.position = 0;
  if (!rest.empty()) member.more().privates.push_back({0, std::move(rest), 0, true});
  if (!member.blocked) deliver(member);
}

void Fanout::when_drained(Member& member, std::function<void()> drained) {
  if (member.gone) return;
  Member::Extra& extra = member.more();
  extra.drained = std::move(drained);
  extra.drained_at = member.audience == nullptr ? 0 : member.audience->log.end();
  hurry(member);
}

void Fanout::block(Member& member) {
  member.blocked = true;
  count(counters_.blocked);
  fall_behind(member);
}

void Fanout::fall_behind(Member& member) {
  if (member.audience == nullptr || member.behind) return;
  member.behind = true;
  member.audience->laggards.push_back(&member);
}

bool Fanout::write(Member& member, std::string_view bytes) {
  const net::IoResult result = member.outlet->send_frames(bytes);
  count(counters_.sends);
  count(counters_.bytes, result.bytes);
  switch (result.status) {
    case net::IoStatus::ok:
      return true;
    case net::IoStatus::again:
      sent_ = result.bytes;
      block(member);
      return false;
    case net::IoStatus::closed:
    case net::IoStatus::error:
      sent_ = 0;
      member.gone = true;
      return false;
  }
  return false;
}

void Fanout::deliver(Member& member) {
  while (!member.gone) {
    Member::Extra* const extra = member.extra.get();
    if (extra != nullptr && !extra->privates.empty() && extra->privates.front().at <= member.position) {
      Member::Private& own = extra->privates.front();
      if (!write(member, std::string_view(own.bytes).substr(own.sent))) {
        own.sent += sent_;
        return;
      }
      extra->privates.pop_front();
      continue;
    }
    if (member.audience == nullptr) break;
    if (member.waits_for_refresh()) break;
    if (extra != nullptr && extra->loss) {
      if (recover(member)) continue;
      break;
    }
    const MessageLog& log = member.audience->log;
    std::uint64_t limit = log.sealed_end();
    if (extra != nullptr && !extra->privates.empty()) limit = std::min(limit, extra->privates.front().at);
    if (member.position >= limit) break;
    if (member.behind && refresh_instead(member)) {
      if (member.blocked) return;
      continue;
    }
    const LogChunk& chunk = log.at(member.position);
    std::uint64_t end = std::min(limit, chunk.end());
    if (options_.max_batch != 0) end = std::min(end, piece_end(chunk, member.position, options_.max_batch));
    if (!write(member, chunk.bytes.view().substr(member.position - chunk.begin, end - member.position))) {
      member.position += sent_;
      return;
    }
    member.position = end;
  }
  caught_up(member);
}

void Fanout::caught_up(Member& member) {
  if (member.extra && member.extra->drained && !member.gone && member.extra->privates.empty() &&
      member.position >= member.extra->drained_at) {
    const auto drained = std::move(member.extra->drained);
    member.extra->drained = nullptr;
    drained();
  }
  if (member.extra && member.extra->idle()) member.extra.reset();
  const bool up = member.gone || member.audience == nullptr || member.position >= member.audience->log.sealed_end();
  if (up && member.behind) {
    std::erase(member.audience->laggards, &member);
    member.behind = false;
    if (member.audience->laggards.empty()) count_laggards();
  } else if (!up) {
    fall_behind(member);
  }
}

void Fanout::finish_turn() {
  const net::Instant now = loop_.now();
  if (!fresh_.empty()) {
    if (now - flushed_at_ >= options_.interval) {
      flush_tickers();
    } else if (!interval_.active()) {
      interval_.start_at(flushed_at_ + options_.interval);
    }
  }
  if (!due_) return;
  if (!unfinished_ && options_.tick > net::Duration::zero() && now - swept_at_ < options_.tick) {
    if (!tick_.active()) tick_.start_at(swept_at_ + options_.tick);
    return;
  }
  swept_at_ = now;
  sweep(now + kTurn);
}

void Fanout::finish_last_turn() {
  if (!fresh_.empty()) flush_tickers();
  if (due_) sweep(net::Instant::max());
}

void Fanout::sweep(net::Instant deadline) {
  due_ = false;
  unfinished_ = false;
  count(counters_.sweeps);
  ++turn_;
  for (Audience* audience : order_) {
    if (audience->log.has_unsealed()) audience->log.seal();
  }
  // Those with something of their own first: they are few, and afterwards they are like everybody.
  std::vector<Member*> hurried;
  hurried.swap(hurried_);
  for (Member* member : hurried) {
    member->hurried = false;
    if (!member->blocked) deliver(*member);
  }
  for (std::size_t i = 0; i < order_.size(); ++i) {
    if (!sweep(*order_[(i + turn_) % order_.size()], deadline)) unfinished_ = true;
  }
  drop_empty_audiences();
  count_laggards();
  if (unfinished_) {
    due_ = true;
    rest_.start(net::Duration::zero());
  }
}

// False if it has not been offered everything yet, because the deadline is over.
bool Fanout::sweep(Audience& audience, net::Instant deadline) {
  MessageLog& log = audience.log;
  bool whole = true;
  while (whole && audience.swept != log.sealed_end() && !audience.members.empty()) {
    const LogChunk& chunk = log.at(audience.swept);
    const std::uint64_t begin = audience.swept;
    const std::uint64_t end =
        options_.max_batch == 0 ? chunk.end() : piece_end(chunk, audience.swept, options_.max_batch);
    send_piece(audience, chunk.bytes.view().substr(begin - chunk.begin, end - begin), begin);
    audience.swept = end;
    if (end == chunk.end()) count_sent(audience, chunk);
    whole = options_.max_batch == 0 || end == log.sealed_end() || loop_.now() < deadline;
  }
  if (audience.members.empty()) audience.swept = log.sealed_end();
  trim(audience);
  return whole;
}

void Fanout::count_sent(const Audience& audience, const LogChunk& chunk) {
  const std::size_t clients = audience.members.size();
  count(counters_.messages, chunk.entries.size() * clients);
  if (options_.clock == nullptr) return;
  const Micros now = options_.clock->now();
  for (const LogEntry& entry : chunk.entries) {
    if (entry.recv_ts != 0) counters_.delay.observe(now - entry.recv_ts, clients);
  }
}

void Fanout::count_laggards() {
  std::uint64_t laggards = 0;
  std::uint64_t bytes = 0;
  for (const Audience* audience : order_) {
    laggards += audience->laggards.size();
    for (const Member* member : audience->laggards) bytes += audience->log.end() - member->position + waiting(*member);
  }
  counters_.laggards.store(laggards, std::memory_order_relaxed);
  counters_.backlog.store(bytes, std::memory_order_relaxed);
}

void Fanout::send_piece(Audience& audience, std::string_view bytes, std::uint64_t begin) {
  std::uint64_t sends = 0;
  std::uint64_t taken = 0;
  const std::size_t size = audience.members.size();
  if (size == 0) return;                                   // all have left it since the log was filled
  const std::size_t first = turn_ / order_.size() % size;  // each is the very first once in so many sweeps
  const auto member_at = [&](std::size_t i) -> Member& {
    const std::size_t at = first + i;
    return *audience.members[at < size ? at : at - size];
  };
  for (std::size_t i = 0; i < size; ++i) {
    // With thousands of clients none of their memory is in the cache when its turn comes: it is asked for in three
    // steps, each a pointer further.
    if (i + kPrefetch < size) {
      __builtin_prefetch(&member_at(i + kPrefetch));
      __builtin_prefetch(member_at(i + 2 * kPrefetch / 3).outlet);
      member_at(i + kPrefetch / 3).outlet->prefetch();
    }
    Member& member = member_at(i);
    if (member.position != begin || member.behind || member.extra) {
      // Whoever waits for something of its own still needs this later.
      if (member.position < begin + bytes.size() && !member.gone) fall_behind(member);
      continue;
    }
    const net::IoResult result = member.outlet->send_frames(bytes);
    ++sends;
    taken += result.bytes;
    if (result.status == net::IoStatus::ok) {
      member.position = begin + bytes.size();
    } else if (result.status == net::IoStatus::again) {
      member.position = begin + result.bytes;
      block(member);
    } else {
      member.gone = true;
    }
  }
  count(counters_.sends, sends);
  count(counters_.bytes, taken);
}

}  // namespace bixws::server
