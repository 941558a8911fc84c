// SPDX-License-Identifier: Apache-2.0
// The list of verbs, and what they share.
#include "verbs.h"

#include <unistd.h>

#include <cstdlib>

#include "flags.h"
#include "verb.h"

namespace bixws::cli {

const std::vector<Verb>& verbs() {
  static const std::vector<Verb> all{
      serve_verb(),           watch_verb(),           record_verb(),
      replay_verb(),          sessions_list_verb(),   sessions_info_verb(),
      sessions_verify_verb(), sessions_export_verb(), sessions_index_verb(),
      sessions_import_verb(), chart_verb(),           top_verb(),
      doctor_verb(),          alerts_test_verb(),     plugins_list_verb(),
      plugins_info_verb(),    config_show_verb(),     config_check_verb(),
      config_init_verb(),     completion_verb(),      man_verb(),
  };
  return all;
}

const std::vector<host::Flag>& global_flags() {
  static const std::vector<host::Flag> flags{
      {.name = "config",
       .value = "FILE",
       .help = "read this config file instead of the usual ones",
       .configurable = false},
      {.name = "log-level",
       .value = "LEVEL",
       .fallback = "info",
       .help = "least severe log lines to show",
       .choices = {"debug", "info", "warning", "error"}},
      {.name = "log-file", .value = "FILE", .help = "write the log to this file, rotated at 10 MB, instead of stderr"},
      {.name = "color",
       .value = "WHEN",
       .fallback = "auto",
       .help = "colours in the terminal",
       .choices = {"auto", "always", "never"}},
      {.name = "plugin-dir",
       .type = host::FlagType::list,
       .value = "DIR",
       .help = "look for plugins here first; may be repeated"},
  };
  return flags;
}

std::vector<host::CommandFlags> all_flags() {
  std::vector<host::CommandFlags> all{{"", global_flags()}};
  for (const Verb& verb : verbs()) all.push_back({section_of(verb), verb.flags});
  return all;
}

std::string section_of(const Verb& verb) { return verb.name.substr(0, verb.name.find(' ')); }

bool use_color(const host::Values& values, int fd) {
  const std::string& when = values.text("color");
  if (when != "auto") return when == "always";
  const char* no_color = std::getenv("NO_COLOR");
  if (no_color != nullptr && *no_color != '\0') return false;
  return isatty(fd) == 1;
}

}  // namespace bixws::cli
