// SPDX-License-Identifier: Apache-2.0
// The WebSocket protocol as clients see it: who gets what, in which words, in which order.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <thread>

#include "support/live_server.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;

server::Options at_once() {
  server::Options options;
  options.interval = net::Duration::zero();
  return options;
}

bool is(const std::string& message, std::string_view type) {
  return message.starts_with("{\"type\":\"" + std::string(type) + "\"");
}

// Everything up to the answer of a ping, which is after what was published and drained before.
std::vector<std::string> until_pong(WsTestClient& client) {
  client.send_text(R"({"type":"ping","id":"end"})");
  std::vector<std::string> messages;
  while (auto text = client.next_text()) {
    if (is(*text, "pong")) break;
    messages.push_back(*text);
  }
  return messages;
}

TEST(ServerProtocol, GreetsWithInitialDataEvenWhenNothingCameYet) {
  LiveServer live(at_once());
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  const auto hello = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(hello["type"].text(), "initial_data");
  EXPECT_EQ(hello["protocol"].integer(), 1);
  EXPECT_FALSE(hello["epoch"].text().empty());
  EXPECT_EQ(hello["seq"].integer(), 0);
  EXPECT_EQ(hello["ts"].integer(), 0);
  EXPECT_TRUE(hello["data"].is_object());
  EXPECT_EQ(hello["data"].size(), 0U);
}

TEST(ServerProtocol, TickersGoToEverybodyDigitForDigitWithoutAsking) {
  LiveServer live(at_once());
  live.ticker(*live.btc, "50000.00", kT);
  live.ticker(*live.other, "49999.10", kT + 5);
  live.hub->drain();
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  const auto hello = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(hello["data"]["BTCUSDT"]["price"].raw(), "50000.00");
  EXPECT_EQ(hello["data"]["zeta:BTCUSD"]["price"].raw(), "49999.10");
  EXPECT_EQ(hello["seq"].integer(), 2);
  EXPECT_EQ(hello["ts"].integer(), kT + 5);
  live.ticker(*live.btc, "50000.10", kT + 9);
  EXPECT_EQ(next(client),
            R"({"type":"market_update","seq":3,"ts":1795372800000009,"data":{"BTCUSDT":{"price":50000.10,)"
            R"("exchange":"acme","ts":1795372799999009,"recv_ts":1795372800000009}}})");
  EXPECT_EQ(client.protocol_error(), "");
}

TEST(ServerProtocol, StatusComesWithoutAskingAndTheLatestToLateJoiners) {
  LiveServer live(at_once());
  live.status(*live.feed, FeedState::connecting, "", kT);
  live.status(*live.feed, FeedState::live, "", kT + 1);
  live.hub->drain();
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  EXPECT_TRUE(is(next(client), "initial_data"));
  EXPECT_EQ(next(client), R"({"type":"status","exchange":"acme","state":"live","ts":1795372800000001})");
  live.status(*live.btc, FeedState::resyncing, "sequence gap", kT + 2);
  EXPECT_EQ(next(client), R"({"type":"status","exchange":"acme","symbol":"BTCUSDT","state":"resyncing",)"
                          R"("reason":"sequence gap","ts":1795372800000002})");
}

