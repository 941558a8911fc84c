// SPDX-License-Identifier: Apache-2.0
// BookMachine: one symbol's book, believed only as long as every frame fits the one before it.
#pragma once

#include <bixws/dialect.h>

#include <cstdint>
#include <deque>
#include <vector>

#include "feed/merge.h"
#include "market/book.h"

namespace bixws::feed {

/// What became of a frame.
struct BookVerdict {
  enum class Step : std::uint8_t {
    published,  ///< it fitted; perhaps with others that had waited for it
    ignored,    ///< nothing new in it
    waiting,    ///< kept until the snapshot, or what is missing, has come
    too_old,    ///< a REST snapshot from before the first update kept: fetch another
    broken      ///< the book is wrong or incomplete from here on: resync. See `reason`
  };
  Step step = Step::published;
  const char* reason = "";         ///< "sequence", "checksum", "crossed", "buffer full"
  std::uint64_t from = 0, to = 0;  ///< ids around the hole
  std::uint32_t dropped = 0;       ///< updates that the snapshot already contained
};

/// Holds a copy of the book only where the exchange's rules need one (checksums, and no ids to chain). Where updates
/// carry ids, several connections feed one machine; else each has one of its own. Not thread-safe.
class BookMachine {
 public:
  /// Gets what is now known to be right.
  class Output {
   public:
    virtual void book_ready(Micros ts, const BookChange& change) = 0;

   protected:
    ~Output() = default;
  };

  BookMachine(const Traits& traits, Dialect& dialect);

  /// Updates that carry ids from all connections go into one machine.
  static bool has_ids(const Traits& traits) { return traits.chain != Chain::none; }

  void join(std::uint32_t connection);
  /// Without connections the book waits for a new snapshot.
  void leave(std::uint32_t connection);

  BookVerdict offer(std::uint32_t connection, Micros ts, const BookUpdate& update, Output& output);
  /// A REST snapshot.
  BookVerdict snapshot(Micros ts, const BookUpdate& snapshot, Output& output);
  /// The dialect could not read a frame of this book, or the user of the book saw that it is wrong.
  void lose();

  [[nodiscard]] bool live() const { return live_; }
  /// Id of the last update published; kNoId: none.
  [[nodiscard]] std::uint64_t newest() const { return merge_.newest(); }
  [[nodiscard]] Integrity integrity() const { return integrity_; }
  /// REQUIRES: the traits make it keep one (see keeps_copy()).
  [[nodiscard]] const market::Book& copy() const { return copy_; }
  [[nodiscard]] bool keeps_copy() const { return keeps_copy_; }
  [[nodiscard]] std::uint32_t depth() const { return depth_; }
  [[nodiscard]] std::uint64_t checksums_ok() const { return checksums_ok_; }

 private:
  struct Pending {
    Merge::Item item;
    Micros ts = 0;
    std::uint32_t depth = 0;
    bool has_checksum = false;
    std::uint32_t checksum = 0;
    std::vector<Level> bids, asks;
    [[nodiscard]] BookUpdate update() const;
  };

  BookVerdict start(std::uint32_t connection, Micros ts, const BookUpdate& snapshot, Output& output);
  BookVerdict apply(Micros ts, const BookUpdate& update, Output& output);
  BookVerdict drain(Output& output);
  bool keep(const Merge::Item& item, Micros ts, const BookUpdate& update);
  void forget_pending();
  BookVerdict break_up(const char* reason, std::uint64_t from, std::uint64_t to);

  const Traits* traits_;
  Dialect* dialect_;
  Merge merge_;
  bool live_ = false;
  bool keeps_copy_;
  std::uint32_t depth_ = 0;
  Integrity integrity_ = Integrity::none;
  std::uint64_t checksums_ok_ = 0;
  market::Book copy_;
  std::vector<Level> top_bids_, top_asks_;  // scratch for checksums
  std::deque<Pending> pending_;             // by last id
  std::size_t pending_levels_ = 0;
};

}  // namespace bixws::feed
