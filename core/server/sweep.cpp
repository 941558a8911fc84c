// SPDX-License-Identifier: Apache-2.0
// Fanout: sending out what is due, one send for each client.
#include <algorithm>
#include <utility>

#include "server/fanout.h"

namespace bixws::server {
namespace {

void count(FanoutCounters::Counter& counter, std::uint64_t amount = 1) {
  counter.fetch_add(amount, std::memory_order_relaxed);
}

constexpr std::size_t kPrefetch = 6;  // clients ahead of the one that is sent to

}  // namespace

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
    for (const Member* member : audience->laggards) bytes += audience->log.end() - member->position + member->waiting();
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
