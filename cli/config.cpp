// SPDX-License-Identifier: Apache-2.0
// config show, check, init: effective values and where each came from; whether files are right; a file to start from.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <set>

#include "flags.h"
#include "host/alert_rules.h"
#include "host/registry.h"
#include "host/spec.h"
#include "model/config_error.h"
#include "model/nearest.h"
#include "model/text_buffer.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::Flag;
using host::FlagType;

struct Setting {
  std::string key;  ///< "port", or "replay.port" where commands differ
  std::vector<std::string> values;
  std::string origin;
  bool secret = false;
};

std::string shown(const Setting& setting) {
  if (setting.values.empty()) return "-";
  if (setting.secret) return "***";
  std::string text;
  for (const std::string& value : setting.values) text += (text.empty() ? "" : " ") + value;
  return text;
}

/// Every flag once; a command whose value is another than that of the first command gets a line of its own.
std::vector<Setting> effective(const Call& call) {
  const host::Environment environment = host::process_environment();
  std::vector<Setting> settings;
  const auto add = [&](const std::vector<Flag>& flags, const std::string& section, const host::Values& values) {
    for (const Flag& flag : flags) {
      if (!flag.configurable) continue;
      Setting setting{flag.name, values.list(flag.name), values.origin(flag.name), flag.secret};
      if (flag.type == FlagType::boolean && setting.values.empty()) setting.values = {"false"};
      const auto same_key = [&](const std::string& key) {
        return std::find_if(settings.begin(), settings.end(), [&](const Setting& s) { return s.key == key; });
      };
      const auto first = same_key(flag.name);
      if (first != settings.end()) {
        if (first->values == setting.values && first->origin == setting.origin) continue;
        setting.key = section + "." + flag.name;
        if (same_key(setting.key) != settings.end()) continue;
      }
      settings.push_back(std::move(setting));
    }
  };
  add(global_flags(), "", call.values);
  for (const Verb& verb : verbs()) {
    add(verb.flags, section_of(verb), host::Values::resolve(verb.flags, section_of(verb), {}, environment, call.files));
  }
  return settings;
}

int show(const Call& call) {
  const std::vector<Setting> settings = effective(call);
  if (call.values.on("json")) {
    TextBuffer out;
    out.raw('[');
    for (const Setting& setting : settings) {
      if (out.view().back() != '[') out.raw(',');
      out.raw("\n{\"key\":");
      out.quoted(setting.key);
      out.raw(",\"value\":");
      if (setting.values.empty()) {
        out.raw("null");
      } else {
        out.quoted(shown(setting));
      }
      out.raw(",\"origin\":");
      out.quoted(setting.origin);
      out.raw('}');
    }
    out.raw("\n]\n");
    return print(out.str());
  }
  std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "ORIGIN"}};
  for (const Setting& setting : settings) rows.push_back({setting.key, shown(setting), setting.origin});
  return print(table(rows));
}

/// Feeds and sinks named in a file: do they exist, and do their keys?
void check_specs(const host::ConfigFile& file, host::Registry& registry, std::vector<std::string>& problems) {
  for (const host::FileEntry& entry : file.entries) {
    if (entry.key == "alerts") {
      try {
        (void)host::parse_alert_rules(entry.values);
      } catch (const ConfigError& e) {
        problems.push_back(file.path + ":" + std::to_string(entry.line) + ": " + e.what());
      }
    }
    if (entry.key != "feed" && entry.key != "sink") continue;
    for (const std::string& text : entry.values) {
      try {
        const host::Spec spec = host::parse_spec(text);
        const Descriptor& plugin = registry.load(entry.key, spec.name);
        const host::SpecSettings checked(spec,
                                         {entry.key + " " + spec.name, {plugin.options, plugin.option_count}, {}, 0});
      } catch (const ConfigError& e) {
        problems.push_back(file.path + ":" + std::to_string(entry.line) + ": " + e.what());
      }
    }
  }
}

