// SPDX-License-Identifier: Apache-2.0
// TextBuffer: an output buffer that grows without zeroing what it grows by; the hot path of all encoding.
#pragma once

#include <bixws/decimal.h>

#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace bixws {

class TextBuffer {
 public:
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] std::string str() const { return std::string(view()); }
  [[nodiscard]] const char* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  void clear() { size_ = 0; }
  void shrink_to(std::size_t size) { size_ = size; }

  void raw(std::string_view text) {
    if (text.data() == nullptr) return;  // and none of these either
    char* to = room(text.size());
    std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }
  void raw(char c) {
    *room(1) = c;
    ++size_;
  }
  void integer(std::integral auto value) {
    char* to = room(24);
    size_ += static_cast<std::size_t>(std::to_chars(to, to + 24, value).ptr - to);
  }
  /// REQUIRES: value.has_value().
  void decimal(const Decimal& value) {
    char* to = room(kDecimalChars);
    size_ += static_cast<std::size_t>(write_decimal(to, value) - to);
  }
  /// A JSON string with its quotes. Bytes above 0x7f pass as they are: inputs are UTF-8.
  void quoted(std::string_view text);
  /// Space for `count` bytes to be filled in later, for frame headers; returns its offset.
  std::size_t skip(std::size_t count) {
    room(count);
    size_ += count;
    return size_ - count;
  }
  [[nodiscard]] char* at(std::size_t offset) { return data_.get() + offset; }

 private:
  char* room(std::size_t count) {
    if (capacity_ - size_ <= count) grow(count);  // for no bytes, too: memcpy takes no null pointer
    return data_.get() + size_;
  }
  void grow(std::size_t count);

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace bixws
