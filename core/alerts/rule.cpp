// SPDX-License-Identifier: Apache-2.0
// Names of rules, and whom they concern.
#include "alerts/rule.h"

#include <algorithm>
#include <array>

#include "alerts/wording.h"

namespace bixws::alerts {

std::string_view name_of(RuleType type) {
  static constexpr std::array<std::string_view, 6> kNames{"price", "move", "spread", "volume", "stale", "gap"};
  return kNames[static_cast<std::size_t>(type)];
}

bool Rule::wants(const Instrument& instrument) const {
  if (symbols.empty()) return !instrument.symbol.empty() || type == RuleType::gap;
  const std::string key = symbol_key(instrument.symbol);
  return std::any_of(symbols.begin(), symbols.end(), [&](const SymbolQuery& query) {
    return query.key == key && (query.exchange.empty() || query.exchange == instrument.exchange);
  });
}

std::string text_problem(std::string_view text) {
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at + 1)) {
    const std::size_t end = text.find('}', at);
    const std::string_view name = text.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    if (end == std::string_view::npos || std::find(kPlaces.begin(), kPlaces.end(), name) == kPlaces.end()) {
      return "has {" + std::string(name) +
             "}; what can be filled in is {symbol}, {exchange}, {price}, {value}, {limit}";
    }
  }
  return {};
}

}  // namespace bixws::alerts
