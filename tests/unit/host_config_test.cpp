// SPDX-License-Identifier: Apache-2.0
// Who wins: command line, environment, files, default; and what is wrong with a file, by line.
#include <gmock/gmock.h>

#include <filesystem>

#include "host/config.h"
#include "model/config_error.h"
#include "support/temp_dir.h"

namespace bixws::host {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<Flag>& flags() {
  static const std::vector<Flag> all{
      {.name = "port", .type = FlagType::integer, .value = "PORT", .fallback = "8765", .help = "where", .most = 65535},
      {.name = "host", .value = "HOST", .fallback = "127.0.0.1", .help = "who"},
      {.name = "log-level", .value = "LEVEL", .fallback = "info", .help = "how much", .choices = {"debug", "info"}},
      {.name = "interval", .type = FlagType::duration, .value = "D", .fallback = "100ms", .help = "how often"},
      {.name = "compress", .type = FlagType::boolean, .help = "smaller"},
      {.name = "feed", .type = FlagType::list, .value = "F", .fallback = "binance", .help = "from where"},
      {.name = "rules",
       .type = FlagType::list,
       .value = "RULE",
       .help = "when",
       .check = [](const std::string& text) { return std::string(text.find("bad") == text.npos ? "" : "is bad"); },
       .map_name = "rule"},
      {.name = "symbols", .type = FlagType::words, .value = "SYMBOL", .help = "what", .positional = true},
      {.name = "token", .type = FlagType::text, .value = "T", .help = "secret", .secret = true},
      {.name = "config", .value = "FILE", .help = "file", .configurable = false},
  };
  return all;
}

std::vector<CommandFlags> commands() { return {{"serve", flags()}, {"replay", {flags()[0]}}}; }

ConfigFile file(const std::string& text, const std::string& path = "bixws.yaml") {
  return parse_config(text, path, commands());
}

Values resolve(const Given& given, const std::map<std::string, std::string>& environment,
               const std::vector<ConfigFile>& files, const std::string& section = "serve") {
  const Environment lookup = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  };
  return Values::resolve(flags(), section, given, lookup, files);
}

