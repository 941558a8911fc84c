// SPDX-License-Identifier: Apache-2.0
// Merge: puts one numbered sequence (a symbol's trades, a symbol's book) together again from one or more connections.
#pragma once

#include <bixws/dialect.h>

#include <cstdint>
#include <vector>

namespace bixws::feed {

/// How an item names the one before it.
enum class Order : std::uint8_t {
  rising,       ///< not at all: only the order on its own connection counts
  consecutive,  ///< `first` is at most one more than the last id
  linked        ///< `previous` is the last id
};

/// Each connection brings its items in order; connections may be ahead of or behind each other, and one that joins may
/// begin anywhere. First arrival wins. Not thread-safe.
class Merge {
 public:
  enum class Verdict : std::uint8_t {
    next,       ///< publish it
    duplicate,  ///< came before
    held,       ///< something is missing that another connection can still bring: keep the item, see settle()
    gap         ///< something is missing and nobody can bring it
  };

  struct Item {
    std::uint64_t first = kNoId;
    std::uint64_t last = kNoId;
    std::uint64_t previous = kNoId;  ///< rising: filled in by offer()
  };

  explicit Merge(Order order) : order_(order) {}

  void join(std::uint32_t connection);
  void leave(std::uint32_t connection);
  [[nodiscard]] std::size_t connections() const { return legs_.size(); }

  /// next: the item is now the newest.
  Verdict offer(std::uint32_t connection, Item& item);
  /// Asks again for an item that was held.
  Verdict settle(const Item& item);
  /// Everything up to `last` is there (a snapshot), or is given up (a gap).
  void advance(std::uint64_t last) { newest_ = last; }
  /// Everything starts anew; connections stay.
  void reset();
  /// A connection begins its sequence anew with a snapshot.
  void saw(std::uint32_t connection, std::uint64_t last);

  /// The newest this connection brought; kNoId: nothing yet.
  [[nodiscard]] std::uint64_t seen(std::uint32_t connection) const;
  /// kNoId: nothing yet.
  [[nodiscard]] std::uint64_t newest() const { return newest_; }

 private:
  struct Leg {
    std::uint32_t connection;
    std::uint64_t seen = kNoId;
  };
  Leg& leg(std::uint32_t connection);
  [[nodiscard]] bool fits(const Item& item) const;
  [[nodiscard]] bool reachable() const;

  Order order_;
  std::uint64_t newest_ = kNoId;
  std::vector<Leg> legs_;
};

}  // namespace bixws::feed
