// SPDX-License-Identifier: Apache-2.0
// UTF-8 checked as it arrives (RFC 3629): the first impossible byte is refused, wherever the input is cut.
#pragma once

#include <cstdint>
#include <string_view>

namespace bixws::net {

class Utf8Check {
 public:
  /// False as soon as the bytes so far cannot be the beginning of valid UTF-8.
  bool feed(std::string_view bytes) noexcept;
  /// No character is left half-way.
  bool complete() const noexcept { return missing_ == 0; }
  void reset() noexcept { *this = {}; }

 private:
  std::uint8_t missing_ = 0;  // continuation bytes still to come
  std::uint8_t low_ = 0x80;   // range of the next one: excludes overlong forms, surrogates, and beyond U+10FFFF
  std::uint8_t high_ = 0xbf;
};

inline bool valid_utf8(std::string_view bytes) noexcept {
  Utf8Check check;
  return check.feed(bytes) && check.complete();
}

}  // namespace bixws::net