TEST(ServerProtocol, TheFirstSubscribeReplacesTheDefaultAndLaterOnesAdd) {
  LiveServer live(at_once());
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  ASSERT_TRUE(is(next(client), "initial_data"));
  client.send_text(R"({"type":"subscribe","id":7,"symbols":["btc/usdt"],"channels":["trades"]})");
  const auto answer = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(answer["type"].text(), "subscribed");
  EXPECT_EQ(answer["id"].raw(), "7");
  EXPECT_EQ(answer["symbols"].raw(), R"(["BTCUSDT"])");
  live.ticker(*live.btc, "1.0", kT);
  live.trade(*live.eth, "2.0", "1", kT);
  live.trade(*live.btc, "3.0", "0.10", kT + 1);
  live.hub->drain();
  auto got = until_pong(client);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0], R"({"type":"trades","exchange":"acme","symbol":"BTCUSDT","seq":1,"data":[{"price":3.0,"size":0.10,)"
                    R"("side":"buy","id":"t1","ts":1795372799999001,"recv_ts":1795372800000001}]})");

  client.send_text(R"({"type":"subscribe","id":"b","symbols":["ETHUSDT"],"channels":["ticker"]})");
  EXPECT_TRUE(is(next(client), "subscribed"));
  EXPECT_TRUE(is(next(client), "initial_data"));
  live.ticker(*live.btc, "1.1", kT);
  live.ticker(*live.eth, "2.1", kT);
  live.trade(*live.btc, "3.1", "1", kT);
  live.hub->drain();
  got = until_pong(client);
  ASSERT_EQ(got.size(), 2U);
  EXPECT_TRUE(is(got[0], "market_update"));
  EXPECT_NE(got[0].find("ETHUSDT"), std::string::npos);
  EXPECT_TRUE(is(got[1], "trades"));

  client.send_text(R"({"type":"unsubscribe","id":3,"channels":["trades"]})");
  EXPECT_TRUE(is(next(client), "unsubscribed"));
  live.trade(*live.btc, "3.2", "1", kT);
  live.hub->drain();
  EXPECT_EQ(until_pong(client).size(), 0U);
}

// The last one to leave an audience may do so while messages wait in its log: that sweep once divided by nobody.
TEST(ServerProtocol, EverybodyMayChangeSubscriptionUnderFullFlow) {
  LiveServer live(at_once());
  std::atomic<bool> done{false};
  std::thread flood([&] {
    for (Micros t = kT; !done; ++t) {
      live.ticker(*live.btc, "50000.00", t);
      if (t % 64 == 0) live.hub->drain();
    }
  });
  for (int i = 0; i < 50; ++i) {
    WsTestClient client;
    EXPECT_TRUE(client.connect(live.url()));
    client.send_text(R"({"type":"subscribe","channels":["trades"]})");
    std::string message = next(client);
    while (!is(message, "subscribed") && message != "<nothing>") message = next(client);
    EXPECT_TRUE(is(message, "subscribed")) << message;
  }
  done = true;
  flood.join();
}

TEST(ServerProtocol, ABookStartsWithASnapshotThatCarriesTheLastNumberItContains) {
  LiveServer live(at_once());
  live.book(*live.btc, BookAction::snapshot, levels({{"99.50", "1.0"}, {"99.00", "2"}}), levels({{"100.0", "1"}}), kT);
  live.book(*live.btc, BookAction::update, levels({{"99.50", "0"}}), {}, kT + 1);
  live.hub->drain();
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url("/ws?symbols=BTCUSDT&channels=book,book:5")));
  EXPECT_TRUE(is(next(client), "initial_data"));
  EXPECT_TRUE(is(next(client), "subscribed"));
  EXPECT_EQ(next(client), R"({"type":"book","exchange":"acme","symbol":"BTCUSDT","seq":2,"action":"snapshot",)"
                          R"("bids":[[99.00,2]],"asks":[[100.0,1]],"ts":1795372799999001,)"
                          R"("recv_ts":1795372800000001,"state":"live"})");
  const auto shallow = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(shallow["depth"].integer(), 5);
  EXPECT_EQ(shallow["seq"].integer(), 2);
  live.book(*live.btc, BookAction::update, {}, levels({{"100.5", "3.50"}}), kT + 2);
  const auto update = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(update["action"].text(), "update");
  EXPECT_EQ(update["seq"].integer(), 3);
  EXPECT_EQ(update["asks"].raw(), "[[100.5,3.50]]");
}

