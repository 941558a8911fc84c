// SPDX-License-Identifier: Apache-2.0
// Fanout: clients that cannot follow. While the log holds what they miss they go on from where they are; a client that
// may be conflated is given fresh state instead once it is well behind; what the log can hold no longer is lost, and a
// gap says what; and where nothing may be lost the connection ends.
#include <algorithm>
#include <utility>

#include "model/event_json.h"
#include "server/fanout.h"

namespace bixws::server {
namespace {

bool is_state(const LogEntry& entry) {
  if (entry.tickers) return true;
  if (entry.topic == nullptr) return false;
  const Channel channel = entry.topic->what.channel;
  return channel == Channel::book || channel == Channel::candle;
}

bool replaced_by_refresh(const Member::Extra& extra, const LogEntry& entry) {
  if (entry.policy == Policy::lossless || !is_state(entry)) return false;
  if (extra.asked.new_epoch) return true;
  if (entry.tickers) return extra.stale_tickers;
  return std::binary_search(extra.stale.begin(), extra.stale.end(), entry.topic->id);
}

}  // namespace

std::size_t Fanout::lossless_lag() const {
  std::uint64_t lag = 0;
  for (const Audience* audience : order_) {
    if (!audience->lossless) continue;
    for (const Member* member : audience->laggards) lag = std::max(lag, audience->log.end() - member->position);
  }
  return lag;
}

void Fanout::cut_slowest() {
  Member* slowest = nullptr;
  std::uint64_t lag = 0;
  for (const Audience* audience : order_) {
    if (!audience->lossless) continue;
    for (Member* member : audience->laggards) {
      if (audience->log.end() - member->position < lag) continue;
      lag = audience->log.end() - member->position;
      slowest = member;
    }
  }
  if (slowest != nullptr) too_slow(*slowest);
}

// One message may be larger than the cap: it counts as one that is on its way. What nobody was offered yet stays.
void Fanout::trim(Audience& audience) {
  MessageLog& log = audience.log;
  const std::uint64_t swept = audience.swept;
  if (audience.laggards.empty() && swept == log.sealed_end()) {
    log.trim_all();
    return;
  }
  const std::uint64_t allowed = options_.cap + log.largest();
  if (audience.lossless) {
    const std::vector<Member*> laggards = audience.laggards;
    for (Member* member : laggards) {
      if (swept > member->position + allowed) too_slow(*member);
    }
  }
  std::uint64_t oldest = swept;
  for (const Member* member : audience.laggards) oldest = std::min(oldest, member->position);
  while (log.begin() < swept && log.front().end() <= oldest) log.trim_front();
  while (log.begin() < swept && log.front().end() <= swept && swept - log.begin() > allowed) {
    for (Member* member : audience.laggards) {
      if (member->position < log.front().end()) overrun(*member, log.front());
    }
    log.trim_front();
  }
}

void Fanout::overrun(Member& member, const LogChunk& chunk) {
  const MessageLog& log = member.audience->log;
  Member::Extra& extra = member.more();
  keep_tail(member);
  if (!extra.loss) {
    extra.loss = std::make_unique<Member::Loss>();
    extra.loss->before = log.trimmed();
    extra.loss->tickers = log.tickers_before(member.position);
    extra.loss->epochs = log.trimmed_epochs();
    log.walk(chunk.begin, member.position, [&](const LogEntry& entry, std::string_view) {
      if (entry.topic == nullptr || entry.seq == 0) return;
      auto& before = extra.loss->before;
      if (entry.topic->id >= before.size()) before.resize(entry.topic->id + 1);
      before[entry.topic->id].last = entry.seq;
      before[entry.topic->id].recv_ts = entry.recv_ts;
    });
  }
  if (extra.token != 0) extra.lost_meanwhile = true;
  member.position = chunk.end();
}

void Fanout::request(Member& member, RefreshRequest request) {
  Member::Extra& extra = member.more();
  extra.token = request.token = ++tokens_;
  extra.lost_meanwhile = false;
  request.epochs = epochs_;
  extra.mark_stale(request);
  counters_.refreshes.fetch_add(1, std::memory_order_relaxed);
  refresh_(member.number, request);
}

bool Fanout::lost_epoch(const Member& member) {
  return member.extra && member.extra->loss && member.extra->loss->epochs != member.audience->log.trimmed_epochs();
}

// What the lost messages said of things that have a state.
RefreshRequest Fanout::lost_state(const Member& member) const {
  RefreshRequest wanted;
  const Member::Loss& loss = *member.extra->loss;
  const MessageLog& log = member.audience->log;
  wanted.new_epoch = lost_epoch(member) || log.epoch_after(log.begin());
  if (wanted.new_epoch) return wanted;
  for (std::size_t id = 0; id < log.trimmed().size(); ++id) {
    const Trimmed& after = log.trimmed()[id];
    const std::uint64_t before = id < loss.before.size() ? loss.before[id].last : 0;
    if (after.last <= before || topics_[id] == nullptr) continue;
    const Topic& topic = *topics_[id];
    if (topic.what.channel != Channel::book && topic.what.channel != Channel::candle) continue;
    const auto policy = member.audience->selection->find(topic.what, *topic.instrument);
    if (!policy || *policy == Policy::lossless) continue;
    wanted.topics.push_back({&topic, before != 0 ? before + 1 : after.first});
  }
  wanted.tickers = log.trimmed_tickers() > loss.tickers;
  wanted.tickers_after = loss.tickers;
  return wanted;
}

// True if the caller has to look at the member again: it now waits for fresh state.
bool Fanout::refresh_instead(Member& member) {
  const Audience& audience = *member.audience;
  const MessageLog& log = audience.log;
  if (!audience.conflates || log.sealed_end() - member.position <= options_.cap / 4) return false;
  if (log.boundary(member.position) != member.position) {
    // The half-sent message has to be finished first.
    const LogChunk& chunk = log.at(member.position);
    const std::uint64_t end = log.boundary(member.position);
    if (!write(member, chunk.bytes.view().substr(member.position - chunk.begin, end - member.position))) {
      member.position += sent_;
      return true;
    }
    member.position = end;
  }
  RefreshRequest wanted;
  log.walk(member.position, log.end(), [&](const LogEntry& entry, std::string_view) {
    wanted.new_epoch = wanted.new_epoch || entry.epoch;
    if (entry.policy != Policy::conflate || !is_state(entry)) return;
    if (entry.tickers) {
      wanted.tickers = true;
      return;
    }
    const bool known = std::any_of(wanted.topics.begin(), wanted.topics.end(),
                                   [&](const RefreshRequest::Stale& stale) { return stale.topic == entry.topic; });
    if (!known) wanted.topics.push_back({entry.topic, entry.seq});
  });
  if (!wanted.tickers && wanted.topics.empty()) return false;
  if (wanted.tickers) wanted.tickers_after = log.tickers_before(member.position);
  request(member, std::move(wanted));
  return true;
}

// False if the member has to wait for the answer.
bool Fanout::recover(Member& member) {
  RefreshRequest wanted = member.extra->asked;
  wanted.merge(lost_state(member));
  if (!wanted.empty()) {
    request(member, std::move(wanted));
    return false;
  }
  add_private(member, member.position, take_gaps(member));
  return true;
}

void Fanout::refreshed(Member& member, const Answer& answer, std::string_view frames) {
  if (!member.extra || member.extra->token != answer.token || member.audience == nullptr) return;
  if (member.extra->lost_meanwhile) {  // more was lost than was asked for
    member.extra->token = 0;
    recover(member);
    return;
  }
  const std::uint64_t here = member.audience->log.end();
  Member::Extra& extra = *member.extra;
  extra.untold = extra.untold || lost_epoch(member);
  // One that began meanwhile makes the hub answer with everything, too.
  extra.asked.new_epoch = extra.asked.new_epoch || extra.asked.epochs != epochs_;
  std::string next;
  std::string bytes = take_gaps(member);
  bytes += keep_unrefreshed(member, here, &next);
  if (extra.untold) {  // the refresh begins by telling of the epoch that the rest is numbered in
    bytes = std::string(frames) + extra.after_refresh + (next.empty() ? bytes : next);
  } else {
    bytes += frames;
    bytes += next;
  }
  extra.untold = false;
  extra.after_refresh.clear();
  extra.token = 0;
  extra.mark_stale({});
  // Bytes of its own that waited for a place in the log before this one have waited long enough.
  for (Member::Private& own : extra.privates) own.at = std::min(own.at, here);
  member.position = here;
  add_private(member, here, std::move(bytes));
  hurry(member);
}

// What is left of a half-sent message becomes its own, so that its position lies between two messages.
void Fanout::keep_tail(Member& member) {
  if (member.audience == nullptr) return;
  const MessageLog& log = member.audience->log;
  const std::uint64_t boundary = log.boundary(member.position);
  if (boundary == member.position) return;
  const LogChunk& chunk = log.at(member.position);
  member.more().privates.push_front(
      {member.position,
       std::string(chunk.bytes.view().substr(member.position - chunk.begin, boundary - member.position)), 0, true});
  member.position = boundary;
}

// The messages from its position to `to` that no refresh replaces, and that position.
std::string Fanout::keep_unrefreshed(Member& member, std::uint64_t to, std::string* of_next_epoch) {
  std::string kept;
  std::string* into = &kept;
  member.audience->log.walk(member.position, to, [&](const LogEntry& entry, std::string_view bytes) {
    if (entry.epoch && of_next_epoch != nullptr) {
      into = of_next_epoch;  // the refresh itself tells of it
      into->clear();
    } else if (!member.extra || !replaced_by_refresh(*member.extra, entry)) {
      *into += bytes;
    }
  });
  member.position = to;
  return kept;
}

std::string Fanout::take_gaps(Member& member) {
  if (!member.extra || !member.extra->loss) return {};
  const std::unique_ptr<Member::Loss> loss = std::move(member.extra->loss);
  const MessageLog& log = member.audience->log;
  const bool other_epoch = loss->epochs != log.trimmed_epochs();
  TextBuffer out;
  for (std::size_t id = 0; id < log.trimmed().size(); ++id) {
    const Trimmed& after = log.trimmed()[id];
    if (after.last == 0 || topics_[id] == nullptr) continue;
    const Topic& topic = *topics_[id];
    const auto policy = member.audience->selection->find(topic.what, *topic.instrument);
    if (!policy || *policy != Policy::drop_oldest) continue;
    // Where a state follows, the hub writes the gap before it: only then is it known up to where it reaches.
    if (topic.what.channel == Channel::book || topic.what.channel == Channel::candle) continue;
    const Trimmed before = id < loss->before.size() && !other_epoch ? loss->before[id] : Trimmed{};
    if (before.last >= after.last) continue;
    Gap gap;
    gap.channel = topic.what.channel;
    gap.reason = "slow consumer";
    gap.client = true;
    gap.from_seq = before.last != 0 ? before.last + 1 : after.first;
    gap.to_seq = after.last;
    gap.lost = static_cast<std::int64_t>(gap.to_seq - gap.from_seq + 1);
    gap.from_ts = before.recv_ts;
    gap.to_ts = after.recv_ts;
    const std::size_t begin = begin_frame(out);
    append_message(out, Event::of(*topic.instrument, after.recv_ts, 0, gap), topic.label);
    end_frame(out, begin);
    counters_.gaps.fetch_add(1, std::memory_order_relaxed);
    counters_.dropped.fetch_add(static_cast<std::uint64_t>(gap.lost), std::memory_order_relaxed);
  }
  return out.str();
}

void Fanout::too_slow(Member& member) {
  counters_.slow_consumers.fetch_add(1, std::memory_order_relaxed);
  member.outlet->too_slow();
}

}  // namespace bixws::server
