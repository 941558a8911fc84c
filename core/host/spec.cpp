// SPDX-License-Identifier: Apache-2.0
// Reading and checking plugin specs.
#include "host/spec.h"

#include <algorithm>
#include <charconv>

#include "host/flag.h"
#include "model/config_error.h"
#include "model/nearest.h"
#include "model/time_text.h"

namespace bixws::host {
namespace {

constexpr std::size_t kLongestName = 32;

bool is_name_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'; }

/// Splits at commas that no backslash precedes, and takes the escapes out.
std::vector<std::string> split_values(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\')) {
      parts.back() += text[++i];
    } else if (text[i] == ',') {
      parts.emplace_back();
    } else {
      parts.back() += text[i];
    }
  }
  return parts;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items(1);
  for (const char c : text) {
    if (c == '+') {
      items.emplace_back();
    } else {
      items.back() += c;
    }
  }
  return items;
}

template <typename Number>
bool is_number(const std::string& text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

std::string either(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

/// The value as plugins see it, or ConfigError.
std::string checked(const Option& option, const std::string& text, const std::string& owner) {
  const auto refuse = [&](std::string_view expected) {
    throw ConfigError(std::string(option.name) + " of " + owner + " must be " + std::string(expected) +
                      (option.secret ? std::string() : ", not " + (text.empty() ? "empty" : text)));
  };
  switch (option.type) {
    case OptionType::integer:
      if (!is_number<std::int64_t>(text)) refuse(name_of(option.type));
      break;
    case OptionType::number:
      if (!is_number<double>(text) || text.find_first_not_of("0123456789.-") != std::string::npos) {
        refuse(name_of(option.type));
      }
      break;
    case OptionType::boolean: {
      const int parsed = parse_boolean(text);
      if (parsed < 0) refuse(name_of(option.type));
      return parsed == 1 ? "true" : "false";
    }
    case OptionType::duration: {
      const auto parsed = parse_duration(text);
      if (!parsed) refuse(name_of(option.type));
      return std::to_string(*parsed);
    }
    case OptionType::string:
    case OptionType::list: {
      const std::vector<std::string> known = choices_of(option);
      if (known.empty() || text.empty()) break;
      const bool list = option.type == OptionType::list;
      for (const std::string& item : list ? split_list(text) : std::vector<std::string>{text}) {
        if (std::find(known.begin(), known.end(), item) != known.end()) continue;
        const std::string near = nearest(item, known);
        throw ConfigError(std::string(option.name) + " of " + owner + " must be " + (list ? "made of " : "") +
                          either(known) + ", not " + (item.empty() ? "empty" : item) +
                          (near.empty() ? "" : "; did you mean " + near + "?"));
      }
      break;
    }
  }
  return text;
}

}  // namespace

Spec parse_spec(std::string_view text) {
  Spec spec;
  const auto colon = text.find(':');
  spec.name = text.substr(0, colon);
  if (spec.name.empty() || !std::all_of(spec.name.begin(), spec.name.end(), is_name_char)) {
    throw ConfigError("\"" + std::string(text) +
                      "\" does not name a plugin; expected name or name:key=value,key=value");
  }
  if (colon == std::string_view::npos || colon + 1 == text.size()) return spec;
  for (std::string& part : split_values(text.substr(colon + 1))) {
    const auto equals = part.find('=');
    if (equals == 0 || part.empty()) {
      throw ConfigError("\"" + std::string(text) + "\" has a value without a key; expected " + spec.name +
                        ":key=value,key=value");
    }
    // A key alone switches a boolean on.
    spec.values.emplace_back(part.substr(0, equals), equals == std::string::npos ? "true" : part.substr(equals + 1));
  }
  return spec;
}

std::string take_feed_name(Spec& spec) {
  const auto given =
      std::find_if(spec.values.begin(), spec.values.end(), [](const auto& v) { return v.first == "as"; });
  if (given == spec.values.end()) return spec.name;
  std::string name = std::move(given->second);
  spec.values.erase(given);
  const bool good = !name.empty() && name.size() <= kLongestName && std::all_of(name.begin(), name.end(), is_name_char);
  if (!good) {
    throw ConfigError("feed " + spec.name + ": as=" + name + " is no name; use up to " + std::to_string(kLongestName) +
                      " of a-z, 0-9, - and _");
  }
  return name;
}

std::string text_of(const Spec& spec) {
  std::string text = spec.name;
  char separator = ':';
  for (const auto& [key, value] : spec.values) {
    text += separator + key + '=';
    for (const char c : value) {
      if (c == ',' || c == '\\') text += '\\';
      text += c;
    }
    separator = ',';
  }
  return text;
}

std::vector<std::string> choices_of(const Option& option) {
  const std::string_view help = option.help;
  const std::size_t bar = help.find('|');
  if (bar == std::string_view::npos) return {};
  const auto is_choice_char = [](char c) { return is_name_char(c) || (c >= 'A' && c <= 'Z') || c == '|'; };
  std::size_t from = bar;
  while (from > 0 && is_choice_char(help[from - 1])) --from;
  std::size_t to = bar;
  while (to < help.size() && is_choice_char(help[to])) ++to;
  std::vector<std::string> words(1);
  for (const char c : help.substr(from, to - from)) {
    if (c == '|') {
      words.emplace_back();
    } else {
      words.back() += c;
    }
  }
  return words;
}

std::string_view name_of(OptionType type) {
  switch (type) {
    case OptionType::string:
      return "text";
    case OptionType::integer:
      return "a whole number";
    case OptionType::number:
      return "a number";
    case OptionType::boolean:
      return "true or false";
    case OptionType::duration:
      return "a duration such as 250ms, 5s, 2m or 1h";
    case OptionType::list:
      return "words joined with +";
  }
  return "text";
}

SpecSettings::SpecSettings(const Spec& spec, Request request)
    : symbols_(std::move(request.symbols)), channels_(request.channels) {
  std::vector<std::string> known;
  for (const Option& option : request.options) known.emplace_back(option.name);
  for (const auto& given : spec.values) {
    const std::string& key = given.first;
    const std::string& text = given.second;
    const auto option =
        std::find_if(request.options.begin(), request.options.end(), [&](const Option& o) { return key == o.name; });
    if (option == request.options.end()) {
      throw ConfigError("unknown key " + key + " of " + request.owner +
                        (known.empty() ? "; it has none" : did_you_mean(key, known)));
    }
    if (!values_.emplace(key, checked(*option, text, request.owner)).second) {
      throw ConfigError("key " + key + " of " + request.owner + " is given twice");
    }
    if (option->secret) secrets_.push_back(text);
  }
  for (const Option& option : request.options) {
    if (values_.contains(option.name)) continue;
    if (option.fallback == nullptr) {
      throw ConfigError(request.owner + " needs " + option.name + "=...: " + option.help);
    }
    const bool empty = *option.fallback == '\0';
    values_.emplace(option.name, empty ? std::string() : checked(option, option.fallback, request.owner));
  }
}

std::string_view SpecSettings::get(std::string_view name) const noexcept {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string_view() : std::string_view(found->second);
}

std::int64_t SpecSettings::integer(std::string_view name) const noexcept {
  const std::string_view text = get(name);
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

double SpecSettings::number(std::string_view name) const noexcept {
  const std::string_view text = get(name);
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool SpecSettings::boolean(std::string_view name) const noexcept { return get(name) == "true"; }

}  // namespace bixws::host
