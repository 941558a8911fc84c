// SPDX-License-Identifier: Apache-2.0
// Reading alert rules, checked with the same option tables as plugins have.
#include "host/alert_rules.h"

#include <bixws/plugin.h>

#include <algorithm>
#include <array>

#include "host/spec.h"
#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::host {
namespace {

using alerts::Rule;
using alerts::RuleType;

// What every rule has; hysteresis is declared by each type, whose default differs.
#define BIXWS_COMMON_RULE_OPTIONS                                                                         \
  {"name", OptionType::string, "", "part of every alert's id; default: type and place in the list"},      \
      {"symbols", OptionType::list, "", "only these, joined with +; default: all"},                       \
      {"cooldown", OptionType::duration, "1m", "no second alert of a rule, symbol and direction within"}, \
      {"text", OptionType::string, "",                                                                    \
       "what it says; {symbol}, {exchange}, {price}, {value} and {limit} are filled in"},                 \
  {                                                                                                       \
    "color", OptionType::string, "", "for charts, as #ff8800"                                             \
  }

constexpr Option kPrice[] = {
    {"above", OptionType::number, "", "fires when the price rises to this"},
    {"below", OptionType::number, "", "fires when the price falls to this"},
    {"hysteresis", OptionType::number, "0.1", "percent of the limit by which the price must come back before the next"},
    BIXWS_COMMON_RULE_OPTIONS,
};
constexpr Option kMove[] = {
    {"percent", OptionType::number, nullptr, "fires when the price moved so much within the window"},
    {"window", OptionType::duration, "5m", "how far back is looked"},
    {"direction", OptionType::string, "any", "any|up|down"},
    {"hysteresis", OptionType::number, "25", "percent of the limit by which the move must shrink before the next"},
    BIXWS_COMMON_RULE_OPTIONS,
};
constexpr Option kSpread[] = {
    {"above", OptionType::number, nullptr, "fires when best ask minus best bid exceeds this percent of their middle"},
    {"hysteresis", OptionType::number, "10", "percent of the limit by which the spread must shrink before the next"},
    BIXWS_COMMON_RULE_OPTIONS,
};
constexpr Option kVolume[] = {
    {"times", OptionType::number, "5", "fires when a window's volume exceeds so many times the usual"},
    {"window", OptionType::duration, "1m", "length of a window"},
    {"over", OptionType::integer, "20", "windows before, whose mean is the usual volume"},
    {"hysteresis", OptionType::number, "10",
     "percent of the limit that a whole window must stay below before the next"},
    BIXWS_COMMON_RULE_OPTIONS,
};
constexpr Option kStale[] = {
    {"after", OptionType::duration, "30s", "fires when a symbol has been silent for so long"},
    BIXWS_COMMON_RULE_OPTIONS,
};
constexpr Option kGap[] = {
    {"channels", OptionType::list, "", "made of ticker|trades|book|candle; default: all"},
    BIXWS_COMMON_RULE_OPTIONS,
};
#undef BIXWS_COMMON_RULE_OPTIONS

struct TypeRow {
  RuleType type;
  std::span<const Option> options;
};
constexpr std::array kTypes{TypeRow{RuleType::price, kPrice},   TypeRow{RuleType::move, kMove},
                            TypeRow{RuleType::spread, kSpread}, TypeRow{RuleType::volume, kVolume},
                            TypeRow{RuleType::stale, kStale},   TypeRow{RuleType::gap, kGap}};

std::vector<std::string> type_names() {
  std::vector<std::string> names;
  for (const TypeRow& row : kTypes) names.emplace_back(alerts::name_of(row.type));
  return names;
}

/// Reads and checks one value after the other in the name of one rule.
struct RuleReader {
  const SpecSettings& settings;
  const std::string& owner;

  [[noreturn]] void refuse(const std::string& key, const std::string& expected) const {
    throw ConfigError(key + " of " + owner + " must be " + expected + ", not " + std::string(settings.get(key)));
  }
  [[nodiscard]] Decimal decimal(const std::string& key) const {
    Decimal value;
    const std::string_view text = settings.get(key);
    if (text.empty()) return value;
    if (parse_decimal(text, value) != NumberError::none || value.negative != 0 || value.is_zero()) {
      refuse(key, "a number greater than 0");
    }
    return value;
  }
  [[nodiscard]] double positive(const std::string& key) const {
    const double value = settings.number(key);
    if (!(value > 0)) refuse(key, "a number greater than 0");
    return value;
  }
  [[nodiscard]] Micros time(const std::string& key) const {
    const Micros value = settings.integer(key);
    if (value <= 0) throw ConfigError(key + " of " + owner + " must be longer than nothing");
    return value;
  }
  [[nodiscard]] double hysteresis() const {
    const double value = settings.number("hysteresis");
    if (value < 0 || value >= 100) refuse("hysteresis", "a percentage from 0 to less than 100");
    return value;
  }
};

std::vector<std::string> list_items(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t plus = text.find('+');
    items.emplace_back(text.substr(0, plus));
    text.remove_prefix(plus == std::string_view::npos ? text.size() : plus + 1);
  }
  return items;
}

