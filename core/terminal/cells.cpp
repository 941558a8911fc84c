// SPDX-License-Identifier: Apache-2.0
// Screen: cells, UTF-8 and column widths.
#include "terminal/cells.h"

#include <algorithm>
#include <array>

namespace bixws::terminal {
namespace {

constexpr char32_t kReplacement = U'\uFFFD';

struct Range {
  char32_t first, last;
};

// The blocks that matter for names and notes; terminals differ about the rest.
constexpr std::array<Range, 8> kCombining = {{{0x0300, 0x036F},
                                              {0x0483, 0x0489},
                                              {0x0591, 0x05BD},
                                              {0x064B, 0x065F},
                                              {0x200B, 0x200F},
                                              {0x20D0, 0x20FF},
                                              {0xFE00, 0xFE0F},
                                              {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 10> kWide = {{{0x1100, 0x115F},
                                          {0x2E80, 0x303E},
                                          {0x3041, 0x33FF},
                                          {0x3400, 0x4DBF},
                                          {0x4E00, 0x9FFF},
                                          {0xA000, 0xA4CF},
                                          {0xAC00, 0xD7A3},
                                          {0xF900, 0xFAFF},
                                          {0xFF00, 0xFF60},
                                          {0x1F300, 0x1FAFF}}};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, char32_t c) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const Range& r) { return c >= r.first && c <= r.last; });
}

/// C0, DEL, C1, and the marks that turn the direction of a line: none of them may reach a terminal.
bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

}  // namespace

char32_t next_character(std::string_view& text) {
  const auto byte = [&text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  std::size_t length = 1;
  char32_t value = lead;
  char32_t least = 0;
  if (lead >= 0xC0 && lead < 0xE0) {
    length = 2;
    value = lead & 0x1FU;
    least = 0x80;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    length = 3;
    value = lead & 0x0FU;
    least = 0x800;
  } else if (lead >= 0xF0 && lead < 0xF8) {
    length = 4;
    value = lead & 0x07U;
    least = 0x10000;
  } else if (lead >= 0x80) {
    text.remove_prefix(1);
    return kReplacement;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if (i >= text.size() || (byte(i) & 0xC0U) != 0x80) {
      text.remove_prefix(i);
      return kReplacement;
    }
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  text.remove_prefix(length);
  if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return kReplacement;
  return value;
}

void append_utf8(std::string& out, char32_t c) {
  const auto push = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0U | (c >> 6U));
    push(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    push(0xE0U | (c >> 12U));
    push(0x80U | ((c >> 6U) & 0x3FU));
    push(0x80U | (c & 0x3FU));
  } else {
    push(0xF0U | (c >> 18U));
    push(0x80U | ((c >> 12U) & 0x3FU));
    push(0x80U | ((c >> 6U) & 0x3FU));
    push(0x80U | (c & 0x3FU));
  }
}

int width_of(char32_t c) {
  if (c < 0x0300) return 1;
  if (within(kCombining, c)) return 0;
  return within(kWide, c) ? 2 : 1;
}

int width_of(std::string_view utf8) {
  int width = 0;
  while (!utf8.empty()) width += width_of(next_character(utf8));
  return width;
}

Screen::Screen(Size size)
    : size_{std::max(size.width, 1), std::max(size.height, 1)},
      cells_(static_cast<std::size_t>(size_.width) * static_cast<std::size_t>(size_.height)) {}

void Screen::put(int x, int y, char32_t glyph, Style style) {
  if (x < 0 || y < 0 || x >= size_.width || y >= size_.height) return;
  if (is_control(glyph)) glyph = kReplacement;
  const int width = width_of(glyph);
  if (width == 0) return;
  if (x + width > size_.width) glyph = U' ';
  // Half of a wide character left behind would shift the rest of the line.
  if (cells_[index(x, y)].glyph == 0 && x > 0) cells_[index(x - 1, y)].glyph = U' ';
  const int last = x + width - 1;
  if (last + 1 < size_.width && cells_[index(last + 1, y)].glyph == 0) cells_[index(last + 1, y)].glyph = U' ';
  cells_[index(x, y)] = {glyph, style};
  if (width == 2 && last < size_.width) cells_[index(last, y)] = {0, style};
}

int Screen::text(int x, int y, std::string_view utf8, Style style, int end) {
  if (end < 0 || end > size_.width) end = size_.width;
  while (!utf8.empty()) {
    const char32_t glyph = next_character(utf8);
    const int width = is_control(glyph) ? 1 : width_of(glyph);
    if (x + width > end) break;
    put(x, y, glyph, style);
    x += width;
  }
  return x;
}

void Screen::text_right(int end, int y, std::string_view utf8, Style style, int begin) {
  text(std::max(begin, end - width_of(utf8)), y, utf8, style, end);
}

void Screen::fill(Rect area, char32_t glyph, Style style) {
  for (int y = area.y; y < area.bottom(); ++y) {
    for (int x = area.x; x < area.right(); ++x) put(x, y, glyph, style);
  }
}

void Screen::restyle(Rect area, Style style) {
  for (int y = std::max(area.y, 0); y < std::min(area.bottom(), size_.height); ++y) {
    for (int x = std::max(area.x, 0); x < std::min(area.right(), size_.width); ++x) cells_[index(x, y)].style = style;
  }
}

void Screen::reverse(Rect area) {
  for (int y = std::max(area.y, 0); y < std::min(area.bottom(), size_.height); ++y) {
    for (int x = std::max(area.x, 0); x < std::min(area.right(), size_.width); ++x) {
      cells_[index(x, y)].style.reverse = true;
    }
  }
}

std::string Screen::to_text() const {
  std::string out;
  for (int y = 0; y < size_.height; ++y) {
    std::string line;
    for (int x = 0; x < size_.width; ++x) {
      if (at(x, y).glyph != 0) append_utf8(line, at(x, y).glyph);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line;
    out += '\n';
  }
  return out;
}

std::string Screen::to_styles() const {
  // Plain, bold, reversed, reversed and bold; one row per ink.
  static constexpr std::array<std::string_view, 6> kLetters = {{".*#@", "dDxX", "uU^+", "vV_-", "aA=%", "wW!?"}};
  std::string out;
  for (int y = 0; y < size_.height; ++y) {
    std::string line;
    for (int x = 0; x < size_.width; ++x) {
      const Cell& cell = at(x, y);
      if (cell.glyph == 0) continue;
      if (cell.glyph == U' ' && !cell.style.reverse) {
        line += ' ';
        continue;
      }
      const std::size_t form = (cell.style.bold ? 1U : 0U) + (cell.style.reverse ? 2U : 0U);
      line += kLetters[static_cast<std::size_t>(cell.style.ink)][form];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace bixws::terminal
