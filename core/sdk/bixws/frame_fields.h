// SPDX-License-Identifier: Apache-2.0
// What a dialect keeps of a frame: tokens by the exchange's own field names, and rows of them.
#pragma once

#include <bixws/event.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace bixws {

/// A field's name as a number, to `switch` over: exact up to 8 characters, a hash of the ends beyond. Two names of one
/// switch that met would not compile.
constexpr std::uint64_t tag(Text name) noexcept {
  const auto load = [&](std::size_t at, std::size_t count) {
    std::uint64_t word = 0;
    for (std::size_t i = 0; i < count; ++i) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(name[at + i])) << (8 * i);
    }
    return word;
  };
  if (name.size() <= 8) return load(0, name.size());
  return (load(0, 8) * 0x9E3779B97F4A7C15U) ^ (load(name.size() - 8, 8) * 0xC2B2AE3D27D4EB4FU) ^ name.size();
}

/// A field's name as a template argument: Fields<"price", "qty">.
template <std::size_t kSize>
struct FieldName {
  char text[kSize];
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is a name.
  consteval FieldName(const char (&literal)[kSize]) { std::copy_n(literal, kSize, text); }
  [[nodiscard]] constexpr Text view() const { return {text, kSize - 1}; }
};

/// The tokens of an object's scalars that a dialect cares for; absent ones are empty. Named in the exchange's own order
/// they are found at once.
template <FieldName... kNames>
class Fields {
 public:
  /// A name that is not among them does not compile.
  template <FieldName kName>
  [[nodiscard]] Text get() const {
    constexpr std::size_t index = index_of(tag(kName.view()));
    static_assert(index < kCount, "no such field");
    return tokens_[index];
  }
  /// Where the token of a field belongs; nullptr: nobody cares for it.
  [[nodiscard]] Text* find(std::uint64_t name) {
    for (std::size_t i = 0; i < kCount; ++i) {
      const std::size_t at = next_;
      next_ = next_ + 1 == kCount ? 0 : next_ + 1;
      if (kTags[at] == name) return &tokens_[at];
    }
    return nullptr;
  }
  void clear() {
    std::fill(tokens_, tokens_ + kCount, Text());
    next_ = 0;
  }

 private:
  static constexpr std::size_t kCount = sizeof...(kNames);
  static constexpr std::uint64_t kTags[] = {tag(kNames.view())...};
  static constexpr std::size_t index_of(std::uint64_t name) {
    return static_cast<std::size_t>(std::find(kTags, kTags + kCount, name) - kTags);
  }
  Text tokens_[kCount];
  std::size_t next_ = 0;
};

/// One element of a frame's list: its scalars, and its levels if it is a book.
template <FieldName... kNames>
struct Row : Fields<kNames...> {
  std::vector<Level> bids, asks;
  void clear() {
    Fields<kNames...>::clear();
    bids.clear();
    asks.clear();
  }
};

/// The elements of a frame's list, in memory that is used again for the next frame.
template <typename Element>
class Rows {
 public:
  Element& add() {
    if (count_ == elements_.size()) elements_.emplace_back();
    Element& element = elements_[count_++];
    element.clear();
    return element;
  }
  void clear() { count_ = 0; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] const Element& operator[](std::size_t index) const { return elements_[index]; }
  [[nodiscard]] const Element* begin() const { return elements_.data(); }
  [[nodiscard]] const Element* end() const { return elements_.data() + count_; }

 private:
  std::vector<Element> elements_;
  std::size_t count_ = 0;
};

}  // namespace bixws
