// SPDX-License-Identifier: Apache-2.0
// sessions import: others' captures become sessions, completely or not at all.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "support/captures.h"
#include "support/process.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

class Import : public testing::Test {
 protected:
  TempDir folder_;

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }
  Finished bixws(std::vector<std::string> args) const { return run(BIXWS_BINARY, options(std::move(args))); }

  static std::string capture(const std::string& name) { return capture_path(name).string(); }

  void import(std::vector<std::string> files, const std::string& feed, const std::string& to) const {
    std::vector<std::string> args = {"sessions", "import"};
    args.insert(args.end(), files.begin(), files.end());
    args.insert(args.end(), {"-o", to, "--feed", feed});
    const Finished done = bixws(args);
    ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  }

  std::vector<RawJson> exported(const std::string& file, std::vector<std::string> how) const {
    how.insert(how.begin(), {"sessions", "export", file});
    const Finished done = bixws(how);
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err;
    std::vector<RawJson> messages;
    std::istringstream lines(done.out);
    for (std::string line; std::getline(lines, line);) messages.push_back(RawJson::parse_or_throw(line));
    return messages;
  }

  /// Of the latest session.
  RawJson verified(const std::string& file) const {
    const Finished done = bixws({"sessions", "verify", file, "--json"});
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err << done.out;
    const RawJson sessions = RawJson::parse_or_throw(done.out)["sessions"];
    return sessions[sessions.size() - 1];
  }

  /// Names in the folder, sorted.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder_.path())) names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
};

std::vector<std::string> received(const std::vector<RawJson>& frames) {
  std::vector<std::string> texts;
  for (const RawJson& frame : frames) {
    if (frame["direction"].text() == "received") texts.push_back(frame["frame"].text());
  }
  return texts;
}

TEST_F(Import, TheCoinbaseDumpGivesItsTradesBooksAndFrames) {
  BIXWS_REQUIRE_CAPTURES();
  import({capture("cryptofeed/COINBASE.0"), capture("cryptofeed/COINBASE.ws.28.0")}, "coinbase", "a.db");
  EXPECT_EQ(files(), std::vector<std::string>{"a.db"});

  std::size_t trades = 0;
  for (const RawJson& message : exported("a.db", {"--channels", "trades"})) trades += message["data"].size();
  EXPECT_EQ(trades, 97U + 10U);  // and the last one of each product from before
  std::size_t updates = 0;
  std::size_t snapshots = 0;
  for (const RawJson& message : exported("a.db", {"--channels", "book"})) {
    ++(message["action"].text() == "snapshot" ? snapshots : updates);
  }
  EXPECT_EQ(updates, 9719U);
  EXPECT_EQ(snapshots, 10U);
  EXPECT_TRUE(exported("a.db", {"--channels", "gaps"}).empty());

  const Capture dump = read_cryptofeed(capture("cryptofeed/COINBASE.ws.28.0"));
  const auto frames = exported("a.db", {"--frames"});
  const auto texts = received(frames);
  ASSERT_EQ(texts.size(), dump.frames.size());
  for (std::size_t i = 0; i < texts.size(); ++i) ASSERT_EQ(texts[i], dump.frames[i].payload) << i;
  EXPECT_EQ(frames.front()["direction"].text(), "rest");
  EXPECT_EQ(frames.front()["url"].text(), "https://api.pro.coinbase.com/products");
  EXPECT_EQ(frames[1]["direction"].text(), "connected");
  EXPECT_EQ(frames[1]["url"].text(), "wss://ws-feed.pro.coinbase.com");
  EXPECT_EQ(frames[2]["direction"].text(), "sent");
  EXPECT_EQ(frames.back()["direction"].text(), "disconnected");
  // The time is the capture's, to the microsecond.
  EXPECT_EQ(frames[1]["recv_ts"].raw(), "1618677816843429");
}

