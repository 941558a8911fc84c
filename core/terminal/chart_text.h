// SPDX-License-Identifier: Apache-2.0
// A chart of given candles as text: what `watch` draws, once.
#pragma once

#include <bixws/event.h>

#include <span>
#include <string>

#include "terminal/cells.h"
#include "terminal/painter.h"

namespace bixws::terminal {

/// The newest candles that fit, oldest first in `candles`; a time without one is shown as such. REQUIRES: not empty.
[[nodiscard]] std::string chart_text(const Instrument& instrument, std::span<const Candle> candles, Size size,
                                     Capabilities capabilities);

}  // namespace bixws::terminal