// The last good book stays readable while its feed repairs it, and says what it is.
TEST(ServerProtocol, ABookThatIsBeingRepairedIsShownAndMarked) {
  LiveServer live(at_once());
  live.book(*live.btc, BookAction::snapshot, levels({{"10", "1"}}), levels({{"11", "2"}}), kT);
  live.book(*live.eth, BookAction::snapshot, levels({{"20", "1"}}), levels({{"21", "2"}}), kT);
  live.status(*live.btc, FeedState::resyncing, "sequence", kT + 1);
  live.hub->drain();
  const auto shown = [&live](const std::string& symbol) {
    WsTestClient client;
    EXPECT_TRUE(client.connect(live.url("/?channels=book,book:5&symbols=" + symbol)));
    std::vector<std::string> books;
    for (const std::string& text : until_pong(client)) {
      const auto json = RawJson::parse_or_throw(text);
      if (json["type"].text() == "book") books.push_back(json["state"].text() + " " + std::string(json["bids"].raw()));
    }
    return books;
  };
  EXPECT_THAT(shown("BTCUSDT"), ElementsAre("resyncing [[10,1]]", "resyncing [[10,1]]"));
  EXPECT_THAT(shown("ETHUSDT"), ElementsAre("live [[20,1]]", "live [[20,1]]")) << "others flow on";
  live.status(*live.btc, FeedState::stale, "connection lost", kT + 2);
  live.hub->drain();
  EXPECT_THAT(shown("BTCUSDT"), ElementsAre("stale [[10,1]]", "stale [[10,1]]"));
  live.book(*live.btc, BookAction::snapshot, levels({{"12", "1"}}), levels({{"13", "2"}}), kT + 3);
  live.status(*live.btc, FeedState::live, "", kT + 3);
  live.hub->drain();
  EXPECT_THAT(shown("BTCUSDT"), ElementsAre("live [[12,1]]", "live [[12,1]]"));
}

TEST(ServerProtocol, AGapReachesThoseItConcernsOnce) {
  LiveServer live(at_once());
  WsTestClient books;
  WsTestClient others;
  ASSERT_TRUE(books.connect(live.url("/?symbols=BTCUSDT&channels=book,book:5,book:10")));
  ASSERT_TRUE(others.connect(live.url("/?symbols=ETHUSDT&channels=book")));
  until_pong(books);
  until_pong(others);
  Gap gap;
  gap.channel = Channel::book;
  gap.reason = "sequence";
  gap.lost = 3;
  live.publish(Event::of(*live.btc, kT, 0, gap));
  live.hub->drain();
  const auto got = until_pong(books);
  ASSERT_EQ(got.size(), 1U);
  EXPECT_EQ(got[0],
            R"({"type":"gap","exchange":"acme","symbol":"BTCUSDT","channel":"book","reason":"sequence","lost":3,)"
            R"("ts":1795372800000000,"seq":1})");
  EXPECT_EQ(until_pong(others).size(), 0U);
}

TEST(ServerProtocol, TickersAreBatchedPerIntervalWhereTheNewestWins) {
  server::Options options;
  options.interval = std::chrono::milliseconds(20);
  LiveServer live(options);
  WsTestClient client;
  WsTestClient lossless;
  ASSERT_TRUE(client.connect(live.url()));
  ASSERT_TRUE(lossless.connect(live.url("/?channels=ticker&policy=lossless")));
  until_pong(client);
  until_pong(lossless);
  for (int i = 1; i <= 200; ++i) live.ticker(*live.btc, std::to_string(i), kT + i);
  std::uint64_t last = 0;
  std::size_t updates = 0;
  std::string price;
  while (price != "200") {
    const auto update = RawJson::parse_or_throw(next(client));
    ASSERT_EQ(update["type"].text(), "market_update");
    const auto seq = static_cast<std::uint64_t>(update["seq"].integer().value());
    EXPECT_GT(seq, last);
    last = seq;
    price = update["data"]["BTCUSDT"]["price"].raw();
    EXPECT_EQ(price, std::to_string(seq));
    ++updates;
  }
  EXPECT_LT(updates, 100U);
  for (int i = 1; i <= 200; ++i) {
    const auto update = RawJson::parse_or_throw(next(lossless));
    ASSERT_EQ(update["seq"].integer(), i);
  }
}

