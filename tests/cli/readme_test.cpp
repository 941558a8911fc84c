// SPDX-License-Identifier: Apache-2.0
// The README's commands, run in their order in an empty folder. Only the port differs: a test takes any free one.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <string>
#include <vector>

#include "support/process.h"

namespace bixws::test {
namespace {

/// The lines of all ```sh blocks, without their comments.
std::vector<std::string> readme_commands() {
  std::ifstream readme(std::string(BIXWS_SOURCE_DIR) + "/README.md");
  std::vector<std::string> commands;
  std::string line;
  bool inside = false;
  while (std::getline(readme, line)) {
    if (line.rfind("```", 0) == 0) {
      inside = line == "```sh";
    } else if (inside) {
      const auto comment = line.find("  #");
      if (comment != std::string::npos) line.resize(line.find_last_not_of(' ', comment) + 1);
      if (!line.empty()) commands.push_back(line);
    }
  }
  return commands;
}

bool has(const std::string& command, const std::string& word) { return command.find(word) != std::string::npos; }

TEST(Readme, CommandsDoWhatTheySay) {
  const auto commands = readme_commands();
  ASSERT_GE(commands.size(), 15U) << "README.md lost its examples";
  const TempDir folder;
  ProcessOptions options;
  options.cwd = folder.path();
  options.env = {{"PATH", std::string(BIXWS_BUILD_DIR) + ":" + getenv("PATH")}, {"BIXWS_PORT", "0"}, {"CI", ""}};
  options.unset = {"BIXWS_URL"};

  options.args = {"-c", "exec bixws serve --demo"};
  Process server("/bin/sh", options);
  const auto listening = server.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << server.err();
  const std::string url = (*listening)[1];
  options.env["BIXWS_URL"] = url;

  for (std::string command : commands) {
    SCOPED_TRACE(command);
    const std::string default_url = "ws://localhost:8765";
    if (has(command, default_url)) command.replace(command.find(default_url), default_url.size(), url);
    options.args = {"-c", has(command, "'") ? command : "exec " + command};
    if (has(command, "bixws record")) options.env.erase("BIXWS_URL");  // a feed or a server, not both
    Process process("/bin/sh", options);
    options.env["BIXWS_URL"] = url;

    const bool serves = has(command, "bixws serve") || (has(command, "bixws replay") && !has(command, "--no-serve"));
    const bool watches = has(command, "bixws watch") && !has(command, "--once") && !has(command, " -n ");
    if (serves) {
      EXPECT_TRUE(process.wait_for_line("listening on ws://", Process::Output::err)) << process.err();
      process.send_signal(SIGTERM);
    } else if (watches) {
      EXPECT_TRUE(process.wait_for_lines(2)) << process.err();
      process.send_signal(SIGINT);
    }
    const auto exit = process.wait_exit(Milliseconds(30'000));
    ASSERT_TRUE(exit) << "still running; stderr: " << process.err();
    EXPECT_EQ(*exit, ExitStatus{}) << process.err();
    if (!serves && !has(command, "bixws record")) {
      EXPECT_FALSE(process.out().empty()) << process.err();
    }
  }
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(), ExitStatus{}) << server.err();
}

TEST(Readme, LinksLeadSomewhere) {
  std::ifstream readme(std::string(BIXWS_SOURCE_DIR) + "/README.md");
  const std::string text((std::istreambuf_iterator<char>(readme)), {});
  std::size_t links = 0;
  for (auto at = text.find("]("); at != std::string::npos; at = text.find("](", at + 1)) {
    const std::string target = text.substr(at + 2, text.find(')', at) - at - 2);
    if (target.rfind("http", 0) == 0) continue;
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(BIXWS_SOURCE_DIR) / target)) << target;
    ++links;
  }
  EXPECT_GE(links, 5U);
}

}  // namespace
}  // namespace bixws::test
