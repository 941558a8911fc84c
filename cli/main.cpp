// SPDX-License-Identifier: Apache-2.0
// Entry point of the bixws binary: reads command line and configuration and hands over to one verb.
#include <csignal>
#include <cstdio>
#include <exception>
#include <memory>
#include <system_error>

#include "command_line.h"
#include "host/log.h"
#include "model/config_error.h"
#include "output.h"
#include "verb.h"

namespace bixws::cli {
namespace {

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;

int complain(const char* text, int code) {
  std::fprintf(stderr, "bixws: %s\n", text);
  return code;
}

std::vector<host::ConfigFile> config_files(const host::Given& given, const host::Environment& environment) {
  const auto commands = all_flags();
  std::vector<host::ConfigFile> files;
  const auto named = given.find("config");
  if (named != given.end() && !named->second.empty()) {
    files.push_back(host::read_config(named->second.back(), commands));
  } else if (const auto variable = environment("BIXWS_CONFIG"); variable && !variable->empty()) {
    files.push_back(host::read_config(*variable, commands));
  } else {
    for (const std::string& path : host::config_paths(environment)) {
      files.push_back(host::read_config(path, commands));
    }
  }
  return files;
}

LogLevel log_level(const std::string& name) {
  for (const auto level : {LogLevel::debug, LogLevel::info, LogLevel::warning, LogLevel::error}) {
    if (host::name_of(level) == name) return level;
  }
  return LogLevel::info;
}

int run(const CommandLine& line) {
  const Verb& verb = *line.verb;
  const host::Environment environment = host::process_environment();
  std::vector<host::ConfigFile> files;
  if (verb.reads_config) files = config_files(line.given, environment);
  std::vector<host::Flag> flags = verb.flags;
  flags.insert(flags.end(), global_flags().begin(), global_flags().end());
  const host::Values values = host::Values::resolve(flags, section_of(verb), line.given, environment, files);
  for (const host::Flag& flag : verb.flags) {
    if (flag.required && !values.has(flag.name)) {
      throw ConfigError(verb.name + " needs " + host::spelled(flag) + (flag.positional ? "" : " " + flag.value) + ": " +
                        flag.help);
    }
  }
  const LogLevel level = log_level(values.text("log-level"));
  const std::unique_ptr<host::Log> log = values.has("log-file")
                                             ? std::make_unique<host::Log>(level, values.text("log-file"))
                                             : std::make_unique<host::Log>(level);
  for (const host::Flag& flag : verb.flags) {
    if (flag.secret) log->hide(values.text(flag.name));
  }
  return verb.run({verb, values, *log, files});
}

int dispatch(int argc, const char* const* argv) {
  const CommandLine line = parse_command_line(argc, argv);
  if (line.version) return print("bixws " BIXWS_VERSION "\n");
  if (line.help != Help::none) {
    return print(line.verb != nullptr ? verb_help(*line.verb, line.help) : overview(line.group, line.help));
  }
  if (line.verb == nullptr) {
    std::fputs(overview(line.group, Help::brief).c_str(), stderr);
    return kUsage;
  }
  return run(line);
}

}  // namespace
}  // namespace bixws::cli

int main(int argc, char** argv) {
  using namespace bixws;
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return cli::dispatch(argc, argv);
  } catch (const ConfigError& e) {
    return cli::complain(e.what(), cli::kUsage);
  } catch (const std::system_error& e) {
    if (e.code() == std::errc::broken_pipe) return cli::kDone;
    return cli::complain(e.what(), cli::kFailed);
  } catch (const std::exception& e) {
    return cli::complain(e.what(), cli::kFailed);
  }
}
