// SPDX-License-Identifier: Apache-2.0
// The order book of the chosen symbol as a ladder: asks above, bids below, the spread between, and how deep each level
// is as a bar.
#include <algorithm>
#include <cstdio>

#include "model/event_json.h"
#include "terminal/numbers.h"
#include "terminal/panes.h"

namespace bixws::terminal {
namespace {

/// A level with the sum of all sizes from the best one to it.
struct Rung {
  Level level;
  Decimal total;
};

std::vector<Rung> rungs_of(const market::BookSide& side, std::size_t skip, std::size_t count) {
  std::vector<Rung> rungs;
  Decimal total;
  for (std::size_t i = 0; i < side.size() && rungs.size() < count; ++i) {
    total = sum(total, side[i].size);
    if (i >= skip) rungs.push_back({side[i], total});
  }
  return rungs;
}

struct Columns {
  int price_end, size_end, total_end, bar_begin, end;
};

void draw_rung(const Canvas& canvas, const Row& row, const Rung& rung, const Columns& columns, int y, Ink ink,
               double deepest) {
  Screen& screen = canvas.screen;
  const int begin = columns.price_end - 20;
  screen.text_right(std::min(columns.price_end, columns.end), y, fixed(rung.level.price, row.decimals), {ink}, begin);
  screen.text_right(std::min(columns.size_end, columns.end), y, fixed(rung.level.size, row.size_decimals),
                    {ink == Ink::dim ? Ink::dim : Ink::normal}, columns.price_end + 1);
  screen.text_right(std::min(columns.total_end, columns.end), y, compact(rung.total.to_double()), {Ink::dim},
                    columns.size_end + 1);
  const int width = std::min(columns.end - columns.bar_begin, 40);
  if (width > 1 && deepest > 0) {
    put_glyphs(screen, columns.bar_begin, y,
               solid_bar(rung.total.to_double() / deepest, width, canvas.capabilities.utf8), {ink}, columns.end);
  }
}

std::string spread_text(const Row& row) {
  const auto& bids = row.book.bids();
  const auto& asks = row.book.asks();
  if (bids.empty() || asks.empty()) return "one side is empty";
  const Decimal spread = difference(asks[0].price, bids[0].price);
  std::string text = "spread " + fixed(spread, row.decimals);
  const double ask = asks[0].price.to_double();
  if (ask > 0) {
    char points[32];
    std::snprintf(points, sizeof points, "  %.2f bp", spread.to_double() / ask * 1e4);
    text += points;
  }
  return text;
}

std::string title_of(const Row& row) {
  std::string title = "book  " + row.label;
  if (row.integrity != Integrity::none) title += "  (" + std::string(name_of(row.integrity)) + ")";
  return title;
}

}  // namespace

void draw_book(const Canvas& canvas, Rect area) {
  Screen& screen = canvas.screen;
  const Row* row = selected_row(canvas.model, canvas.choices, canvas.now);
  const Rect title = area;
  area = draw_title(canvas, area, row == nullptr ? "book" : title_of(*row));
  if (row == nullptr || !row->has_book) {
    draw_note(screen, area, "no book yet");
    return;
  }
  const bool connected = canvas.model.link().state == LinkState::up && row->book_at >= canvas.model.link().since;
  const bool live = connected && row->book_state == FeedState::live;
  const std::string state = !connected ? "stale" : std::string(name_of(row->book_state));
  screen.text_right(title.right() - 1, title.y, " " + state + " ", {live ? Ink::up : Ink::warning, true}, title.x);

  // A header, the spread line, and as many levels on each side as fit.
  const int levels = std::max((area.height - 2) / 2, 0);
  const auto& bids = row->book.bids();
  const auto& asks = row->book.asks();
  const int deepest_side = static_cast<int>(std::max(bids.size(), asks.size()));
  const auto skip = static_cast<std::size_t>(std::clamp(canvas.choices.scroll, 0, std::max(deepest_side - levels, 0)));
  const auto bid_rungs = rungs_of(bids, skip, static_cast<std::size_t>(levels));
  const auto ask_rungs = rungs_of(asks, skip, static_cast<std::size_t>(levels));

  double deepest = 0;
  int price_width = 5;
  int size_width = 4;
  for (const auto* rungs : {&bid_rungs, &ask_rungs}) {
    for (const Rung& rung : *rungs) {
      deepest = std::max(deepest, rung.total.to_double());
      price_width = std::max(price_width, static_cast<int>(fixed(rung.level.price, row->decimals).size()));
      size_width = std::max(size_width, static_cast<int>(fixed(rung.level.size, row->size_decimals).size()));
    }
  }
  Columns columns{};
  columns.price_end = area.x + 1 + price_width;
  columns.size_end = columns.price_end + 2 + size_width;
  columns.total_end = columns.size_end + 2 + 6;
  columns.bar_begin = columns.total_end + 1;
  columns.end = area.right();
  const Style head{Ink::dim, true};
  screen.text_right(std::min(columns.price_end, columns.end), area.y, "PRICE", head);
  screen.text_right(std::min(columns.size_end, columns.end), area.y, "SIZE", head);
  screen.text_right(std::min(columns.total_end, columns.end), area.y, "TOTAL", head);

  const int middle = area.y + 1 + levels;
  for (std::size_t i = 0; i < ask_rungs.size(); ++i) {
    draw_rung(canvas, *row, ask_rungs[i], columns, middle - 1 - static_cast<int>(i), live ? Ink::down : Ink::dim,
              deepest);
  }
  screen.text(area.x + 1, middle, spread_text(*row), {live ? Ink::accent : Ink::dim, true}, area.right());
  if (skip > 0) {
    screen.text_right(area.right() - 1, middle, "from level " + std::to_string(skip + 1), {Ink::dim}, area.x);
  }
  for (std::size_t i = 0; i < bid_rungs.size(); ++i) {
    draw_rung(canvas, *row, bid_rungs[i], columns, middle + 1 + static_cast<int>(i), live ? Ink::up : Ink::dim,
              deepest);
  }
}

}  // namespace bixws::terminal
