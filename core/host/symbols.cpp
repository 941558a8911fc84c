// SPDX-License-Identifier: Apache-2.0
// Symbols to feeds.
#include "host/symbols.h"

#include <algorithm>

#include "model/config_error.h"
#include "model/nearest.h"
#include "model/symbol.h"

namespace bixws::host {
namespace {

void add(std::vector<std::string>& list, const std::string& symbol) {
  if (std::find(list.begin(), list.end(), symbol) == list.end()) list.push_back(symbol);
}

}  // namespace

std::vector<std::string> default_symbols() { return {"BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT"}; }

std::vector<std::vector<std::string>> assign_symbols(const std::vector<std::string>& symbols,
                                                     const std::vector<std::string>& feeds) {
  std::vector<std::vector<std::string>> lists(feeds.size());
  for (const std::string& text : symbols) {
    const SymbolQuery query = parse_symbol(text);
    if (query.exchange.empty()) {
      for (auto& list : lists) add(list, query.key);
      continue;
    }
    const auto feed = std::find(feeds.begin(), feeds.end(), query.exchange);
    if (feed == feeds.end()) {
      throw ConfigError("symbol " + text + " names feed " + query.exchange + ", which is not given with --feed" +
                        did_you_mean(query.exchange, feeds));
    }
    add(lists[static_cast<std::size_t>(feed - feeds.begin())], query.key);
  }
  for (auto& list : lists) {
    if (list.empty()) list = default_symbols();
  }
  return lists;
}

}  // namespace bixws::host
