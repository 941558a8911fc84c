// SPDX-License-Identifier: Apache-2.0
// Configuration: the values of a command's flags, from whoever set them, each with its origin. Precedence: command
// line, environment, ./bixws.yaml, $XDG_CONFIG_HOME/bixws/config.yaml, /etc/bixws/config.yaml, default.
#pragma once

#include <bixws/event.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/flag.h"

namespace bixws::host {

/// A command as configuration sees it: the first word of its name and what may be set.
struct CommandFlags {
  std::string section;
  std::vector<Flag> flags;
};

/// One key of one file.
struct FileEntry {
  std::string section;  ///< empty: for all commands that have the flag
  std::string key;
  std::vector<std::string> values;
  int line = 0;
};

struct ConfigFile {
  std::string path;  ///< as shown: "bixws.yaml", "/etc/bixws/config.yaml"
  std::vector<FileEntry> entries;
};

/// Reads YAML text: flags as keys, and a section for each command that wants its own (`serve: {port: 9000}`).
/// Everything in it is checked. A problem names file, line and the nearest known key; the first one is thrown as
/// ConfigError, unless `problems` collects them all.
ConfigFile parse_config(const std::string& text, const std::string& path, const std::vector<CommandFlags>& commands,
                        std::vector<std::string>* problems = nullptr);
/// As parse_config. Throws ConfigError if the file cannot be read.
ConfigFile read_config(const std::string& path, const std::vector<CommandFlags>& commands,
                       std::vector<std::string>* problems = nullptr);

using Environment = std::function<std::optional<std::string>(const std::string&)>;
/// The process's own.
Environment process_environment();

/// The files that exist where configuration is looked for, strongest first.
std::vector<std::string> config_paths(const Environment& environment);

/// Values as given on the command line, by flag name.
using Given = std::map<std::string, std::vector<std::string>>;

/// The effective values of one command. Asking for a flag the command does not have is a mistake in the program
/// (std::logic_error).
class Values {
 public:
  /// `files`: strongest first. Throws ConfigError for values that do not fit their flag.
  static Values resolve(const std::vector<Flag>& flags, const std::string& section, const Given& given,
                        const Environment& environment, const std::vector<ConfigFile>& files);

  /// Set by anybody, or has a default.
  [[nodiscard]] bool has(const std::string& name) const;
  /// Set by anybody.
  [[nodiscard]] bool given(const std::string& name) const;
  /// "" if it has no value.
  [[nodiscard]] const std::string& text(const std::string& name) const;
  [[nodiscard]] const std::vector<std::string>& list(const std::string& name) const;
  [[nodiscard]] std::int64_t integer(const std::string& name) const;
  [[nodiscard]] double number(const std::string& name) const;
  [[nodiscard]] bool on(const std::string& name) const;
  [[nodiscard]] Micros duration(const std::string& name) const;
  /// "--port", "BIXWS_PORT", "bixws.yaml:3", "default".
  [[nodiscard]] const std::string& origin(const std::string& name) const;

 private:
  struct Entry {
    std::vector<std::string> values;
    std::string origin;
    bool is_default = true;
  };
  [[nodiscard]] const Entry& at(const std::string& name) const;
  std::map<std::string, Entry> entries_;
};

}  // namespace bixws::host
