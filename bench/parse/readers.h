// SPDX-License-Identifier: Apache-2.0
// Other ways to read Coinbase frames: the same fields, with nothing around them.
#pragma once

#include <cstdint>
#include <string_view>

namespace bixws::bench {

/// What was read, so that all readers can be seen to have read the same.
struct Tally {
  std::uint64_t trades = 0, levels = 0;
  std::int64_t prices = 0;  ///< all of them added up, in 1e-8
  friend bool operator==(const Tally&, const Tally&) = default;
};

/// simdjson's on-demand parser and nothing else: type, product, time, prices and sizes as fixed-point numbers.
class SimdjsonReader {
 public:
  SimdjsonReader();
  ~SimdjsonReader();
  SimdjsonReader(const SimdjsonReader&) = delete;
  SimdjsonReader& operator=(const SimdjsonReader&) = delete;
  /// `frame` is followed by 64 readable bytes.
  void read(std::string_view frame, Tally& tally);

 private:
  struct Inside;
  Inside* inside_;
};

/// POCO's JSON parser, as a program on POCO would read them.
class PocoReader {
 public:
  static void read(std::string_view frame, Tally& tally);
};

/// Digits with a point as 1e-8, cut beyond.
std::int64_t fixed_point(std::string_view text);

}  // namespace bixws::bench