TEST(ServerProtocol, EveryMistakeIsAnsweredWithItsCodeAndTheRequestsId) {
  LiveServer live(at_once());
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  until_pong(client);
  const std::pair<const char*, const char*> cases[] = {
      {R"({"type":)", R"({"type":"error","code":"bad_json","message":"the message is not JSON"})"},
      {R"([1,2])", R"({"type":"error","code":"bad_request","message":"the message is not a JSON object"})"},
      {R"({"id":1})", R"({"type":"error","id":1,"code":"bad_request","message":"type is missing"})"},
      {R"({"type":"subscibe","id":2})",
       R"({"type":"error","id":2,"code":"unknown_type","message":"unknown type subscibe; did you mean subscribe?"})"},
      {R"({"type":"subscribe","id":"x","symbols":["BTCUSDX"],"channels":["trades"]})",
       R"({"type":"error","id":"x","code":"unknown_symbol","message":"unknown symbol BTCUSDX; did you mean BTCUSDT?"})"},
      {R"({"type":"subscribe","id":4,"channels":["trade"]})",
       R"({"type":"error","id":4,"code":"unknown_channel","message":"unknown channel trade; did you mean trades?"})"},
      {R"({"type":"subscribe","id":5,"channels":["book:7"]})",
       R"({"type":"error","id":5,"code":"unknown_channel","message":"unknown channel book:7; did you mean book:5?"})"},
      {R"({"type":"subscribe","id":6})",
       R"x({"type":"error","id":6,"code":"bad_request","message":"channels is missing; for example \"channels\":[\"trades\",\"book:25\"]"})x"},
      {R"({"type":"subscribe","id":7,"channels":["trades"],"policy":"fast"})",
       R"({"type":"error","id":7,"code":"bad_request","message":"unknown policy fast; known: conflate, drop_oldest, lossless"})"},
      {R"({"type":"replay","id":8,"action":"pause"})",
       R"({"type":"error","id":8,"code":"bad_request","message":"this server plays no recording"})"},
      {R"({"type":"ping","id":{}})",
       R"({"type":"error","code":"bad_request","message":"id must be a number or a string"})"},
  };
  for (const auto& [request, answer] : cases) {
    client.send_text(request);
    EXPECT_EQ(next(client), answer) << request;
  }
  client.send_text(R"({"type":"ping","id":9})");
  EXPECT_EQ(next(client), R"({"type":"pong","id":9})");
}

TEST(ServerProtocol, OneBadItemRefusesTheWholeRequest) {
  LiveServer live(at_once());
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  until_pong(client);
  client.send_text(R"({"type":"subscribe","id":1,"symbols":["BTCUSDT","NOPE"],"channels":["trades"]})");
  EXPECT_TRUE(is(next(client), "error"));
  live.trade(*live.btc, "1", "1", kT);
  live.ticker(*live.btc, "1", kT);
  live.hub->drain();
  const auto got = until_pong(client);
  ASSERT_EQ(got.size(), 1U);  // the default is still in force
  EXPECT_TRUE(is(got[0], "market_update"));
}

TEST(ServerProtocol, ANewEpochIsAnnouncedWithInitialDataAndNumbersStartAgain) {
  LiveServer live(at_once());
  live.trade(*live.btc, "1", "1", kT);
  live.hub->drain();
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url("/?channels=trades")));
  const auto hello = RawJson::parse_or_throw(next(client));
  until_pong(client);
  live.hub->new_epoch();
  live.trade(*live.btc, "2", "1", kT + 1);
  const auto again = RawJson::parse_or_throw(next(client));
  EXPECT_EQ(again["type"].text(), "initial_data");
  EXPECT_NE(again["epoch"].text(), hello["epoch"].text());
  EXPECT_EQ(RawJson::parse_or_throw(next(client))["seq"].integer(), 1);
}

