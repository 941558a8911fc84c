// SPDX-License-Identifier: Apache-2.0
// The trades of the chosen symbol, newest on top.
#include <algorithm>

#include "terminal/numbers.h"
#include "terminal/panes.h"

namespace bixws::terminal {

void draw_trades(const Canvas& canvas, Rect area) {
  Screen& screen = canvas.screen;
  const Row* row = selected_row(canvas.model, canvas.choices, canvas.now);
  area = draw_title(canvas, area, row == nullptr ? "trades" : "trades  " + row->label);
  if (row == nullptr || row->trades.empty()) {
    draw_note(screen, area, "no trades yet");
    return;
  }
  const bool utf8 = canvas.capabilities.utf8;
  const bool stale = canvas.model.link().state != LinkState::up;
  const auto& trades = row->trades;
  const int lines = area.height - 1;
  const int first = std::clamp(canvas.choices.scroll, 0, std::max(static_cast<int>(trades.size()) - lines, 0));
  const int shown = std::min(lines, static_cast<int>(trades.size()) - first);
  const auto trade_at = [&](int line) -> const TradeLine& {
    return trades[trades.size() - 1 - static_cast<std::size_t>(first + line)];
  };

  double largest = 0;
  int price_width = 5;
  int size_width = 4;
  for (int i = 0; i < shown; ++i) {
    largest = std::max(largest, trade_at(i).size.to_double());
    price_width = std::max(price_width, static_cast<int>(fixed(trade_at(i).price, row->decimals).size()));
    size_width = std::max(size_width, static_cast<int>(fixed(trade_at(i).size, row->size_decimals).size()));
  }
  const bool milliseconds = area.width >= 12 + 1 + 2 + price_width + 2 + size_width + 4;
  const int time_end = area.x + 1 + (milliseconds ? 12 : 8);
  const int price_end = time_end + 3 + price_width;
  const int size_end = price_end + 2 + size_width;
  const int bar_begin = size_end + 1;
  const Style head{Ink::dim, true};
  screen.text(area.x + 1, area.y, "TIME UTC", head, area.right());
  screen.text_right(std::min(price_end, area.right()), area.y, "PRICE", head);
  screen.text_right(std::min(size_end, area.right()), area.y, "SIZE", head);
  for (int i = 0; i < shown; ++i) {
    const TradeLine& trade = trade_at(i);
    const int y = area.y + 1 + i;
    const Style ink{stale ? Ink::dim : ink_of(trade.side)};
    screen.text(area.x + 1, y, clock_time(trade.ts, milliseconds), {Ink::dim}, area.right());
    if (trade.side != Side::none) {
      const bool buy = trade.side == Side::buy;
      screen.text(time_end + 1, y, utf8 ? (buy ? "▲" : "▼") : (buy ? "B" : "S"), ink, area.right());
    }
    screen.text_right(std::min(price_end, area.right()), y, fixed(trade.price, row->decimals), ink, time_end + 3);
    screen.text_right(std::min(size_end, area.right()), y, fixed(trade.size, row->size_decimals),
                      {stale ? Ink::dim : Ink::normal}, price_end);
    const int bar_width = std::min(area.right() - bar_begin, 40);
    if (bar_width > 2 && largest > 0) {
      put_glyphs(screen, bar_begin, y, solid_bar(trade.size.to_double() / largest, bar_width, utf8), ink, area.right());
    }
  }
}

}  // namespace bixws::terminal
