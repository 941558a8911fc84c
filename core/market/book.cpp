// SPDX-License-Identifier: Apache-2.0
// Book: a sorted vector a side; searching is binary, moving is a memmove near the end.
#include "market/book.h"

#include <algorithm>

namespace bixws::market {

std::size_t BookSide::apply(const Level& level) {
  const auto at = std::lower_bound(levels_.begin(), levels_.end(), level.price,
                                   [this](const Level& l, const Decimal& price) { return worse(l.price, price); });
  const auto from_top = static_cast<std::size_t>(levels_.end() - at);
  const bool known = at != levels_.end() && at->price == level.price;
  if (level.size.is_zero()) {
    if (!known) return SIZE_MAX;
    levels_.erase(at);
    return from_top - 1;
  }
  if (known) {
    *at = level;
    return from_top - 1;
  }
  levels_.insert(at, level);
  return from_top;
}

void BookSide::truncate(std::size_t depth) {
  if (levels_.size() > depth) levels_.erase(levels_.begin(), levels_.end() - static_cast<std::ptrdiff_t>(depth));
}

std::vector<Level> BookSide::top(std::size_t depth) const {
  const auto count = static_cast<std::ptrdiff_t>(std::min(depth, levels_.size()));
  return {levels_.rbegin(), levels_.rbegin() + count};
}

Book::Touched Book::apply(const BookChange& change) {
  Touched touched;
  if (change.action == BookAction::snapshot) {
    clear();
    touched = {0, 0};
  }
  for (const Level& level : change.bids) touched.bid = std::min(touched.bid, bids_.apply(level));
  for (const Level& level : change.asks) touched.ask = std::min(touched.ask, asks_.apply(level));
  if (change.depth != 0) {
    bids_.truncate(change.depth);
    asks_.truncate(change.depth);
  }
  return touched;
}

void Book::clear() {
  bids_.clear();
  asks_.clear();
}

bool Book::crossed() const { return !bids_.empty() && !asks_.empty() && bids_[0].price >= asks_[0].price; }

}  // namespace bixws::market
