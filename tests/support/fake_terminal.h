// SPDX-License-Identifier: Apache-2.0
// What a terminal makes of the bytes it gets: enough of ECMA-48 and xterm for full-screen programs, strict about the
// rest. Shares nothing with what it checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bixws::test {

class FakeTerminal {
 public:
  FakeTerminal(int width, int height);

  // Bytes may be cut anywhere.
  void write(std::string_view bytes);
  // What was on its way for the old size is no mistake until the screen is cleared for the new one.
  void resize(int width, int height);

  // The lines without trailing blanks.
  std::string text() const;
  bool alternate_screen() const { return alternate_; }
  bool cursor_shown() const { return cursor_; }
  bool wraps() const { return wraps_; }
  // Sequences that were not understood, and characters beyond the right edge.
  const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void clear();
  void beyond(std::string complaint);
  void put(char32_t character);
  void obey(const std::string& parameters, char final);
  std::u32string& line() { return lines_[static_cast<std::size_t>(y_)]; }

  int width_, height_;
  std::vector<std::u32string> lines_;  // 0: right half of a wide character
  int x_ = 0, y_ = 0;
  bool resized_ = false;
  bool alternate_ = false, cursor_ = true, wraps_ = true;
  std::string pending_;
  std::vector<std::string> complaints_;
};

}  // namespace bixws::test
