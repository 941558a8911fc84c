// SPDX-License-Identifier: Apache-2.0
// FakeTerminal: cursor moves, erasing, modes; colours are taken and forgotten.
#include "support/fake_terminal.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace bixws::test {
namespace {

// East Asian characters and emoji, as far as tests use them.
bool is_wide(char32_t c) { return (c >= 0x2E80 && c <= 0xA4CF) || (c >= 0xAC00 && c <= 0xD7A3) || c >= 0x1F300; }

int length_of(unsigned char lead) { return lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; }

char32_t decode(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (bytes.size() == 1) return lead;
  char32_t value = lead & (0xFFU >> (bytes.size() + 1));
  for (const char c : bytes.substr(1)) value = value << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  return value;
}

std::string encode(char32_t c) {
  std::string out;
  const auto push = [&out](char32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
  if (c < 0x80) {
    push(c);
  } else if (c < 0x800) {
    push(0xC0U | c >> 6U);
    push(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    push(0xE0U | c >> 12U);
    push(0x80U | (c >> 6U & 0x3FU));
    push(0x80U | (c & 0x3FU));
  } else {
    push(0xF0U | c >> 18U);
    push(0x80U | (c >> 12U & 0x3FU));
    push(0x80U | (c >> 6U & 0x3FU));
    push(0x80U | (c & 0x3FU));
  }
  return out;
}

}  // namespace

FakeTerminal::FakeTerminal(int width, int height) : width_(width), height_(height) { clear(); }

void FakeTerminal::clear() {
  lines_.assign(static_cast<std::size_t>(height_), std::u32string(static_cast<std::size_t>(width_), U' '));
}

void FakeTerminal::resize(int width, int height) {
  width_ = width;
  height_ = height;
  lines_.resize(static_cast<std::size_t>(height), std::u32string());
  for (auto& row : lines_) row.resize(static_cast<std::size_t>(width), U' ');
  x_ = y_ = 0;
  resized_ = true;
}

void FakeTerminal::beyond(std::string complaint) {
  if (!resized_) complaints_.push_back(std::move(complaint));
}

void FakeTerminal::write(std::string_view bytes) {
  pending_ += bytes;
  while (!pending_.empty()) {
    if (pending_[0] == '\x1b') {
      if (pending_.size() < 2) return;
      if (pending_[1] != '[') {
        complaints_.push_back("ESC " + pending_.substr(1, 1));
        pending_.erase(0, 2);
        continue;
      }
      const auto end = pending_.find_first_not_of("0123456789;?", 2);
      if (end == std::string::npos) return;
      const std::string parameters = pending_.substr(2, end - 2);
      const char final = pending_[end];
      pending_.erase(0, end + 1);
      obey(parameters, final);
      continue;
    }
    const auto length = static_cast<std::size_t>(length_of(static_cast<unsigned char>(pending_[0])));
    if (pending_.size() < length) return;
    const char32_t c = decode(std::string_view(pending_).substr(0, length));
    pending_.erase(0, length);
    put(c);
  }
}

void FakeTerminal::put(char32_t c) {
  if (c == U'\r') {
    x_ = 0;
  } else if (c == U'\n') {
    if (y_ + 1 < height_) ++y_;
  } else if (c < 0x20) {
    complaints_.push_back("control character " + std::to_string(static_cast<unsigned>(c)));
  } else if (x_ + (is_wide(c) ? 2 : 1) > width_) {
    beyond("written beyond the right edge");
  } else {
    line()[static_cast<std::size_t>(x_++)] = c;
    if (is_wide(c)) line()[static_cast<std::size_t>(x_++)] = 0;
  }
}

void FakeTerminal::obey(const std::string& parameters, char final) {
  if (final == 'm') return;
  if (final == 'H') {
    const auto semicolon = parameters.find(';');
    y_ = parameters.empty() ? 0 : std::atoi(parameters.c_str()) - 1;
    x_ = semicolon == std::string::npos ? 0 : std::atoi(parameters.c_str() + semicolon + 1) - 1;
    if (x_ < 0 || y_ < 0 || x_ >= width_ || y_ >= height_) beyond("moved to " + parameters);
    x_ = std::min(std::max(x_, 0), width_ - 1);
    y_ = std::min(std::max(y_, 0), height_ - 1);
  } else if (final == 'J' && parameters == "2") {
    resized_ = false;
    clear();
  } else if (final == 'h' || final == 'l') {
    const bool on = final == 'h';
    if (parameters == "?1049") {
      alternate_ = on;
      clear();
    } else if (parameters == "?25") {
      cursor_ = on;
    } else if (parameters == "?7") {
      wraps_ = on;
    } else {
      complaints_.push_back("mode " + parameters);
    }
  } else {
    complaints_.push_back("CSI " + parameters + final);
  }
}

std::string FakeTerminal::text() const {
  std::string out;
  for (const auto& row : lines_) {
    std::string text;
    for (const char32_t c : row) {
      if (c != 0) text += encode(c);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

}  // namespace bixws::test
