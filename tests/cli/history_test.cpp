// SPDX-License-Identifier: Apache-2.0
// `history` of the real server: over a restart with --record, and in a replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <string>
#include <vector>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/temp_dir.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

class History : public testing::Test {
 protected:
  ProcessOptions with(std::vector<std::string> args) const {
    ProcessOptions options;
    options.args = std::move(args);
    options.cwd = folder_.path();
    return options;
  }
  static std::string listening(Process& process) {
    const auto line = process.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
    if (!line) throw std::runtime_error("it does not listen: " + process.err());
    return (*line)[1];
  }
  static RawJson ask(WsTestClient& client, const std::string& fields) {
    client.send_text(R"({"type":"history","id":1,"symbol":"BTCUSDT",)" + fields + "}");
    const auto answer = client.next_text_that([](const std::string& text) {
      return text.starts_with(R"({"type":"history")") || text.starts_with(R"({"type":"error")");
    });
    return RawJson::parse_or_throw(answer.value_or("null"));
  }
  static std::vector<std::string> ids(const RawJson& answer) {
    std::vector<std::string> list;
    for (const RawJson& trade : answer["data"].items()) list.push_back(trade["id"].text());
    return list;
  }
  // All trades of BTCUSDT in the recording, as SQL sees them.
  std::vector<std::string> recorded_ids(const std::string& more = {}) const {
    const Finished rows =
        run("/usr/bin/sqlite3", with({"day.db", "SELECT trade_id FROM v_trades WHERE symbol = 'BTCUSDT' " + more +
                                                    " ORDER BY session_id, seq"}));
    std::vector<std::string> list;
    for (std::size_t at = 0; at < rows.out.size();) {
      const std::size_t end = rows.out.find('\n', at);
      list.push_back(rows.out.substr(at, end - at));
      at = end + 1;
    }
    return list;
  }

  TempDir folder_;
};

TEST_F(History, OfAServerThatRecordsReachesBackBeyondItsStart) {
  const std::vector<std::string> serve = {
      "serve",  "--feed",     "sim:rate=2000,seed=7,count=4000,channels=trades+ticker",
      "--port", "0",          "--record",
      "day.db", "--duration", "60s"};
  for (int i = 0; i < 2; ++i) {
    Process server(BIXWS_BINARY, with(serve));
    ASSERT_EQ(server.wait_exit(Milliseconds(30'000)), ExitStatus{}) << server.err();
  }
  const std::vector<std::string> recorded = recorded_ids();
  ASSERT_GT(recorded.size(), 400U);
  // The third one has seen nothing itself.
  Process server(BIXWS_BINARY, with({"serve", "--feed", "sim:rate=0.001,seed=9", "--port", "0", "--record", "day.db"}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(listening(server)));
  const RawJson answer = ask(client, R"("channel":"trades","limit":5000)");
  EXPECT_EQ(ids(answer), recorded);
  EXPECT_EQ(ids(ask(client, R"("channel":"trades","limit":50)")),
            std::vector<std::string>(recorded.end() - 50, recorded.end()));
  EXPECT_GT(ask(client, R"("channel":"candles:1m")")["data"].size(), 0U);
  EXPECT_GT(ask(client, R"("channel":"ticker")")["data"].size(), 0U);
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(), ExitStatus{}) << server.err();
}

TEST_F(History, OfAReplayIsWhatItHasPlayedAndNotMore) {
  ASSERT_EQ(
      run(BIXWS_BINARY, with({"record", "--feed", "sim:rate=2000,seed=7,count=4000,channels=trades", "-o", "day.db"}))
          .exit,
      ExitStatus{});
  Process replay(BIXWS_BINARY, with({"replay", "day.db", "--port", "0", "--paused", "--speed", "max"}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(listening(replay)));
  EXPECT_EQ(ask(client, R"("channel":"trades","limit":5000)")["data"].size(), 0U);
  client.send_text(R"({"type":"subscribe","id":2,"symbols":["BTCUSDT"],"channels":["trades"]})");
  client.send_text(R"({"type":"replay","action":"seek","value":"+1s"})");
  client.send_text(R"({"type":"replay","action":"step","value":200})");
  const auto first =
      client.next_text_that([](const std::string& text) { return text.starts_with(R"({"type":"trades")"); });
  ASSERT_TRUE(first);
  const std::string until = RawJson::parse_or_throw(*first)["data"][0]["recv_ts"].text();
  const RawJson answer = ask(client, R"("channel":"trades","limit":5000,"to":)" + until);
  EXPECT_EQ(ids(answer), recorded_ids("AND recv_ts < " + until));
  EXPECT_GT(answer["data"].size(), 100U);
  const std::vector<std::string> all = ids(ask(client, R"("channel":"trades","limit":5000)"));
  EXPECT_GT(all.size(), answer["data"].size());
  EXPECT_LT(all.size(), recorded_ids().size());
  replay.send_signal(SIGTERM);
  EXPECT_EQ(replay.wait_exit(), ExitStatus{}) << replay.err();
}

}  // namespace
}  // namespace bixws::test
