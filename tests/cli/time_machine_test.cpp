// SPDX-License-Identifier: Apache-2.0
// Recorded, replayed, recorded again: the same SHA-256, through the real binary and real sockets, at any speed.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "support/captures.h"
#include "support/process.h"
#include "support/raw_json.h"
#include "support/serving.h"
#include "support/standin_exchange.h"

namespace bixws::test {
namespace {

class TimeMachine : public testing::Test {
 protected:
  TempDir folder_;

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }

  void expect_done(Process& process) const {
    const auto exit = process.wait_exit(Milliseconds(60'000));
    ASSERT_TRUE(exit) << "still running: " << process.err();
    EXPECT_EQ(*exit, ExitStatus{}) << process.err();
  }

  /// What `sessions verify` computes from the file's only session.
  RawJson verified(const std::string& file) const {
    const Finished verify = run(BIXWS_BINARY, options({"sessions", "verify", file, "--json"}));
    EXPECT_EQ(verify.exit, ExitStatus{}) << verify.err << verify.out;
    const auto answer = RawJson::parse_or_throw(verify.out);
    EXPECT_EQ(answer["sessions"].size(), 1U) << verify.out;
    EXPECT_EQ(answer["sessions"][0]["errors"].size(), 0U) << verify.out;
    return answer["sessions"][0];
  }

  /// Replays `from` to a second bixws that records it.
  void record_replay_of(const std::string& from, const std::string& to, const std::string& speed) const {
    Process replay(BIXWS_BINARY, options({"replay", from, "--speed", speed, "--port", "0", "--wait-clients", "1"}));
    const auto listening = replay.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
    ASSERT_TRUE(listening) << replay.err();
    Process record(BIXWS_BINARY, options({"record", "--url", (*listening)[1], "-o", to}));
    expect_done(record);
    expect_done(replay);
  }

  void expect_the_same_again(const std::string& original, std::vector<std::string> speeds) const {
    const auto first = verified(original);
    EXPECT_GT(first["events"].integer().value_or(0), 0);
    for (const std::string& speed : speeds) {
      SCOPED_TRACE("--speed " + speed);
      const std::string copy = "copy-" + speed + ".db";
      record_replay_of(original, copy, speed);
      if (HasFatalFailure()) return;
      EXPECT_EQ(verified(copy)["digest"].text(), first["digest"].text());
    }
  }
};

TEST_F(TimeMachine, ASimSessionIsTheSameAfterEveryReplay) {
  Process record(BIXWS_BINARY,
                 options({"record", "--feed", "sim:rate=1000,seed=7,count=3000,channels=ticker+trades+book+candles",
                          "-o", "sim.db"}));
  expect_done(record);
  expect_the_same_again("sim.db", {"max", "5", "1"});
}

TEST_F(TimeMachine, TheBinanceCaptureIsTheSameAfterEveryReplay) {
  BIXWS_REQUIRE_CAPTURES();
  StandinOptions standin_options;
  standin_options.start_symbols = 4;
  StandinExchange standin(read_capture(capture_path("cryptofeed/BINANCE.ws.1.0")), standin_options);
  Process record(BIXWS_BINARY, options({"record", "NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR", "--feed",
                                        "binance:url=" + standin.ws_url() + ",rest=" + standin.rest_url(), "-o",
                                        "binance.db", "--json"}));
  ASSERT_TRUE(standin.wait_ended()) << record.err();
  // What has been played is committed once a commit says so.
  constexpr std::int64_t kEnough = 200;
  const auto committed = [&] {
    const auto lines = record.lines();
    return lines.empty() ? 0 : RawJson::parse_or_throw(lines.back())["seq"].integer().value_or(0);
  };
  ASSERT_TRUE(wait_until([&] { return committed() >= kEnough; }, Milliseconds(30'000))) << record.err();
  record.send_signal(SIGTERM);
  expect_done(record);
  const auto session = verified("binance.db");
  EXPECT_GE(session["events"].integer().value_or(0), kEnough);
  expect_the_same_again("binance.db", {"max", "100", "5"});
}

TEST_F(TimeMachine, TheSameComesAfterAPauseAndASeekToTheBeginning) {
  Process first(BIXWS_BINARY, options({"record", "--feed", "sim:rate=0,seed=8,count=3000,start=2026-11-22T00:00:00Z",
                                       "-o", "sim.db"}));
  expect_done(first);
  Process replay(BIXWS_BINARY, options({"replay", "sim.db", "--speed", "1", "--port", "0", "--paused"}));
  const auto listening = replay.wait_for_line("listening on ws(://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();
  const std::string url = (*listening)[1];
  WsTestClient steer;
  ASSERT_TRUE(steer.connect("ws" + url + "/?channels=trades,status"));
  const auto state = [&](const std::string& wanted) {
    return steer.next_text_that([&](const std::string& text) {
      return text.find("\"replay\":") != std::string::npos && text.find(wanted) != std::string::npos;
    });
  };
  const auto act = [&](const std::string& what) {
    ASSERT_TRUE(steer.send_text(R"({"type":"replay","action":)" + what + "}"));
  };
  act(R"("resume")");
  ASSERT_TRUE(steer.next_text_that([](const std::string& text) { return text.starts_with(R"({"type":"trades")"); }));
  act(R"("pause")");
  ASSERT_TRUE(state("\"paused\""));
  act(R"("seek","value":"+0s")");
  ASSERT_TRUE(steer.next_text_that([](const std::string& text) { return text.find("\"initial_data\"") != text.npos; }));
  ASSERT_TRUE(state("\"paused\""));
  const auto heard = [&] {
    const std::string text = http_get("http" + url + "/metrics").body;
    const std::string name = "\nbixws_messages_received_total ";
    return std::stoi(text.substr(text.find(name) + name.size()));
  };
  const int before = heard();
  Process record(BIXWS_BINARY, options({"record", "--url", "ws" + url, "-o", "copy.db"}));
  ASSERT_TRUE(wait_until([&] { return heard() > before; })) << record.err();
  act(R"("speed","value":"max")");
  act(R"("resume")");
  expect_done(record);
  expect_done(replay);
  EXPECT_EQ(verified("copy.db")["digest"].text(), verified("sim.db")["digest"].text());
}

// Real traffic, imported with its frames. The digests are those of every build there is: other options of a compiler
// may change none. A feed that reads more out of the same frames changes its own.
struct Imported {
  const char* feed;
  std::vector<std::string> files;
  const char* digest;
};

class TimeMachineOnCaptures : public TimeMachine, public testing::WithParamInterface<Imported> {};

TEST_P(TimeMachineOnCaptures, AnImportedCaptureIsTheSameAfterEveryReplay) {
  BIXWS_REQUIRE_CAPTURES();
  std::vector<std::string> args = {"sessions", "import"};
  for (const std::string& file : GetParam().files) args.push_back(capture_path(file).string());
  args.insert(args.end(), {"-o", "imported.db", "--feed", GetParam().feed});
  const Finished import = run(BIXWS_BINARY, options(args));
  ASSERT_EQ(import.exit, ExitStatus{}) << import.err;
  EXPECT_EQ(verified("imported.db")["digest"].text(), GetParam().digest);
  for (const std::string speed : {"max", "100"}) {
    SCOPED_TRACE("--speed " + speed);
    const std::string copy = "copy-" + speed + ".db";
    record_replay_of("imported.db", copy, speed);
    if (HasFatalFailure()) return;
    EXPECT_EQ(verified(copy)["digest"].text(), GetParam().digest);
  }
}

INSTANTIATE_TEST_SUITE_P(Exchanges, TimeMachineOnCaptures,
                         testing::Values(Imported{"binance",
                                                  {"cryptofeed/BINANCE.0", "cryptofeed/BINANCE.http.0.0",
                                                   "cryptofeed/BINANCE.ws.1.0"},
                                                  "0ce94a0f8dae7b3bfeaee75a206dc6ed851ea944c6a416ac17f8eb7a0d709adb"},
                                         Imported{"coinbase",
                                                  {"cryptofeed/COINBASE.0", "cryptofeed/COINBASE.ws.28.0"},
                                                  "1b3aa2c23ea13c765542748804870b6b677587e6844fa7d6e501a59415dfa796"},
                                         Imported{"okx",
                                                  {"cryptofeed/OKX.0", "cryptofeed/OKX.ws.1.0"},
                                                  "d780702c34310f370064060490f1e2d9ff5b1d8e3cac65674406640e62a1982a"},
                                         Imported{"kraken",
                                                  {"kraken_btcusd_sample.cbcap"},
                                                  "e3bdce9d39099cf7cd6e6f2a7cd0c5f249b3b95c2b61ef0f33dcc543076b24ab"}),
                         [](const testing::TestParamInfo<Imported>& which) { return std::string(which.param.feed); });

TEST_F(TimeMachine, VerifyTellsAnotherDigest) {
  Process record(BIXWS_BINARY,
                 options({"record", "--feed", "sim:rate=0,count=100,start=2026-11-22T00:00:00Z", "-o", "a.db"}));
  expect_done(record);
  const std::string digest = verified("a.db")["digest"].text();
  EXPECT_EQ(run(BIXWS_BINARY, options({"sessions", "verify", "a.db", "--expect", digest})).exit.code, 0);
  EXPECT_EQ(run(BIXWS_BINARY, options({"sessions", "verify", "a.db", "--expect", std::string(64, '0')})).exit.code, 3);
}

}  // namespace
}  // namespace bixws::test
