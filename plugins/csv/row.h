// SPDX-License-Identifier: Apache-2.0
// Row: one line of chart data, exact, growing.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bixws::csv {

inline constexpr std::string_view kHeader = "open_time,open,high,low,close,volume,trades,vwap\n";

struct Row {
  Micros open_ts = 0;  ///< 0: there is none
  Decimal open, high, low, close, volume;
  Decimal turnover;          ///< sum of price times size; absent: not known, or too large to be kept
  std::uint64_t trades = 0;  ///< 0: not known, the row is made of the exchange's candles

  void add(const Trade& trade);
  /// What comes after this one, in the same row.
  void extend(const Row& by);

  /// A line of the file. The price of vwap has two digits more than close, cut; it and the count of trades are empty
  /// where they are not known.
  [[nodiscard]] std::string text() const;
  /// Everything, turnover included; the inverse returns false for what is no such text.
  [[nodiscard]] std::string state() const;
  bool parse_state(std::string_view text);
};

}  // namespace bixws::csv