TEST_F(Import, TheBinanceDumpIsJoinedWithItsRestAnswers) {
  BIXWS_REQUIRE_CAPTURES();
  import(
      {capture("cryptofeed/BINANCE.0"), capture("cryptofeed/BINANCE.http.0.0"), capture("cryptofeed/BINANCE.ws.1.0")},
      "binance", "a.db");
  std::size_t updates = 0;
  std::vector<std::string> snapshots;
  for (const RawJson& message : exported("a.db", {"--channels", "book"})) {
    if (message["action"].text() == "snapshot") {
      snapshots.push_back(message["symbol"].text());
    } else {
      ++updates;
    }
  }
  EXPECT_THAT(snapshots, testing::UnorderedElementsAre("NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"));
  EXPECT_EQ(updates, 177U - 5U);  // five were in the snapshots already
  // A book is live as soon as its snapshot has come, whatever else the capture lacks.
  std::vector<std::string> live;
  for (const RawJson& message : exported("a.db", {"--channels", "status"})) {
    if (message["state"].text() == "live") live.push_back(message["symbol"].text());
  }
  EXPECT_EQ(std::set(live.begin(), live.end()), std::set(snapshots.begin(), snapshots.end()));
  EXPECT_TRUE(exported("a.db", {"--channels", "gaps"}).empty());
}

TEST_F(Import, MoreOfTheSameIsAppended) {
  BIXWS_REQUIRE_CAPTURES();
  const std::vector<std::string> dump = {capture("cryptofeed/COINBASE.0"), capture("cryptofeed/COINBASE.ws.28.0")};
  import(dump, "coinbase", "a.db");
  import(dump, "coinbase", "a.db");
  const Finished done = bixws({"sessions", "verify", "a.db", "--json"});
  ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  const RawJson sessions = RawJson::parse_or_throw(done.out)["sessions"];
  ASSERT_EQ(sessions.size(), 2U);
  EXPECT_EQ(sessions[0]["digest"].text(), sessions[1]["digest"].text());
  EXPECT_EQ(files(), std::vector<std::string>{"a.db"});
}

TEST_F(Import, ExportedMessagesComeBackWithTheSameDigest) {
  const Finished record = bixws({"record", "--feed",
                                 "sim:rate=0,count=2000,seed=5,start=2026-11-22T00:00:00Z,"
                                 "channels=ticker+trades+book+candles",
                                 "-o", "sim.db"});
  ASSERT_EQ(record.exit, ExitStatus{}) << record.err;
  const Finished lines = bixws({"sessions", "export", "sim.db", "-o", "sim.ndjson"});
  ASSERT_EQ(lines.exit, ExitStatus{}) << lines.err;
  const Finished import = bixws({"sessions", "import", "sim.ndjson", "-o", "again.db", "--format", "ndjson"});
  ASSERT_EQ(import.exit, ExitStatus{}) << import.err;
  EXPECT_EQ(verified("again.db")["digest"].text(), verified("sim.db")["digest"].text());
}

TEST_F(Import, WhatCannotBeReadIsNamedAndLeavesNothing) {
  folder_.write("broken.txt", "1618677816.8434298: {}\nnothing of the kind\n");
  folder_.write("short.cbcap", "CBCAP1 kraken BTC/USD 1785552832693693000\n201603688723400 500\n{}\n");
  folder_.write("other.ndjson",
                "{\"type\":\"trades\",\"exchange\":\"x\",\"symbol\":\"AB\",\"data\":[{\"price\":\"x\"}]}\n");
  folder_.write("empty.txt", "");
  const auto before = files();
  const auto import = [&](const std::string& file, std::vector<std::string> more = {"--feed", "coinbase"}) {
    std::vector<std::string> args = {"sessions", "import", file, "-o", "a.db"};
    args.insert(args.end(), more.begin(), more.end());
    return bixws(args);
  };
  const auto expect_refused = [&](const Finished& done, int code, const std::string& text) {
    EXPECT_EQ(done.exit, (ExitStatus{.code = code, .signal = 0}));
    EXPECT_THAT(done.err, HasSubstr(text));
    EXPECT_EQ(files(), before);
  };
  expect_refused(import("broken.txt"), 1, "broken.txt:2: not a line of a cryptofeed dump");
  expect_refused(import("short.cbcap"), 1, "short.cbcap:2: the frame is cut short");
  expect_refused(import("other.ndjson", {}), 1, "other.ndjson:1: not a message of bixws: ");
  expect_refused(import("empty.txt"), 1, "no market data in 0 frames");
  expect_refused(import("missing.txt"), 1, "missing.txt: cannot open: No such file or directory");
  expect_refused(import("."), 1, "it is a directory");
  expect_refused(import("broken.txt", {}), 2, "needs --feed NAME");
  expect_refused(import("broken.txt", {"--feed", "coinbse"}), 2, "coinbase");
  expect_refused(import("broken.txt", {"--feed", "sim"}), 2, "feed sim reads no exchange's frames");
}

