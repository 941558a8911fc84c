// SPDX-License-Identifier: Apache-2.0
// docs/protocol.schema.json and the server say the same: of every message that an event can become, and of which
// requests are right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/json_schema.h"
#include "support/live_server.h"

namespace bixws::test {
namespace {

using testing::IsEmpty;

const JsonSchema& schema() {
  static const JsonSchema made = JsonSchema::of_protocol(BIXWS_SOURCE_DIR);
  return made;
}

std::string type_of(const std::string& text) { return RawJson::parse_or_throw(text)["type"].text(); }

TEST(ServerSchema, EveryKindOfEventBecomesAMessageThatItDescribes) {
  server::Options options;
  options.interval = net::Duration::zero();
  LiveServer live(std::move(options));
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url()));
  client.send_text(
      R"({"type":"subscribe","id":"all","channels":["ticker","trades","book","book:5","candles:1m","candles:1h",)"
      R"("status","alerts","annotations"],"policy":"lossless"})");
  ASSERT_TRUE(
      client.next_text_that([](const std::string& text) { return text.starts_with(R"({"type":"subscribed")"); }));

  Ticker ticker;
  for (Decimal* field :
       {&ticker.price, &ticker.bid, &ticker.ask, &ticker.bid_size, &ticker.ask_size, &ticker.open_24h, &ticker.high_24h,
        &ticker.low_24h, &ticker.volume_24h, &ticker.quote_volume_24h, &ticker.change_24h}) {
    *field = dec("-12345678901234567890.1200");
  }
  live.publish(Event::of(*live.btc, kT, kT - 1, ticker));
  const Trade bare{dec("0.00000001"), dec("100000000000"), Side::none, {}, 0};
  live.publish(Event::of(*live.other, kT, 0, Trades{{&bare, 1}, true}));
  live.trade(*live.btc, "1", "2", kT);
  live.book(*live.btc, BookAction::snapshot, levels({{"2", "1"}, {"1", "1"}}), levels({{"3", "1"}}), kT);
  live.book(*live.btc, BookAction::update, levels({{"2", "0"}}), {}, kT + 1);
  live.publish(Event::of(*live.eth, kT, kT, BookChange{BookAction::snapshot, FeedState::resyncing, 50, {}, {}}));
  Candle candle{60, kT, dec("1"), dec("2"), dec("0.5"), dec("1.5"), dec("9"), true};
  live.publish(Event::of(*live.eth, kT, 0, candle));
  for (const FeedState state : {FeedState::connecting, FeedState::live, FeedState::resyncing, FeedState::stale,
                                FeedState::down, FeedState::ended}) {
    for (const Integrity integrity : {Integrity::none, Integrity::checksum, Integrity::sequence, Integrity::snapshot}) {
      Status status;
      status.state = state;
      status.integrity = integrity;
      status.reason = "why";
      status.lag_us = -5;
      status.skew_us = 7;
      live.publish(Event::of(state == FeedState::live ? *live.btc : *live.feed, kT, 0, status));
    }
  }
  for (const double speed : {0.0, 0.25, 1000.0}) {
    for (const char* text : {"playing", "paused", "ended"}) {
      const ReplayPosition position{3, kT, speed, text};
      Status status;
      status.state = FeedState::live;
      status.replay = &position;
      live.publish(Event::of(live.instruments.get("", ""), kT, 0, status));
    }
  }
  Gap gap;
  live.publish(Event::of(*live.feed, kT, 0, gap));
  gap = {Channel::book, "sequence", kT, kT + 5, 7, 9, 3, false};
  live.publish(Event::of(*live.btc, kT, 0, gap));
  const Point points[] = {{kT, dec("1.0")}, {kT + 1, {}}};
  Mark mark{"m1", "a text with \"quotes\" and \xe2\x82\xbf", "line", "#fff", dec("5.0"), points, false};
  live.publish(Event::alert(*live.btc, kT, kT, mark));
  live.publish(Event::annotation(*live.btc, kT, kT, mark));
  mark.deleted = true;
  live.publish(Event::annotation(*live.btc, kT, kT, mark));
  for (const char* request :
       {R"({"type":"ping"})", R"({"type":"unsubscribe","id":1,"channels":["candles:1h"]})", R"({"type":"dance"})",
        R"({"type":"history","symbol":"BTCUSDT","channel":"trades"})",
        R"({"type":"history","symbol":"zeta:BTCUSD","channel":"trades"})",
        R"({"type":"history","symbol":"ETHUSDT","channel":"candles:1m"})",
        R"({"type":"history","symbol":"BTCUSDT","channel":"ticker"})",
        R"({"type":"history","symbol":"BTCUSDT","channel":"book"})",
        R"({"type":"history","symbol":"BTCUSDT","channel":"alerts"})",
        R"({"type":"history","id":"last","symbol":"BTCUSDT","channel":"annotations","limit":1})"}) {
    client.send_text(request);
  }
  std::set<std::string> types;
  for (;;) {
    const auto text = client.next_text();
    ASSERT_TRUE(text) << "the last answer never came";
    EXPECT_THAT(schema().problems(*text, "server_message"), IsEmpty()) << *text;
    types.insert(type_of(*text));
    if (text->find("\"last\"") != std::string::npos) break;
  }
  EXPECT_THAT(types, testing::IsSupersetOf({"initial_data", "market_update", "trades", "book", "candle", "status",
                                            "gap", "alert", "annotation", "pong", "unsubscribed", "error", "history"}));
}

