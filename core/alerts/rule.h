// SPDX-License-Identifier: Apache-2.0
// Rule: what a user wants to be told about. Values only; how they are written is host/alert_rules.h.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/symbol.h"

namespace bixws::alerts {

enum class RuleType : std::uint8_t { price, move, spread, volume, stale, gap };
[[nodiscard]] std::string_view name_of(RuleType type);

enum class Direction : std::uint8_t { any, up, down };

struct Rule {
  std::string name;  ///< part of every alert's id; unique among the rules of a process
  RuleType type = RuleType::price;
  std::vector<SymbolQuery> symbols;  ///< empty: all
  Decimal above, below;              ///< price: limits, either may be absent. spread: `above`, in percent of the middle
  double percent = 0;                ///< move
  Direction direction = Direction::any;
  Micros window = 60'000'000;    ///< move, volume
  double times = 0;              ///< volume: how often the mean of the windows before
  std::uint32_t over = 20;       ///< volume: of how many windows before
  Micros after = 0;              ///< stale
  std::uint32_t channels = 0;    ///< gap: 1 << int(Channel); 0: any
  double hysteresis = 0;         ///< percent of the limit by which the value must come back before the next alert
  Micros cooldown = 60'000'000;  ///< no second alert of the same rule, symbol and direction within
  std::string text;  ///< empty: the rule's own words. {symbol} {exchange} {price} {value} {limit} are filled in
  std::string color;

  [[nodiscard]] bool wants(const Instrument& instrument) const;
};

/// What is wrong with `text` as Rule::text, or empty.
[[nodiscard]] std::string text_problem(std::string_view text);

}  // namespace bixws::alerts
