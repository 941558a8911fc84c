// SPDX-License-Identifier: Apache-2.0
// Candles of the chosen symbol, half a cell fine, with volume below, prices on the right and times underneath. A slot
// without a candle stays empty: a gap is seen as a gap.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "model/event_json.h"
#include "terminal/numbers.h"
#include "terminal/panes.h"

namespace bixws::terminal {
namespace {

/// Prices to half lines, 0 at the top.
struct Scale {
  double low, high;
  int halves;
  [[nodiscard]] int at(double price) const {
    const double share = (high - price) / (high - low);
    return std::clamp(static_cast<int>(std::floor(share * halves)), 0, halves - 1);
  }
};

/// What one half of a cell shows.
enum class Half : std::uint8_t { empty, wick, body };

char32_t glyph_of(Half upper, Half lower, bool utf8) {
  if (!utf8)
    return upper == Half::body || lower == Half::body ? U'#' : upper == Half::wick || lower == Half::wick ? U'|' : U' ';
  static constexpr char32_t kGlyphs[3][3] = {{U' ', U'╷', U'╻'}, {U'╵', U'│', U'╽'}, {U'╹', U'╿', U'┃'}};
  return kGlyphs[static_cast<int>(upper)][static_cast<int>(lower)];
}

struct Slot {
  Micros open_ts;
  const Candle* candle;  // nullptr: nothing is known of this time
};

/// The newest `count` slots of the timeframe, oldest first.
std::vector<Slot> slots_of(const std::deque<Candle>& candles, std::int32_t seconds, int count) {
  std::vector<Slot> slots;
  const Micros step = static_cast<Micros>(seconds) * 1'000'000;
  auto candle = candles.rbegin();
  Micros at = candle->open_ts;
  while (static_cast<int>(slots.size()) < count && candle != candles.rend()) {
    if (candle->open_ts >= at) {
      slots.push_back({candle->open_ts, &*candle});
      ++candle;
    } else {
      slots.push_back({at, nullptr});
    }
    at -= step;
  }
  std::reverse(slots.begin(), slots.end());
  return slots;
}

std::string axis_price(double price, int decimals) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", decimals, price);
  return text;
}

class Plot {
 public:
  Plot(const Canvas& canvas, Rect prices, Rect volumes, int spacing)
      : canvas_(canvas), prices_(prices), volumes_(volumes), spacing_(spacing) {}

  void draw(const std::vector<Slot>& slots, const Scale& scale) {
    double most = 0;
    for (const Slot& slot : slots) {
      if (slot.candle != nullptr) most = std::max(most, slot.candle->volume.to_double());
    }
    int x = prices_.right() - static_cast<int>(slots.size()) * spacing_;
    for (const Slot& slot : slots) {
      if (slot.candle == nullptr) {
        canvas_.screen.put(x, prices_.bottom() - 1, canvas_.capabilities.utf8 ? U'·' : U'.', {Ink::warning});
      } else {
        draw_candle(*slot.candle, scale, x);
        if (most > 0) draw_volume(*slot.candle, most, x);
      }
      x += spacing_;
    }
  }

 private:
  static Ink ink(const Candle& candle) { return candle.close < candle.open ? Ink::down : Ink::up; }

  void draw_candle(const Candle& candle, const Scale& scale, int x) {
    const int top = scale.at(candle.high.to_double());
    const int bottom = scale.at(candle.low.to_double());
    const int open = scale.at(candle.open.to_double());
    const int close = scale.at(candle.close.to_double());
    const auto half = [&](int at) {
      if (at >= std::min(open, close) && at <= std::max(open, close)) return Half::body;
      return at >= top && at <= bottom ? Half::wick : Half::empty;
    };
    for (int line = top / 2; line <= bottom / 2; ++line) {
      const char32_t glyph = glyph_of(half(2 * line), half(2 * line + 1), canvas_.capabilities.utf8);
      canvas_.screen.put(x, prices_.y + line, glyph, {ink(candle)});
    }
  }

