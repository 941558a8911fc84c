// SPDX-License-Identifier: Apache-2.0
// Symbol spelling: one key for all of them, and candidates for what matches none.
#include "model/symbol.h"

#include <algorithm>
#include <vector>

#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws {
namespace {

constexpr std::size_t kCandidates = 5;

bool is_letter_or_digit(char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::string choices(const std::vector<std::string>& names) {
  std::string text = "; did you mean ";
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i != 0) text += i + 1 == names.size() ? " or " : ", ";
    text += names[i];
  }
  return text + "?";
}

}  // namespace

std::string symbol_key(std::string_view text) {
  std::string key;
  key.reserve(text.size());
  for (const char c : text) {
    if (c == '-' || c == '/') continue;
    key += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  if (key.starts_with("XBT")) key.replace(0, 3, "BTC");
  if (key.size() > 3 && key.ends_with("XBT")) key.replace(key.size() - 3, 3, "BTC");
  return key;
}

SymbolQuery parse_symbol(std::string_view text) {
  SymbolQuery query;
  std::string_view name = text;
  if (const auto colon = text.find(':'); colon != std::string_view::npos) {
    for (const char c : text.substr(0, colon)) {
      query.exchange += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    name = text.substr(colon + 1);
    if (query.exchange.empty()) throw ConfigError("no exchange before the colon in symbol " + std::string(text));
  }
  const bool plausible =
      std::any_of(name.begin(), name.end(), is_letter_or_digit) && std::all_of(name.begin(), name.end(), [](char c) {
        return is_letter_or_digit(c) || c == '-' || c == '/' || c == '_' || c == '.';
      });
  if (!plausible) {
    throw ConfigError("\"" + std::string(text) + "\" is not a symbol; expected one such as BTCUSDT or kraken:BTCUSD");
  }
  query.key = symbol_key(name);
  return query;
}

SymbolMatch match_symbol(std::string_view text, std::span<const std::string> known) {
  const std::string key = symbol_key(text);
  std::vector<std::string> same;
  std::vector<std::string> longer;
  for (const std::string& symbol : known) {
    if (symbol == text) return {symbol, {}};
    const std::string other = symbol_key(symbol);
    if (other == key) same.push_back(symbol);
    if (longer.size() < kCandidates && other.starts_with(key)) longer.push_back(symbol);
  }
  if (same.size() == 1) return {same.front(), {}};
  if (same.size() > 1) return {{}, "ambiguous symbol " + std::string(text) + choices(same)};
  if (!longer.empty()) return {{}, "unknown symbol " + std::string(text) + choices(longer)};
  return {{}, "unknown symbol " + std::string(text) + did_you_mean(key, known)};
}

}  // namespace bixws
