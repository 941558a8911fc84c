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
                                                     const std::vector<SymbolTaker>& feeds) {
  std::vector<std::vector<std::string>> lists(feeds.size());
  for (const std::string& text : symbols) {
    const SymbolQuery query = parse_symbol(text);
    if (query.exchange.empty()) {
      for (auto& list : lists) add(list, query.key);
      continue;
    }
    bool taken = false;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < feeds.size(); ++i) {
      names.push_back(feeds[i].name);
      if (feeds[i].name != query.exchange) continue;
      add(lists[i], query.key);
      taken = true;
    }
    for (std::size_t i = 0; i < feeds.size() && !taken; ++i) {
      if (feeds[i].relays) add(lists[i], query.exchange + ":" + query.key);
    }
    taken = taken || std::any_of(feeds.begin(), feeds.end(), [](const SymbolTaker& feed) { return feed.relays; });
    if (!taken) {
      throw ConfigError("symbol " + text + " names feed " + query.exchange + ", which is not given with --feed" +
                        did_you_mean(query.exchange, names));
    }
  }
  for (std::size_t i = 0; i < feeds.size(); ++i) {
    if (lists[i].empty() && !feeds[i].relays) lists[i] = default_symbols();
  }
  return lists;
}

}  // namespace bixws::host
