// SPDX-License-Identifier: Apache-2.0
// Configuration: who wins, and where each value came from.
#include "host/config.h"

#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "model/config_error.h"
#include "model/time_text.h"

namespace bixws::host {
namespace {

/// The strongest entry of a file for this flag: the command's own section before what is said for all.
const FileEntry* find(const ConfigFile& file, const std::string& section, const std::string& key) {
  const FileEntry* general = nullptr;
  for (const FileEntry& entry : file.entries) {
    if (entry.key != key) continue;
    if (entry.section == section) return &entry;
    if (entry.section.empty()) general = &entry;
  }
  return general;
}

const std::string kNothing;

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::vector<std::string> config_paths(const Environment& environment) {
  std::vector<std::string> candidates{"bixws.yaml"};
  if (const auto xdg = environment("XDG_CONFIG_HOME"); xdg && !xdg->empty()) {
    candidates.push_back(*xdg + "/bixws/config.yaml");
  } else if (const auto home = environment("HOME"); home && !home->empty()) {
    candidates.push_back(*home + "/.config/bixws/config.yaml");
  }
  candidates.emplace_back("/etc/bixws/config.yaml");
  std::vector<std::string> found;
  for (std::string& path : candidates) {
    std::error_code error;
    // What cannot be looked at (EACCES) counts as there, so that reading it reports why.
    if (std::filesystem::exists(path, error) || (error && error != std::errc::not_a_directory)) {
      found.push_back(std::move(path));
    }
  }
  return found;
}

Values Values::resolve(const std::vector<Flag>& flags, const std::string& section, const Given& given,
                       const Environment& environment, const std::vector<ConfigFile>& files) {
  Values values;
  for (const Flag& flag : flags) {
    Entry& entry = values.entries_[flag.name];
    entry.origin = "default";
    if (!flag.fallback.empty()) entry.values = checked_values(flag, {flag.fallback}, "default of " + flag.name);
    if (const auto on_line = given.find(flag.name); on_line != given.end()) {
      entry = {checked_values(flag, on_line->second, spelled(flag)), spelled(flag), false};
      continue;
    }
    if (!flag.configurable) continue;
    const std::string variable = environment_name(flag);
    if (const auto text = environment(variable); text && !text->empty()) {
      const std::vector<std::string> raw =
          flag.type == FlagType::list ? split(*text, ";") : std::vector<std::string>{*text};
      entry = {checked_values(flag, raw, variable), variable, false};
      continue;
    }
    for (const ConfigFile& file : files) {
      if (const FileEntry* found = find(file, section, flag.name)) {
        const std::string where = file.path + ":" + std::to_string(found->line);
        entry = {checked_values(flag, found->values, where + ": " + flag.name), where, false};
        break;
      }
    }
  }
  return values;
}

const Values::Entry& Values::at(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) throw std::logic_error("this command has no flag " + name);
  return found->second;
}

bool Values::has(const std::string& name) const { return !at(name).values.empty(); }
bool Values::given(const std::string& name) const { return !at(name).is_default; }
const std::string& Values::text(const std::string& name) const {
  const Entry& entry = at(name);
  return entry.values.empty() ? kNothing : entry.values.back();
}
const std::vector<std::string>& Values::list(const std::string& name) const { return at(name).values; }
const std::string& Values::origin(const std::string& name) const { return at(name).origin; }

std::int64_t Values::integer(const std::string& name) const {
  const std::string& value = text(name);
  std::int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

double Values::number(const std::string& name) const {
  const std::string& value = text(name);
  double number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

bool Values::on(const std::string& name) const { return text(name) == "true"; }
Micros Values::duration(const std::string& name) const { return parse_duration(text(name)).value_or(0); }

}  // namespace bixws::host
