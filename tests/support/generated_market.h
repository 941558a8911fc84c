// SPDX-License-Identifier: Apache-2.0
// Traffic of exchanges of which no long capture exists, written after their documents by a seeded market that shares no
// code with the dialects: frames to be played, REST answers, and what must come of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/captures.h"
#include "support/raw_json.h"

namespace bixws::test {

struct GeneratedTraffic {
  Capture capture;
  std::vector<RawJson> expected;  // lines as in captures/expected/: trades, tickers, candles, then the final books
  std::vector<std::string> symbols;
  std::size_t book_updates = 0, book_snapshots = 0, trades = 0;
};

// `venue`: bybit or bitstamp. The same seed gives the same traffic. Throws std::runtime_error for another venue.
GeneratedTraffic generate_traffic(std::string_view venue, std::uint64_t seed, std::size_t steps);

}  // namespace bixws::test
