// SPDX-License-Identifier: Apache-2.0
// Parsing with CLI11, driven by the verbs' tables. The only file that includes CLI11, which takes seconds to compile.
#include "command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>

#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::cli {
namespace {

using host::Flag;
using host::FlagType;

std::vector<std::string> words_of(const std::string& name) {
  const auto space = name.find(' ');
  if (space == std::string::npos) return {name};
  return {name.substr(0, space), name.substr(space + 1)};
}

/// Values stay text here: host::Values checks them, wherever they come from.
CLI::Option* add(CLI::App& app, const Flag& flag) {
  std::string names = flag.positional ? flag.name : "--" + flag.name;
  if (flag.letter != 0) names += std::string(",-") + flag.letter;
  if (flag.type == FlagType::boolean)
    return app.add_flag_function(
        names, [](std::int64_t) {}, flag.help);
  CLI::Option* option = app.add_option(
      names, [](const CLI::results_t&) { return true; }, flag.help);
  const bool many = flag.type == FlagType::list || flag.type == FlagType::words;
  option->type_size(1)->expected(flag.positional && many ? -1 : 1);
  // One value behind each --feed, however often it is given: the next word may be a symbol.
  option->multi_option_policy(many ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::TakeLast);
  return option;
}

using Options = std::vector<std::pair<const Flag*, CLI::Option*>>;

struct Parser {
  CLI::App app{"", "bixws"};
  std::map<std::string, CLI::App*> groups;
  std::map<const Verb*, std::pair<CLI::App*, Options>> verb_apps;
  Options globals;
  CLI::Option* brief = nullptr;
  CLI::Option* full = nullptr;
  CLI::Option* version = nullptr;

  Parser() {
    open(app);
    app.require_subcommand(0, 1);
    brief = app.add_flag_function("-h", [](std::int64_t) {});
    full = app.add_flag_function("--help", [](std::int64_t) {});
    version = app.add_flag_function("--version", [](std::int64_t) {});
    for (const Flag& flag : global_flags()) globals.emplace_back(&flag, add(app, flag));
    for (const Verb& verb : verbs()) {
      const auto words = words_of(verb.name);
      CLI::App* parent = &app;
      if (words.size() == 2) {
        CLI::App*& group = groups[words[0]];
        if (group == nullptr) {
          group = app.add_subcommand(words[0]);
          open(*group);
          group->require_subcommand(0, 1);
        }
        parent = group;
      }
      CLI::App* sub = parent->add_subcommand(words.back(), verb.summary);
      open(*sub);
      Options options;
      for (const Flag& flag : verb.flags) options.emplace_back(&flag, add(*sub, flag));
      verb_apps.emplace(&verb, std::make_pair(sub, std::move(options)));
    }
  }

  static void open(CLI::App& sub) {
    sub.set_help_flag();
    sub.allow_extras();
    sub.fallthrough();
  }

  /// The first argument nobody wanted, refused with what may have been meant.
  void refuse_extras(const CommandLine& line) const {
    const std::vector<std::string> extras = app.remaining(true);
    if (extras.empty()) return;
    const std::string& word = extras.front();
    std::vector<std::string> known;
    if (word.size() > 1 && word[0] == '-') {
      const std::string name = word.substr(0, word.find('='));
      for (const Flag& flag : global_flags()) known.push_back("--" + flag.name);
      if (line.verb != nullptr) {
        for (const Flag& flag : line.verb->flags) {
          if (!flag.positional) known.push_back("--" + flag.name);
        }
      }
      known.insert(known.end(), {"--help", "--version"});
      const std::string near = nearest(name, known);
      throw ConfigError("unknown option " + name + (line.verb != nullptr ? " of " + line.verb->name : "") +
                        (near.empty() ? "; see bixws " + (line.verb != nullptr ? line.verb->name + " " : "") + "-h"
                                      : "; did you mean " + near + "?"));
    }
    if (line.verb != nullptr) throw ConfigError("unexpected argument " + word + " of " + line.verb->name);
    for (const Verb& verb : verbs()) {
      const auto words = words_of(verb.name);
      if (line.group.empty()) {
        if (known.empty() || known.back() != words[0]) known.push_back(words[0]);
      } else if (words[0] == line.group) {
        known.push_back(words[1]);
      }
    }
    const std::string of = line.group.empty() ? "" : line.group + " ";
    throw ConfigError("unknown command " + of + word + did_you_mean(word, known));
  }
};

void collect(const Options& options, host::Given& given) {
  for (const auto& [flag, option] : options) {
    if (option->count() > 0) given[flag->name] = option->results();
  }
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  CommandLine line;
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch& e) {
    const std::string text = e.what();
    throw ConfigError(text.substr(0, text.find(':')) + " needs a value");
  } catch (const CLI::ParseError& e) {
    std::string text = e.what();
    if (!text.empty() && text.back() == '\n') text.pop_back();
    throw ConfigError(text);
  }
  for (const auto& [name, group] : parser.groups) {
    if (group->parsed()) line.group = name;
  }
  for (const auto& [verb, entry] : parser.verb_apps) {
    if (!entry.first->parsed()) continue;
    line.verb = verb;
    collect(entry.second, line.given);
  }
  collect(parser.globals, line.given);
  if (parser.full->count() > 0) {
    line.help = Help::full;
  } else if (parser.brief->count() > 0) {
    line.help = Help::brief;
  }
  line.version = parser.version->count() > 0;
  parser.refuse_extras(line);
  return line;
}

}  // namespace bixws::cli
