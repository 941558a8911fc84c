// SPDX-License-Identifier: Apache-2.0
// TextBuffer: growth, and what needs more than a line.
#include "model/text_buffer.h"

#include <algorithm>

#include "model/json_string.h"

namespace bixws {

void TextBuffer::grow(std::size_t count) {
  const std::size_t wanted = std::max({capacity_ * 2, size_ + count, std::size_t{256}});
  auto bigger = std::make_unique_for_overwrite<char[]>(wanted);
  if (size_ > 0) std::memcpy(bigger.get(), data_.get(), size_);
  data_ = std::move(bigger);
  capacity_ = wanted;
}

void TextBuffer::quoted(std::string_view text) {
  char* const to = room(json_string_room(text.size()));
  size_ += static_cast<std::size_t>(write_json_string(to, text) - to);
}

}  // namespace bixws
