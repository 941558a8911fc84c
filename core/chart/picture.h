// SPDX-License-Identifier: Apache-2.0
// Picture: a chart as SVG or PNG.
#pragma once

#include <string>
#include <vector>

#include "chart/data.h"
#include "chart/indicators.h"

namespace bixws::chart {

enum class Format : std::uint8_t { svg, png };

struct PictureOptions {
  Format format = Format::svg;
  int width = 1200, height = 675;  ///< pixels
  std::vector<Indicator> indicators;
};

/// The file's bytes. Candles and volume; averages and bands over the candles, RSI and MACD below them. Times without a
/// candle stay empty, no line crosses them, and holes that were said are hatched. REQUIRES: data has bars.
/// Throws std::runtime_error if cairo cannot.
[[nodiscard]] std::string draw_picture(const Data& data, const PictureOptions& options);

}  // namespace bixws::chart
