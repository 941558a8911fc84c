// SPDX-License-Identifier: Apache-2.0
// completion: scripts for bash, zsh and fish, made from the verbs' tables.
#include <map>

#include "command_line.h"
#include "output.h"
#include "verbs.h"

namespace bixws::cli {
namespace {

using host::Flag;
using host::FlagType;

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

/// "serve" -> "", "sessions" -> "list info verify".
std::map<std::string, std::vector<std::string>> tree() {
  std::map<std::string, std::vector<std::string>> commands;
  for (const Verb& verb : verbs()) {
    auto& actions = commands[section_of(verb)];
    if (const auto space = verb.name.find(' '); space != std::string::npos)
      actions.push_back(verb.name.substr(space + 1));
  }
  return commands;
}

std::vector<std::string> option_words(const std::vector<Flag>& flags) {
  std::vector<std::string> words;
  for (const Flag& flag : flags) {
    if (!flag.positional) words.push_back("--" + flag.name);
  }
  return words;
}

bool takes_file(const Flag& flag) { return flag.value == "FILE" || flag.value == "DIR"; }

/// A case branch for the value of each flag whose values can be known.
std::string bash_values() {
  std::map<std::string, std::string> branches;
  const auto add = [&](const std::vector<Flag>& flags) {
    for (const Flag& flag : flags) {
      if (flag.positional || flag.type == FlagType::boolean) continue;
      std::string action = "return";
      if (!flag.choices.empty())
        action = "COMPREPLY=($(compgen -W '" + joined(flag.choices) + "' -- \"$cur\")); return";
      if (takes_file(flag)) action = "COMPREPLY=($(compgen -f -- \"$cur\")); return";
      if (flag.name == "feed" || flag.name == "sink") {
        action = "COMPREPLY=($(compgen -W \"$(bixws plugins list 2>/dev/null | awk '$1 == \"'" + flag.name +
                 "'\" {print $2}')\" -- \"$cur\")); return";
      }
      branches["--" + flag.name] = action;
    }
  };
  add(global_flags());
  for (const Verb& verb : verbs()) add(verb.flags);
  std::string text;
  for (const auto& [name, action] : branches) text += "    " + name + ") " + action + " ;;\n";
  return text;
}

std::string bash() {
  const auto commands = tree();
  std::vector<std::string> names;
  for (const auto& [name, actions] : commands) names.push_back(name);
  std::string text =
      "# bash completion for bixws: source this file, or put it into /etc/bash_completion.d\n"
      "_bixws() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command= action= word\n"
      "  local commands='" +
      joined(names) +
      "'\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    if [[ -z $command && \" $commands \" == *\" $word \"* ]]; then command=$word\n"
      "    elif [[ -n $command && -z $action && $word != -* ]]; then action=$word; fi\n"
      "  done\n"
      "  case $prev in\n" +
      bash_values() +
      "  esac\n"
      "  local options='" +
      joined(option_words(global_flags())) +
      " --help --version' words=\n"
      "  case $command in\n"
      "    '') words=$commands ;;\n";
  for (const auto& [name, actions] : commands) {
    if (!actions.empty()) text += "    " + name + ") [[ -z $action ]] && words='" + joined(actions) + "' ;;\n";
  }
  text +=
      "  esac\n"
      "  case \"$command $action\" in\n";
  for (const Verb& verb : verbs()) {
    const bool grouped = verb.name.find(' ') != std::string::npos;
    text += "    '" + verb.name + (grouped ? "'" : " '*") + ") options=\"$options " + joined(option_words(verb.flags)) +
            "\" ;;\n";
  }
  text +=
      "  esac\n"
      "  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$cur\"))\n"
      "  elif [[ -n $words ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
      "  else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
      "}\n"
      "complete -F _bixws bixws\n";
  return text;
}

std::string zsh() {
  return "#compdef bixws\n"
         "# zsh completion for bixws: put this file into a folder of $fpath as _bixws, or source it\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash();
}

std::string fish_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    out += c;
  }
  return out + "'";
}

std::string fish_flag(const Flag& flag, const std::string& condition) {
  if (flag.positional) return {};
  std::string line = "complete -c bixws" + condition + " -l " + flag.name;
  if (flag.letter != 0) line += std::string(" -s ") + flag.letter;
  if (flag.type != FlagType::boolean) line += takes_file(flag) ? " -r -F" : " -x";
  if (!flag.choices.empty()) line += " -a " + fish_quoted(joined(flag.choices));
  if (flag.name == "feed" || flag.name == "sink") {
    line += " -a \"(bixws plugins list 2>/dev/null | awk '\\$1 == \\\"" + flag.name + "\\\" {print \\$2}')\"";
  }
  return line + " -d " + fish_quoted(flag.help) + "\n";
}

std::string fish() {
  std::string text = "# fish completion for bixws: put this file into ~/.config/fish/completions as bixws.fish\n";
  const auto commands = tree();
  std::map<std::string, std::string> summaries;
  for (const Verb& verb : verbs()) summaries.emplace(section_of(verb), verb.summary);
  for (const auto& [name, actions] : commands) {
    text += "complete -c bixws -n __fish_use_subcommand -f -a " + name + " -d " +
            fish_quoted(actions.empty() ? summaries[name] : joined(actions)) + "\n";
    for (const std::string& action : actions) {
      text += "complete -c bixws -n '__fish_seen_subcommand_from " + name + "; and not __fish_seen_subcommand_from " +
              joined(actions) + "' -f -a " + action + "\n";
    }
  }
  for (const Flag& flag : global_flags()) text += fish_flag(flag, "");
  for (const Verb& verb : verbs()) {
    std::string condition = "__fish_seen_subcommand_from " + section_of(verb);
    if (const auto space = verb.name.find(' '); space != std::string::npos) {
      condition += "; and __fish_seen_subcommand_from " + verb.name.substr(space + 1);
    }
    for (const Flag& flag : verb.flags) text += fish_flag(flag, " -n '" + condition + "'");
  }
  return text;
}

int completion(const Call& call) { return print(completion_script(call.values.text("shell"))); }

}  // namespace

std::string completion_script(const std::string& shell) {
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  return bash();
}

Verb completion_verb() {
  return {.name = "completion",
          .summary = "completion script for a shell",
          .flags = {{.name = "shell",
                     .value = "SHELL",
                     .help = "which one",
                     .choices = {"bash", "zsh", "fish"},
                     .positional = true,
                     .required = true,
                     .configurable = false}},
          .examples =
              "  # for this bash, and for those to come\n"
              "  source <(bixws completion bash)\n"
              "  bixws completion bash > ~/.local/share/bash-completion/completions/bixws\n",
          .run = completion,
          .reads_config = false};
}

}  // namespace bixws::cli
