// SPDX-License-Identifier: Apache-2.0
// Painter: ECMA-48 cursor moves and SGR, which every terminal since the VT100 understands.
#include "terminal/painter.h"

#include <array>
#include <cstdlib>

#include "terminal/printing.h"

namespace bixws::terminal {
namespace {

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

bool names_utf8(std::string_view locale) {
  return contains(locale, "UTF-8") || contains(locale, "utf8") || contains(locale, "UTF8") || contains(locale, "utf-8");
}

// Foreground and background of each ink: up and down readable on dark and on light.
struct Paint {
  std::string_view foreground, background;
};
constexpr std::array<Paint, 6> kSixteen = {
    {{"", "7"}, {"2", "2;7"}, {"32", "30;42"}, {"31", "30;41"}, {"36", "30;46"}, {"33", "30;43"}}};
constexpr std::array<Paint, 6> kIndexed = {{{"", "48;5;238"},
                                            {"38;5;245", "38;5;245;48;5;236"},
                                            {"38;5;41", "38;5;231;48;5;29"},
                                            {"38;5;203", "38;5;231;48;5;124"},
                                            {"38;5;80", "38;5;231;48;5;24"},
                                            {"38;5;214", "38;5;16;48;5;214"}}};
// Without colour: dim, bold and reverse still tell things apart.
constexpr std::array<Paint, 6> kNone = {{{"", "7"}, {"2", "2;7"}, {"", "7"}, {"", "7"}, {"", "7"}, {"", "7"}}};

// Cells left as they are between two changed ones are cheaper to write again than to jump over.
constexpr int kJump = 4;

}  // namespace

TerminalEnvironment terminal_environment() {
  return {variable("TERM"),           variable("COLORTERM"), variable("NO_COLOR"), variable("CLICOLOR"),
          variable("CLICOLOR_FORCE"), variable("LC_ALL"),    variable("LC_CTYPE"), variable("LANG")};
}

Capabilities detect_capabilities(const TerminalEnvironment& e, ColorChoice choice) {
  Capabilities c;
  c.full_screen = !e.term.empty() && e.term != "dumb" && e.term != "unknown";
  c.utf8 = names_utf8(!e.lc_all.empty() ? e.lc_all : !e.lc_ctype.empty() ? e.lc_ctype : e.lang);
  const bool forced = choice == ColorChoice::always ||
                      (choice == ColorChoice::automatic && !e.clicolor_force.empty() && e.clicolor_force != "0");
  const bool refused = choice == ColorChoice::never || !e.no_color.empty() || e.clicolor == "0";
  const bool monochrome = e.term.starts_with("vt1") || e.term.starts_with("vt2") || contains(e.term, "-m");
  if (!forced && (refused || monochrome || !c.full_screen)) {
    c.palette = Palette::none;
  } else {
    const bool rich = contains(e.term, "256color") || contains(e.term, "direct") ||
                      contains(e.colorterm, "truecolor") || contains(e.colorterm, "24bit");
    c.palette = rich ? Palette::indexed : Palette::sixteen;
  }
  return c;
}

namespace {

void append_style(std::string& out, const Style& style, Palette palette) {
  const auto& table = palette == Palette::none ? kNone : palette == Palette::sixteen ? kSixteen : kIndexed;
  const Paint& paint = table[static_cast<std::size_t>(style.ink)];
  out += "\x1b[0";
  if (style.bold) out += ";1";
  const std::string_view codes = style.reverse ? paint.background : paint.foreground;
  if (!codes.empty()) {
    out += ';';
    out += codes;
  }
  out += 'm';
}

void append_glyph(std::string& out, char32_t glyph, bool utf8) {
  if (glyph < 0x80 || utf8) {
    append_utf8(out, glyph);
  } else {
    out.append(static_cast<std::size_t>(width_of(glyph)), '?');
  }
}

}  // namespace

void Painter::move_to(std::string& out, int x, int y) {
  if (x == x_ && y == y_) return;
  out += "\x1b[" + std::to_string(y + 1) + ";" + std::to_string(x + 1) + "H";
  x_ = x;
  y_ = y;
}

void Painter::set_style(std::string& out, const Style& style) {
  if (style_ == style) return;
  style_ = style;
  append_style(out, style, capabilities_.palette);
}

void Painter::put(std::string& out, const Cell& cell) {
  if (cell.glyph == 0) return;  // the right half of what was just written
  set_style(out, cell.style);
  append_glyph(out, cell.glyph, capabilities_.utf8);
  x_ += width_of(cell.glyph);
}

std::string print_screen(const Screen& screen, Capabilities capabilities) {
  const auto [width, height] = screen.size();
  std::string out;
  for (int y = 0; y < height; ++y) {
    int end = width;
    while (end > 0 && screen.at(end - 1, y) == Cell{}) --end;
    Style style;
    for (int x = 0; x < end; ++x) {
      const Cell& cell = screen.at(x, y);
      if (cell.glyph == 0) continue;
      if (cell.style != style && capabilities.palette != Palette::none)
        append_style(out, cell.style, capabilities.palette);
      style = cell.style;
      append_glyph(out, cell.glyph, capabilities.utf8);
    }
    if (style != Style{} && capabilities.palette != Palette::none) out += "\x1b[0m";
    out += '\n';
  }
  return out;
}

std::string Painter::paint(const Screen& next) {
  std::string out;
  const bool whole = !last_.has_value() || last_->size() != next.size();
  if (whole) {
    style_.reset();
    x_ = y_ = -1;
    out += "\x1b[0m\x1b[2J";
    last_.emplace(next.size());
  }
  const auto [width, height] = next.size();
  const auto same = [&](int x, int y) { return last_->at(x, y) == next.at(x, y); };
  for (int y = 0; y < height; ++y) {
    int x = 0;
    while (x < width) {
      if (same(x, y)) {
        ++x;
        continue;
      }
      // From the left half of a wide character, or the terminal would see half of one.
      while (x > 0 && (next.at(x, y).glyph == 0 || last_->at(x, y).glyph == 0)) --x;
      int end = x + 1;
      for (int look = x + 1, kept = 0; look < width && kept <= kJump; ++look) {
        if (same(look, y) && next.at(look, y).glyph != 0) {
          ++kept;
        } else {
          kept = 0;
          end = look + 1;
        }
      }
      move_to(out, x, y);
      for (; x < end; ++x) put(out, next.at(x, y));
      // Where the cursor stands after the last column differs between terminals.
      if (x >= width) x_ = y_ = -1;
    }
  }
  *last_ = next;
  return out;
}

}  // namespace bixws::terminal
