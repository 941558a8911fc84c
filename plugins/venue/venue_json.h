// SPDX-License-Identifier: Apache-2.0
// What the venues of several exchanges write and read alike.
#pragma once

#include <bixws/venue.h>
#include <simdjson.h>

#include <cstdio>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bixws::venue {

inline constexpr std::size_t kAllLevels = std::numeric_limits<std::size_t>::max();

using Element = simdjson::dom::element;

/// A client's message, or a recorded body; nothing if it is no JSON. Valid until the parser reads the next one.
inline std::optional<Element> parse(simdjson::dom::parser& parser, Text text) {
  Element element;
  if (parser.parse(text.data(), text.size()).get(element) != simdjson::SUCCESS) return std::nullopt;
  return element;
}

/// A field; nothing if `from` is no object or has no such field.
inline std::optional<Element> field(Element from, Text name) {
  Element element;
  if (from[name].get(element) != simdjson::SUCCESS) return std::nullopt;
  return element;
}

inline std::string text(const std::optional<Element>& element) {
  std::string_view value;
  if (!element || element->get(value) != simdjson::SUCCESS) return {};
  return std::string(value);
}
inline std::string text(Element from, Text name) { return text(field(from, name)); }

/// The element as it was written, without spaces.
inline std::string raw(const std::optional<Element>& element, Text otherwise) {
  return element ? simdjson::minify(*element) : std::string(otherwise);
}

/// The elements of an array; none if it is no array.
inline std::vector<Element> items(const std::optional<Element>& element) {
  std::vector<Element> list;
  simdjson::dom::array array;
  if (!element || element->get(array) != simdjson::SUCCESS) return list;
  for (const Element item : array) list.push_back(item);
  return list;
}

inline std::string json_text(Text text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

/// `"id":7,` as the request has it, or nothing.
inline std::string echoed(Element request, Text name) {
  const auto id = field(request, name);
  return id ? json_text(name) + ":" + raw(id, {}) + "," : std::string();
}

/// One level between `before` and `after`: ["63004.9","0.5"] for `["`, `","`, `"]`.
inline std::string levels(std::span<const Level> side, Text before, Text between, Text after) {
  std::string out = "[";
  for (const Level& level : side) {
    if (out.size() > 1) out += ',';
    out += before;
    out += level.price.to_string();
    out += between;
    out += level.size.to_string();
    out += after;
  }
  return out + "]";
}

/// "2026-08-01T02:53:53.184174Z"
inline std::string rfc3339(Micros time) {
  const std::time_t seconds = time / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(time % 1'000'000));
  return text;
}

inline std::vector<std::string> split(Text text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    if (!text.substr(0, end).empty()) parts.emplace_back(text.substr(0, end));
    if (end == Text::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

inline std::string cased(Text text, bool upper) {
  std::string out(text);
  for (char& c : out) {
    if (upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (!upper && c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// How many levels a client asks for; `otherwise` if it does not say, or nonsense.
inline std::size_t limit_of(const std::string& text, std::size_t otherwise) {
  std::size_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return text.empty() || result.ec != std::errc() || value == 0 ? otherwise : value;
}

/// Channel, symbol.
using Wish = std::pair<std::string, std::string>;

}  // namespace bixws::venue
