// SPDX-License-Identifier: Apache-2.0
// The stand-in's other exchanges, each on its capture: bytes untouched, acknowledgements and refusals, snapshots for
// whoever comes late, and books that agree with the exchange's own checksums and with the independent oracle.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/standin_exchange.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using Options = StandinOptions;

Options for_venue(const std::string& venue) {
  Options options;
  options.venue = venue;
  return options;
}

TimelineFrame understood(const Venue& venue, const std::string& payload) {
  TimelineFrame frame{0, payload, {}, {}};
  if (auto json = RawJson::parse(payload)) frame.json = *std::move(json);
  frame.meaning = venue.meaning(frame.json);
  return frame;
}

std::vector<std::string> played_payloads(const StandinExchange& exchange) {
  std::vector<std::string> out;
  for (const auto& frame : exchange.frames()) out.push_back(frame.payload);
  return out;
}

// Reads messages, answers to requests left out, until so many have come.
std::vector<std::string> read_data(WsTestClient& client, const Venue& venue, std::size_t count) {
  std::vector<std::string> texts;
  while (texts.size() < count) {
    auto text = client.next_text();
    if (!text) break;
    const auto kind = understood(venue, *text).meaning.kind;
    if (kind == FrameMeaning::Kind::data || kind == FrameMeaning::Kind::heartbeat) texts.push_back(*std::move(text));
  }
  return texts;
}

void expect_same_book(const StandinBook& one, const StandinBook& other, const std::string& symbol) {
  for (const bool bid : {true, false}) {
    EXPECT_EQ(one.raw_levels(bid, 1000), other.raw_levels(bid, 1000)) << symbol;
  }
}

// Final books against captures/expected, which an independent oracle wrote.
int expect_oracle_books(const StandinExchange& exchange, const std::string& expected_name,
                        const std::function<std::string(std::string)>& id_of) {
  int compared = 0;
  for (const auto& line : read_expected(expected_name)) {
    if (line["kind"].text() != "book_final") continue;
    const auto book = exchange.book(id_of(line["symbol"].text()));
    EXPECT_TRUE(book) << line["symbol"].text();
    if (!book) continue;
    for (const bool bid : {true, false}) {
      const RawJson& expected = line[bid ? "bids" : "asks"];
      const auto levels = book->best(bid, expected.size());
      EXPECT_EQ(levels.size(), expected.size());
      for (std::size_t i = 0; i < levels.size(); ++i, ++compared) {
        EXPECT_EQ(without_trailing_zeros(levels[i].price), expected[i][0].text());
        EXPECT_EQ(without_trailing_zeros(levels[i].size), expected[i][1].text());
      }
    }
  }
  return compared;
}

// The snapshot owed to a late subscriber after every single book frame carries the checksum that the exchange itself
// sent.
std::pair<int, int> checksums_right(const StandinExchange& exchange, const std::string& channel) {
  const Timeline& timeline = exchange.timeline();
  Market market = timeline.start;
  int right = 0;
  int checked = 0;
  for (const auto& frame : timeline.frames) {
    if (!frame.meaning.book_snapshot && !frame.meaning.book_update) continue;
    exchange.venue().apply(frame, market.books[frame.meaning.symbol]);
    const auto owed = exchange.venue().welcome({channel, frame.meaning.symbol}, market);
    ++checked;
    if (owed.size() != 1) continue;
    const RawJson snapshot = RawJson::parse_or_throw(owed[0]);
    if (snapshot["data"][0]["checksum"].raw() == frame.json["data"][0]["checksum"].raw()) ++right;
  }
  return {right, checked};
}

// ---- Coinbase

const std::string coinbase_all =
    R"({"type":"subscribe","product_ids":["SKL-USD","SKL-BTC","BAND-GBP","NMR-EUR","BAND-BTC","YFI-BTC","DASH-BTC",)"
    R"("NU-GBP","CRV-EUR","SKL-GBP"],"channels":["level2_batch","ticker","matches"]})";

TEST(SupportStandinCoinbase, PlaysTheCapture) {
  BIXWS_REQUIRE_CAPTURES();
  const auto exchange = standin_on("cryptofeed/COINBASE.ws.28.0", for_venue("coinbase"));
  ASSERT_EQ(exchange->frames().size(), 9943U) << "9,946 less three acknowledgements";
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  client.send_text(coinbase_all);
  EXPECT_EQ(read_data(client, exchange->venue(), 9943), played_payloads(*exchange));
  ASSERT_TRUE(exchange->wait_ended());
  EXPECT_EQ(expect_oracle_books(*exchange, "COINBASE", [](std::string symbol) { return symbol; }), 10 * 50);
  EXPECT_EQ(http_get(exchange->rest_url() + "/products").body.substr(0, 16), R"([{"id":"SKL-EUR")");
  const auto book = RawJson::parse_or_throw(http_get(exchange->rest_url() + "/products/SKL-USD/book?level=2").body);
  EXPECT_EQ(book["bids"][0][0].text(), exchange->book("SKL-USD")->best(true, 1).at(0).price);
  EXPECT_EQ(http_get(exchange->rest_url() + "/products/NO-NO/book?level=2").status, 404);
}

