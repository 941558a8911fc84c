// SPDX-License-Identifier: Apache-2.0
// TextBuffer: growth and JSON strings.
#include "model/text_buffer.h"

#include <algorithm>

namespace bixws {

void TextBuffer::grow(std::size_t count) {
  const std::size_t wanted = std::max({capacity_ * 2, size_ + count, std::size_t{256}});
  auto bigger = std::make_unique_for_overwrite<char[]>(wanted);
  if (size_ > 0) std::memcpy(bigger.get(), data_.get(), size_);
  data_ = std::move(bigger);
  capacity_ = wanted;
}

void TextBuffer::quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  char* const start = room(text.size() * 6 + 2);
  char* to = start;
  *to++ = '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *to++ = '\\';
      *to++ = c;
    } else if (byte >= 0x20) {
      *to++ = c;
    } else if (c == '\n') {
      *to++ = '\\';
      *to++ = 'n';
    } else {
      std::memcpy(to, "\\u00", 4);
      to[4] = kHex[byte >> 4];
      to[5] = kHex[byte & 15U];
      to += 6;
    }
  }
  *to++ = '"';
  size_ += static_cast<std::size_t>(to - start);
}

}  // namespace bixws