TEST_F(Import, FramesOfAnotherExchangeAreNoticed) {
  BIXWS_REQUIRE_CAPTURES();
  const Finished done =
      bixws({"sessions", "import", capture("cryptofeed/COINBASE.ws.28.0"), "-o", "a.db", "--feed", "binance"});
  EXPECT_EQ(done.exit, (ExitStatus{.code = 1, .signal = 0}));
  EXPECT_THAT(done.err, HasSubstr("are they of another exchange than binance?"));
  EXPECT_TRUE(files().empty());
}

TEST_F(Import, AFailedOneLeavesAnExistingRecordingAsItWas) {
  ASSERT_EQ(bixws({"record", "--feed", "sim:rate=0,count=100", "-o", "a.db"}).exit, ExitStatus{});
  const std::string digest = verified("a.db")["digest"].text();
  folder_.write(
      "late.ndjson",
      "{\"type\":\"trades\",\"exchange\":\"x\",\"symbol\":\"AB\",\"data\":[{\"price\":1,\"size\":1,\"side\":\"buy\","
      "\"id\":\"1\",\"ts\":1795372800000000,\"recv_ts\":1795372800000000}]}\nnot JSON\n");
  const Finished done = bixws({"sessions", "import", "late.ndjson", "-o", "a.db", "--format", "ndjson"});
  EXPECT_EQ(done.exit, (ExitStatus{.code = 1, .signal = 0}));
  EXPECT_THAT(done.err, HasSubstr("late.ndjson:2: "));
  const Finished list = bixws({"sessions", "list", "a.db", "--json"});
  EXPECT_EQ(RawJson::parse_or_throw(list.out)["sessions"].size(), 1U) << list.out;
  EXPECT_EQ(verified("a.db")["digest"].text(), digest);
}

TEST_F(Import, InterruptedItLeavesNothing) {
  BIXWS_REQUIRE_CAPTURES();
  // Long enough to be in the middle of it.
  const std::string dump = read_file(capture("cryptofeed/COINBASE.ws.28.0"));
  std::string many;
  for (int i = 0; i < 60; ++i) many += dump;
  folder_.write("many.txt", many);
  Process import(BIXWS_BINARY, options({"sessions", "import", "many.txt", "-o", "a.db", "--feed", "coinbase"}));
  ASSERT_TRUE(wait_until([&] {
    const auto names = files();
    return std::any_of(names.begin(), names.end(), [](const std::string& name) { return name.ends_with("-wal"); });
  })) << import.err();
  import.send_signal(SIGTERM);
  const auto exit = import.wait_exit(Milliseconds(30'000));
  EXPECT_EQ(exit, (ExitStatus{.code = 1, .signal = 0})) << import.err();
  EXPECT_THAT(import.err(), HasSubstr("interrupted; nothing was kept"));
  EXPECT_EQ(files(), std::vector<std::string>{"many.txt"});
}

}  // namespace
}  // namespace bixws::test
