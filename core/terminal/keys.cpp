// SPDX-License-Identifier: Apache-2.0
// KeyDecoder: ECMA-48 sequences as xterm, tmux, the Linux console and rxvt send them.
#include "terminal/keys.h"

#include <array>

#include "terminal/cells.h"

namespace bixws::terminal {
namespace {

std::optional<KeyCode> key_of_final(char final) {
  switch (final) {
    case 'A':
      return KeyCode::up;
    case 'B':
      return KeyCode::down;
    case 'C':
      return KeyCode::right;
    case 'D':
      return KeyCode::left;
    case 'H':
      return KeyCode::home;
    case 'F':
      return KeyCode::end;
    case 'Z':
      return KeyCode::back_tab;
    default:
      return std::nullopt;
  }
}

/// CSI number ~
std::optional<KeyCode> key_of_number(std::string_view number) {
  const auto semicolon = number.find(';');  // modifiers follow
  number = number.substr(0, semicolon);
  if (number == "1" || number == "7") return KeyCode::home;
  if (number == "3") return KeyCode::erase;
  if (number == "4" || number == "8") return KeyCode::end;
  if (number == "5") return KeyCode::page_up;
  if (number == "6") return KeyCode::page_down;
  return std::nullopt;
}

std::size_t utf8_length(unsigned char lead) {
  if (lead >= 0xF0) return 4;
  if (lead >= 0xE0) return 3;
  return lead >= 0xC0 ? 2 : 1;
}

}  // namespace

std::optional<Key> KeyDecoder::take_escape(bool more_may_come, bool& again) {
  again = false;
  const auto lone = [&]() -> std::optional<Key> {
    pending_.erase(0, 1);
    return Key{KeyCode::escape, 0};
  };
  if (pending_.size() == 1) return more_may_come ? std::nullopt : lone();
  if (pending_[1] != '[' && pending_[1] != 'O') return lone();  // Alt and a key, or two keys: both are read
  std::size_t end = 2;
  while (end < pending_.size() && (pending_[end] < 0x40 || pending_[end] > 0x7E)) ++end;
  // The Linux console's function keys: CSI [ A
  if (end == 2 && end < pending_.size() && pending_[end] == '[') ++end;
  if (end >= pending_.size()) {
    constexpr std::size_t kLongest = 64;
    if (more_may_come && pending_.size() < kLongest) return std::nullopt;
    if (pending_.size() == 2) return lone();
    pending_.clear();
    return std::nullopt;
  }
  const char final = pending_[end];
  const std::string parameters = pending_.substr(2, end - 2);
  pending_.erase(0, end + 1);
  const auto code = final == '~' ? key_of_number(parameters) : parameters == "[" ? std::nullopt : key_of_final(final);
  if (code.has_value()) return Key{*code, 0};
  again = true;
  return std::nullopt;
}

std::optional<Key> KeyDecoder::next(bool more_may_come) {
  while (!pending_.empty()) {
    const auto first = static_cast<unsigned char>(pending_[0]);
    if (first == 0x1B) {
      bool again = false;
      const auto key = take_escape(more_may_come, again);
      if (key.has_value() || !again) return key;
      continue;
    }
    if (first >= 0xC0 && pending_.size() < utf8_length(first) && more_may_come) return std::nullopt;
    std::string_view text = pending_;
    const char32_t c = next_character(text);
    pending_.erase(0, pending_.size() - text.size());
    if (c == U'\r' || c == U'\n') return Key{KeyCode::enter, 0};
    if (c == U'\t') return Key{KeyCode::tab, 0};
    if (c == 0x7F || c == 0x08) return Key{KeyCode::backspace, 0};
    return Key{KeyCode::character, c};
  }
  return std::nullopt;
}

}  // namespace bixws::terminal
