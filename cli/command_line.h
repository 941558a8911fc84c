// SPDX-License-Identifier: Apache-2.0
// The command line as typed: which verb, which values.
#pragma once

#include <string>

#include "host/config.h"
#include "verb.h"

namespace bixws::cli {

enum class Help { none, brief, full };

struct CommandLine {
  const Verb* verb = nullptr;  ///< nullptr: none named, or only a group
  std::string group;           ///< "sessions", if only that was named
  host::Given given;
  Help help = Help::none;
  bool version = false;
};

/// Throws ConfigError for what is not understood, with the nearest known name.
CommandLine parse_command_line(int argc, const char* const* argv);

/// Help of one verb, of a group of verbs, or of bixws as a whole.
std::string verb_help(const Verb& verb, Help help);
std::string overview(const std::string& group, Help help);

/// A script for "bash", "zsh" or "fish".
std::string completion_script(const std::string& shell);

}  // namespace bixws::cli
