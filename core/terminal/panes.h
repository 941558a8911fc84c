// SPDX-License-Identifier: Apache-2.0
// The views, each drawing itself into its part of the screen. Internal to core/terminal.
#pragma once

#include "terminal/view.h"

namespace bixws::terminal {

/// What every pane needs.
struct Canvas {
  Screen& screen;
  const Model& model;  ///< frozen or newest
  const Choices& choices;
  Capabilities capabilities;
  Micros now;
  bool focused;  ///< of several panes
  bool titled;   ///< of several panes: name it
};

void draw_table(const Canvas& canvas, Rect area);
void draw_trades(const Canvas& canvas, Rect area);
void draw_book(const Canvas& canvas, Rect area);
void draw_chart(const Canvas& canvas, Rect area);
void draw_help(Screen& screen, const Model& model, const Capabilities& capabilities);

/// Draws the line above a pane, "trades BTCUSDT ------", and returns the area below it.
Rect draw_title(const Canvas& canvas, Rect area, std::string_view text);
/// Text in the middle of an empty pane.
void draw_note(Screen& screen, Rect area, std::string_view text);

/// Up, down or none as the ink of a value.
[[nodiscard]] Ink ink_of(int direction);
[[nodiscard]] Ink ink_of(Side side);
[[nodiscard]] int sign_of(const Decimal& number);

/// Writes single-column glyphs, clipped at `end`.
void put_glyphs(Screen& screen, int x, int y, std::u32string_view glyphs, Style style, int end);

}  // namespace bixws::terminal
