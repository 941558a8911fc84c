// SPDX-License-Identifier: Apache-2.0
// Filling in texts.
#include "alerts/wording.h"

#include <charconv>

namespace bixws::alerts {

std::string figure(double value, int decimals, bool sign) {
  std::array<char, 512> digits{};
  const auto [end, error] =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals);
  std::string text(digits.data(), error == std::errc() ? end : digits.data());
  if (text.find('.') != std::string::npos) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return sign && value > 0 ? "+" + text : text;
}

std::string worded(const Rule& rule, const Instrument& instrument, const Finding& finding) {
  const std::string_view who = instrument.symbol.empty() ? instrument.exchange : instrument.symbol;
  if (rule.text.empty()) return std::string(who) + " " + finding.sentence;
  const std::string price = finding.price.to_string();
  const std::array<std::string_view, kPlaces.size()> values{who, instrument.exchange, price, finding.value,
                                                            finding.limit};
  std::string text;
  for (std::size_t at = 0; at < rule.text.size(); ++at) {
    bool filled = false;
    for (std::size_t i = 0; i < kPlaces.size() && !filled; ++i) {
      const std::string place = "{" + std::string(kPlaces[i]) + "}";
      if (rule.text.compare(at, place.size(), place) != 0) continue;
      text += values[i];
      at += place.size() - 1;
      filled = true;
    }
    if (!filled) text += rule.text[at];
  }
  return text;
}

}  // namespace bixws::alerts
