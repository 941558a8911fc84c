// SPDX-License-Identifier: Apache-2.0
// Screen: a picture made of character cells, which views draw on and a Painter brings to the terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bixws::terminal {

/// What a colour means; the painter decides what it looks like.
enum class Ink : std::uint8_t { normal, dim, up, down, accent, warning };

struct Style {
  Ink ink = Ink::normal;
  bool bold = false;
  bool reverse = false;  ///< ink as background: flashes, the selected row, depth bars
  friend bool operator==(const Style&, const Style&) = default;
};

/// One column of one line. A glyph that is two columns wide is followed by a cell with glyph 0.
struct Cell {
  char32_t glyph = U' ';
  Style style;
  friend bool operator==(const Cell&, const Cell&) = default;
};

struct Size {
  int width = 80;
  int height = 24;
  friend bool operator==(const Size&, const Size&) = default;
};

struct Rect {
  int x = 0, y = 0, width = 0, height = 0;
  [[nodiscard]] int right() const { return x + width; }
  [[nodiscard]] int bottom() const { return y + height; }
};

/// The next character of UTF-8 text, which is shortened by it; U+FFFD for bytes that are none. REQUIRES: not empty.
char32_t next_character(std::string_view& text);
void append_utf8(std::string& out, char32_t character);
/// Columns a character takes: 0 for combining marks, 2 for East Asian wide ones and emoji.
int width_of(char32_t character);
int width_of(std::string_view utf8);

/// Not thread-safe. Everything outside the picture is clipped, so views need not check.
class Screen {
 public:
  explicit Screen(Size size);

  [[nodiscard]] Size size() const { return size_; }
  [[nodiscard]] const Cell& at(int x, int y) const { return cells_[index(x, y)]; }

  void put(int x, int y, char32_t glyph, Style style = {});
  /// Writes text and returns the column after it. What does not fit before `end` (default: the right edge) is cut.
  /// Control characters become U+FFFD: a server's text cannot steer the terminal.
  int text(int x, int y, std::string_view utf8, Style style = {}, int end = -1);
  /// The same, ending right before column `end`; too long text loses its end.
  void text_right(int end, int y, std::string_view utf8, Style style = {}, int begin = 0);
  void fill(Rect area, char32_t glyph, Style style = {});
  /// Changes the style of what stands there.
  void restyle(Rect area, Style style);
  void reverse(Rect area);

  /// For tests and for people: the lines without trailing blanks.
  [[nodiscard]] std::string to_text() const;
  /// The same with one letter per cell for its style: '.' normal, 'd' dim, 'u' up, 'w' warning ...; upper case: bold;
  /// a reversed cell is shown as its letter after a mapping of its own (see the .cpp). Blank cells without style: ' '.
  [[nodiscard]] std::string to_styles() const;

 private:
  [[nodiscard]] std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size_.width) + static_cast<std::size_t>(x);
  }
  Size size_;
  std::vector<Cell> cells_;
};

}  // namespace bixws::terminal
