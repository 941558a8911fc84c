// SPDX-License-Identifier: Apache-2.0
// What a replay offers besides its common clock: a replay for each client at /replay, and the events over HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <string>
#include <vector>

#include "support/recorded_day.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* kEverything = "channels=ticker,trades,book&policy=lossless";

class ReplayAlone : public RecordedDay {
 protected:
  ReplayAlone() : RecordedDay(BIXWS_BINARY) {}
  void SetUp() override {
    RecordedDay::SetUp();
    server_ = replay({"--paused"});  // its common clock stands still all the while
    http_ = "http" + url_.substr(2);
  }
  void TearDown() override {
    server_->send_signal(SIGTERM);
    EXPECT_EQ(server_->wait_exit(), ExitStatus{}) << server_->err();
  }
  std::vector<std::string> lines(const std::string& query) const {
    const HttpAnswer answer = http_get(http_ + "/recordings/day.db/events" + query);
    EXPECT_EQ(answer.status, 200) << answer.body << answer.error;
    EXPECT_EQ(answer.headers.at("content-type"), "application/x-ndjson");
    std::vector<std::string> all;
    std::size_t begin = 0;
    while (begin < answer.body.size()) {
      const std::size_t end = answer.body.find('\n', begin);
      all.push_back(answer.body.substr(begin, end - begin));
      begin = end + 1;
    }
    return all;
  }
  /// What a client of /replay gets, without the answers to its URL.
  std::vector<std::string> seen(const std::string& query) const {
    WsTestClient client;
    EXPECT_TRUE(client.connect(url_ + "/replay?" + query)) << client.http_status();
    EXPECT_EQ(next_of_type(client, "subscribed")["type"].text(), "subscribed");
    auto all = messages(client);
    EXPECT_EQ(client.close_code(), 1000);
    EXPECT_EQ(client.close_reason(), "ended");
    return all;
  }

  std::unique_ptr<Process> server_;
  std::string http_;
};

std::vector<std::string> of_type(const std::vector<std::string>& all, const std::string& type) {
  std::vector<std::string> some;
  for (const std::string& text : all) {
    if (text.find("{\"type\":\"" + type + "\"") == 0) some.push_back(text);
  }
  return some;
}

TEST_F(ReplayAlone, HttpAndAClientOfItsOwnSeeTheSameMessages) {
  const auto client = seen(std::string("speed=max&") + kEverything);
  const auto http = lines("");
  for (const char* type : {"trades", "book", "market_update"}) {
    const auto expected = of_type(client, type);
    EXPECT_GT(expected.size(), 100U) << type;
    EXPECT_EQ(of_type(http, type), expected) << type;
  }
}

TEST_F(ReplayAlone, EachClientHasItsOwnClock) {
  WsTestClient slow;
  ASSERT_TRUE(slow.connect(url_ + "/replay?paused=true&" + kEverything));
  ASSERT_TRUE(next_of_type(slow, "subscribed").exists());
  expect_all_from_one(trade_numbers(seen(std::string("speed=max&") + kEverything)));
  // The other one has run to its end; this one is where it was.
  ASSERT_TRUE(slow.send_text(R"({"type":"ping","id":1})"));
  EXPECT_EQ(parsed(slow.next_text())["type"].text(), "pong");
  ASSERT_TRUE(slow.send_text(R"({"type":"replay","action":"step","value":4})"));
  for (int i = 0; i < 4; ++i) EXPECT_NE(parsed(slow.next_text())["type"].text(), "pong");
  ASSERT_TRUE(slow.send_text(R"({"type":"ping","id":2})"));
  EXPECT_EQ(parsed(slow.next_text())["id"].integer(), 2);
}

