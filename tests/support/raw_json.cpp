// SPDX-License-Identifier: Apache-2.0
// The recursive-descent reader behind RawJson.
#include "support/raw_json.h"

#include <charconv>
#include <stdexcept>

namespace bixws::test {

namespace {

constexpr int max_depth = 200;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

std::uint32_t hex4(std::string_view digits) {
  std::uint32_t code = 0;
  for (const char c : digits) code = code * 16 + static_cast<std::uint32_t>(hex_value(c));
  return code;
}

// `quoted` has been checked by the reader: every escape in it is complete.
std::string unescaped(std::string_view quoted) {
  const std::string_view inner = quoted.substr(1, quoted.size() - 2);
  if (inner.find('\\') == std::string_view::npos) return std::string(inner);
  std::string out;
  for (std::size_t i = 0; i < inner.size(); ++i) {
    if (inner[i] != '\\') {
      out += inner[i];
      continue;
    }
    const char escape = inner[++i];
    switch (escape) {
      case 'b':
        out += '\b';
        break;
      case 'f':
        out += '\f';
        break;
      case 'n':
        out += '\n';
        break;
      case 'r':
        out += '\r';
        break;
      case 't':
        out += '\t';
        break;
      case 'u': {
        std::uint32_t code = hex4(inner.substr(i + 1, 4));
        i += 4;
        const bool high = code >= 0xD800 && code < 0xDC00;
        if (high && inner.substr(i + 1, 2) == "\\u") {
          const std::uint32_t low = hex4(inner.substr(i + 3, 4));
          if (low >= 0xDC00 && low < 0xE000) {
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            i += 6;
          }
        }
        append_utf8(out, code);
        break;
      }
      default:
        out += escape;
    }
  }
  return out;
}

}  // namespace

class RawJsonReader {
 public:
  explicit RawJsonReader(std::shared_ptr<const std::string> document)
      : document_(std::move(document)), text_(*document_) {}

  std::optional<RawJson> read() {
    RawJson value;
    if (!read_value(value, 0)) return std::nullopt;
    skip_space();
    if (at_ != text_.size()) return std::nullopt;
    return value;
  }

 private:
  void skip_space() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  bool take_digits() {
    const std::size_t first = at_;
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return at_ > first;
  }

  bool read_value(RawJson& value, int depth) {
    skip_space();
    if (at_ >= text_.size() || depth > max_depth) return false;
    const std::size_t start = at_;
    bool good = false;
    switch (text_[at_]) {
      case '{':
        value.kind_ = RawJson::Kind::object;
        good = read_object(value, depth);
        break;
      case '[':
        value.kind_ = RawJson::Kind::array;
        good = read_array(value, depth);
        break;
      case '"':
        value.kind_ = RawJson::Kind::string;
        good = read_string();
        break;
      case 't':
        value.kind_ = RawJson::Kind::boolean;
        good = take_word("true");
        break;
      case 'f':
        value.kind_ = RawJson::Kind::boolean;
        good = take_word("false");
        break;
      case 'n':
        value.kind_ = RawJson::Kind::null;
        good = take_word("null");
        break;
      default:
        value.kind_ = RawJson::Kind::number;
        good = read_number();
    }
    value.raw_ = text_.substr(start, at_ - start);
    value.document_ = document_;
    return good;
  }

  bool read_object(RawJson& value, int depth) {
    take('{');
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      const std::size_t start = at_;
      if (!read_string()) return false;
      std::string key = unescaped(text_.substr(start, at_ - start));
      skip_space();
      if (!take(':')) return false;
      RawJson member;
      if (!read_value(member, depth + 1)) return false;
      value.members_.emplace_back(std::move(key), std::move(member));
      skip_space();
    } while (take(','));
    return take('}');
  }

  bool read_array(RawJson& value, int depth) {
    take('[');
    skip_space();
    if (take(']')) return true;
    do {
      RawJson item;
      if (!read_value(item, depth + 1)) return false;
      value.items_.push_back(std::move(item));
      skip_space();
    } while (take(','));
    return take(']');
  }

  bool read_string() {
    if (!take('"')) return false;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c != '\\') continue;
      if (at_ >= text_.size()) return false;
      const char escape = text_[at_++];
      if (escape == 'u') {
        for (int i = 0; i < 4; ++i) {
          if (at_ >= text_.size() || hex_value(text_[at_++]) < 0) return false;
        }
      } else if (std::string_view("\"\\/bfnrt").find(escape) == std::string_view::npos) {
        return false;
      }
    }
    return false;
  }

  bool read_number() {
    take('-');
    if (!take('0') && !take_digits()) return false;
    if (take('.') && !take_digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      return take_digits();
    }
    return true;
  }

  std::shared_ptr<const std::string> document_;
  std::string_view text_;
  std::size_t at_ = 0;
};

std::optional<RawJson> RawJson::parse(std::string_view text) {
  return RawJsonReader(std::make_shared<const std::string>(text)).read();
}

RawJson RawJson::parse_or_throw(std::string_view text) {
  if (auto value = parse(text)) return *std::move(value);
  throw std::runtime_error("not JSON: " + std::string(text.substr(0, 120)));
}

std::string RawJson::text() const { return is_string() ? unescaped(raw_) : std::string(raw_); }

std::optional<std::int64_t> RawJson::integer() const {
  if (kind_ != Kind::number && kind_ != Kind::string) return std::nullopt;
  const std::string digits = text();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

const RawJson& RawJson::operator[](std::string_view key) const {
  static const RawJson missing;
  for (const auto& [name, value] : members_) {
    if (name == key) return value;
  }
  return missing;
}

const RawJson& RawJson::operator[](std::size_t index) const {
  static const RawJson missing;
  return index < items_.size() ? items_[index] : missing;
}

std::string json_quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += hex[static_cast<unsigned char>(c) >> 4];
      out += hex[static_cast<unsigned char>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace bixws::test