TEST(SupportStandinCoinbase, AcknowledgesAndRefuses) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("coinbase");
  options.hold = true;
  const auto exchange = standin_on("cryptofeed/COINBASE.ws.28.0", options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  client.send_text(R"({"type":"subscribe","product_ids":["SKL-USD"],"channels":["ticker"]})");
  EXPECT_EQ(client.next_text(), R"({"type":"subscriptions","channels":[{"name":"ticker","product_ids":["SKL-USD"]}]})");
  client.send_text(R"({"type":"subscribe","channels":[{"name":"matches","product_ids":["NU-GBP","SKL-USD"]}]})");
  EXPECT_EQ(client.next_text(),
            R"({"type":"subscriptions","channels":[{"name":"matches","product_ids":["NU-GBP","SKL-USD"]},)"
            R"({"name":"ticker","product_ids":["SKL-USD"]}]})");
  client.send_text(R"({"type":"subscribe","product_ids":["XXX-YYY"],"channels":["ticker"]})");
  EXPECT_EQ(client.next_text(),
            R"({"type":"error","message":"Failed to subscribe","reason":"XXX-YYY is not a valid product"})");
  client.send_text(R"({"type":"subscribe","product_ids":["SKL-USD"],"channels":["level2"]})");
  EXPECT_NE(client.next_text().value_or("").find("require authentication"), std::string::npos);
  client.send_text(R"({"type":"subscribe","product_ids":["SKL-USD"],"channels":["level2"],"signature":"any"})");
  EXPECT_NE(client.next_text().value_or("").find(R"({"name":"level2","product_ids":["SKL-USD"]})"), std::string::npos);
  client.send_text(
      R"({"type":"unsubscribe","product_ids":["SKL-USD","NU-GBP"],"channels":["ticker","matches","level2"]})");
  EXPECT_EQ(client.next_text(), R"({"type":"subscriptions","channels":[]})");
}

TEST(SupportStandinCoinbase, WhoeverComesLateGetsSnapshotLastTickerAndLastMatch) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("coinbase");
  options.hold = true;
  const auto exchange = standin_on("cryptofeed/COINBASE.ws.28.0", options);
  WsTestClient first;
  ASSERT_TRUE(first.connect(exchange->ws_url()));
  first.send_text(coinbase_all);
  exchange->play(5000);
  ASSERT_TRUE(exchange->wait_played(5000));
  WsTestClient late;
  ASSERT_TRUE(late.connect(exchange->ws_url()));
  late.send_text(R"({"type":"subscribe","product_ids":["SKL-USD"],"channels":["level2_batch","ticker","matches"]})");
  const auto owed = read_data(late, exchange->venue(), 3);
  ASSERT_EQ(owed.size(), 3U);
  EXPECT_EQ(RawJson::parse_or_throw(owed[0])["type"].text(), "snapshot");
  EXPECT_EQ(RawJson::parse_or_throw(owed[1])["type"].text(), "last_match");
  EXPECT_EQ(RawJson::parse_or_throw(owed[2])["type"].text(), "ticker");
  exchange->release();
  ASSERT_TRUE(exchange->wait_ended());
  StandinBook mirror;
  exchange->venue().apply(understood(exchange->venue(), owed[0]), mirror);
  while (const auto text = late.next_text(Milliseconds(200))) {
    const TimelineFrame frame = understood(exchange->venue(), *text);
    ASSERT_EQ(frame.meaning.symbol, "SKL-USD");
    if (frame.meaning.book_update) exchange->venue().apply(frame, mirror);
  }
  expect_same_book(mirror, *exchange->book("SKL-USD"), "SKL-USD");
}

