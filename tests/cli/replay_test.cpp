// SPDX-License-Identifier: Apache-2.0
// `bixws replay` as its clients see it: when it begins, how it is steered, how it ends.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "support/recorded_day.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;

class Replay : public RecordedDay {
 protected:
  Replay() : RecordedDay(BIXWS_BINARY) {}
};

constexpr const char* kSubscribe = R"({"type":"subscribe","id":1,"channels":["trades","status"],"policy":"lossless"})";

TEST_F(Replay, BeginsWhenAllClientsHaveSubscribedAndNotBefore) {
  auto process = replay({"--speed", "max", "--wait-clients", "3"});
  WsTestClient by_url;
  ASSERT_TRUE(by_url.connect(url_ + "/?channels=trades&policy=lossless"));
  WsTestClient at_once;
  ASSERT_TRUE(at_once.connect(url_));
  ASSERT_TRUE(at_once.send_text(kSubscribe));
  // Two of three are there: everything that comes up to the pong is an answer, and nothing is played.
  ASSERT_EQ(next_of_type(at_once, "subscribed")["id"].integer(), 1);
  ASSERT_TRUE(at_once.send_text(R"({"type":"ping","id":2})"));
  const auto pong = parsed(at_once.next_text());
  EXPECT_EQ(pong["type"].text(), "pong") << "something came before all were there";
  // The third asks only after it has seen its initial_data.
  WsTestClient after_a_look;
  ASSERT_TRUE(after_a_look.connect(url_));
  ASSERT_EQ(next_of_type(after_a_look, "initial_data")["protocol"].integer(), 1);
  ASSERT_TRUE(after_a_look.send_text(kSubscribe));
  const auto numbers = trade_numbers(by_url);
  expect_all_from_one(numbers);
  EXPECT_EQ(trade_numbers(at_once), numbers);
  EXPECT_EQ(trade_numbers(after_a_look), numbers);
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, ClientsThatOnlyListenCountOnceTheyHaveAnsweredTwoPings) {
  auto process = replay({"--speed", "max", "--wait-clients", "1"});
  WsTestClient deaf;
  ClientOptions no_pongs;
  no_pongs.answer_pings = false;
  ASSERT_TRUE(deaf.connect(url_, no_pongs));
  ASSERT_TRUE(deaf.send_text(R"({"type":"ping","id":1})"));
  ASSERT_EQ(next_of_type(deaf, "pong")["id"].integer(), 1);
  EXPECT_EQ(deaf.pings().size(), 1U) << "one ping behind initial_data, the second only after its pong";
  WsTestClient listener;
  ASSERT_TRUE(listener.connect(url_));
  // It says nothing, and sees the whole replay.
  EXPECT_EQ(next_of_type(listener, "initial_data")["data"].members().size(), 0U);
  EXPECT_EQ(next_of_type(listener, "market_update")["seq"].integer().value_or(0) > 0, true);
  ASSERT_TRUE(listener.wait_closed(Milliseconds(20'000)));
  EXPECT_EQ(listener.close_code(), 1000);
  deaf.close();
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, EndsWithAStatusThenAClosedConnectionThenZero) {
  auto process = replay({"--speed", "max", "--wait-clients", "1"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/?channels=status"));
  std::string last;
  while (const auto text = client.next_text()) last = *text;
  const auto status = RawJson::parse_or_throw(last);
  EXPECT_EQ(status["state"].text(), "ended") << last;
  EXPECT_EQ(status["replay"]["state"].text(), "ended") << last;
  EXPECT_EQ(status["replay"]["session"].integer(), 1) << last;
  EXPECT_EQ(status["replay"]["speed"].text(), "max") << last;
  EXPECT_EQ(status["replay"]["position"].raw(), status["ts"].raw()) << last;
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(client.close_reason(), "ended");
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, IsSteeredOverTheProtocol) {
  auto process = replay({"--paused", "--speed", "1"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/?channels=trades,ticker,book,status&policy=lossless"));
  const auto state = [&](const std::string& wanted) {
    return parsed(client.next_text_that([&](const std::string& text) {
      return text.find("\"replay\":") != std::string::npos && text.find(wanted) != std::string::npos;
    }))["replay"];
  };
  EXPECT_TRUE(state("\"paused\"").exists());
  ASSERT_TRUE(client.send_text(R"({"type":"replay","id":1,"action":"step","value":5})"));
  int events = 0;
  while (const auto text = client.next_text()) {
    const auto message = RawJson::parse_or_throw(*text);
    if (message["replay"].exists()) break;  // said when the steps are done
    if (message["type"].text() != "error") ++events;
  }
  EXPECT_EQ(events, 5);
  ASSERT_TRUE(client.send_text(R"({"type":"replay","id":2,"action":"seek","value":"+100ms"})"));
  const auto initial = next_of_type(client, "initial_data");
  EXPECT_NE(initial["epoch"].text(), "");
  const auto sought = state("\"paused\"");
  EXPECT_EQ(sought["position"].integer(), kStart + 100'000) << sought.raw();
  ASSERT_TRUE(client.send_text(R"({"type":"replay","id":3,"action":"speed","value":50})"));
  EXPECT_EQ(state("\"paused\"")["speed"].raw(), "50");
  for (const char* bad :
       {R"({"type":"replay","id":4,"action":"fly"})", R"({"type":"replay","id":4,"action":"step","value":-1})",
        R"({"type":"replay","id":4,"action":"seek","value":"soon"})",
        R"({"type":"replay","id":4,"action":"speed","value":0})"}) {
    ASSERT_TRUE(client.send_text(bad));
    const auto error = next_of_type(client, "error");
    EXPECT_EQ(error["code"].text(), "bad_request") << bad;
    EXPECT_EQ(error["id"].integer(), 4) << bad;
  }
  ASSERT_TRUE(client.send_text(R"({"type":"replay","id":5,"action":"resume"})"));
  EXPECT_TRUE(state("\"playing\"").exists());
  ASSERT_TRUE(client.send_text(R"({"type":"replay","id":6,"action":"speed","value":"max"})"));
  ASSERT_TRUE(client.wait_closed(Milliseconds(20'000)));
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, LoopsInNewEpochsUntilItIsStopped) {
  auto process = replay({"--loop", "--speed", "max", "--wait-clients", "1"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/?channels=trades&policy=lossless"));
  std::vector<std::string> epochs;
  std::vector<std::int64_t> lasts;
  std::int64_t last = 0;
  while (epochs.size() < 3) {
    const auto message = parsed(client.next_text());
    ASSERT_TRUE(message.exists());
    if (message["type"].text() == "initial_data") {
      epochs.push_back(message["epoch"].text());
      if (epochs.size() > 1) lasts.push_back(last);
    } else if (message["type"].text() == "trades") {
      const std::int64_t seq = message["seq"].integer().value_or(0);
      EXPECT_EQ(seq, seq == 1 ? 1 : last + 1);
      last = seq;
    }
  }
  EXPECT_NE(epochs[1], epochs[2]);
  EXPECT_EQ(lasts[0], lasts[1]) << "every lap is whole";
  process->send_signal(SIGTERM);
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, StopsPromptlyThoughAClientHoldsItBack) {
  auto process = replay({"--loop", "--speed", "max", "--wait-clients", "1"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/?channels=trades&policy=lossless"));
  // It reads no more: the replay has to wait for it. Held is what stands still between two looks.
  std::string before;
  ASSERT_TRUE(wait_until([&] {
    const std::string metrics = http_get("http" + url_.substr(2) + "/metrics").body;
    const std::size_t at = metrics.find("\nbixws_hub_events_total ");
    const std::string now = metrics.substr(at, metrics.find('\n', at + 1) - at);
    return std::exchange(before, now) == now && now != "\nbixws_hub_events_total 0";
  }));
  process->send_signal(SIGTERM);
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
}

TEST_F(Replay, FromAndToCutOutAPiece) {
  const Finished whole =
      run(BIXWS_BINARY, options({"sessions", "export", "day.db", "--format", "ndjson", "--channels", "trades"}));
  auto process = replay({"--from", "+200ms", "--to", "+400ms", "--speed", "max", "--wait-clients", "1"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/?channels=trades&policy=lossless"));
  const auto played = trade_numbers(client);
  expect_all_from_one(played);
  std::size_t expected = 0;
  std::size_t begin = 0;
  while (begin < whole.out.size()) {
    const std::size_t end = whole.out.find('\n', begin);
    const auto message = RawJson::parse_or_throw(whole.out.substr(begin, end - begin));
    const std::int64_t at = message["data"][0]["recv_ts"].integer().value_or(0) - kStart;
    if (at >= 200'000 && at < 400'000) ++expected;
    begin = end + 1;
  }
  EXPECT_EQ(played.size(), expected);
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
  const Finished nothing = run(BIXWS_BINARY, options({"replay", "day.db", "--from", "+9d", "--no-serve"}));
  EXPECT_EQ(nothing.exit.code, 2);
  EXPECT_THAT(nothing.err, HasSubstr("--from"));
}

}  // namespace
}  // namespace bixws::test
