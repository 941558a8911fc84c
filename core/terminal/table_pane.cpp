// SPDX-License-Identifier: Apache-2.0
// The table: one line per symbol. Columns are as wide as their values; what does not fit is left out in order of
// importance, what is left over goes to the range bar and the sparkline.
#include <algorithm>
#include <array>

#include "terminal/numbers.h"
#include "terminal/panes.h"

namespace bixws::terminal {
namespace {

enum class Column : std::uint8_t { symbol, price, change, bid, ask, spread, range, volume, age, trend };
constexpr std::size_t kColumns = 10;

struct Layout {
  std::array<int, kColumns> width{};  // 0: not shown
  [[nodiscard]] int of(Column c) const { return width[static_cast<std::size_t>(c)]; }
  int& of(Column c) { return width[static_cast<std::size_t>(c)]; }
  [[nodiscard]] int total() const {
    int sum = -1;
    for (const int w : width) sum += w > 0 ? w + 1 : 0;
    return sum;
  }
};

constexpr std::array<std::string_view, kColumns> kTitles = {"SYMBOL", "PRICE", "24H %",  "BID", "ASK",
                                                            "SPREAD", "RANGE", "VOLUME", "AGE", "TREND"};
// Left out first to last when the terminal is narrow.
constexpr std::array<Column, 7> kDispensable = {Column::trend, Column::spread, Column::range, Column::volume,
                                                Column::bid,   Column::ask,    Column::change};

struct Cells {
  std::string price, change, bid, ask, spread, volume, age;
};

Cells cells_of(const Model& model, const Row& row, Micros now) {
  const Ticker& t = row.ticker;
  Cells c;
  if (!row.has_ticker) {
    c.price = c.change = c.bid = c.ask = c.spread = c.volume = c.age = "-";
    return c;
  }
  c.price = fixed(t.price, row.decimals);
  c.change = percent(t.change_24h);
  c.bid = fixed(t.bid, row.decimals);
  c.ask = fixed(t.ask, row.decimals);
  c.spread = fixed(difference(t.ask, t.bid), row.decimals);
  c.volume = t.volume_24h.has_value() ? compact(t.volume_24h.to_double()) : "-";
  c.age = (model.stale(row, now) ? "!" : "") + age(now - row.updated_at);
  return c;
}

Layout layout_of(const std::vector<const Row*>& rows, const std::vector<Cells>& cells, int width) {
  Layout layout;
  for (std::size_t i = 0; i < kColumns; ++i) layout.width[i] = static_cast<int>(kTitles[i].size());
  layout.of(Column::change) = 7;
  const auto widen = [&layout](Column column, std::size_t length) {
    layout.of(column) = std::max(layout.of(column), static_cast<int>(length));
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    widen(Column::symbol, static_cast<std::size_t>(width_of(rows[i]->label)));
    widen(Column::price, cells[i].price.size() + 2);  // and the arrow
    widen(Column::change, cells[i].change.size());
    widen(Column::bid, cells[i].bid.size());
    widen(Column::ask, cells[i].ask.size());
    widen(Column::spread, cells[i].spread.size());
    widen(Column::volume, cells[i].volume.size());
    widen(Column::age, cells[i].age.size() + 1);
  }
  layout.of(Column::symbol) = std::min(layout.of(Column::symbol), 20);
  layout.of(Column::range) = 7;
  layout.of(Column::trend) = 6;
  for (const Column column : kDispensable) {
    if (layout.total() <= width) break;
    layout.of(column) = 0;
  }
  int left = width - layout.total();
  if (left > 0 && layout.of(Column::range) > 0) {
    const int more = std::min(layout.of(Column::trend) > 0 ? left / 2 : left, 17);
    layout.of(Column::range) += more;
    left -= more;
  }
  if (left > 0 && layout.of(Column::trend) > 0) layout.of(Column::trend) += std::min(left, 58);
  return layout;
}

/// Walks the columns of one line.
class Line {
 public:
  Line(const Canvas& canvas, const Layout& layout, int x, int y, int end)
      : screen_(canvas.screen), layout_(layout), x_(x), y_(y), end_(end) {}

  void left(Column column, std::string_view text, Style style) {
    if (const int width = step(column); width > 0) screen_.text(at_, y_, text, style, std::min(at_ + width, end_));
  }
  void right(Column column, std::string_view text, Style style) {
    if (const int width = step(column); width > 0) {
      screen_.text_right(std::min(at_ + width, end_), y_, text, style, at_);
    }
  }
  void glyphs(Column column, std::u32string_view text, Style style) {
    if (const int width = step(column); width > 0)
      put_glyphs(screen_, at_, y_, text, style, std::min(at_ + width, end_));
  }

