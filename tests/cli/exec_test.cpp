// SPDX-License-Identifier: Apache-2.0
// Any program as a feed and as a sink: what it says and reads, how it fails, and that nobody else suffers.
#include <gmock/gmock.h>
#include <signal.h>

#include <fstream>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/serving.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

class Exec : public testing::Test {
 protected:
  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }
  Finished bixws(std::vector<std::string> args) const { return run(BIXWS_BINARY, options(std::move(args))); }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
  TempDir folder_;
};

constexpr const char* kTrade =
    R"({"type":"trades","symbol":"BTCUSDT","data":[{"price":50000.10,"size":0.00420,"side":"buy","id":"1","ts":1795372800121000,"recv_ts":1795372800123456}]})";

TEST_F(Exec, AFeedIsAProgramThatPrintsMessages) {
  folder_.write("feed.sh", std::string("read -r asked; echo \"$asked\" > asked.json\n") + "echo '" + kTrade + "'\n" +
                               "echo 'not json'\necho '{\"type\":\"pong\"}'\n" +
                               R"(echo '{"type":"market_update","data":{"BTCUSDT":{"price":50000.20}}}')" + "\n");
  const Finished done = bixws({"record", "BTCUSDT", "--feed", "exec:command=sh feed.sh", "-o", "a.db"});
  ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  EXPECT_THAT(done.err, HasSubstr("feed exec: a line of sh is left out: not a protocol message"));
  EXPECT_THAT(done.err, HasSubstr("is of no type that a feed sends: {\"type\":\"pong\"}"));
  const Finished events = bixws({"sessions", "export", "a.db", "--format", "ndjson"});
  EXPECT_THAT(events.out, HasSubstr(R"("price":50000.10,"size":0.00420)"));
  EXPECT_THAT(events.out, HasSubstr(R"("exchange":"exec")"));
  EXPECT_THAT(events.out, HasSubstr(R"("price":50000.20)"));
  const RawJson asked = RawJson::parse_or_throw(read_file(folder_ / "asked.json"));
  EXPECT_EQ(asked["type"].text(), "subscribe");
  EXPECT_EQ(asked["symbols"].raw(), "[\"BTCUSDT\"]");
  EXPECT_EQ(asked["channels"].raw(), R"(["ticker","trades","book","candles:1m"])");
}

TEST_F(Exec, AFeedThatFailsIsStartedAgain) {
  folder_.write("feed.sh", std::string("echo '") + kTrade + "'\n[ -f again ] && exit 0\ntouch again\nexit 3\n");
  const Finished done = bixws({"record", "--feed", "exec:command=sh feed.sh", "-o", "a.db"});
  ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  EXPECT_THAT(done.err, HasSubstr("feed exec: sh ended with exit code 3"));
  EXPECT_EQ(count(bixws({"sessions", "export", "a.db", "--channels", "trades", "--format", "ndjson"}).out, "50000.10"),
            2U);
}

TEST_F(Exec, MistakesInTheCommandAreSaid) {
  EXPECT_EQ(bixws({"serve", "--feed", "exec:command=sh \"x"}).err, "bixws: feed exec: command: a \" without its end\n");
  const Finished gone = bixws({"record", "--feed", "sim:count=5,rate=0", "--sink", "exec:command=no-such-program"});
  EXPECT_EQ(gone.exit.code, 2) << gone.err;  // record takes no sinks
  const Finished sink =
      bixws({"serve", "--port", "0", "--feed", "sim:count=5,rate=0", "--sink", "exec:command=no-such-program"});
  EXPECT_EQ(sink.exit.code, 1);
  EXPECT_THAT(sink.err, HasSubstr("sink exec: cannot start no-such-program: No such file or directory"));
}

TEST_F(Exec, ASinkReadsEveryMessageOfItsChannelsToTheEnd) {
  const Finished done = bixws({"serve", "--port", "0", "--feed", "sim:rate=0,count=500,channels=trades+ticker",
                               "--sink", "exec:command=sh -c 'cat > got.ndjson',channels=trades"});
  ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  const std::string got = read_file(folder_ / "got.ndjson");
  const auto lines = static_cast<std::size_t>(std::count(got.begin(), got.end(), '\n'));
  EXPECT_GT(lines, 100U);
  EXPECT_EQ(count(got, "{\"type\":\"trades\""), lines);
}

TEST_F(Exec, ASinkThatEndsIsStartedAgainAndHoldsUpNobody) {
  Process server(BIXWS_BINARY,
                 options({"serve", "--port", "0", "--feed", "sim:rate=500", "--sink",
                          "exec:command=sh -c 'head -n 5; echo x >> starts',first-wait=1ms,longest-wait=5ms"}));
  const auto listening = server.wait_for_line("listening on ws://(\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << server.err();
  EXPECT_TRUE(wait_until([&] {
    std::ifstream file(folder_ / "starts");
    return std::count(std::istreambuf_iterator<char>(file), {}, '\n') >= 3;
  })) << server.err();
  EXPECT_THAT(server.err(), HasSubstr("sink exec: sh ended with exit code 0; starting it again in"));
  EXPECT_THAT(http_get("http://" + (*listening)[1] + "/metrics").body, HasSubstr("bixws_plugin_sink_exec_restarts"));
  WsTestClient client;
  ASSERT_TRUE(client.connect("ws://" + (*listening)[1]));
  EXPECT_TRUE(client.next_text_that([](const std::string& m) { return m.find("market_update") != std::string::npos; }));
  server.send_signal(SIGTERM);
  EXPECT_EQ(server.wait_exit(), ExitStatus{}) << server.err();
}

}  // namespace
}  // namespace bixws::test
