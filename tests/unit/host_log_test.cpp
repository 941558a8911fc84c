// SPDX-License-Identifier: Apache-2.0
// Log lines: levels, one line each, no secrets, a file when asked.
#include <gmock/gmock.h>

#include "host/log.h"
#include "host_fakes.h"
#include "model/config_error.h"
#include "support/temp_dir.h"

namespace bixws::host {
namespace {

using testing::ElementsAre;
using testing::MatchesRegex;

TEST(Log, KeepsToItsLevel) {
  std::vector<std::string> lines;
  Log log(LogLevel::warning);
  log.redirect([&](LogLevel, std::string_view text) { lines.emplace_back(text); });
  log.write(LogLevel::info, "quiet");
  log.write(LogLevel::warning, "loud");
  log.writer()(LogLevel::error, "louder");
  EXPECT_THAT(lines, ElementsAre("loud", "louder"));
}

TEST(Log, BlotsOutSecrets) {
  LogKeeper keeper;
  keeper.log.hide("hunter22");
  keeper.log.hide("ab");  // too short to be one
  keeper.log.write(LogLevel::info, "hunter22 and hunter22; ab; ws://h/?token=xyz&a=1");
  EXPECT_THAT(keeper.lines(), ElementsAre("info *** and ***; ab; ws://h/?token=***&a=1"));
}

TEST(Log, WritesToAFileOneLineAnEvent) {
  const test::TempDir dir;
  {
    Log log(LogLevel::info, (dir / "bixws.log").string());
    log.write(LogLevel::info, "first\nstill first");
    log.write(LogLevel::error, "second");
  }
  EXPECT_THAT(test::read_file(dir / "bixws.log"),
              MatchesRegex("[0-9T:.-]+Z info first still first\n[0-9T:.-]+Z error second\n"));
  EXPECT_THROW(Log(LogLevel::info, (dir / "no/such/folder/x.log").string()), ConfigError);
}

TEST(Log, RotatesItsFile) {
  const test::TempDir dir;
  Log log(LogLevel::info, (dir / "bixws.log").string());
  const std::string line(100'000, 'x');
  for (int i = 0; i < 120; ++i) log.write(LogLevel::info, line);
  EXPECT_TRUE(std::filesystem::exists(dir / "bixws.log.0"));
  EXPECT_LT(std::filesystem::file_size(dir / "bixws.log"), 10'000'000U);
}

}  // namespace
}  // namespace bixws::host
