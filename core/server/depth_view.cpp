// SPDX-License-Identifier: Apache-2.0
// DepthView: a merge of two sorted lists a side.
#include "server/depth_view.h"

#include <algorithm>
#include <compare>

namespace bixws::server {

void DepthView::reset(const market::Book& book, std::uint32_t depth) {
  bids_ = book.bids().top(depth);
  asks_ = book.asks().top(depth);
  bid_changes_.clear();
  ask_changes_.clear();
}

void DepthView::update(const market::Book& book, std::uint32_t depth, const market::Book::Touched& touched) {
  diff(book.bids(), true, depth, touched.bid, bids_, bid_changes_);
  diff(book.asks(), false, depth, touched.ask, asks_, ask_changes_);
}

void DepthView::diff(const market::BookSide& side, bool bids, std::uint32_t depth, std::size_t from,
                     std::vector<Level>& seen, std::vector<Level>& changes) {
  changes.clear();
  const std::size_t count = std::min<std::size_t>(depth, side.size());
  std::size_t was = std::min(from, seen.size());
  std::size_t is = std::min(from, count);
  const std::size_t kept = std::min(was, is);
  was = is = kept;
  while (was < seen.size() || is < count) {
    const bool have_old = was < seen.size();
    const bool have_new = is < count;
    std::strong_ordering order = std::strong_ordering::equal;
    if (!have_old) {
      order = std::strong_ordering::greater;
    } else if (!have_new) {
      order = std::strong_ordering::less;
    } else {
      order = bids ? side[is].price <=> seen[was].price : seen[was].price <=> side[is].price;
    }
    if (std::is_lt(order)) {  // the old level comes first: it is gone
      changes.push_back({seen[was].price, Decimal::of(0)});
      ++was;
    } else if (std::is_gt(order)) {
      changes.push_back(side[is]);
      ++is;
    } else {
      if (!identical(seen[was].size, side[is].size) || !identical(seen[was].price, side[is].price)) {
        changes.push_back(side[is]);
      }
      ++was;
      ++is;
    }
  }
  seen.resize(kept);
  for (std::size_t i = kept; i < count; ++i) seen.push_back(side[i]);
}

}  // namespace bixws::server
