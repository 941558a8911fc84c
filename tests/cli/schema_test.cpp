// SPDX-License-Identifier: Apache-2.0
// What the commands really send and print, held against docs/protocol.schema.json: serve, watch --json, record --json
// and replay.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <set>
#include <string>
#include <vector>

#include "support/json_schema.h"
#include "support/serving.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

using testing::IsEmpty;
using testing::IsSupersetOf;

constexpr const char* kSim = "sim:rate=400,seed=7,channels=ticker+trades+book+candles";
constexpr const char* kSubscribeToAll =
    R"({"type":"subscribe","id":"all","channels":["ticker","trades","book","book:5","candles:1m","candles:5m","status",)"
    R"("alerts","annotations"]})";

class Schema : public testing::Test {
 protected:
  // Holds one message against the schema, and notes its type.
  void hold(const std::string& text) {
    EXPECT_THAT(schema_.problems(text, "server_message"), IsEmpty()) << text.substr(0, 500);
    types_.insert(RawJson::parse_or_throw(text)["type"].text());
  }
  // Until a message of this beginning came.
  void hold_until(WsTestClient& client, const std::string& beginning) {
    for (;;) {
      const auto text = client.next_text();
      ASSERT_TRUE(text) << "no " << beginning;
      hold(*text);
      if (text->starts_with(beginning)) return;
    }
  }
  ProcessOptions with(std::vector<std::string> args) const {
    ProcessOptions options;
    options.args = std::move(args);
    options.cwd = folder_.path();
    options.unset = {"BIXWS_URL"};
    return options;
  }

  JsonSchema schema_ = JsonSchema::of_protocol(BIXWS_SOURCE_DIR);
  std::set<std::string> types_;
  TempDir folder_;
};

TEST_F(Schema, HoldsWhatServeSends) {
  const Serving server(BIXWS_BINARY, {"--interval", "20ms"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws()));
  for (int i = 0; i < 20; ++i) hold(client.next_text().value_or("nothing"));
  client.send_text(kSubscribeToAll);
  hold_until(client, R"({"type":"subscribed")");
  for (int i = 0; i < 400; ++i) hold(client.next_text().value_or("nothing"));
  client.send_text(
      R"({"type":"annotate","id":"w1","symbol":"BTCUSDT","price":5.0,"text":"x","points":[[1795372800000000,5.0]]})");
  hold_until(client, R"({"type":"annotation")");
  for (const char* channel : {"ticker", "trades", "candles:1m", "annotations", "alerts"}) {
    client.send_text(R"({"type":"history","id":1,"symbol":"BTCUSDT","channel":")" + std::string(channel) + R"("})");
    hold_until(client, R"({"type":"history")");
  }
  client.send_text(R"({"type":"replay","id":5,"action":"pause"})");
  hold_until(client, R"({"type":"error","id":5,"code":"bad_request","message":"this server plays no recording")");
  client.send_text(R"({"type":"unsubscribe","channels":["book"]})");
  hold_until(client, R"({"type":"unsubscribed")");
  client.send_text(R"({"type":"ping","id":9})");
  hold_until(client, R"({"type":"pong")");
  EXPECT_THAT(types_, IsSupersetOf({"initial_data", "market_update", "trades", "book", "candle", "status", "annotation",
                                    "subscribed", "unsubscribed", "pong", "history", "error"}));
}

TEST_F(Schema, HoldsWhatWatchPrints) {
  const Serving server(BIXWS_BINARY, {"--interval", "20ms"});
  const Finished watch = run(
      BIXWS_BINARY, with({"watch", "--url", server.ws(), "--json", "--view", "table,trades,book,chart", "-n", "150"}));
  EXPECT_EQ(watch.exit, ExitStatus{}) << watch.err;
  std::size_t lines = 0;
  for (std::size_t at = 0; at < watch.out.size(); ++lines) {
    const std::size_t end = watch.out.find('\n', at);
    hold(watch.out.substr(at, end - at));
    at = end + 1;
  }
  EXPECT_EQ(lines, 150U);
  EXPECT_THAT(types_, IsSupersetOf({"initial_data", "market_update", "trades", "book", "candle"}));
}

TEST_F(Schema, HoldsWhatRecordPrintsAndWhatReplaySends) {
  const Finished record =
      run(BIXWS_BINARY, with({"record", "--feed", std::string(kSim) + ",count=600", "-o", "day.db", "--json"}));
  ASSERT_EQ(record.exit, ExitStatus{}) << record.err;
  std::size_t commits = 0;
  for (std::size_t at = 0; at < record.out.size(); ++commits) {
    const std::size_t end = record.out.find('\n', at);
    const std::string line = record.out.substr(at, end - at);
    EXPECT_THAT(schema_.problems(line, "committed"), IsEmpty()) << line;
    at = end + 1;
  }
  EXPECT_GT(commits, 0U);

  Process replay(BIXWS_BINARY, with({"replay", "day.db", "--port", "0", "--paused", "--speed", "50"}));
  const auto listening = replay.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();
  WsTestClient client;
  ASSERT_TRUE(client.connect((*listening)[1]));
  client.send_text(kSubscribeToAll);
  hold_until(client, R"({"type":"subscribed")");
  for (const char* control :
       {R"({"type":"replay","action":"step","value":20})", R"({"type":"replay","action":"seek","value":"+500ms"})",
        R"({"type":"replay","action":"speed","value":"max"})", R"({"type":"replay","id":8,"action":"seek"})",
        R"({"type":"history","id":1,"symbol":"BTCUSDT","channel":"trades"})"}) {
    client.send_text(control);
  }
  hold_until(client, R"({"type":"history")");
  client.send_text(R"({"type":"replay","action":"resume"})");
  while (const auto text = client.next_text()) hold(*text);
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(replay.wait_exit(), ExitStatus{}) << replay.err();
  EXPECT_THAT(types_, IsSupersetOf({"initial_data", "trades", "book", "candle", "status", "history", "error"}));
}

}  // namespace
}  // namespace bixws::test
