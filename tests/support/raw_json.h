// SPDX-License-Identifier: Apache-2.0
// A JSON reader that keeps the exact text of every value, so that tests can compare digits and cut a value's own bytes
// out of a frame. Written for the tests alone: it shares nothing with the parsers it is used to check.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bixws::test {

// An immutable JSON value. Copies are cheap to keep: all values of a document share its text.
// Looking up what is not there gives a value for which exists() is false, so lookups can be chained.
class RawJson {
 public:
  enum class Kind { missing, null, boolean, number, string, array, object };

  RawJson() = default;

  // Strict RFC 8259; nullopt for anything else, trailing text included.
  static std::optional<RawJson> parse(std::string_view text);
  // Throws std::runtime_error naming the first bytes of the text.
  static RawJson parse_or_throw(std::string_view text);

  Kind kind() const { return kind_; }
  bool exists() const { return kind_ != Kind::missing; }
  bool is_object() const { return kind_ == Kind::object; }
  bool is_array() const { return kind_ == Kind::array; }
  bool is_string() const { return kind_ == Kind::string; }
  bool is_number() const { return kind_ == Kind::number; }
  bool is_null() const { return kind_ == Kind::null; }

  // The value's bytes as they stand in the document, quotes and spaces inside included.
  std::string_view raw() const { return raw_; }
  // A string without quotes and escapes; any other value as raw().
  std::string text() const;
  bool is_true() const { return raw_ == "true"; }
  // The value of an integer, or of a string of digits; nullopt for anything else.
  std::optional<std::int64_t> integer() const;

  std::size_t size() const { return is_object() ? members_.size() : items_.size(); }
  const RawJson& operator[](std::string_view key) const;
  const RawJson& operator[](const char* key) const { return (*this)[std::string_view(key)]; }
  const RawJson& operator[](std::size_t index) const;
  const RawJson& operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }
  const std::vector<RawJson>& items() const { return items_; }
  const std::vector<std::pair<std::string, RawJson>>& members() const { return members_; }

 private:
  friend class RawJsonReader;
  Kind kind_ = Kind::missing;
  std::string_view raw_;
  std::vector<RawJson> items_;
  std::vector<std::pair<std::string, RawJson>> members_;
  std::shared_ptr<const std::string> document_;
};

// The text as a JSON string, quotes included.
std::string json_quoted(std::string_view text);

}  // namespace bixws::test
