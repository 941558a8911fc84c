// SPDX-License-Identifier: Apache-2.0
#include "support/json_schema.h"

#include <algorithm>
#include <array>
#include <regex>
#include <stdexcept>

#include "support/temp_dir.h"

namespace bixws::test {
namespace {

constexpr std::array kKnown = {"type",       "required",
                               "properties", "additionalProperties",
                               "items",      "prefixItems",
                               "minItems",   "maxItems",
                               "minimum",    "maximum",
                               "minLength",  "maxLength",
                               "pattern",    "const",
                               "enum",       "anyOf",
                               "allOf",      "if",
                               "then",       "$ref",
                               "$defs",      "exclusiveMinimum",
                               "title",      "description",
                               "$schema"};

bool is_integer(const RawJson& value) {
  return value.is_number() && value.raw().find_first_of(".eE") == std::string_view::npos;
}

bool is_type(const RawJson& value, std::string_view type) {
  if (type == "object") return value.is_object();
  if (type == "array") return value.is_array();
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.kind() == RawJson::Kind::boolean;
  if (type == "null") return value.is_null();
  if (type == "integer") return is_integer(value);
  // The protocol writes no exponents.
  if (type == "number") return value.is_number() && value.raw().find_first_of("eE") == std::string_view::npos;
  throw std::runtime_error("schema: unknown type " + std::string(type));
}

double number_of(const RawJson& value) { return std::stod(std::string(value.raw())); }

std::string shown(const RawJson& value) { return std::string(value.raw().substr(0, 80)); }

// The text of a string without quotes, in characters.
std::size_t length_of(const RawJson& value) {
  const std::string text = value.text();
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

JsonSchema::JsonSchema(std::string_view text) : root_(RawJson::parse_or_throw(text)) { check_keywords(root_); }

JsonSchema JsonSchema::of_protocol(const std::string& source_dir) {
  return JsonSchema(read_file(source_dir + "/docs/protocol.schema.json"));
}

void JsonSchema::check_keywords(const RawJson& schema) const {
  if (schema.kind() == RawJson::Kind::boolean) return;
  if (!schema.is_object()) throw std::runtime_error("schema: no schema: " + shown(schema));
  for (const auto& [name, value] : schema.members()) {
    if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
      throw std::runtime_error("schema: unknown keyword " + name);
    }
    if (name == "properties" || name == "$defs") {
      for (const auto& member : value.members()) check_keywords(member.second);
    } else if (name == "anyOf" || name == "allOf" || name == "prefixItems") {
      for (const RawJson& item : value.items()) check_keywords(item);
    } else if (name == "items" || name == "additionalProperties" || name == "if" || name == "then") {
      check_keywords(value);
    } else if (name == "$ref") {
      static_cast<void>(resolve(value.text()));
    }
  }
}

const RawJson& JsonSchema::resolve(std::string_view reference) const {
  constexpr std::string_view prefix = "#/$defs/";
  if (reference.starts_with(prefix)) {
    const RawJson& found = root_["$defs"][reference.substr(prefix.size())];
    if (found.exists()) return found;
  }
  throw std::runtime_error("schema: nothing at " + std::string(reference));
}

std::vector<std::string> JsonSchema::problems(std::string_view text, std::string_view definition) const {
  const auto value = RawJson::parse(text);
  if (!value) return {"not JSON: " + std::string(text.substr(0, 80))};
  std::vector<std::string> list;
  whole(resolve("#/$defs/" + std::string(definition)), *value, "", list);
  return list;
}

bool JsonSchema::fits(const RawJson& schema, const RawJson& value) const {
  std::vector<std::string> list;
  Named named;
  apply(schema, value, "", named, list);
  return list.empty();
}

// The value, with all the schemas that say something about it.
void JsonSchema::whole(const RawJson& schema, const RawJson& value, const std::string& path,
                       std::vector<std::string>& problems) const {
  Named named;
  apply(schema, value, path, named, problems);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.members()) {
    if (!named.contains(name)) problems.push_back(path + "." + name + ": no schema names it");
  }
}

void JsonSchema::apply_object(const RawJson& schema, const RawJson& value, const std::string& path, Named& named,
                              std::vector<std::string>& problems) const {
  for (const RawJson& name : schema["required"].items()) {
    if (!value[name.text()].exists()) problems.push_back(path + ": " + name.text() + " is missing");
  }
  for (const auto& [name, member] : value.members()) {
    const RawJson& own = schema["properties"][name];
    const RawJson& rest = schema["additionalProperties"];
    if (!own.exists() && !rest.exists()) continue;
    named.insert(name);
    whole(own.exists() ? own : rest, member, path + "." + name, problems);
  }
}

void JsonSchema::apply_array(const RawJson& schema, const RawJson& value, const std::string& path,
                             std::vector<std::string>& problems) const {
  const std::size_t size = value.size();
  const RawJson& least = schema["minItems"];
  const RawJson& most = schema["maxItems"];
  if (least.exists() && static_cast<double>(size) < number_of(least)) problems.push_back(path + ": too few items");
  if (most.exists() && static_cast<double>(size) > number_of(most)) problems.push_back(path + ": too many items");
  const std::size_t fixed = schema["prefixItems"].size();
  for (std::size_t i = 0; i < size; ++i) {
    const std::string place = path + "[" + std::to_string(i) + "]";
    if (i < fixed) {
      whole(schema["prefixItems"][i], value[i], place, problems);
    } else if (schema["items"].exists()) {
      whole(schema["items"], value[i], place, problems);
    }
  }
}

void JsonSchema::apply(const RawJson& schema, const RawJson& value, const std::string& path, Named& named,
                       std::vector<std::string>& problems) const {
  const auto wrong = [&](const std::string& why) { problems.push_back(path + ": " + shown(value) + " " + why); };
  for (const auto& [keyword, rule] : schema.members()) {
    if (keyword == "$ref") {
      apply(resolve(rule.text()), value, path, named, problems);
    } else if (keyword == "type") {
      bool any = rule.is_string() && is_type(value, rule.text());
      for (const RawJson& type : rule.items()) any = any || is_type(value, type.text());
      if (!any) wrong("is not " + std::string(rule.raw()));
    } else if (keyword == "const") {
      if (value.raw() != rule.raw()) wrong("is not " + std::string(rule.raw()));
    } else if (keyword == "enum") {
      const auto& list = rule.items();
      if (std::none_of(list.begin(), list.end(), [&](const RawJson& one) { return one.raw() == value.raw(); })) {
        wrong("is none of " + std::string(rule.raw()));
      }
    } else if (keyword == "allOf") {
      for (const RawJson& part : rule.items()) apply(part, value, path, named, problems);
    } else if (keyword == "anyOf") {
      const auto& list = rule.items();
      const auto fitting = std::find_if(list.begin(), list.end(), [&](const RawJson& one) { return fits(one, value); });
      if (fitting == list.end()) {
        wrong("fits none of the choices");
      } else {
        apply(*fitting, value, path, named, problems);
      }
    } else if (keyword == "if") {
      if (fits(rule, value)) apply(schema["then"], value, path, named, problems);
    } else if (keyword == "minimum" && value.is_number()) {
      if (number_of(value) < number_of(rule)) wrong("is below " + std::string(rule.raw()));
    } else if (keyword == "maximum" && value.is_number()) {
      if (number_of(value) > number_of(rule)) wrong("is above " + std::string(rule.raw()));
    } else if (keyword == "exclusiveMinimum" && value.is_number()) {
      if (number_of(value) <= number_of(rule)) wrong("is not above " + std::string(rule.raw()));
    } else if (keyword == "minLength" && value.is_string()) {
      if (static_cast<double>(length_of(value)) < number_of(rule)) wrong("is too short");
    } else if (keyword == "maxLength" && value.is_string()) {
      if (static_cast<double>(length_of(value)) > number_of(rule)) wrong("is too long");
    } else if (keyword == "pattern" && value.is_string()) {
      if (!std::regex_search(value.text(), std::regex(rule.text()))) wrong("does not match " + rule.text());
    }
  }
  if (value.is_object()) apply_object(schema, value, path, named, problems);
  if (value.is_array()) apply_array(schema, value, path, problems);
}

}  // namespace bixws::test
