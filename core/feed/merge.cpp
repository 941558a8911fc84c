// SPDX-License-Identifier: Apache-2.0
// Merge: a hole is a gap once every connection has got past it.
#include "feed/merge.h"

#include <algorithm>

namespace bixws::feed {

Merge::Leg& Merge::leg(std::uint32_t connection) {
  for (Leg& leg : legs_) {
    if (leg.connection == connection) return leg;
  }
  return legs_.emplace_back(Leg{connection});
}

void Merge::join(std::uint32_t connection) { leg(connection).seen = kNoId; }

void Merge::leave(std::uint32_t connection) {
  std::erase_if(legs_, [&](const Leg& leg) { return leg.connection == connection; });
}

void Merge::reset() {
  newest_ = kNoId;
  for (Leg& leg : legs_) leg.seen = kNoId;
}

std::uint64_t Merge::seen(std::uint32_t connection) const {
  for (const Leg& leg : legs_) {
    if (leg.connection == connection) return leg.seen;
  }
  return kNoId;
}

void Merge::saw(std::uint32_t connection, std::uint64_t last) { leg(connection).seen = last; }

bool Merge::fits(const Item& item) const {
  switch (order_) {
    case Order::consecutive:
      return item.first <= newest_ + 1 && item.last > newest_;
    case Order::linked:
      return item.previous == newest_ && item.last != newest_;
    case Order::rising:
      break;
  }
  return item.previous != kNoId && item.previous <= newest_ && item.last > newest_;
}

bool Merge::reachable() const {
  // One that has brought nothing yet may begin with what is missing.
  return std::any_of(legs_.begin(), legs_.end(),
                     [&](const Leg& leg) { return leg.seen == kNoId || leg.seen <= newest_; });
}

Merge::Verdict Merge::offer(std::uint32_t connection, Item& item) {
  Leg& from = leg(connection);
  if (order_ == Order::rising) item.previous = from.seen;
  from.seen = item.last;
  if (newest_ == kNoId) {
    newest_ = item.last;
    return Verdict::next;
  }
  const Verdict verdict = settle(item);
  if (verdict == Verdict::next) newest_ = item.last;
  return verdict;
}

Merge::Verdict Merge::settle(const Item& item) {
  if (fits(item)) return Verdict::next;
  if (item.last <= newest_) return Verdict::duplicate;
  return reachable() ? Verdict::held : Verdict::gap;
}

}  // namespace bixws::feed
