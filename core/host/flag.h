// SPDX-License-Identifier: Apache-2.0
// Flag: one setting of one command, whoever sets it: the command line, the environment or a config file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bixws::host {

enum class FlagType : std::uint8_t {
  text,
  integer,
  number,
  boolean,
  duration,
  list,   ///< may be repeated; commas belong to the value (feeds, sinks). In the environment: separated by ';'
  words,  ///< may be repeated, and separated by commas (channels, symbols)
};

/// A row of a command's table: parsing, help, completion, environment and config files all follow from it. Written
/// with designated initialisers, so every member has a default.
struct Flag {
  std::string name;  ///< "log-level": --log-level, BIXWS_LOG_LEVEL, and log-level in a config file
  FlagType type = FlagType::text;
  std::string value;                 ///< what help calls the value: "PORT"
  std::string fallback;              ///< default as text; empty: none
  std::string help;                  ///< one line, lower case, no full stop
  std::string more;                  ///< further sentences for --help
  char letter = 0;                   ///< "-n"; 0: none
  std::vector<std::string> choices;  ///< of text, or of each of words; empty: anything
  std::int64_t least = 0;            ///< of integers
  std::int64_t most = INT64_MAX;
  std::string (*check)(const std::string&) = nullptr;  ///< further check of one value: "must be ..." or empty
  /// Of lists: an item in a config file may also be a map, whose member of this name stands before the colon and the
  /// others behind it as key=value. Empty: plain text only.
  std::string map_name;
  bool positional = false;   ///< without dashes; `value` names it
  bool required = false;     ///< of positionals and of options without default
  bool configurable = true;  ///< false: command line only (FILE, --config)
  bool secret = false;       ///< never shown
};

/// One value as it is kept: durations and numbers checked, booleans as "true" or "false". Throws ConfigError with
/// `where` ("--port", "BIXWS_PORT", "bixws.yaml:3: port") as its subject.
std::string checked_value(const Flag& flag, const std::string& text, const std::string& where);

/// As checked_value for all of them; `words` are split at commas and blanks first.
std::vector<std::string> checked_values(const Flag& flag, const std::vector<std::string>& texts,
                                        const std::string& where);
/// The pieces between any of `separators`, without empty ones.
std::vector<std::string> split(const std::string& text, const char* separators);

/// "--log-level" or "SYMBOL" for positionals.
std::string spelled(const Flag& flag);
/// "BIXWS_LOG_LEVEL"
std::string environment_name(const Flag& flag);

/// true, yes, on, 1 and their opposites; -1 if neither.
int parse_boolean(std::string text);

}  // namespace bixws::host
