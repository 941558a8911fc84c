// SPDX-License-Identifier: Apache-2.0
// BookMachine: waits for a snapshot, joins the updates kept meanwhile, then checks each one.
#include "feed/book_machine.h"

#include <algorithm>

namespace bixws::feed {
namespace {

constexpr std::size_t kMostPendingLevels = 1U << 16;  // 2 MiB a symbol

Order order_of(Chain chain) {
  switch (chain) {
    case Chain::contiguous:
      return Order::consecutive;
    case Chain::linked:
      return Order::linked;
    case Chain::none:
    case Chain::rising:
      break;
  }
  return Order::rising;
}

Merge::Item item_of(const BookUpdate& update) {
  return {update.first == kNoId ? update.last : update.first, update.last, update.previous};
}

}  // namespace

BookUpdate BookMachine::Pending::update() const {
  BookUpdate update;
  update.depth = depth;
  update.bids = bids;
  update.asks = asks;
  update.first = item.first;
  update.last = item.last;
  update.previous = item.previous;
  update.has_checksum = has_checksum;
  update.checksum = checksum;
  return update;
}

BookMachine::BookMachine(const Traits& traits, Dialect& dialect)
    : traits_(&traits),
      dialect_(&dialect),
      merge_(order_of(traits.chain)),
      keeps_copy_(traits.checksum_levels != 0 || traits.chain == Chain::none || traits.chain == Chain::rising) {}

void BookMachine::join(std::uint32_t connection) { merge_.join(connection); }

void BookMachine::leave(std::uint32_t connection) {
  merge_.leave(connection);
  if (merge_.connections() == 0) lose();
}

void BookMachine::forget_pending() {
  pending_.clear();
  pending_levels_ = 0;
}

void BookMachine::lose() {
  live_ = false;
  forget_pending();
}

BookVerdict BookMachine::break_up(const char* reason, std::uint64_t from, std::uint64_t to) {
  live_ = false;
  BookVerdict verdict;
  verdict.step = BookVerdict::Step::broken;
  verdict.reason = reason;
  verdict.from = from == kNoId ? 0 : from;
  verdict.to = to == kNoId ? 0 : to;
  return verdict;
}

bool BookMachine::keep(const Merge::Item& item, Micros ts, const BookUpdate& update) {
  const auto at = std::lower_bound(pending_.begin(), pending_.end(), item.last,
                                   [](const Pending& p, std::uint64_t last) { return p.item.last < last; });
  if (at != pending_.end() && at->item.last == item.last && item.last != kNoId) {
    if (item.previous != kNoId) at->item.previous = item.previous;
    return true;
  }
  pending_levels_ += update.bids.size() + update.asks.size() + 1;
  if (pending_levels_ > kMostPendingLevels) return false;
  Pending pending;
  pending.item = item;
  pending.ts = ts;
  pending.depth = update.depth;
  pending.has_checksum = update.has_checksum;
  pending.checksum = update.checksum;
  pending.bids.assign(update.bids.begin(), update.bids.end());
  pending.asks.assign(update.asks.begin(), update.asks.end());
  pending_.insert(at, std::move(pending));
  return true;
}

BookVerdict BookMachine::apply(Micros ts, const BookUpdate& update, Output& output) {
  BookChange change;
  change.action = update.action;
  change.depth = update.depth;
  change.bids = update.bids;
  change.asks = update.asks;
  depth_ = update.depth;
  integrity_ = traits_->chain == Chain::contiguous || traits_->chain == Chain::linked ? Integrity::sequence
                                                                                      : Integrity::snapshot;
  if (keeps_copy_) {
    copy_.apply(change);
    if (update.has_checksum && traits_->checksum_levels != 0) {
      const auto take = [&](const market::BookSide& side, std::vector<Level>& top) {
        const std::size_t count = std::min<std::size_t>(side.size(), traits_->checksum_levels);
        top.clear();
        for (std::size_t i = 0; i < count; ++i) top.push_back(side[i]);
      };
      take(copy_.bids(), top_bids_);
      take(copy_.asks(), top_asks_);
      if (dialect_->checksum(top_bids_, top_asks_) != update.checksum) {
        return break_up("checksum", merge_.newest(), update.last);
      }
      ++checksums_ok_;
      integrity_ = Integrity::checksum;
    } else if (integrity_ == Integrity::snapshot && copy_.crossed()) {
      return break_up("crossed", merge_.newest(), update.last);
    }
  }
  output.book_ready(ts, change);
  return {};
}

BookVerdict BookMachine::start(std::uint32_t connection, Micros ts, const BookUpdate& snapshot, Output& output) {
  if (connection != 0) merge_.saw(connection, snapshot.last);
  merge_.advance(snapshot.last);
  live_ = true;
  const BookVerdict verdict = apply(ts, snapshot, output);
  return verdict.step == BookVerdict::Step::published ? drain(output) : verdict;
}

BookVerdict BookMachine::snapshot(Micros ts, const BookUpdate& snapshot, Output& output) {
  // What the first kept update follows must be in the snapshot.
  if (!pending_.empty() && snapshot.last != kNoId && traits_->chain == Chain::contiguous) {
    const auto needed =
        std::find_if(pending_.begin(), pending_.end(), [&](const Pending& p) { return p.item.last > snapshot.last; });
    if (needed != pending_.end() && needed->item.first > snapshot.last + 1) {
      BookVerdict verdict;
      verdict.step = BookVerdict::Step::too_old;
      return verdict;
    }
  }
  return start(0, ts, snapshot, output);
}

BookVerdict BookMachine::drain(Output& output) {
  BookVerdict verdict;
  while (!pending_.empty()) {
    const auto settled = merge_.settle(pending_.front().item);
    if (settled == Merge::Verdict::held) {
      verdict.step = BookVerdict::Step::waiting;
      return verdict;
    }
    if (settled == Merge::Verdict::gap) {
      // After a snapshot, updates whose only link is their order on the connection join where they are newer.
      if (traits_->chain != Chain::rising) return break_up("sequence", merge_.newest(), pending_.front().item.first);
    }
    const Pending front = std::move(pending_.front());
    pending_.erase(pending_.begin());
    pending_levels_ -= std::min(pending_levels_, front.bids.size() + front.asks.size() + 1);
    if (settled == Merge::Verdict::duplicate) {
      ++verdict.dropped;
      continue;
    }
    merge_.advance(front.item.last);
    const BookVerdict applied = apply(front.ts, front.update(), output);
    if (applied.step == BookVerdict::Step::broken) return applied;
  }
  return verdict;
}

BookVerdict BookMachine::offer(std::uint32_t connection, Micros ts, const BookUpdate& update, Output& output) {
  BookVerdict verdict;
  if (update.action == BookAction::snapshot) {
    // The first one after joining only says where this connection is. One that goes back means that the exchange counts
    // anew.
    const std::uint64_t seen = merge_.seen(connection);
    const bool anew = seen != kNoId && update.last < seen;
    if (live_ && !anew && merge_.connections() > 1 && update.last != kNoId && merge_.newest() != kNoId) {
      merge_.saw(connection, update.last);
      verdict.step = BookVerdict::Step::ignored;
      return verdict;
    }
    forget_pending();
    return start(connection, ts, update, output);
  }
  Merge::Item item = item_of(update);
  if (!live_) {
    if (traits_->snapshots == SnapshotSource::subscription) {
      if (item.last != kNoId) merge_.saw(connection, item.last);
      verdict.step = BookVerdict::Step::ignored;
      return verdict;
    }
    merge_.saw(connection, item.last);
    if (!keep(item, ts, update)) {
      forget_pending();
      return break_up("buffer full", merge_.newest(), item.last);
    }
    verdict.step = BookVerdict::Step::waiting;
    return verdict;
  }
  if (traits_->chain == Chain::none || item.last == kNoId) return apply(ts, update, output);

  const std::uint64_t before = merge_.newest();
  // Nothing goes back on one connection, unless ids began anew and the frame that said so was lost.
  const std::uint64_t seen = merge_.seen(connection);
  const bool linked = traits_->chain == Chain::linked && item.previous == seen;
  if (traits_->chain != Chain::rising && !linked && merge_.connections() == 1 && seen != kNoId && item.last < seen) {
    return break_up("sequence", before, item.last);
  }
  switch (merge_.offer(connection, item)) {
    case Merge::Verdict::next:
      verdict = apply(ts, update, output);
      break;
    case Merge::Verdict::duplicate:
      verdict.step = BookVerdict::Step::ignored;
      break;
    case Merge::Verdict::held:
    case Merge::Verdict::gap:
      if (!keep(item, ts, update)) {
        forget_pending();
        return break_up("buffer full", before, item.last);
      }
      break;
  }
  if (verdict.step == BookVerdict::Step::broken || pending_.empty()) return verdict;
  return drain(output);
}

}  // namespace bixws::feed