 private:
  int step(Column column) {
    const int width = layout_.of(column);
    at_ = x_;
    if (width > 0) x_ += width + 1;
    return width;
  }
  Screen& screen_;
  const Layout& layout_;
  int x_, y_, end_;
  int at_ = 0;
};

void draw_row(const Canvas& canvas, const Layout& layout, const Row& row, const Cells& cells, Rect line,
              bool selected) {
  const bool utf8 = canvas.capabilities.utf8;
  const bool stale = canvas.model.stale(row, canvas.now);
  const Ticker& t = row.ticker;
  const bool flash = !stale && row.direction != 0 && canvas.now - row.changed_at < kFlash;
  const Style plain{stale ? Ink::dim : Ink::normal};
  const auto inked = [&](int direction) { return Style{stale ? Ink::dim : ink_of(direction)}; };

  Line out(canvas, layout, line.x, line.y, line.right());
  out.left(Column::symbol, row.label, {stale ? Ink::dim : Ink::normal, true});
  std::string price = cells.price + " ";
  if (!row.has_ticker || row.direction == 0) {
    price += " ";
  } else if (utf8) {
    price += row.direction > 0 ? "▲" : "▼";
  } else {
    price += row.direction > 0 ? "^" : "v";
  }
  Style price_style = inked(row.direction);
  price_style.bold = !stale;
  price_style.reverse = flash;
  out.right(Column::price, price, price_style);
  out.right(Column::change, cells.change, inked(sign_of(t.change_24h)));
  out.right(Column::bid, cells.bid, plain);
  out.right(Column::ask, cells.ask, plain);
  out.right(Column::spread, cells.spread, {Ink::dim});
  std::u32string bar;
  if (t.low_24h.has_value() && t.high_24h.has_value() && t.price.has_value() && layout.of(Column::range) > 0) {
    bar = range_bar(t.low_24h.to_double(), t.high_24h.to_double(), t.price.to_double(), layout.of(Column::range), utf8);
  }
  out.glyphs(Column::range, bar, {stale ? Ink::dim : Ink::accent});
  out.right(Column::volume, cells.volume, plain);
  out.right(Column::age, cells.age, stale && row.has_ticker ? Style{Ink::warning, true} : Style{Ink::dim});
  if (layout.of(Column::trend) > 0) {
    const auto& values = row.trend.values();
    const int direction = values.size() < 2                ? 0
                          : values.back() > values.front() ? 1
                          : values.back() < values.front() ? -1
                                                           : 0;
    out.glyphs(Column::trend, sparkline(values, layout.of(Column::trend), utf8), inked(direction));
  }
  if (selected) canvas.screen.put(line.x - 1, line.y, utf8 ? U'▌' : U'>', {Ink::accent, true});
}

void draw_titles(const Canvas& canvas, const Layout& layout, Rect line) {
  static constexpr std::array<SortKey, kColumns> kKeys = {
      SortKey::symbol, SortKey::price, SortKey::change, SortKey::given, SortKey::given,
      SortKey::spread, SortKey::given, SortKey::volume, SortKey::age,   SortKey::given};
  Line out(canvas, layout, line.x, line.y, line.right());
  for (std::size_t i = 0; i < kColumns; ++i) {
    const auto column = static_cast<Column>(i);
    const bool sorted = kKeys[i] != SortKey::given && kKeys[i] == canvas.choices.sort;
    const Style style{sorted ? Ink::accent : Ink::dim, true};
    if (column == Column::symbol || column == Column::range || column == Column::trend) {
      out.left(column, kTitles[i], style);
    } else {
      out.right(column, std::string(kTitles[i]) + (column == Column::price ? "  " : ""), style);
    }
  }
}

}  // namespace

void draw_table(const Canvas& canvas, Rect area) {
  if (canvas.titled) area = draw_title(canvas, area, "table");
  const auto rows = rows_of(canvas.model, canvas.choices, canvas.now);
  std::vector<Cells> cells;
  cells.reserve(rows.size());
  for (const Row* row : rows) cells.push_back(cells_of(canvas.model, *row, canvas.now));
  // The first column marks the selected row.
  const int width = area.width - 1;
  const Layout layout = layout_of(rows, cells, width);
  draw_titles(canvas, layout, {area.x + 1, area.y, width, 1});
  if (rows.empty()) {
    draw_note(canvas.screen, area, canvas.choices.filter.empty() ? "waiting for data" : "no symbol fits the filter");
    return;
  }
  const int lines = area.height - 1;
  const Row* selected = selected_row(canvas.model, canvas.choices, canvas.now);
  const auto found = std::find(rows.begin(), rows.end(), selected);
  const int position = found == rows.end() ? 0 : static_cast<int>(found - rows.begin());
  const int top = std::clamp(position - lines / 2, 0, std::max(static_cast<int>(rows.size()) - lines, 0));
  const bool show_selection = rows.size() > 1;
  for (int i = 0; i < lines && top + i < static_cast<int>(rows.size()); ++i) {
    const std::size_t index = static_cast<std::size_t>(top) + static_cast<std::size_t>(i);
    draw_row(canvas, layout, *rows[index], cells[index], {area.x + 1, area.y + 1 + i, width, 1},
             show_selection && rows[index] == selected);
  }
}

}  // namespace bixws::terminal
