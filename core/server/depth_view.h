// SPDX-License-Identifier: Apache-2.0
// DepthView: the first N levels of a book as subscribers of book:N last saw them, and the smallest change that brings
// them up to date.
#pragma once

#include <cstdint>
#include <vector>

#include "market/book.h"

namespace bixws::server {

/// Not thread-safe: the publisher's.
class DepthView {
 public:
  /// Takes the first `depth` levels as seen, without a change to report.
  void reset(const market::Book& book, std::uint32_t depth);
  /// Levels to set (size 0: gone from the first `depth`), best first on each side, so that what was seen becomes what
  /// is now. Levels better than `touched` are known not to have changed. The lists live until the next call.
  void update(const market::Book& book, std::uint32_t depth, const market::Book::Touched& touched);

  [[nodiscard]] const std::vector<Level>& bids() const { return bid_changes_; }
  [[nodiscard]] const std::vector<Level>& asks() const { return ask_changes_; }

 private:
  static void diff(const market::BookSide& side, bool bids, std::uint32_t depth, std::size_t from,
                   std::vector<Level>& seen, std::vector<Level>& changes);
  std::vector<Level> bids_, asks_;
  std::vector<Level> bid_changes_, ask_changes_;
};

}  // namespace bixws::server