// From the beginning of the recording to where its own clock stands, and not an event further.
TEST_F(ReplayAlone, HistoryReachesToWhereItsClientIs) {
  std::vector<std::string> all;  // every trade's size and time, as the recording has them
  for (const std::string& line : lines("?channels=trades&symbols=BTCUSDT")) {
    const RawJson message = RawJson::parse_or_throw(line);
    for (const RawJson& trade : message["data"].items()) all.emplace_back(trade.raw());
  }
  ASSERT_GT(all.size(), 20U);
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/replay?from=%2B500ms&paused=true&channels=trades&policy=lossless"));
  ASSERT_TRUE(next_of_type(client, "subscribed").exists());
  const auto history = [&](const std::string& more) {
    client.send_text(R"({"type":"history","id":7,"symbol":"BTCUSDT","channel":"trades","limit":5000)" + more + "}");
    const RawJson answer = next_of_type(client, "history");
    EXPECT_EQ(answer["id"].integer(), 7);
    std::vector<std::string> told;
    for (const RawJson& item : answer["data"].items()) told.emplace_back(item.raw());
    return told;
  };
  const auto until = [&](std::int64_t recv_ts) {
    std::vector<std::string> some;
    for (const std::string& trade : all) {
      if (RawJson::parse_or_throw(trade)["recv_ts"].integer().value_or(0) <= recv_ts) some.push_back(trade);
    }
    return some;
  };
  std::int64_t at = 0;
  for (int steps = 0; steps < 30; ++steps) {
    ASSERT_TRUE(client.send_text(R"({"type":"replay","action":"step","value":1})"));
    ASSERT_TRUE(client.send_text(R"({"type":"ping","id":1})"));
    at = next_of_type(client, "pong")["ts"].integer().value_or(0);  // the newest there is for this client
  }
  ASSERT_GT(at, kStart + 500'000);
  EXPECT_EQ(history(""), until(at));
  EXPECT_LT(until(at).size(), all.size());
  EXPECT_GT(until(at).size(), until(kStart + 500'000).size()) << "also of what it played itself";
}

TEST_F(ReplayAlone, BeginsWhenItsClientHasSubscribed) {
  WsTestClient client;
  ASSERT_TRUE(client.connect(url_ + "/replay?speed=max"));
  ASSERT_TRUE(next_of_type(client, "initial_data").exists());
  ASSERT_TRUE(client.send_text(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})"));
  expect_all_from_one(trade_numbers(client));
}

TEST_F(ReplayAlone, CutsOutWhatIsAsked) {
  const auto http = lines("?from=%2B500ms&to=%2B700ms&channels=trades");
  const auto client = seen("speed=max&from=%2B500ms&to=%2B700ms&channels=trades&policy=lossless");
  EXPECT_EQ(http, of_type(client, "trades"));
  ASSERT_FALSE(http.empty());
  for (const std::string& line : http) {
    const std::int64_t at = RawJson::parse_or_throw(line)["data"][0]["recv_ts"].integer().value_or(0) - kStart;
    EXPECT_GE(at, 500'000);
    EXPECT_LT(at, 700'000);
  }
  // A book that begins in the middle begins with a snapshot.
  const auto books = lines("?from=" + std::to_string(kStart + 500'000) + "&channels=book&symbols=btc-usdt");
  ASSERT_FALSE(books.empty());
  EXPECT_THAT(books.front(), HasSubstr(R"("seq":1,"action":"snapshot")"));
  const auto replayed = seen("speed=max&from=%2B500ms&channels=book&policy=lossless");
  EXPECT_EQ(of_type(replayed, "book"), books);
}

TEST_F(ReplayAlone, RefusesWhatThereIsNot) {
  const auto status = [&](const std::string& target, const std::string& says) {
    const HttpAnswer answer = http_get(http_ + target);
    EXPECT_THAT(answer.body, HasSubstr(says)) << target;
    return answer.status;
  };
  EXPECT_EQ(status("/recordings/night.db/events", "there is day.db"), 404);
  EXPECT_EQ(status("/recordings/day.db/nothing", "not found"), 404);
  EXPECT_EQ(status("/recordings/day.db/events?from=soon", "from soon: not a time"), 400);
  EXPECT_EQ(status("/recordings/day.db/events?channels=trade", "did you mean trades"), 400);
  EXPECT_EQ(status("/recordings/day.db/events?symbols=BTCUSDX", "did you mean BTCUSDT"), 400);
  EXPECT_EQ(status("/recordings/day.db/events?session=7", "no session 7"), 400);
  for (const char* query : {"speed=warp", "session=0", "session=9", "from=%2B9d", "paused=perhaps"}) {
    WsTestClient client;
    EXPECT_FALSE(client.connect(url_ + "/replay?" + query)) << query;
    EXPECT_EQ(client.http_status(), 400) << query;
  }
}

TEST_F(ReplayAlone, ThereIsRoomForSoManyAndOneMoreWhenOneLeaves) {
  std::vector<std::unique_ptr<WsTestClient>> clients;
  const auto one_more = [&] {
    clients.push_back(std::make_unique<WsTestClient>());
    return clients.back()->connect(url_ + "/replay?paused=true");
  };
  for (int i = 0; i < 16; ++i) ASSERT_TRUE(one_more()) << i;
  EXPECT_FALSE(one_more());
  EXPECT_EQ(clients.back()->http_status(), 503);
  clients.front()->close();
  EXPECT_TRUE(wait_until(one_more));
}

TEST_F(ReplayAlone, AReaderThatStopsHoldsNobodyUp) {
  WsTestClient stuck;
  ASSERT_TRUE(stuck.connect(url_ + "/replay?loop=true&speed=max&" + kEverything));  // and it does not read
  expect_all_from_one(trade_numbers(seen(std::string("speed=max&") + kEverything)));
  EXPECT_GT(lines("?channels=trades").size(), 100U);
}

}  // namespace
}  // namespace bixws::test
