// SPDX-License-Identifier: Apache-2.0
// Byte columns: growing output with LEB128 varints and bounds-checked input, the alphabet of a chunk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace bixws::recording {

constexpr std::uint64_t zigzag(std::int64_t value) noexcept {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t value) noexcept {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
/// Differences wrap around, so that any two values have one and nothing overflows.
constexpr std::int64_t difference(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

class ColumnWriter {
 public:
  void byte(std::uint8_t value) {
    *room(1) = value;
    ++size_;
  }
  void varint(std::uint64_t value) {
    std::uint8_t* to = room(10);
    std::uint8_t* const start = to;
    while (value >= 0x80) {
      *to++ = static_cast<std::uint8_t>(value | 0x80);
      value >>= 7;
    }
    *to++ = static_cast<std::uint8_t>(value);
    size_ += static_cast<std::size_t>(to - start);
  }
  void signed_varint(std::int64_t value) { varint(zigzag(value)); }
  void bytes(std::string_view text) {
    if (text.empty()) return;
    std::memcpy(room(text.size()), text.data(), text.size());
    size_ += text.size();
  }
  void clear() { size_ = 0; }
  void shrink_to(std::size_t size) { size_ = size; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::string_view view() const { return {reinterpret_cast<const char*>(data_.get()), size_}; }

 private:
  std::uint8_t* room(std::size_t count) {
    if (capacity_ - size_ < count) grow(count);
    return data_.get() + size_;
  }
  void grow(std::size_t count) {
    std::size_t wanted = capacity_ == 0 ? 256 : capacity_ * 2;
    while (wanted < size_ + count) wanted *= 2;
    auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(wanted);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<std::uint8_t[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

/// Reading past the end, or a varint of more than 64 bits, sets failed() and gives zeros from then on.
class ColumnReader {
 public:
  ColumnReader() = default;
  explicit ColumnReader(std::string_view bytes)
      : next_(reinterpret_cast<const std::uint8_t*>(bytes.data())), end_(next_ + bytes.size()) {}

  std::uint8_t byte() {
    if (next_ == end_) return fail();
    return *next_++;
  }
  std::uint64_t varint() {
    if (next_ != end_ && *next_ < 0x80) return *next_++;
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && next_ != end_; shift += 7) {
      const std::uint8_t part = *next_++;
      value |= static_cast<std::uint64_t>(part & 0x7f) << shift;
      if (part < 0x80) {
        if (shift == 63 && part > 1) return fail();
        return value;
      }
    }
    return fail();
  }
  std::int64_t signed_varint() { return unzigzag(varint()); }
  std::string_view bytes(std::uint64_t count) {
    if (count > left()) {
      fail();
      return {};
    }
    const auto* at = reinterpret_cast<const char*>(next_);
    next_ += count;
    return {at, static_cast<std::size_t>(count)};
  }
  [[nodiscard]] std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }
  [[nodiscard]] bool failed() const { return failed_; }
  std::uint8_t fail() {
    failed_ = true;
    next_ = end_;
    return 0;
  }

 private:
  const std::uint8_t* next_ = nullptr;
  const std::uint8_t* end_ = nullptr;
  bool failed_ = false;
};

}  // namespace bixws::recording
