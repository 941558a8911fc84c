// SPDX-License-Identifier: Apache-2.0
// Painter: turns pictures into the fewest bytes that bring a terminal from the last one to the next.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "terminal/cells.h"

namespace bixws::terminal {

enum class Palette : std::uint8_t { none, sixteen, indexed };

/// What the terminal can show.
struct Capabilities {
  bool full_screen = true;  ///< false: lines only (TERM=dumb, or not a terminal)
  Palette palette = Palette::sixteen;
  bool utf8 = true;
};

enum class ColorChoice : std::uint8_t { automatic, always, never };

/// The environment as far as it matters; empty: not set.
struct TerminalEnvironment {
  std::string_view term, colorterm, no_color, clicolor, clicolor_force;
  std::string_view lc_all, lc_ctype, lang;
};
TerminalEnvironment terminal_environment();
/// A flag wins over CLICOLOR_FORCE, that over NO_COLOR, that over CLICOLOR=0.
Capabilities detect_capabilities(const TerminalEnvironment& environment, ColorChoice choice);

/// Not thread-safe; one per terminal.
class Painter {
 public:
  explicit Painter(Capabilities capabilities) : capabilities_(capabilities) {}

  /// ANSI bytes, empty if nothing changed. Assumes that nobody else wrote to the terminal since.
  std::string paint(const Screen& next);
  /// The terminal's content is unknown: the next picture is painted in full.
  void forget() { last_.reset(); }

 private:
  void move_to(std::string& out, int x, int y);
  void set_style(std::string& out, const Style& style);
  void put(std::string& out, const Cell& cell);

  Capabilities capabilities_;
  std::optional<Screen> last_;
  std::optional<Style> style_;  // the terminal's, as far as known
  int x_ = -1, y_ = -1;         // the cursor
};

}  // namespace bixws::terminal
