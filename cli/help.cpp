// SPDX-License-Identifier: Apache-2.0
// Help texts from the verbs' tables: -h fits a screen, --help explains and ends with examples.
#include <algorithm>
#include <set>

#include "command_line.h"

namespace bixws::cli {
namespace {

using host::Flag;
using host::FlagType;

constexpr std::size_t kColumn = 30;
constexpr std::size_t kWidth = 100;

std::string left_of(const Flag& flag) {
  if (flag.positional) return "  " + flag.value;
  std::string text = flag.letter != 0 ? std::string("  -") + flag.letter + ", " : "      ";
  text += "--" + flag.name;
  if (flag.type != FlagType::boolean) text += " " + flag.value;
  return text;
}

void wrap(std::string& out, const std::string& text, std::size_t column) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = std::min(at + (kWidth - column), text.size());
    if (end < text.size()) {
      const std::size_t space = text.rfind(' ', end);
      if (space != std::string::npos && space > at) end = space;
    }
    if (at != 0) out += "\n" + std::string(column, ' ');
    out += text.substr(at, end - at);
    at = end;
    while (at < text.size() && text[at] == ' ') ++at;
  }
  out += '\n';
}

void row(std::string& out, const std::string& left, const std::string& right) {
  out += left;
  if (left.size() + 2 > kColumn) {
    out += "\n" + std::string(kColumn, ' ');
  } else {
    out += std::string(kColumn - left.size(), ' ');
  }
  wrap(out, right, kColumn);
}

void describe(std::string& out, const Flag& flag, Help help) {
  std::string text = flag.help;
  if (!flag.choices.empty()) {
    text += " (";
    for (std::size_t i = 0; i < flag.choices.size(); ++i) text += (i != 0 ? ", " : "") + flag.choices[i];
    text += ")";
  }
  if (!flag.fallback.empty() && flag.type != FlagType::boolean) text += " [default: " + flag.fallback + "]";
  row(out, left_of(flag), text);
  if (help == Help::full && !flag.more.empty()) {
    out += std::string(kColumn, ' ');
    wrap(out, flag.more, kColumn);
  }
}

std::string usage_of(const Verb& verb) {
  std::string text = "Usage: bixws " + verb.name + " [OPTIONS]";
  for (const Flag& flag : verb.flags) {
    const bool many = flag.type == FlagType::list || flag.type == FlagType::words;
    if (!flag.positional && flag.required) text += " --" + flag.name + " " + flag.value;
    if (flag.positional) text += flag.required ? " " + flag.value : " [" + flag.value + (many ? "...]" : "]");
  }
  return text + "\n";
}

void globals(std::string& out, Help help) {
  out += "\nGlobal options:\n";
  for (const Flag& flag : global_flags()) describe(out, flag, help);
  row(out, "  -h, --help", "short help, or long help with examples");
  row(out, "      --version", "print the version");
}

}  // namespace

std::string verb_help(const Verb& verb, Help help) {
  std::string out = usage_of(verb);
  out += '\n';
  wrap(out, verb.summary, 0);
  if (help == Help::full && !verb.about.empty()) {
    out += '\n';
    wrap(out, verb.about, 0);
  }
  if (!verb.flags.empty()) out += "\nOptions:\n";
  for (const Flag& flag : verb.flags) describe(out, flag, help);
  if (help == Help::brief) {
    out += "\nSee bixws " + verb.name + " --help for more and for examples.\n";
    return out;
  }
  globals(out, help);
  out +=
      "\nEvery option can also be set in the environment (BIXWS_LOG_LEVEL for --log-level) and in bixws.yaml\n"
      "(log-level: debug); see bixws config show.\n";
  if (!verb.examples.empty()) out += "\nExamples:\n" + verb.examples;
  if (out.back() != '\n') out += '\n';
  return out;
}

std::string overview(const std::string& group, Help help) {
  std::string out = "Usage: bixws " + (group.empty() ? "[OPTIONS] COMMAND ..." : group + " COMMAND ...") + "\n";
  if (group.empty()) out += "\nLive crypto market data on your own machine, and a time machine for it.\n";
  out += "\nCommands:\n";
  for (const Verb& verb : verbs()) {
    if (group.empty() || section_of(verb) == group) row(out, "  " + verb.name, verb.summary);
  }
  if (group.empty()) globals(out, help);
  if (help == Help::brief || !group.empty()) {
    out +=
        "\nSee bixws " + (group.empty() ? "" : group + " ") + "COMMAND --help for a command's options and examples.\n";
    return out;
  }
  out +=
      "\nExamples:\n"
      "  # a made-up market, no exchange needed; then watch it from another terminal\n"
      "  bixws serve --demo\n"
      "  bixws watch\n";
  return out;
}

}  // namespace bixws::cli