template <typename Action>
std::string refusal(Action&& action) {
  try {
    action();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Values, StrongestWinsAndSaysWhoItWas) {
  const std::vector<ConfigFile> files{file("port: 3\n"), file("port: 2\nhost: h2\n", "/home/config.yaml"),
                                      file("port: 1\nhost: h1\ninterval: 5s\n", "/etc/config.yaml")};
  const Values all = resolve({{"port", {"5"}}}, {{"BIXWS_PORT", "4"}}, files);
  EXPECT_EQ(all.integer("port"), 5);
  EXPECT_EQ(all.origin("port"), "--port");
  EXPECT_EQ(all.text("host"), "h2");
  EXPECT_EQ(all.origin("host"), "/home/config.yaml:2");
  EXPECT_EQ(all.duration("interval"), 5'000'000);
  EXPECT_EQ(all.origin("interval"), "/etc/config.yaml:3");
  EXPECT_EQ(all.text("log-level"), "info");
  EXPECT_EQ(all.origin("log-level"), "default");
  EXPECT_FALSE(all.given("log-level"));
  EXPECT_TRUE(all.has("log-level"));

  EXPECT_EQ(resolve({}, {{"BIXWS_PORT", "4"}}, files).integer("port"), 4);
  EXPECT_EQ(resolve({}, {{"BIXWS_PORT", "4"}}, files).origin("port"), "BIXWS_PORT");
  EXPECT_EQ(resolve({}, {{"BIXWS_PORT", ""}}, files).integer("port"), 3);
  EXPECT_EQ(resolve({}, {}, {}).integer("port"), 8765);
}

TEST(Values, ACommandsSectionWinsWithinItsFile) {
  const ConfigFile both = file("serve:\n  port: 7\nport: 6\n");
  EXPECT_EQ(resolve({}, {}, {both}).integer("port"), 7);
  EXPECT_EQ(resolve({}, {}, {both}, "replay").integer("port"), 6);
  EXPECT_EQ(resolve({}, {}, {file("port: 5\n"), both}).integer("port"), 5);
}

TEST(Values, ListsComeWholeFromOneOrigin) {
  const ConfigFile config = file("feed: [sim, 'kraken:url=ws://h,x=y']\nsymbols: BTCUSDT, ETHUSDT\n");
  EXPECT_THAT(resolve({}, {}, {config}).list("feed"), ElementsAre("sim", "kraken:url=ws://h,x=y"));
  EXPECT_THAT(resolve({}, {}, {config}).list("symbols"), ElementsAre("BTCUSDT", "ETHUSDT"));
  EXPECT_THAT(resolve({}, {{"BIXWS_FEED", "a:b=c,d=e;f"}}, {config}).list("feed"), ElementsAre("a:b=c,d=e", "f"));
  EXPECT_THAT(resolve({}, {{"BIXWS_SYMBOLS", "X Y,Z"}}, {config}).list("symbols"), ElementsAre("X", "Y", "Z"));
  EXPECT_THAT(resolve({{"feed", {"p", "q"}}}, {}, {config}).list("feed"), ElementsAre("p", "q"));
}

TEST(Values, BooleansAreReadAsPeopleWriteThem) {
  for (const char* yes : {"true", "yes", "on", "1", "TRUE"}) {
    EXPECT_TRUE(resolve({}, {{"BIXWS_COMPRESS", yes}}, {}).on("compress")) << yes;
  }
  EXPECT_FALSE(resolve({{"compress", {"false"}}}, {{"BIXWS_COMPRESS", "1"}}, {}).on("compress"));
}

TEST(Values, AreRefusedInTheNameOfWhoSetThem) {
  EXPECT_EQ(refusal([] {
              resolve({{"port", {"99999"}}}, {}, {});
            }),
            "--port must be a whole number from 0 to 65535, not 99999");
  EXPECT_EQ(refusal([] {
              resolve({}, {{"BIXWS_PORT", "http"}}, {});
            }),
            "BIXWS_PORT must be a whole number from 0 to 65535, not http");
  EXPECT_EQ(refusal([] { file("\nport: -1\n"); }), "bixws.yaml:2: port must be a whole number from 0 to 65535, not -1");
  EXPECT_EQ(refusal([] {
              resolve({{"log-level", {"debgu"}}}, {}, {});
            }),
            "--log-level must be debug or info, not debgu; did you mean debug?");
  EXPECT_EQ(refusal([] {
              resolve({{"interval", {"100"}}}, {}, {});
            }),
            "--interval must be a duration such as 250ms, 5s, 2m or 1h, not 100");
}

TEST(Values, UnknownFlagIsAMistakeInTheProgram) {
  EXPECT_THROW((void)resolve({}, {}, {}).text("prot"), std::logic_error);
}

TEST(ConfigFile, NamesLineAndNearestKey) {
  EXPECT_EQ(refusal([] { file("port: 1\nprot: 2\n"); }), "bixws.yaml:2: unknown key prot; did you mean port?");
  EXPECT_EQ(refusal([] { file("serve:\n  intreval: 5s\n"); }),
            "bixws.yaml:2: unknown key intreval of serve; did you mean interval?");
  EXPECT_EQ(refusal([] { file("replay:\n  interval: 5s\n"); }),
            "bixws.yaml:2: unknown key interval of replay; known: port");
  EXPECT_THAT(refusal([] { file("config: x\n"); }), HasSubstr("bixws.yaml:1: unknown key config"));
  EXPECT_EQ(refusal([] { file("port: 1\nport: 2\n"); }), "bixws.yaml:2: key port is given twice");
  EXPECT_EQ(refusal([] { file("port: [1, 2]\n"); }), "bixws.yaml:1: port must be one value");
  EXPECT_EQ(refusal([] { file("feed: {sim: 1}\n"); }), "bixws.yaml:1: feed must be a value or a list of values");
  EXPECT_EQ(refusal([] { file("- port\n"); }), "bixws.yaml:1: expected lines such as \"port: 8765\"");
  EXPECT_THAT(refusal([] { file("port: 1\n  host: [\n"); }), HasSubstr("bixws.yaml:2: not YAML: "));
}

TEST(ConfigFile, AnItemOfAListMayBeAMap) {
  const ConfigFile config =
      file("rules:\n  - rule: price\n    above: 5\n    symbols: [A, B]\n    text: x, y\n  - gap\n");
  EXPECT_THAT(resolve({}, {}, {config}).list("rules"), ElementsAre("price:above=5,symbols=A+B,text=x\\, y", "gap"));
  EXPECT_EQ(refusal([] { file("rules:\n  - gap\n  - rule: bad\n    above: 5\n"); }), "bixws.yaml:3: rules is bad");
  EXPECT_EQ(refusal([] { file("rules:\n  - above: 5\n"); }), "bixws.yaml:2: an item of rules needs a line rule: ...");
  EXPECT_EQ(refusal([] { file("rules:\n  - rule: a\n    above: {x: 5}\n"); }),
            "bixws.yaml:3: an item of rules must be made of lines such as rule: text");
  EXPECT_EQ(refusal([] { file("feed:\n  - rule: price\n"); }), "bixws.yaml:2: an item of feed must be plain text");
}

TEST(ConfigFile, MayBeEmptyAndLeaveThingsOpen) {
  EXPECT_TRUE(file("").entries.empty());
  EXPECT_TRUE(file("# nothing\n").entries.empty());
  EXPECT_TRUE(file("port:\n").entries.empty());
}

TEST(ConfigFile, AllProblemsAreCollectedOnRequest) {
  std::vector<std::string> problems;
  const ConfigFile config = parse_config("prot: 1\nport: x\nhost: h\n", "f.yaml", commands(), &problems);
  EXPECT_THAT(problems, ElementsAre("f.yaml:1: unknown key prot; did you mean port?",
                                    "f.yaml:2: port must be a whole number from 0 to 65535, not x"));
  ASSERT_EQ(config.entries.size(), 1U);
}

TEST(ConfigFile, UnreadableIsAnError) {
  const test::TempDir dir;
  EXPECT_EQ(refusal([&] { read_config((dir / "gone.yaml").string(), commands()); }),
            "cannot read config file " + (dir / "gone.yaml").string() + ": No such file or directory");
  EXPECT_EQ(refusal([&] { read_config(dir.path().string(), commands()); }),
            "cannot read config file " + dir.path().string() + ": Is a directory");
  EXPECT_TRUE(read_config(dir.write("empty.yaml", "").string(), commands()).entries.empty());
}

TEST(ConfigPaths, FollowXdg) {
  const test::TempDir dir;
  fs::create_directories(dir / "xdg/bixws");
  fs::create_directories(dir / "home/.config/bixws");
  dir.write("xdg/bixws/config.yaml", "port: 1\n");
  dir.write("home/.config/bixws/config.yaml", "port: 2\n");
  std::map<std::string, std::string> variables{{"HOME", (dir / "home").string()}};
  const Environment environment = [&](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  EXPECT_THAT(config_paths(environment), testing::Contains((dir / "home/.config/bixws/config.yaml").string()));
  variables["XDG_CONFIG_HOME"] = (dir / "xdg").string();
  EXPECT_THAT(config_paths(environment), testing::Contains((dir / "xdg/bixws/config.yaml").string()));
  EXPECT_THAT(config_paths(environment),
              testing::Not(testing::Contains((dir / "home/.config/bixws/config.yaml").string())));
}

}  // namespace
}  // namespace bixws::host