TEST(SupportStandinCoinbase, HeartbeatsNameTheLastTrade) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("coinbase");
  const auto exchange = standin_on("cryptofeed/COINBASE.ws.28.0", options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  client.send_text(R"({"type":"subscribe","product_ids":["SKL-USD"],"channels":["heartbeat","matches"]})");
  std::string last_trade;
  const auto beat = client.next_text_that([&](const std::string& text) {
    const auto json = RawJson::parse_or_throw(text);
    if (json["trade_id"].exists()) last_trade = json["trade_id"].raw();
    return json["type"].text() == "heartbeat";
  });
  ASSERT_TRUE(beat);
  EXPECT_EQ(RawJson::parse_or_throw(*beat)["last_trade_id"].raw(), last_trade);
  EXPECT_EQ(RawJson::parse_or_throw(*beat)["product_id"].text(), "SKL-USD");
}

TEST(SupportStandinCoinbase, ProductsUnderAnotherName) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("coinbase");
  options.rename["SKL-USD"] = {"FOO", "BAR"};
  const auto exchange = standin_on("cryptofeed/COINBASE.ws.28.0", options);
  EXPECT_TRUE(exchange->timeline().start.symbols.contains("FOO-BAR"));
  EXPECT_FALSE(exchange->timeline().start.symbols.contains("SKL-USD"));
  const auto products = RawJson::parse_or_throw(http_get(exchange->rest_url() + "/products").body);
  int found = 0;
  for (const auto& product : products.items()) {
    EXPECT_NE(product["id"].text(), "SKL-USD");
    if (product["id"].text() != "FOO-BAR") continue;
    ++found;
    EXPECT_EQ(product["base_currency"].text(), "FOO");
    EXPECT_EQ(product["quote_currency"].text(), "BAR");
  }
  EXPECT_EQ(found, 1);
}

// ---- Kraken

std::string kraken_subscribe(const std::string& method, int depth) {
  return R"({"method":")" + method + R"(","params":{"channel":"book","symbol":["BTC/USD"],"depth":)" +
         std::to_string(depth) + R"(,"snapshot":true},"req_id":7})";
}

TEST(SupportStandinKraken, PlaysTheCaptures) {
  BIXWS_REQUIRE_CAPTURES();
  for (const auto& [file, depth, frames, oracle] :
       {std::tuple("kraken_btcusd_l2.cbcap", 10, 361U, "kraken-v2-book.crossbook-btcusd_l2"),
        std::tuple("kraken_btcusd_sample.cbcap", 25, 2102U, "kraken-v2-book.crossbook-btcusd_sample")}) {
    const auto exchange = standin_on(file, for_venue("kraken"));
    ASSERT_EQ(exchange->frames().size(), frames) << file;
    WsTestClient client;
    ASSERT_TRUE(client.connect(exchange->ws_url() + "/v2"));
    const auto greeting = client.next_text();
    ASSERT_TRUE(greeting);
    EXPECT_EQ(*greeting, exchange->timeline().greetings.at(0).payload);
    client.send_text(kraken_subscribe("subscribe", depth));
    const auto answer = client.next_text();
    ASSERT_TRUE(answer);
    EXPECT_EQ(RawJson::parse_or_throw(*answer)["result"].raw(),
              R"({"channel":"book","depth":)" + std::to_string(depth) + R"(,"snapshot":true,"symbol":"BTC/USD"})");
    EXPECT_EQ(RawJson::parse_or_throw(*answer)["req_id"].raw(), "7");
    EXPECT_TRUE(RawJson::parse_or_throw(*answer)["success"].is_true());
    EXPECT_EQ(read_data(client, exchange->venue(), frames), played_payloads(*exchange));
    ASSERT_TRUE(exchange->wait_ended());
    EXPECT_EQ(expect_oracle_books(*exchange, oracle, [](const std::string&) { return "BTC/USD"; }), 2 * depth);
  }
}

TEST(SupportStandinKraken, ItsOwnSnapshotsCarryTheRightChecksum) {
  BIXWS_REQUIRE_CAPTURES();
  EXPECT_EQ(checksums_right(*standin_on("kraken_btcusd_l2.cbcap", for_venue("kraken")), "book"), std::pair(301, 301));
  EXPECT_EQ(checksums_right(*standin_on("kraken_btcusd_sample.cbcap", for_venue("kraken")), "book"),
            std::pair(2052, 2052));
}

