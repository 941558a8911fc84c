// SPDX-License-Identifier: Apache-2.0
// Alert rules through the real binary: from the config file into the stream, the recording and the replay of it.
#include <gmock/gmock.h>

#include <set>

#include "support/process.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

class Alerts : public testing::Test {
 protected:
  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    made.env = {{"HOME", folder_.path().string()}, {"XDG_CONFIG_HOME", folder_.path().string()}};
    return made;
  }
  Finished bixws(std::vector<std::string> args) const { return run(BIXWS_BINARY, options(std::move(args))); }

  void record(const std::string& file) const {
    const Finished done =
        bixws({"record", "--feed", "sim:rate=0,seed=7,count=20000,channels=trades+ticker,start=2026-11-22T00:00:00Z",
               "-o", file});
    ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  }
  std::string alerts(const std::string& file) const {
    return bixws({"sessions", "export", file, "--channels", "alerts", "--format", "ndjson"}).out;
  }
  std::string digest(const std::string& file) const {
    return RawJson::parse_or_throw(bixws({"sessions", "verify", file, "--json"}).out)["sessions"][0]["digest"].text();
  }

  TempDir folder_;
};

constexpr const char* kRules =
    "alerts:\n"
    "  - rule: move\n"
    "    percent: 0.01\n"
    "    window: 2s\n"
    "    cooldown: 1s\n"
    "    text: \"{symbol} moved {value}\"\n"
    "  - volume:times=1.02,window=1s,over=3,cooldown=0,hysteresis=0\n";

TEST_F(Alerts, AreRecordedAndTheReplayHasTheSameDigest) {
  folder_.write("bixws.yaml", kRules);
  record("a.db");
  const std::string fired = alerts("a.db");
  EXPECT_THAT(fired, HasSubstr("\"kind\":\"move\""));
  EXPECT_THAT(fired, HasSubstr("USDT moved "));

  Process replay(BIXWS_BINARY, options({"replay", "a.db", "--speed", "max", "--port", "0", "--wait-clients", "1"}));
  const auto listening = replay.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();
  const Finished copy = bixws({"record", "--url", (*listening)[1], "-o", "copy.db"});
  ASSERT_EQ(copy.exit, ExitStatus{}) << copy.err;
  EXPECT_EQ(alerts("copy.db"), fired);
  EXPECT_EQ(digest("copy.db"), digest("a.db"));
}

TEST_F(Alerts, OfAReplayAreThoseThatFiredLive) {
  record("bare.db");
  EXPECT_EQ(alerts("bare.db"), "");
  folder_.write("bixws.yaml", kRules);
  record("live.db");
  const std::vector<std::string> tried{"replay",
                                       "bare.db",
                                       "--speed",
                                       "max",
                                       "--no-serve",
                                       "--sink",
                                       "console:format=ndjson,exchange=sim",
                                       "--alerts",
                                       "move:percent=0.01,window=2s,cooldown=1s,text={symbol} moved {value}",
                                       "--alerts",
                                       "volume:times=1.02,window=1s,over=3,cooldown=0,hysteresis=0"};
  const Finished replay = bixws(tried);
  ASSERT_EQ(replay.exit, ExitStatus{}) << replay.err;
  std::set<std::string> ids;
  std::set<std::string> live;
  const auto ids_of = [](const std::string& text, std::set<std::string>& into) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const RawJson message = RawJson::parse_or_throw(text.substr(at, end - at));
      if (message["type"].text() == "alert") into.insert(message["id"].text());
      at = end + 1;
    }
  };
  ids_of(replay.out, ids);
  ids_of(alerts("live.db"), live);
  EXPECT_GT(live.size(), 3U);
  EXPECT_EQ(ids, live);
  // The recorded ones give way to those that are tried.
  std::vector<std::string> again = tried;
  again[1] = "live.db";
  again.resize(again.size() - 2);
  std::set<std::string> fewer;
  ids_of(bixws(again).out, fewer);
  EXPECT_LT(fewer.size(), live.size());
  EXPECT_FALSE(fewer.empty());
}

TEST_F(Alerts, MistakesInTheFileAreNamedByLine) {
  folder_.write("bixws.yaml", "alerts:\n  - rule: price\n    abvoe: 5\n  - gap\n  - rule: moove\n    percent: 2\n");
  const Finished check = bixws({"config", "check"});
  EXPECT_EQ(check.exit.code, 2);
  EXPECT_EQ(check.err,
            "bixws: bixws.yaml:2: alerts cannot be understood: unknown key abvoe of alert price; did you mean above?\n"
            "bixws: bixws.yaml:5: alerts cannot be understood: unknown rule moove; did you mean move?\n");
  folder_.write("bixws.yaml", "alerts:\n  - gap:name=x\n  - stale:name=x\n");
  EXPECT_EQ(bixws({"config", "check"}).err, "bixws: bixws.yaml:1: two alerts are called x; ids need different names\n");
  folder_.write("bixws.yaml", kRules);
  EXPECT_EQ(bixws({"config", "check"}).exit.code, 0);
  EXPECT_EQ(bixws({"record", "--url", "ws://localhost:1", "-o", "x.db", "--alerts", "gap"}).exit.code, 2);
}

}  // namespace
}  // namespace bixws::test
