// SPDX-License-Identifier: Apache-2.0
// What the panes share, and the help.
#include "terminal/panes.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "terminal/numbers.h"

namespace bixws::terminal {

Ink ink_of(int direction) { return direction > 0 ? Ink::up : direction < 0 ? Ink::down : Ink::normal; }

Ink ink_of(Side side) { return side == Side::buy ? Ink::up : side == Side::sell ? Ink::down : Ink::normal; }

int sign_of(const Decimal& number) {
  if (!number.has_value() || number.is_zero()) return 0;
  return number.negative != 0 ? -1 : 1;
}

void put_glyphs(Screen& screen, int x, int y, std::u32string_view glyphs, Style style, int end) {
  for (const char32_t glyph : glyphs) {
    if (x >= end) break;
    screen.put(x++, y, glyph, style);
  }
}

Rect draw_title(const Canvas& canvas, Rect area, std::string_view text) {
  if (canvas.titled) {
    const std::u32string rule(static_cast<std::size_t>(std::max(area.width, 0)),
                              canvas.capabilities.utf8 ? U'─' : U'-');
    put_glyphs(canvas.screen, area.x, area.y, rule, {Ink::dim}, area.right());
  }
  const Style style{canvas.focused ? Ink::accent : Ink::dim, canvas.focused};
  const int after = canvas.screen.text(area.x + 1, area.y, text, style, area.right());
  if (canvas.titled) {
    canvas.screen.put(area.x, area.y, U' ');
    if (after < area.right()) canvas.screen.put(after, area.y, U' ');
  }
  return {area.x, area.y + 1, area.width, area.height - 1};
}

void draw_note(Screen& screen, Rect area, std::string_view text) {
  const int x = area.x + std::max((area.width - width_of(text)) / 2, 0);
  screen.text(x, area.y + area.height / 2, text, {Ink::dim}, area.right());
}

void draw_help(Screen& screen, const Model& model, const Capabilities& capabilities) {
  struct Entry {
    std::string_view keys, does;
    std::optional<bool> in_replay;  // absent: always
  };
  static constexpr std::array<Entry, 18> kEntries = {{
      {"1 2 3 4", "table, trades, book, chart", false},
      {"Tab", "next view", {}},
      {"z", "one view, or side by side where there is room", {}},
      {"Up Down PgUp PgDn", "choose the symbol (also j k, Home End)", {}},
      {"Left Right", "scroll trades and book (also h l)", false},
      {"h  l", "scroll trades and book", true},
      {"s  S", "sort by the next column; turn the order round", {}},
      {"/", "filter symbols; Esc clears", {}},
      {"a  d", "add a symbol; drop the chosen one", {}},
      {"t  T", "longer, shorter candles", {}},
      {"p", "pause the screen, go on", {}},
      {"r", "refresh now: repaint, ask again, redial", {}},
      {"q  Ctrl-C", "quit", {}},
      {"Space", "replay: pause, go on (live: pause the screen)", {}},
      {".", "replay: one step", true},
      {"[ ]  < >", "replay: slower, faster; 30 s back, forward", true},
      {"Left Right", "replay: 5 s back, forward", true},
      {"1 2 3 ... 9  0", "replay: 1, 2, 5 ... 500 times as fast, or max", true},
  }};
  const bool replays = model.replay().has_value();
  const auto counts = [replays](const Entry& entry) { return entry.in_replay.value_or(replays) == replays; };
  const auto count = std::count_if(kEntries.begin(), kEntries.end(), counts);
  const int width = std::min(68, screen.size().width);
  const int height = std::min(static_cast<int>(count) + 4, screen.size().height);
  const Rect box{(screen.size().width - width) / 2, std::max((screen.size().height - height) / 2, 0), width, height};
  screen.fill(box, U' ');
  const bool utf8 = capabilities.utf8;
  const Style frame{Ink::accent};
  screen.fill({box.x, box.y, box.width, 1}, utf8 ? U'─' : U'-', frame);
  screen.fill({box.x, box.bottom() - 1, box.width, 1}, utf8 ? U'─' : U'-', frame);
  screen.fill({box.x, box.y, 1, box.height}, utf8 ? U'│' : U'|', frame);
  screen.fill({box.right() - 1, box.y, 1, box.height}, utf8 ? U'│' : U'|', frame);
  screen.put(box.x, box.y, utf8 ? U'╭' : U'+', frame);
  screen.put(box.right() - 1, box.y, utf8 ? U'╮' : U'+', frame);
  screen.put(box.x, box.bottom() - 1, utf8 ? U'╰' : U'+', frame);
  screen.put(box.right() - 1, box.bottom() - 1, utf8 ? U'╯' : U'+', frame);
  screen.text(box.x + 2, box.y, " Keys ", {Ink::accent, true});
  int y = box.y + 1;
  for (const Entry& entry : kEntries) {
    if (!counts(entry)) continue;
    if (y >= box.bottom() - 2) break;
    screen.text(box.x + 2, y, entry.keys, {Ink::normal, true}, box.right() - 2);
    screen.text(box.x + 21, y, entry.does, {}, box.right() - 2);
    ++y;
  }
  screen.text(box.x + 2, box.bottom() - 2, "! before an age: stale. Times are UTC. Any key closes this.", {Ink::dim},
              box.right() - 1);
}

}  // namespace bixws::terminal
