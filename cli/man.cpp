// SPDX-License-Identifier: Apache-2.0
// man: manual pages, made from the same tables as --help.
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "model/config_error.h"
#include "model/nearest.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::Flag;
using host::FlagType;

/// Text that troff shall not take for anything else.
std::string plain(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string page_name(const Verb& verb) {
  std::string name = "bixws-" + verb.name;
  for (char& c : name) c = c == ' ' ? '-' : c;
  return name;
}

std::string head(const std::string& name, const std::string& summary) {
  return ".TH \"" + plain(name) + "\" 1 \"\" \"bixws " BIXWS_VERSION "\" \"bixws\"\n.SH NAME\n" + plain(name) +
         " \\- " + plain(summary) + "\n";
}

std::string option(const Flag& flag) {
  std::string out = ".TP\n";
  if (flag.positional) {
    out += ".I " + plain(flag.value) + "\n";
  } else {
    out += "\\fB";
    if (flag.letter != 0) out += std::string("\\-") + flag.letter + "\\fR, \\fB";
    out += plain("--" + flag.name) + "\\fR";
    if (flag.type != FlagType::boolean) out += " \\fI" + plain(flag.value) + "\\fR";
    out += "\n";
  }
  std::string text = flag.help;
  if (!flag.choices.empty()) {
    std::string all;
    for (const std::string& choice : flag.choices) all += (all.empty() ? "" : ", ") + choice;
    text += " (" + all + ")";
  }
  if (!flag.fallback.empty() && flag.type != FlagType::boolean) text += " [default: " + flag.fallback + "]";
  if (!flag.more.empty()) text += ". " + flag.more;
  return out + plain(text) + "\n";
}

std::string options(const std::vector<Flag>& flags, const char* title) {
  if (flags.empty()) return {};
  std::string out = std::string(".SH ") + title + "\n";
  for (const Flag& flag : flags) out += option(flag);
  return out;
}

std::string examples(const std::string& text) {
  return text.empty() ? std::string() : ".SH EXAMPLES\n.nf\n" + plain(text) + ".fi\n";
}

constexpr const char* kExits =
    ".SH EXIT STATUS\n0: done, or stopped by a signal and all flushed. 1: failed at run time. 2: usage or "
    "configuration. "
    "3: verify found damage, or another digest than expected. 130: ended by a second signal.\n";
constexpr const char* kFiles =
    ".SH FILES\n./bixws.yaml, $XDG_CONFIG_HOME/bixws/config.yaml, /etc/bixws/config.yaml: every option can be set "
    "there, "
    "and in the environment as BIXWS_<OPTION>. The command line wins, then the environment, then the first file.\n";

std::string page_of(const Verb& verb) {
  std::string out = head(page_name(verb), verb.summary) + ".SH SYNOPSIS\n.B bixws " + plain(verb.name) + "\n[OPTIONS]";
  for (const Flag& flag : verb.flags) {
    if (flag.positional) out += flag.required ? " " + plain(flag.value) : " [" + plain(flag.value) + "]";
  }
  out += "\n.SH DESCRIPTION\n" + plain(verb.about.empty() ? verb.summary : verb.about) + "\n";
  return out + options(verb.flags, "OPTIONS") + options(global_flags(), "GLOBAL OPTIONS") + kExits + kFiles +
         examples(verb.examples) + ".SH SEE ALSO\n.BR bixws (1)\n";
}

std::string overview_page() {
  std::string out = head("bixws", "live crypto market data on your own machine, and a time machine for it") +
                    ".SH SYNOPSIS\n.B bixws\n[OPTIONS] COMMAND ...\n.SH COMMANDS\n";
  std::string others;
  for (const Verb& verb : verbs()) {
    out += ".TP\n.B " + plain(verb.name) + "\n" + plain(verb.summary) + "\n";
    others += (others.empty() ? "" : ",\n") + std::string(".BR ") + plain(page_name(verb)) + " (1)";
  }
  return out + options(global_flags(), "GLOBAL OPTIONS") + kExits + kFiles + ".SH SEE ALSO\n" + others + "\n";
}

void save(const std::filesystem::path& folder, const std::string& name, const std::string& text) {
  const std::filesystem::path path = folder / (name + ".1");
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error(path.string() + ": " + std::strerror(errno));
}

int man(const Call& call) {
  if (call.values.has("dir")) {
    const std::filesystem::path folder = call.values.text("dir");
    std::filesystem::create_directories(folder);
    save(folder, "bixws", overview_page());
    for (const Verb& verb : verbs()) save(folder, page_name(verb), page_of(verb));
    return 0;
  }
  std::string name;
  for (const std::string& word : call.values.list("command")) name += (name.empty() ? "" : " ") + word;
  if (name.empty()) return print(overview_page());
  std::vector<std::string> known;
  for (const Verb& verb : verbs()) {
    if (verb.name == name) return print(page_of(verb));
    known.push_back(verb.name);
  }
  throw ConfigError("unknown command " + name + did_you_mean(name, known));
}

}  // namespace

Verb man_verb() {
  return {.name = "man",
          .summary = "manual page of a command",
          .about = "The pages that make install puts where man finds them. Without a command: that of bixws itself.",
          .flags = {{.name = "command",
                     .type = FlagType::words,
                     .value = "COMMAND",
                     .help = "as serve, or sessions list",
                     .positional = true,
                     .configurable = false},
                    {.name = "dir",
                     .value = "DIR",
                     .help = "write all pages into this folder instead",
                     .configurable = false}},
          .examples =
              "  # read it here and now\n"
              "  bixws man serve | man -l -\n",
          .run = man,
          .reads_config = false};
}

}  // namespace bixws::cli
