// SPDX-License-Identifier: Apache-2.0
// Book: one order book, both sides sorted, exact.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bixws::market {

/// One side, kept worst first so that work near the top of the book, where nearly all of it is, moves few levels.
/// Not thread-safe.
class BookSide {
 public:
  explicit BookSide(bool bids) : bids_(bids) {}

  /// Sets the absolute size at a price; size 0 removes. Returns how many levels from the top the change happened
  /// (0: the best), or SIZE_MAX when an unknown level was removed, which is normal and changes nothing.
  std::size_t apply(const Level& level);
  void clear() { levels_.clear(); }
  /// Drops the worst levels beyond `depth`.
  void truncate(std::size_t depth);

  [[nodiscard]] std::size_t size() const { return levels_.size(); }
  [[nodiscard]] bool empty() const { return levels_.empty(); }
  /// Level counted from the best, 0 first. REQUIRES: index < size().
  [[nodiscard]] const Level& operator[](std::size_t index) const { return levels_[levels_.size() - 1 - index]; }
  /// Best first.
  [[nodiscard]] std::vector<Level> top(std::size_t depth) const;

 private:
  [[nodiscard]] bool worse(const Decimal& a, const Decimal& b) const { return bids_ ? a < b : b < a; }
  bool bids_;
  std::vector<Level> levels_;
};

class Book {
 public:
  struct Touched {
    std::size_t bid = SIZE_MAX;  ///< smallest changed index from the top, SIZE_MAX if none
    std::size_t ask = SIZE_MAX;
  };

  /// A snapshot replaces everything, an update changes its levels; the feed's depth is enforced.
  Touched apply(const BookChange& change);
  void clear();

  [[nodiscard]] const BookSide& bids() const { return bids_; }
  [[nodiscard]] const BookSide& asks() const { return asks_; }
  /// Best bid at or above the best ask: not a market.
  [[nodiscard]] bool crossed() const;

 private:
  BookSide bids_{true};
  BookSide asks_{false};
};

}  // namespace bixws::market
