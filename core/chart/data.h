// SPDX-License-Identifier: Apache-2.0
// Data: what a chart shows of one symbol, wherever it came from.
#pragma once

#include <bixws/event.h>

#include <string>
#include <vector>

namespace bixws::chart {

/// Data that is missing, as a `gap` said.
struct Hole {
  Micros from = 0, to = 0;
  std::string reason;
};

/// An alert or annotation.
struct Note {
  Micros ts = 0;
  Decimal price;  ///< may be absent
  std::string text;
  std::string color;  ///< "#rrggbb"; empty: the chart's own
  std::vector<Point> points;
};

struct Data {
  std::string symbol;  ///< "BTCUSDT"
  std::string exchange;
  std::int32_t seconds = 60;  ///< timeframe
  std::vector<Candle> bars;   ///< oldest first, each open_ts once; times without trades have none
  std::vector<Hole> holes;
  std::vector<Note> notes;
};

}  // namespace bixws::chart
