// SPDX-License-Identifier: Apache-2.0
// Config files with mistakes, each with the exact words that a user reads: fixtures/config.
#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "support/process.h"

namespace bixws::test {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(fs::path(BIXWS_SOURCE_DIR) / "fixtures/config")) {
    if (entry.path().extension() == ".yaml") found.push_back(entry.path().stem().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

class ConfigFixture : public testing::TestWithParam<std::string> {};

TEST_P(ConfigFixture, IsRefusedInTheseWords) {
  const TempDir home;
  const fs::path folder = fs::path(BIXWS_SOURCE_DIR) / "fixtures/config";
  const Finished f =
      run(BIXWS_BINARY, {.args = {"--config", GetParam() + ".yaml", "config", "check"},
                         .env = {{"HOME", home.path().string()}, {"XDG_CONFIG_HOME", home.path().string()}},
                         .cwd = folder});
  EXPECT_EQ(f.exit, (ExitStatus{2, 0}));
  EXPECT_EQ(f.err, read_file(folder / (GetParam() + ".err")));
  EXPECT_EQ(f.out, "");
}

INSTANTIATE_TEST_SUITE_P(Files, ConfigFixture, testing::ValuesIn(names()), [](const auto& name) {
  std::string id = name.param;
  std::replace(id.begin(), id.end(), '-', '_');
  return id;
});

}  // namespace
}  // namespace bixws::test
