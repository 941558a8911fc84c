// SPDX-License-Identifier: Apache-2.0
// Recordings of every format version ever written still open, prove and replay; those of a future one are refused.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/process.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

constexpr const char* kSimDigest = "1b43381ca39edf71ceac17eaca76b8e4d668dc34d48834d62d3053c2c147152c";
constexpr const char* kEveryKindDigest = "9dfed5c3b64338f22a5b8344062072b27b8e357b0c7f7a10d11132b4e96215f6";

class RecordingVersions : public testing::Test {
 protected:
  TempDir folder_;

  void SetUp() override {
    // A copy: whatever the program does to it, the fixture stays as it is.
    folder_.write("v1.db", read_file(std::string(BIXWS_SOURCE_DIR) + "/fixtures/recordings/version-1.db"));
  }

  Finished bixws(std::vector<std::string> args) const { return run(BIXWS_BINARY, options(std::move(args))); }

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }
};

TEST_F(RecordingVersions, Version1IsProvenWithItsDigests) {
  const Finished verify = bixws({"sessions", "verify", "v1.db", "--json"});
  EXPECT_EQ(verify.exit, ExitStatus{}) << verify.err;
  const RawJson sessions = RawJson::parse_or_throw(verify.out)["sessions"];
  ASSERT_EQ(sessions.size(), 2U) << verify.out;
  EXPECT_EQ(sessions[0]["digest"].text(), kSimDigest);
  EXPECT_EQ(sessions[0]["events"].integer(), 602);
  EXPECT_EQ(sessions[0]["errors"].size(), 0U) << verify.out;
  EXPECT_EQ(sessions[1]["digest"].text(), kEveryKindDigest);
  EXPECT_EQ(sessions[1]["events"].integer(), 397);
  EXPECT_EQ(sessions[1]["errors"].size(), 0U) << verify.out;
}

TEST_F(RecordingVersions, Version1ReplaysToTheSameDigest) {
  Process replay(BIXWS_BINARY, options({"replay", "v1.db", "--session", "1", "--speed", "max", "--port", "0",
                                        "--wait-clients", "1"}));
  const auto listening = replay.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();
  const Finished record = bixws({"record", "--url", (*listening)[1], "-o", "copy.db"});
  EXPECT_EQ(record.exit, ExitStatus{}) << record.err;
  EXPECT_EQ(replay.wait_exit(), ExitStatus{}) << replay.err();
  const Finished verify = bixws({"sessions", "verify", "copy.db", "--expect", kSimDigest});
  EXPECT_EQ(verify.exit, ExitStatus{}) << verify.out << verify.err;
}

TEST_F(RecordingVersions, Version1TakesAnotherSession) {
  const Finished record = bixws({"record", "--feed", "sim:rate=0,count=50", "-o", "v1.db"});
  EXPECT_EQ(record.exit, ExitStatus{}) << record.err;
  const Finished verify = bixws({"sessions", "verify", "v1.db", "--json"});
  EXPECT_EQ(verify.exit, ExitStatus{}) << verify.err;
  const RawJson sessions = RawJson::parse_or_throw(verify.out)["sessions"];
  ASSERT_EQ(sessions.size(), 3U) << verify.out;
  EXPECT_EQ(sessions[1]["digest"].text(), kEveryKindDigest);
}

TEST_F(RecordingVersions, AFutureVersionIsRefusedByName) {
  std::string bytes = read_file(folder_ / "v1.db");
  // The lowest byte of SQLite's user_version, which stands big-endian at offset 60 of the file.
  bytes.at(63) = 2;
  folder_.write("future.db", bytes);
  const std::vector<std::vector<std::string>> commands = {
      {"sessions", "list", "future.db"},
      {"sessions", "info", "future.db"},
      {"sessions", "verify", "future.db"},
      {"sessions", "export", "future.db"},
      {"sessions", "index", "future.db"},
      {"replay", "future.db", "--no-serve", "--sink", "console"},
      {"record", "--feed", "sim:rate=0,count=10", "-o", "future.db"}};
  for (const auto& command : commands) {
    const Finished refused = bixws(command);
    EXPECT_EQ(refused.exit, (ExitStatus{.code = 1, .signal = 0})) << command[0] << " " << command[1];
    EXPECT_EQ(refused.out, "");
    EXPECT_EQ(refused.err,
              "bixws: future.db: recording format 2 is newer than this program, which knows 1; use the bixws that "
              "wrote it, or a later one\n");
  }
  EXPECT_EQ(read_file(folder_ / "future.db"), bytes) << "a refused file must stay as it is";
}

}  // namespace
}  // namespace bixws::test
