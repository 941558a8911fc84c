// SPDX-License-Identifier: Apache-2.0
// A chart as text: a model that knows nothing but these candles, drawn by the pane that watch has.
#include "terminal/chart_text.h"

#include "terminal/panes.h"
#include "terminal/printing.h"

namespace bixws::terminal {

std::string chart_text(const Instrument& instrument, std::span<const Candle> candles, Size size,
                       Capabilities capabilities) {
  Model model;
  model.set_plain_exchange(instrument.exchange);
  Micros now = 0;
  for (const Candle& candle : candles) {
    now = candle.open_ts + Micros{candle.seconds} * 1'000'000;
    const Event event = Event::of(instrument, now, now, candle);
    model.apply({&event, 1}, now);
  }
  Choices choices;
  choices.views = {View::chart};
  choices.focus = View::chart;
  choices.timeframe = candles.back().seconds;
  Screen screen(size);
  draw_chart({screen, model, choices, capabilities, now, true, true}, {0, 0, size.width, size.height});
  return print_screen(screen, capabilities);
}

}  // namespace bixws::terminal