TEST(ServerProtocol, AnnotationsReachEverybodyAndLateJoiners) {
  LiveServer live(at_once());
  live.trade(*live.btc, "1", "1", kT);
  live.hub->drain();
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url("/?channels=annotations")));
  until_pong(client);
  client.send_text(R"({"type":"annotate","id":"note-1","symbol":"BTCUSDT","ts":5,"price":10.5,"text":"here"})");
  const std::string expected =
      R"({"type":"annotation","exchange":"acme","symbol":"BTCUSDT","id":"note-1","ts":5,"price":10.5,"text":"here",)"
      R"("recv_ts":1795372800000000})";
  EXPECT_EQ(next(client), expected);
  WsTestClient late;
  ASSERT_TRUE(late.connect(live.url("/?channels=annotations")));
  EXPECT_THAT(until_pong(late), testing::Contains(expected));
  client.send_text(R"({"type":"annotate","id":"note-1","symbol":"BTCUSDT","delete":true})");
  EXPECT_NE(next(client).find("\"deleted\":true"), std::string::npos);
  live.hub->drain();
  WsTestClient later;
  ASSERT_TRUE(later.connect(live.url("/?channels=annotations")));
  EXPECT_THAT(until_pong(later), testing::Not(testing::Contains(testing::HasSubstr("note-1"))));
}

TEST(ServerProtocol, StoppingClosesEverybodyWith1001AfterWhatWasDue) {
  LiveServer live(at_once());
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  until_pong(client);
  live.ticker(*live.btc, "1", kT);
  live.hub->drain();
  std::thread stopping([&] { live.server->stop(); });
  EXPECT_TRUE(is(next(client), "market_update"));
  EXPECT_TRUE(client.wait_closed());
  stopping.join();
  EXPECT_EQ(client.close_code(), 1001);
  EXPECT_EQ(client.end(), WsTestClient::End::fin);
}

// A replay ends for everybody at its own pace: only who takes nothing at all is cut.
TEST(ServerProtocol, TheEndWaitsForASlowClientThatStillReads) {
  auto options = at_once();
  options.hold_back = true;
  options.hold_deadline = std::chrono::milliseconds(400) * slowdown;
  options.client_bytes = std::size_t{2} << 20;
  LiveServer live(options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url("/?channels=trades&policy=lossless")));
  const int little = 32'768;
  ASSERT_EQ(::setsockopt(client.fd(), SOL_SOCKET, SO_RCVBUF, &little, sizeof little), 0);
  until_pong(client);
  constexpr int kPlayed = 20'000;
  std::thread replay([&] {
    for (int i = 0; i < kPlayed; ++i) live.trade(*live.btc, "64000.5", "0.25", kT + i);
    live.hub->drain();
    live.server->finish();
  });
  int trades = 0;
  while (const auto message = client.next_text()) {
    if (!is(*message, "trades")) continue;
    trades += static_cast<int>(RawJson::parse_or_throw(*message)["data"].size());
    // So slow is this client, and the whole of it takes several times the deadline.
    if (trades % 500 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(40) * slowdown);
  }
  replay.join();
  EXPECT_EQ(trades, kPlayed);
  EXPECT_EQ(client.close_code(), 1000);
}

TEST(ServerPages, HealthMetricsPageAndNothingElse) {
  LiveServer live(at_once());
  EXPECT_EQ(http_get(live.http("/healthz")).status, 200);
  live.status(*live.feed, FeedState::down, "connection refused", kT);
  live.hub->drain();
  const HttpAnswer ill = http_get(live.http("/healthz"));
  EXPECT_EQ(ill.status, 503);
  EXPECT_EQ(RawJson::parse_or_throw(ill.body)["reasons"][0].text(), "acme is down: connection refused");
  const HttpAnswer metrics = http_get(live.http("/metrics"));
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("\nbixws_clients 0\n"), std::string::npos);
  EXPECT_EQ(http_get(live.http("/")).status, 200);
  EXPECT_EQ(http_get(live.http("/nothing")).status, 404);
  WsTestClient client;
  EXPECT_FALSE(client.connect(live.url("/elsewhere")));
  EXPECT_EQ(client.http_status(), 404);
}

}  // namespace
}  // namespace bixws::test
