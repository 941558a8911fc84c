// SPDX-License-Identifier: Apache-2.0
// Small operations on header text: trimming, lists, comparison without case.
#pragma once

#include <string_view>
#include <vector>

namespace bixws::net {

inline char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline bool same_ignoring_case(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

inline std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Parts between separators, trimmed, empty ones left out; separators inside double quotes do not count.
inline std::vector<std::string_view> split_list(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  bool quoted = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i < text.size() && (text[i] != separator || quoted)) continue;
    if (const std::string_view part = trim(text.substr(begin, i - begin)); !part.empty()) parts.push_back(part);
    begin = i + 1;
  }
  return parts;
}

/// Is `token` one of a comma-separated list, case aside ("keep-alive, Upgrade")?
inline bool list_has(std::string_view list, std::string_view token) {
  for (const std::string_view part : split_list(list, ',')) {
    if (same_ignoring_case(part, token)) return true;
  }
  return false;
}

}  // namespace bixws::net