// Each request, and whether it is right; both the schema and the server have to find so.
TEST(ServerSchema, SchemaAndServerAgreeOnRequests) {
  Instruments instruments;
  instruments.get("acme", "BTCUSDT");
  const server::Labels labels(instruments, "acme");
  const auto judge = [&](const std::string& request, bool right) {
    EXPECT_EQ(schema().problems(request, "client_message").empty(), right)
        << request << testing::PrintToString(schema().problems(request, "client_message"));
    const server::Request parsed = server::parse_request(request, labels);
    EXPECT_EQ(!std::holds_alternative<server::RequestError>(parsed), right) << request;
  };
  for (
      const char* request : {
          R"({"type":"subscribe","channels":["ticker"]})",
          R"({"type":"subscribe","id":1,"symbols":["btc-usdt"],"channels":["trades","book","book:25","candles:1m"],"policy":"lossless"})",
          R"({"type":"subscribe","id":"x","channels":["status","alerts","annotations"],"resume":{"epoch":"a","last":{"BTCUSDT":{"trades":7}}}})",
          R"({"type":"subscribe","channels":["book"],"resume":{"epoch":"a"}})",
          R"({"type":"unsubscribe"})",
          R"({"type":"unsubscribe","id":1,"symbols":["BTCUSDT"],"channels":["ticker"]})",
          R"({"type":"ping"})",
          R"({"type":"ping","id":"a"})",
          R"({"type":"history","symbol":"BTCUSDT","channel":"candles:1h","limit":5000,"from":1,"to":"2026-11-22T00:00:00Z"})",
          R"({"type":"annotate","symbol":"BTCUSDT"})",
          R"({"type":"annotate","id":"a","symbol":"BTCUSDT","ts":1,"price":1.5,"text":"t","kind":"k","color":null,"points":[[1,2.5]]})",
          R"({"type":"annotate","id":"a","symbol":"BTCUSDT","price":null,"points":null,"delete":true})",
          R"({"type":"replay","action":"pause"})",
          R"({"type":"replay","id":4,"action":"step","value":5})",
          R"({"type":"replay","action":"seek","value":"+90s"})",
          R"({"type":"replay","action":"speed","value":"max"})",
          R"({"type":"replay","action":"speed","value":0.5})",
      }) {
    judge(request, true);
  }
  for (const char* request : {
           R"({})",
           R"([])",
           R"({"type":5})",
           R"({"type":"dance"})",
           R"({"type":"ping","id":true})",
           R"({"type":"ping","id":[1]})",
           R"({"type":"subscribe"})",
           R"({"type":"subscribe","channels":[]})",
           R"({"type":"subscribe","channels":["smoke"]})",
           R"({"type":"subscribe","channels":["book:7"]})",
           R"({"type":"subscribe","channels":"trades"})",
           R"({"type":"subscribe","channels":["trades"],"symbols":[]})",
           R"({"type":"subscribe","channels":["trades"],"policy":"never"})",
           R"({"type":"subscribe","channels":["trades"],"resume":{}})",
           R"({"type":"subscribe","channels":["trades"],"resume":{"epoch":"a","last":{"BTCUSDT":{"trades":-1}}}})",
           R"({"type":"subscribe","channels":["trades"],"resume":{"epoch":"a","last":{"BTCUSDT":{"trades":1.5}}}})",
           R"({"type":"history","symbol":"BTCUSDT"})",
           R"({"type":"history","symbol":"BTCUSDT","channel":"book:25"})",
           R"({"type":"history","symbol":"BTCUSDT","channel":"book","limit":1001})",
           R"({"type":"history","symbol":"BTCUSDT","channel":"trades","limit":0})",
           R"({"type":"history","symbol":"BTCUSDT","channel":"trades","limit":5001})",
           R"({"type":"history","symbol":"BTCUSDT","channel":"trades","from":1.5})",
           R"({"type":"annotate","text":"x"})",
           R"({"type":"annotate","symbol":"BTCUSDT","points":[[1]]})",
           R"({"type":"annotate","symbol":"BTCUSDT","delete":1})",
           R"({"type":"annotate","symbol":"BTCUSDT","text":5})",
           R"({"type":"replay"})",
           R"({"type":"replay","action":"dance"})",
       }) {
    judge(request, false);
  }
}

