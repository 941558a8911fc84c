// SPDX-License-Identifier: Apache-2.0
// Config files: YAML in, checked entries out. The only file that sees yaml-cpp.
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include "host/config.h"
#include "host/spec.h"
#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::host {
namespace {

struct FileReader {
  const std::string& path;
  const std::vector<CommandFlags>& commands;
  ConfigFile file;
  std::vector<std::string> problems;

  void refuse(const YAML::Node& node, const std::string& why) { problems.push_back(at(node) + why); }

  [[nodiscard]] std::string at(const YAML::Node& node) const {
    return path + ":" + std::to_string(node.Mark().line + 1) + ": ";
  }

  [[nodiscard]] bool is_section(const std::string& name) const {
    return std::any_of(commands.begin(), commands.end(), [&](const CommandFlags& c) { return c.section == name; });
  }

  [[nodiscard]] const Flag* find(const std::string& section, const std::string& key) const {
    for (const CommandFlags& command : commands) {
      if (!section.empty() && command.section != section) continue;
      for (const Flag& flag : command.flags) {
        if (flag.configurable && flag.name == key) return &flag;
      }
    }
    return nullptr;
  }

  [[nodiscard]] std::vector<std::string> known(const std::string& section) const {
    std::set<std::string> names;
    for (const CommandFlags& command : commands) {
      if (section.empty() && !command.section.empty()) names.insert(command.section);
      if (!section.empty() && command.section != section) continue;
      for (const Flag& flag : command.flags) {
        if (flag.configurable) names.insert(flag.name);
      }
    }
    return {names.begin(), names.end()};
  }

  void read_map(const YAML::Node& map, const std::string& section) {
    std::set<std::string> seen;
    for (const auto& pair : map) {
      if (!pair.first.IsScalar()) {
        refuse(pair.first, "a key must be the name of a flag");
        continue;
      }
      const std::string key = pair.first.Scalar();
      if (!seen.insert(key).second) {
        refuse(pair.first, "key " + key + " is given twice");
      } else if (section.empty() && pair.second.IsMap() && is_section(key)) {
        read_map(pair.second, key);
      } else {
        read_entry(pair.first, key, pair.second, section);
      }
    }
  }

  void read_entry(const YAML::Node& key_node, const std::string& key, const YAML::Node& value,
                  const std::string& section) {
    const Flag* flag = find(section, key);
    if (flag == nullptr) {
      const std::string of = section.empty() ? "" : " of " + section;
      return refuse(key_node, "unknown key " + key + of + did_you_mean(key, known(section)));
    }
    if (value.IsNull()) return;  // "key:" with nothing behind it leaves the setting alone
    FileEntry entry{section, key, {}, key_node.Mark().line + 1};
    const bool many = flag->type == FlagType::list || flag->type == FlagType::words;
    const std::size_t problems_before = problems.size();
    if (value.IsScalar()) {
      add_value(*flag, value.Scalar(), key_node, entry);
    } else if (value.IsSequence() && many) {
      for (const YAML::Node& item : value) {
        if (item.IsScalar()) {
          add_value(*flag, item.Scalar(), item, entry);
        } else if (item.IsMap() && !flag->map_name.empty()) {
          add_map(*flag, item, entry);
        } else {
          return refuse(item, "an item of " + key + " must be plain text" +
                                  (flag->map_name.empty() ? "" : " or have a line " + flag->map_name + ": ..."));
        }
      }
    } else {
      return refuse(value, key + " must be " + (many ? "a value or a list of values" : "one value"));
    }
    if (problems.size() == problems_before) file.entries.push_back(std::move(entry));
  }

  // Values::resolve() checks again, but only what its command has: a mistake in a file is reported whichever command
  // finds the file.
  void add_value(const Flag& flag, const std::string& text, const YAML::Node& where, FileEntry& entry) {
    try {
      (void)checked_values(flag, {text}, at(where) + flag.name);
      entry.values.push_back(text);
    } catch (const ConfigError& e) {
      problems.emplace_back(e.what());
    }
  }

  /// {rule: price, above: 5, symbols: [A, B]} as "price:above=5,symbols=A+B".
  void add_map(const Flag& flag, const YAML::Node& item, FileEntry& entry) {
    Spec spec;
    for (const auto& pair : item) {
      const std::string key = pair.first.IsScalar() ? pair.first.Scalar() : std::string();
      std::string value;
      if (pair.second.IsSequence()) {
        for (const YAML::Node& part : pair.second) {
          if (!part.IsScalar()) return refuse(part, "a part of " + key + " must be plain text");
          value += (value.empty() ? "" : "+") + part.Scalar();
        }
      } else if (key.empty() || !pair.second.IsScalar()) {
        return refuse(pair.first,
                      "an item of " + flag.name + " must be made of lines such as " + flag.map_name + ": text");
      } else {
        value = pair.second.Scalar();
      }
      if (key == flag.map_name) {
        spec.name = value;
      } else {
        spec.values.emplace_back(key, value);
      }
    }
    if (spec.name.empty()) return refuse(item, "an item of " + flag.name + " needs a line " + flag.map_name + ": ...");
    add_value(flag, text_of(spec), item, entry);
  }
};

/// yaml-cpp says "illegal map value" of a line that is indented with a tab, which helps nobody.
std::string why_no_yaml(const std::string& text, const YAML::Exception& e) {
  std::size_t start = 0;
  for (int line = 0; line < e.mark.line && start != std::string::npos; ++line) {
    const std::size_t end = text.find('\n', start);
    start = end == std::string::npos ? end : end + 1;
  }
  const bool tab = start != std::string::npos && text.find('\t', start) < text.find_first_not_of(" \t", start);
  return "not YAML: " + (tab ? "indented with a tab; YAML wants spaces" : e.msg);
}

}  // namespace

ConfigFile parse_config(const std::string& text, const std::string& path, const std::vector<CommandFlags>& commands,
                        std::vector<std::string>* problems) {
  FileReader reader{path, commands, {path, {}}, {}};
  try {
    const YAML::Node root = YAML::Load(text);
    if (root.IsMap()) {
      reader.read_map(root, "");
    } else if (root.IsDefined() && !root.IsNull()) {
      reader.problems.push_back(path + ":1: expected lines such as \"port: 8765\"");
    }
  } catch (const YAML::Exception& e) {
    reader.problems.push_back(path + ":" + std::to_string(e.mark.line + 1) + ": " + why_no_yaml(text, e));
  }
  if (problems != nullptr) {
    problems->insert(problems->end(), reader.problems.begin(), reader.problems.end());
  } else if (!reader.problems.empty()) {
    throw ConfigError(reader.problems.front());
  }
  return std::move(reader.file);
}

ConfigFile read_config(const std::string& path, const std::vector<CommandFlags>& commands,
                       std::vector<std::string>* problems) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), &std::fclose);
  std::string text;
  bool failed = file == nullptr;
  char part[4096];
  while (!failed) {
    const std::size_t count = std::fread(part, 1, sizeof part, file.get());
    text.append(part, count);
    failed = std::ferror(file.get()) != 0;
    if (count < sizeof part) break;
  }
  if (failed) throw ConfigError("cannot read config file " + path + ": " + std::strerror(errno));
  return parse_config(text, path, commands, problems);
}

}  // namespace bixws::host
