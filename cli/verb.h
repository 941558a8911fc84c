// SPDX-License-Identifier: Apache-2.0
// Verb: a command of bixws as a table row. A new verb is one file that fills a Verb, and one line in verbs.cpp;
// parsing, help, completion, environment and config files follow from its flags.
#pragma once

#include <string>
#include <vector>

#include "host/config.h"
#include "host/flag.h"
#include "host/log.h"

namespace bixws::cli {

struct Verb;

/// What a verb is called with. All values are checked against their flags.
struct Call {
  const Verb& verb;
  const host::Values& values;
  host::Log& log;
  const std::vector<host::ConfigFile>& files;  ///< strongest first
};

struct Verb {
  std::string name;     ///< "serve", or two words: "sessions list"
  std::string summary;  ///< one line
  std::string about;    ///< a paragraph for --help
  std::vector<host::Flag> flags;
  std::string examples;  ///< the end of --help: lines to copy, each with a # comment above it
  /// Returns the exit code. ConfigError: exit 2; any other exception: 1; both with the text on stderr.
  int (*run)(const Call&);
  bool reads_config = true;  ///< false: runs whatever state the config files are in
};

/// All verbs, in the order of help.
const std::vector<Verb>& verbs();
/// --config, --log-level and the other flags that every verb has.
const std::vector<host::Flag>& global_flags();
/// What config files may contain: every flag of every verb.
std::vector<host::CommandFlags> all_flags();
/// First word of a verb's name: its section in config files.
std::string section_of(const Verb& verb);

/// Whether `fd` gets colour: --color, else NO_COLOR, else whether it is a terminal.
bool use_color(const host::Values& values, int fd);

}  // namespace bixws::cli
