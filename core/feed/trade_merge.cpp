// SPDX-License-Identifier: Apache-2.0
// TradeMerge: numbered trades go through Merge, others through a window of ids already seen.
#include "feed/trade_merge.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace bixws::feed {
namespace {

constexpr std::size_t kWindow = 2048;    // ids remembered where they have no order
constexpr std::size_t kMostHeld = 4096;  // trades held for a connection that lags: far more than a second's worth

std::uint64_t number_of(Text id) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(id.data(), id.data() + id.size(), value);
  return id.empty() || result.ec != std::errc() || result.ptr != id.data() + id.size() ? kNoId : value;
}

}  // namespace

TradeMerge::TradeMerge(TradeIds ids)
    : ids_(ids), merge_(ids == TradeIds::consecutive ? Order::consecutive : Order::rising) {}

bool TradeMerge::seen_before(Text id) {
  const std::size_t hash = std::hash<Text>{}(id);
  if (!recent_.insert(hash).second) return true;
  recent_order_.push_back(hash);
  if (recent_order_.size() > kWindow) {
    recent_.erase(recent_order_.front());
    recent_order_.pop_front();
  }
  return false;
}

void TradeMerge::hold(const Merge::Item& item, Micros ts, const Trade& trade, bool history) {
  const auto at = std::lower_bound(held_.begin(), held_.end(), item.last,
                                   [](const Held& h, std::uint64_t id) { return h.item.last < id; });
  if (at != held_.end() && at->item.last == item.last) {
    if (item.previous != kNoId) at->item.previous = item.previous;  // known from whoever was not joining
    return;
  }
  held_.insert(at, Held{item, ts, trade, std::string(trade.id), history});
}

void TradeMerge::settle_held(Output& output) {
  while (!held_.empty()) {
    Held& front = held_.front();
    const auto verdict = held_.size() > kMostHeld ? Merge::Verdict::gap : merge_.settle(front.item);
    if (verdict == Merge::Verdict::held) return;
    if (verdict == Merge::Verdict::duplicate) {
      ++duplicates_;
      held_.erase(held_.begin());
      continue;
    }
    if (verdict == Merge::Verdict::gap) {
      const bool counted = ids_ == TradeIds::consecutive;
      output.trades_missing(merge_.newest(), front.item.last,
                            counted ? static_cast<std::int64_t>(front.item.last - merge_.newest() - 1) : kUnknown);
    }
    merge_.advance(front.item.last);
    Held taken = std::move(front);
    held_.erase(held_.begin());
    taken.trade.id = taken.id;
    output.trades_ready(taken.ts, {{&taken.trade, 1}, taken.history});
  }
}

void TradeMerge::leave(std::uint32_t connection, Output& output) {
  merge_.leave(connection);
  settle_held(output);
}

void TradeMerge::offer(std::uint32_t connection, Micros ts, const Trades& trades, Output& output) {
  fresh_.clear();
  const auto flush = [&] {
    if (!fresh_.empty()) output.trades_ready(ts, {fresh_, trades.history});
    fresh_.clear();
  };
  for (const Trade& trade : trades.list) {
    const std::uint64_t number = ids_ == TradeIds::none ? kNoId : number_of(trade.id);
    if (number == kNoId) {
      if (trade.id.empty() || !seen_before(trade.id)) {
        fresh_.push_back(trade);
      } else {
        ++duplicates_;
      }
      continue;
    }
    Merge::Item item{number, number, kNoId};
    const std::uint64_t before = merge_.newest();
    switch (merge_.offer(connection, item)) {
      case Merge::Verdict::next:
        fresh_.push_back(trade);
        break;
      case Merge::Verdict::duplicate:
        ++duplicates_;
        break;
      case Merge::Verdict::held:
        hold(item, ts, trade, trades.history);
        break;
      case Merge::Verdict::gap:
        flush();
        if (!held_.empty()) {
          hold(item, ts, trade, trades.history);
          break;
        }
        output.trades_missing(
            before, number, ids_ == TradeIds::consecutive ? static_cast<std::int64_t>(number - before - 1) : kUnknown);
        merge_.advance(number);
        fresh_.push_back(trade);
        break;
    }
    if (!held_.empty()) {
      flush();
      settle_held(output);
    }
  }
  flush();
}

}  // namespace bixws::feed
