// SPDX-License-Identifier: Apache-2.0
// Alert rules as users write them: `type:key=value,key=value`, or a map with `rule: type` in a config file.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "alerts/rule.h"

namespace bixws::host {

/// Throws ConfigError: unknown types, keys and values with the nearest known one, what is missing, names given twice.
/// Rules without a name are called after their type and place: "price-1".
std::vector<alerts::Rule> parse_alert_rules(const std::vector<std::string>& texts);

/// Flag::check of one rule: empty, or what is wrong with it.
std::string alert_problem(const std::string& text);

}  // namespace bixws::host