std::uint32_t channel_bits(std::string_view text) {
  std::uint32_t bits = 0;
  for (const std::string& item : list_items(text)) {
    for (const auto& [name, channel] : {std::pair{"ticker", Channel::ticker}, std::pair{"trades", Channel::trades},
                                        std::pair{"book", Channel::book}, std::pair{"candle", Channel::candle}}) {
      if (item == name) bits |= 1U << static_cast<unsigned>(channel);
    }
  }
  return bits;
}

void read_type(Rule& rule, const RuleReader& reader) {
  const SpecSettings& settings = reader.settings;
  switch (rule.type) {
    case RuleType::price:
      rule.above = reader.decimal("above");
      rule.below = reader.decimal("below");
      if (!rule.above.has_value() && !rule.below.has_value()) throw ConfigError(reader.owner + " needs above or below");
      break;
    case RuleType::move:
      rule.percent = reader.positive("percent");
      rule.window = reader.time("window");
      rule.direction = settings.get("direction") == "up"     ? alerts::Direction::up
                       : settings.get("direction") == "down" ? alerts::Direction::down
                                                             : alerts::Direction::any;
      break;
    case RuleType::spread:
      rule.above = reader.decimal("above");
      break;
    case RuleType::volume: {
      rule.times = reader.positive("times");
      rule.window = reader.time("window");
      const std::int64_t over = settings.integer("over");
      if (over < 1 || over > 10'000) reader.refuse("over", "a whole number from 1 to 10000");
      rule.over = static_cast<std::uint32_t>(over);
      break;
    }
    case RuleType::stale:
      rule.after = reader.time("after");
      if (rule.after < 1'000'000) throw ConfigError("after of " + reader.owner + " must be at least 1s");
      return;
    case RuleType::gap:
      rule.channels = channel_bits(settings.get("channels"));
      return;
  }
  rule.hysteresis = reader.hysteresis();
}

Rule parse_rule(const std::string& text, std::size_t place) {
  const Spec spec = parse_spec(text);
  const auto row = std::find_if(kTypes.begin(), kTypes.end(),
                                [&](const TypeRow& r) { return alerts::name_of(r.type) == spec.name; });
  if (row == kTypes.end()) throw ConfigError("unknown rule " + spec.name + did_you_mean(spec.name, type_names()));
  const std::string owner = "alert " + spec.name;
  const SpecSettings settings(spec, {owner, row->options, {}, 0});
  const RuleReader reader{settings, owner};
  Rule rule;
  rule.type = row->type;
  read_type(rule, reader);
  for (const std::string& symbol : list_items(settings.get("symbols"))) rule.symbols.push_back(parse_symbol(symbol));
  rule.cooldown = settings.integer("cooldown");
  rule.text = settings.get("text");
  rule.color = settings.get("color");
  if (const std::string problem = alerts::text_problem(rule.text); !problem.empty()) {
    throw ConfigError("text of " + owner + " " + problem);
  }
  rule.name =
      settings.get("name").empty() ? spec.name + "-" + std::to_string(place) : std::string(settings.get("name"));
  return rule;
}

}  // namespace

std::vector<Rule> parse_alert_rules(const std::vector<std::string>& texts) {
  std::vector<Rule> rules;
  for (const std::string& text : texts) {
    rules.push_back(parse_rule(text, rules.size() + 1));
    const auto same = [&](const Rule& other) { return other.name == rules.back().name; };
    if (std::count_if(rules.begin(), rules.end(), same) > 1) {
      throw ConfigError("two alerts are called " + rules.back().name + "; ids need different names");
    }
  }
  return rules;
}

std::string alert_problem(const std::string& text) {
  try {
    (void)parse_rule(text, 1);
    return {};
  } catch (const ConfigError& e) {
    return std::string("cannot be understood: ") + e.what();
  }
}

}  // namespace bixws::host
