// SPDX-License-Identifier: Apache-2.0
// Checking one value against its flag.
#include "host/flag.h"

#include <algorithm>
#include <charconv>

#include "model/config_error.h"
#include "model/nearest.h"
#include "model/time_text.h"

namespace bixws::host {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& expected, const std::string& text) {
  throw ConfigError(where + " must be " + expected + ", not " + (text.empty() ? "empty" : text));
}

std::string range_of(const Flag& flag) {
  std::string text = "a whole number";
  if (flag.most != INT64_MAX) return text + " from " + std::to_string(flag.least) + " to " + std::to_string(flag.most);
  if (flag.least != INT64_MIN) return text + " of at least " + std::to_string(flag.least);
  return text;
}

}  // namespace

int parse_boolean(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (text == "true" || text == "yes" || text == "on" || text == "1") return 1;
  if (text == "false" || text == "no" || text == "off" || text == "0") return 0;
  return -1;
}

std::string spelled(const Flag& flag) { return flag.positional ? flag.value : "--" + flag.name; }

std::string environment_name(const Flag& flag) {
  std::string name = "BIXWS_";
  for (const char c : flag.name) {
    if (c == '-') {
      name += '_';
    } else {
      name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return name;
}

std::string checked_value(const Flag& flag, const std::string& text, const std::string& where) {
  const std::string shown = flag.secret ? "what was given" : text;
  std::string value = text;
  switch (flag.type) {
    case FlagType::integer: {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size() || number < flag.least || number > flag.most) {
        refuse(where, range_of(flag), shown);
      }
      break;
    }
    case FlagType::number: {
      double number = 0;
      const auto [end, error] =
          std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
      if (error != std::errc() || end != text.data() + text.size()) refuse(where, "a number", shown);
      break;
    }
    case FlagType::boolean: {
      const int parsed = parse_boolean(text);
      if (parsed < 0) refuse(where, "true or false", shown);
      value = parsed == 1 ? "true" : "false";
      break;
    }
    case FlagType::duration:
      if (!parse_duration(text)) refuse(where, "a duration such as 250ms, 5s, 2m or 1h", shown);
      break;
    case FlagType::text:
    case FlagType::list:
    case FlagType::words:
      if (text.empty()) refuse(where, "something", shown);
      if (!flag.choices.empty() && std::find(flag.choices.begin(), flag.choices.end(), text) == flag.choices.end()) {
        std::string all;
        for (std::size_t i = 0; i < flag.choices.size(); ++i) {
          if (i != 0) all += i + 1 == flag.choices.size() ? " or " : ", ";
          all += flag.choices[i];
        }
        const std::string near = nearest(text, flag.choices);
        throw ConfigError(where + " must be " + all + ", not " + shown +
                          (near.empty() ? std::string() : "; did you mean " + near + "?"));
      }
      break;
  }
  if (flag.check != nullptr) {
    if (const std::string problem = flag.check(value); !problem.empty()) throw ConfigError(where + " " + problem);
  }
  return value;
}

std::vector<std::string> split(const std::string& text, const char* separators) {
  std::vector<std::string> pieces;
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t to = std::min(text.find_first_of(separators, from), text.size());
    if (to > from) pieces.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return pieces;
}

std::vector<std::string> checked_values(const Flag& flag, const std::vector<std::string>& texts,
                                        const std::string& where) {
  std::vector<std::string> values;
  for (const std::string& text : texts) {
    if (flag.type == FlagType::words) {
      for (const std::string& word : split(text, ", \t")) values.push_back(checked_value(flag, word, where));
    } else {
      values.push_back(checked_value(flag, text, where));
    }
  }
  return values;
}

}  // namespace bixws::host
