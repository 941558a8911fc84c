// SPDX-License-Identifier: Apache-2.0
// Fanout: clients that cannot follow. While the log holds what they miss they go on from where they are; a client that
// may be conflated is given fresh state instead once it is well behind; what the log can hold no longer is lost, and a
// gap says what; and where nothing may be lost the connection ends.
#include <algorithm>

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
  if (extra.stale_everything) return true;
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

// One message may be larger than the cap: it counts as one that is on its way.
void Fanout::trim(Audience& audience) {
  MessageLog& log = audience.log;
  if (audience.laggards.empty()) {
    log.trim_all();
    return;
  }
  const std::uint64_t allowed = options_.cap + log.largest();
  if (audience.lossless) {
    const std::vector<Member*> laggards = audience.laggards;
    for (Member* member : laggards) {
      if (log.sealed_end() - member->position > allowed) too_slow(*member);
    }
  }
  std::uint64_t oldest = log.sealed_end();
  for (const Member* member : audience.laggards) oldest = std::min(oldest, member->position);
  while (log.begin() < log.sealed_end() && log.front().end() <= oldest) log.trim_front();
  while (log.begin() < log.sealed_end() && log.sealed_end() - log.begin() > allowed) {
    for (Member* member : audience.laggards) {
      if (member->position < log.front().end()) overrun(*member, log.front());
    }
    log.trim_front();
  }
}

void Fanout::overrun(Member& member, const LogChunk& chunk) {
  const MessageLog& log = member.audience->log;
  Member::Extra& extra = member.more();
  const std::uint64_t boundary = log.boundary(member.position);
  if (boundary != member.position) {
    extra.privates.push_front(
        {member.position,
         std::string(chunk.bytes.view().substr(member.position - chunk.begin, boundary - member.position)), 0});
  }
  if (!extra.loss) {
    extra.loss = std::make_unique<Member::Loss>();
    extra.loss->before = log.trimmed();
    extra.loss->epochs = log.trimmed_epochs();
    log.walk(chunk.begin, boundary, [&](const LogEntry& entry, std::string_view) {
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
  extra.stale_everything = request.everything;
  extra.stale_tickers = request.tickers;
  extra.stale.clear();
  for (const RefreshRequest::Stale& stale : request.topics) extra.stale.push_back(stale.topic->id);
  std::sort(extra.stale.begin(), extra.stale.end());
  request.epochs = epochs_;
  counters_.refreshes.fetch_add(1, std::memory_order_relaxed);
  refresh_(member.number, request);
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
  if (member.audience->refreshes) {
    RefreshRequest everything;
    everything.everything = true;
    request(member, std::move(everything));
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
  std::string bytes = take_gaps(member);
  bytes += keep_unrefreshed(member, here);
  bytes += frames;
  Member::Extra& extra = *member.extra;
  extra.token = 0;
  extra.stale.clear();
  extra.stale_everything = extra.stale_tickers = false;
  // Bytes of its own that waited for a place in the log before this one have waited long enough.
  for (Member::Private& own : extra.privates) own.at = std::min(own.at, here);
  member.position = here;
  add_private(member, here, std::move(bytes));
  hurry(member);
}

// The messages from its position to `to` that no refresh replaces, and that position.
std::string Fanout::keep_unrefreshed(Member& member, std::uint64_t to) {
  std::string kept;
  const MessageLog& log = member.audience->log;
  std::uint64_t from = member.position;
  if (const std::uint64_t boundary = log.boundary(from); boundary != from) {
    const LogChunk& chunk = log.at(from);
    kept = chunk.bytes.view().substr(from - chunk.begin, boundary - from);
    from = boundary;
  }
  log.walk(from, to, [&](const LogEntry& entry, std::string_view bytes) {
    if (!member.extra || !replaced_by_refresh(*member.extra, entry)) kept += bytes;
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