TEST(SupportStandinKraken, RefusalsPingsAndTheOtherChannels) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("kraken");
  options.hold = true;
  const auto exchange = standin_on("kraken_btcusd_l2.cbcap", options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  ASSERT_TRUE(client.next_text());
  const auto answer_to = [&](const std::string& text) {
    client.send_text(text);
    return RawJson::parse(client.next_text().value_or("")).value_or(RawJson());
  };
  EXPECT_EQ(answer_to(kraken_subscribe("subscribe", 25))["error"].text(), "Subscription depth not supported");
  EXPECT_EQ(answer_to(R"({"method":"subscribe","params":{"channel":"book","symbol":["A/B"]}})")["error"].text(),
            "Currency pair not supported A/B");
  EXPECT_TRUE(answer_to(kraken_subscribe("subscribe", 10))["success"].is_true());
  EXPECT_EQ(answer_to(kraken_subscribe("subscribe", 10))["error"].text(), "Already subscribed");
  EXPECT_TRUE(answer_to(kraken_subscribe("unsubscribe", 10))["success"].is_true());
  EXPECT_EQ(answer_to("{")["error"].text(), "Malformed request");
  const RawJson pong = answer_to(R"({"method":"ping","req_id":42})");
  EXPECT_EQ(pong["method"].text(), "pong");
  EXPECT_EQ(pong["req_id"].integer(), 42);
  EXPECT_TRUE(
      answer_to(R"({"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}})")["success"].is_true());
  EXPECT_TRUE(answer_to(R"({"method":"subscribe","params":{"channel":"instrument"}})")["success"].is_true());
  EXPECT_EQ(RawJson::parse_or_throw(client.next_text().value())["data"]["pairs"][0]["qty_increment"].raw(), "1e-08");
  const auto pairs = RawJson::parse_or_throw(http_get(exchange->rest_url() + "/0/public/AssetPairs").body);
  EXPECT_EQ(pairs["result"]["XBTUSD"]["wsname"].text(), "XBT/USD");
}

TEST(SupportStandinKraken, AResubscriptionGetsAFreshSnapshot) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("kraken");
  options.hold = true;
  const auto exchange = standin_on("kraken_btcusd_sample.cbcap", options);
  const Venue& venue = exchange->venue();
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  client.send_text(kraken_subscribe("subscribe", 25));
  exchange->play(1000);
  EXPECT_EQ(read_data(client, venue, 1000).size(), 1000U);
  client.send_text(kraken_subscribe("unsubscribe", 25));
  client.send_text(kraken_subscribe("subscribe", 25));
  const auto snapshot = read_data(client, venue, 1);
  ASSERT_EQ(snapshot.size(), 1U);
  StandinBook mirror;
  venue.apply(understood(venue, snapshot[0]), mirror);
  expect_same_book(mirror, *exchange->book("BTC/USD"), "now");
  exchange->release();
  for (const auto& text : read_data(client, venue, 1102)) {
    const TimelineFrame frame = understood(venue, text);
    if (frame.meaning.book_update) venue.apply(frame, mirror);
  }
  expect_same_book(mirror, *exchange->book("BTC/USD"), "at the end");
}

TEST(SupportStandinKraken, HeartbeatsGoOnAfterTheCaptureUnlessToldNotTo) {
  BIXWS_REQUIRE_CAPTURES();
  for (const bool pulse : {true, false}) {
    Options options = for_venue("kraken");
    options.hold = true;
    options.pulse = pulse;
    const auto exchange = standin_on("kraken_btcusd_l2.cbcap", options);
    WsTestClient client;
    ASSERT_TRUE(client.connect(exchange->ws_url()));
    client.send_text(kraken_subscribe("subscribe", 10));
    ASSERT_TRUE(
        client.next_text_that([](const std::string& text) { return text.find("success") != std::string::npos; }));
    EXPECT_EQ(client.next_text(Milliseconds(pulse ? 10'000 : 1500)).value_or("nothing"),
              pulse ? R"({"channel":"heartbeat"})" : "nothing");
  }
}

// ---- OKX

const std::string okx_all = [] {
  std::string args;
  for (const char* symbol : {"BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP"}) {
    for (const char* channel : {"tickers", "trades", "books"}) {
      args +=
          (args.empty() ? "" : ",") + (R"({"channel":")" + std::string(channel)) + R"(","instId":")" + symbol + "\"}";
    }
  }
  return R"({"op":"subscribe","args":[)" + args + "]}";
}();

TEST(SupportStandinOkx, PlaysTheCapture) {
  BIXWS_REQUIRE_CAPTURES();
  const auto exchange = standin_on("cryptofeed/OKX.ws.1.0", for_venue("okx"));
  ASSERT_EQ(exchange->frames().size(), 392U) << "410 less 18 acknowledgements";
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url() + "/ws/v5/public"));
  client.send_text("ping");
  EXPECT_EQ(client.next_text(), "pong");
  client.send_text(okx_all);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(RawJson::parse_or_throw(client.next_text().value())["event"].text(), "subscribe") << i;
  }
  EXPECT_EQ(read_data(client, exchange->venue(), 392), played_payloads(*exchange));
  ASSERT_TRUE(exchange->wait_ended());
  EXPECT_EQ(expect_oracle_books(*exchange, "OKX", [](std::string symbol) { return symbol; }), 3 * 50);
  const auto spot = http_get(exchange->rest_url() + "/api/v5/public/instruments?instType=SPOT");
  EXPECT_EQ(RawJson::parse_or_throw(spot.body)["data"][0]["instId"].text(), "BTC-USDT");
  const auto options = http_get(exchange->rest_url() + "/api/v5/public/instruments?instType=OPTION&uly=ETH-USD");
  EXPECT_NE(options.body.find("ETH-USD-220514-1300-C"), std::string::npos);
  const auto book = http_get(exchange->rest_url() + "/api/v5/market/books?instId=BTC-USDT&sz=5");
  EXPECT_EQ(RawJson::parse_or_throw(book.body)["data"][0]["asks"].size(), 5U);
}

