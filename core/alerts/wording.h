// SPDX-License-Identifier: Apache-2.0
// What an alert says: a rule's own text with its places filled in, or plain words.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "alerts/rule.h"

namespace bixws::alerts {

inline constexpr std::array<std::string_view, 5> kPlaces{"symbol", "exchange", "price", "value", "limit"};

/// What a detector found. Figures as text, each with its unit if it has one: "2.31%".
struct Finding {
  Decimal price;         ///< of that moment, if there is one
  std::string value;     ///< what was measured
  std::string limit;     ///< and against what
  std::string sentence;  ///< what stands behind the symbol when the rule brings no text: "at 100000.5, above 100000"
};

[[nodiscard]] std::string worded(const Rule& rule, const Instrument& instrument, const Finding& finding);

/// At most `decimals` of them, no trailing zeros; with a plus sign if asked for. The same text on every machine.
[[nodiscard]] std::string figure(double value, int decimals, bool sign = false);

}  // namespace bixws::alerts