TEST(ServerSchema, TheContractsExamplesFit) {
  EXPECT_THAT(
      schema().problems(
          R"({"type":"initial_data","protocol":1,"epoch":"6b1f0c","seq":41,"ts":1795372800123456,"data":{"BTCUSDT":{"price":50000.00,"bid":49999.90,"ask":50000.10,"bid_size":0.5120,"ask_size":1.2000,"open_24h":48780.00,"high_24h":50210.00,"low_24h":48500.00,"volume_24h":18234.11200,"quote_volume_24h":902345678.10,"change_24h":2.501,"exchange":"binance","ts":1795372800120000,"recv_ts":1795372800123456}}})",
          "server_message"),
      IsEmpty());
  EXPECT_THAT(
      schema().problems(
          R"({"type":"trades","exchange":"binance","symbol":"BTCUSDT","seq":1207,"data":[{"price":50000.10,"size":0.00420,"side":"buy","id":"4398231","ts":1795372800121000,"recv_ts":1795372800123456}]})",
          "server_message"),
      IsEmpty());
  EXPECT_THAT(
      schema().problems(
          R"({"type":"book","exchange":"binance","symbol":"BTCUSDT","seq":88,"action":"update","bids":[[49999.90,0.5120],[49998.00,0]],"asks":[],"ts":1795372800122000,"recv_ts":1795372800124001,"state":"live"})",
          "server_message"),
      IsEmpty());
  EXPECT_THAT(
      schema().problems(
          R"({"type":"subscribe","id":1,"symbols":["BTCUSDT"],"channels":["trades","book:25"],"policy":"lossless","resume":{"epoch":"6b1f0c","last":{"BTCUSDT":{"trades":1207}}}})",
          "client_message"),
      IsEmpty());
  EXPECT_THAT(
      schema().problems(
          R"({"type":"error","id":1,"code":"unknown_symbol","message":"unknown symbol BTCUSDX; did you mean BTCUSDT?"})",
          "server_message"),
      IsEmpty());
}

}  // namespace
}  // namespace bixws::test
