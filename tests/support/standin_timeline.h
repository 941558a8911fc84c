// SPDX-License-Identifier: Apache-2.0
// A capture made ready to be played: frames numbered, understood and renamed, and the state of the exchange before
// them.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/standin_venue.h"

namespace bixws::test {

using Renaming = std::map<std::string, std::pair<std::string, std::string>>;

struct Timeline {
  std::vector<TimelineFrame> frames;  // number n is frames[n - 1]
  std::vector<TimelineFrame> greetings;
  Market start;
  // By symbol, the first frame that changes the book of the capture's own REST snapshot: who has missed it must not
  // start from that snapshot.
  std::map<std::string, std::uint64_t> first_change;
};

// Throws std::runtime_error for a capture in which there is nothing to play, or a renaming that names no symbol of it.
Timeline make_timeline(Capture capture, Venue& venue, const Renaming& renaming);

// Every state that the book of a symbol goes through, judged by the stand-in's own book: what a correct client may
// show.
struct BookState {
  std::uint64_t frame = 0;   // the frame that made it; 0: the state before the first
  std::int64_t last_id = 0;  // where the exchange has update ids
  std::vector<StandinLevel> bids;
  std::vector<StandinLevel> asks;
};
std::vector<BookState> book_history(const Timeline& timeline, const Venue& venue, const std::string& symbol,
                                    std::size_t depth);

}  // namespace bixws::test
