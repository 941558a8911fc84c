// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange's own order book: sorted decimal texts, slow and plain, so that it can judge the real one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::test {

// Orders positive decimal numbers by value, whatever their zeros: "0.50" and "00.5" are equal.
struct DecimalLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};

// "0", "0.0", "0.00000000"
bool is_zero_decimal(std::string_view text);

struct StandinLevel {
  std::string price;
  std::string size;
  std::string raw;  // the level as the exchange writes it in a snapshot
};

struct StandinBook {
  std::map<std::string, StandinLevel, DecimalLess> bids;
  std::map<std::string, StandinLevel, DecimalLess> asks;
  std::int64_t last_id = 0;   // of the newest update applied; 0 where the exchange has none
  std::int64_t base_id = 0;   // of the snapshot it started from
  bool known = false;         // a snapshot was seen
  std::uint64_t updates = 0;  // applied since then

  void clear();
  // Size 0 removes.
  void set(bool bid, StandinLevel level);
  // Keeps the best levels of each side.
  void truncate(std::size_t depth);

  // Best first.
  std::vector<StandinLevel> best(bool bid, std::size_t depth) const;
  // The raw levels of best(), joined with commas.
  std::string raw_levels(bool bid, std::size_t depth) const;
};

// CRC-32 (IEEE 802.3), as zlib's.
std::uint32_t crc32_of(std::string_view bytes);

}  // namespace bixws::test