int check(const Call& call) {
  std::vector<std::string> paths;
  if (call.values.has("file")) {
    paths = {call.values.text("file")};
  } else if (call.values.has("config")) {
    paths = {call.values.text("config")};
  } else {
    paths = host::config_paths(host::process_environment());
  }
  host::Registry registry(host::plugin_directories(call.values.list("plugin-dir")).paths);
  bool good = true;
  std::string text;
  for (const std::string& path : paths) {
    std::vector<std::string> problems;
    const host::ConfigFile file = host::read_config(path, all_flags(), &problems);
    check_specs(file, registry, problems);
    for (const std::string& problem : problems) std::fprintf(stderr, "bixws: %s\n", problem.c_str());
    if (problems.empty()) text += "ok: " + path + "\n";
    good = good && problems.empty();
  }
  if (paths.empty()) text = "no config file: all values come from the command line, the environment and defaults\n";
  const int printed = print(text);
  return good ? printed : 2;
}

std::string sample() {
  std::string text =
      "# bixws.yaml: every option of every command can be set here. What is commented out is the default.\n"
      "# A command may have a section of its own, which wins over what is said for all:\n"
      "#   replay:\n"
      "#     port: 8766\n";
  std::set<std::string> seen;
  const auto add = [&](const std::vector<Flag>& flags) {
    for (const Flag& flag : flags) {
      if (!flag.configurable || !seen.insert(flag.name).second) continue;
      text += "\n# " + flag.help + "\n";
      std::string value = flag.fallback;
      if (flag.type == FlagType::boolean && value.empty()) value = "false";
      const bool many = flag.type == FlagType::list || flag.type == FlagType::words;
      text += "#" + flag.name + ": " + (many ? "[" + value + "]" : value) + "\n";
    }
  };
  add(global_flags());
  for (const Verb& verb : verbs()) {
    if (verb.reads_config && verb.name.find(' ') == std::string::npos) {
      text += "\n# ---- " + verb.name + ": " + verb.summary + "\n";
    }
    add(verb.flags);
  }
  return text;
}

int init(const Call& call) {
  const std::string& path = call.values.text("file");
  const std::string text = sample();
  if (path == "-") return print(text);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0 && errno == EEXIST) throw ConfigError(path + " exists already; it is left as it is");
  const bool written = fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!written) throw ConfigError("cannot write " + path + ": " + std::strerror(error));
  std::fprintf(stderr, "wrote %s\n", path.c_str());
  return 0;
}

}  // namespace

Verb config_show_verb() {
  return {.name = "config show",
          .summary = "effective values, and where each came from",
          .about =
              "Precedence: command line, environment (BIXWS_PORT), ./bixws.yaml, "
              "$XDG_CONFIG_HOME/bixws/config.yaml, /etc/bixws/config.yaml, default. With --config, that file "
              "stands for the three. Secrets are shown as ***.",
          .flags = {json_flag()},
          .examples =
              "  # who set the port?\n"
              "  bixws config show | grep port\n",
          .run = show};
}

Verb config_check_verb() {
  return {.name = "config check",
          .summary = "whether config files are right, feeds and sinks included",
          .flags = {{.name = "file",
                     .value = "FILE",
                     .help = "the file to check [default: those that would be read]",
                     .positional = true,
                     .configurable = false}},
          .examples =
              "  # before a restart\n"
              "  bixws config check /etc/bixws/config.yaml && systemctl restart bixws\n",
          .run = check,
          .reads_config = false};
}

Verb config_init_verb() {
  return {.name = "config init",
          .summary = "write a config file with every option, commented out",
          .flags = {{.name = "file",
                     .value = "FILE",
                     .fallback = "bixws.yaml",
                     .help = "where to; - for stdout. An existing file is never touched",
                     .positional = true,
                     .configurable = false}},
          .examples =
              "  # a bixws.yaml here\n"
              "  bixws config init\n",
          .run = init,
          .reads_config = false};
}

}  // namespace bixws::cli