  void draw_volume(const Candle& candle, double most, int x) {
    static constexpr std::u32string_view kBlocks = U" ▁▂▃▄▅▆▇█";
    const int full = volumes_.height * 8;
    int eighths = static_cast<int>(std::lround(candle.volume.to_double() / most * full));
    for (int line = volumes_.bottom() - 1; line >= volumes_.y && eighths > 0; --line, eighths -= 8) {
      const auto step = static_cast<std::size_t>(std::min(eighths, 8));
      const char32_t glyph = canvas_.capabilities.utf8 ? kBlocks[step] : step >= 4 ? U'#' : U'.';
      canvas_.screen.put(x, line, glyph, {canvas_.capabilities.palette == Palette::none ? Ink::dim : ink(candle)});
    }
  }

  const Canvas& canvas_;
  Rect prices_, volumes_;
  int spacing_;
};

void draw_axes(const Canvas& canvas, const Row& row, Rect prices, const std::vector<Slot>& slots, const Scale& scale,
               int spacing, int time_line, std::int32_t seconds) {
  Screen& screen = canvas.screen;
  const int x = prices.right() + 1;
  for (int line = 0; line < prices.height; line += 4) {
    const double price = scale.high - (scale.high - scale.low) * (line * 2 + 1) / scale.halves;
    screen.text(x, prices.y + line, axis_price(price, row.decimals), {Ink::dim});
  }
  const Candle* last = slots.back().candle;
  if (last != nullptr) {
    screen.text(x, prices.y + scale.at(last->close.to_double()) / 2, fixed(last->close, row.decimals),
                {last->close < last->open ? Ink::down : Ink::up, true, true});
  }
  const int first = prices.right() - static_cast<int>(slots.size()) * spacing;
  int free_from = first;
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const int at = first + static_cast<int>(i) * spacing;
    const Micros ts = slots[i].open_ts;
    const Micros every = static_cast<Micros>(seconds) * 10 * 1'000'000;
    if (at < free_from || ts % every != 0) continue;
    const std::string label = seconds >= 3600 ? short_date(ts) : clock_time(ts, false).substr(0, seconds < 60 ? 8 : 5);
    if (at + static_cast<int>(label.size()) > prices.right()) break;
    free_from = screen.text(at, time_line, label, {Ink::dim}) + 2;
  }
}

}  // namespace

void draw_chart(const Canvas& canvas, Rect area) {
  const Row* row = selected_row(canvas.model, canvas.choices, canvas.now);
  const std::int32_t seconds = canvas.choices.timeframe;
  TextBuffer timeframe;
  append_timeframe(timeframe, seconds);
  std::string title = "chart";
  if (row != nullptr) title += "  " + row->label + "  " + timeframe.str();
  area = draw_title(canvas, area, title);
  const auto found = row == nullptr ? decltype(row->candles.end()){} : row->candles.find(seconds);
  if (row == nullptr || found == row->candles.end() || found->second.empty()) {
    draw_note(canvas.screen, area, "no " + timeframe.str() + " candles yet");
    return;
  }
  const auto& candles = found->second;
  const int axis = static_cast<int>(fixed(candles.back().close, row->decimals).size()) + 2;
  const int volume_height = area.height >= 12 ? std::max(area.height / 6, 2) : 0;
  const Rect prices{area.x + 1, area.y, area.width - 1 - axis, area.height - 1 - volume_height};
  const Rect volumes{prices.x, prices.bottom(), prices.width, volume_height};
  if (prices.width < 4 || prices.height < 3) {
    draw_note(canvas.screen, area, "too small for a chart");
    return;
  }
  // Candles stand apart while there are few.
  const int spacing = static_cast<int>(candles.size()) * 2 <= prices.width ? 2 : 1;
  const auto slots = slots_of(candles, seconds, prices.width / spacing);
  Scale scale{1e300, -1e300, prices.height * 2};
  for (const Slot& slot : slots) {
    if (slot.candle == nullptr) continue;
    scale.low = std::min(scale.low, slot.candle->low.to_double());
    scale.high = std::max(scale.high, slot.candle->high.to_double());
  }
  if (scale.high <= scale.low) {
    const double around = std::max(std::abs(scale.high) * 1e-4, 1e-9);
    scale.high += around;
    scale.low -= around;
  }
  Plot(canvas, prices, volumes, spacing).draw(slots, scale);
  draw_axes(canvas, *row, prices, slots, scale, spacing, area.bottom() - 1, seconds);
}

}  // namespace bixws::terminal