TEST(SupportStandinOkx, ItsOwnSnapshotsCarryTheRightChecksum) {
  BIXWS_REQUIRE_CAPTURES();
  EXPECT_EQ(checksums_right(*standin_on("cryptofeed/OKX.ws.1.0", for_venue("okx")), "books"), std::pair(290, 290));
}

TEST(SupportStandinOkx, WrongChannelsAreRefusedOneByOne) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("okx");
  options.hold = true;
  const auto exchange = standin_on("cryptofeed/OKX.ws.1.0", options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url() + "/ws/v5/public"));
  client.send_text(R"({"id":"15","op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT"},)"
                   R"({"channel":"trades","instId":"NO-SUCH"},{"channel":"trades","instId":"ETH-USDT"}]})");
  const auto wrong_url = RawJson::parse_or_throw(client.next_text().value());
  EXPECT_EQ(wrong_url["code"].text(), "60018");
  EXPECT_EQ(wrong_url["id"].text(), "15");
  EXPECT_EQ(RawJson::parse_or_throw(client.next_text().value())["code"].text(), "60018");
  EXPECT_EQ(RawJson::parse_or_throw(client.next_text().value())["event"].text(), "subscribe") << "listed by REST";
  client.send_text("{\"op\":\"dance\"}");
  EXPECT_EQ(RawJson::parse_or_throw(client.next_text().value())["code"].text(), "60012");
  WsTestClient business;
  ASSERT_TRUE(business.connect(exchange->ws_url() + "/ws/v5/business"));
  business.send_text(R"({"op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT"}]})");
  EXPECT_EQ(RawJson::parse_or_throw(business.next_text().value())["event"].text(), "subscribe");
  exchange->add({.kind = Fault::Kind::shutdown_notice});
  EXPECT_EQ(RawJson::parse_or_throw(business.next_text().value())["code"].text(), "64008");
}

TEST(SupportStandinOkx, AsOfToday) {
  BIXWS_REQUIRE_CAPTURES();
  Options options = for_venue("okx");
  options.dialect.today = true;
  options.hold = true;
  const auto exchange = standin_on("cryptofeed/OKX.ws.1.0", options);
  std::map<std::string, std::string> last;
  int chained = 0;
  for (const auto& frame : exchange->frames()) {
    if (!frame.meaning.book_snapshot && !frame.meaning.book_update) continue;
    const RawJson& data = frame.json["data"][0];
    EXPECT_EQ(data["checksum"].raw(), "0");
    EXPECT_EQ(data["prevSeqId"].raw(), frame.meaning.book_snapshot ? "-1" : last[frame.meaning.symbol]);
    last[frame.meaning.symbol] = data["seqId"].raw();
    ++chained;
  }
  EXPECT_EQ(chained, 290);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange->ws_url()));
  client.send_text(okx_all);
  exchange->play(200);
  ASSERT_TRUE(exchange->wait_played(200));
  WsTestClient late;
  ASSERT_TRUE(late.connect(exchange->ws_url()));
  late.send_text(R"({"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]})");
  ASSERT_TRUE(wait_until([&] { return exchange->listeners() == 2; }));
  exchange->release();
  std::string before;
  int updates = 0;
  for (const auto& text : read_data(late, exchange->venue(), 20)) {
    const RawJson data = RawJson::parse_or_throw(text)["data"][0];
    EXPECT_EQ(data["prevSeqId"].raw(), before.empty() ? "-1" : before);
    before = data["seqId"].raw();
    ++updates;
  }
  EXPECT_EQ(updates, 20);
}

}  // namespace
}  // namespace bixws::test
