// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange plays what it was given: bytes, order, REST and timing, seen by a client of its own.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/standin_exchange.h"
#include "support/temp_dir.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using Options = StandinOptions;

// Two symbols in the shape of Binance's traffic, with ids and prices that can be followed in the head.
// AAABBB: snapshot at 10; updates 9-10 (contained), 11-12, 13-13, ... CCCBBB: snapshot at 100.
Capture small_capture() {
  Capture capture;
  capture.name = "small";
  const auto frame = [&](std::int64_t ms, std::string payload) {
    capture.frames.push_back({1'600'000'000'000'000 + ms * 1000, std::move(payload), 0});
  };
  const auto depth = [](const std::string& symbol, int first, int last, const std::string& bids,
                        const std::string& asks) {
    return R"({"stream":")" + lower_case(symbol) + R"(@depth@100ms","data":{"e":"depthUpdate","E":1,"s":")" + symbol +
           R"(","U":)" + std::to_string(first) + R"(,"u":)" + std::to_string(last) + R"(,"b":)" + bids + R"(,"a":)" +
           asks + "}}";
  };
  frame(0, depth("AAABBB", 9, 10, R"([["1.00","5.0"]])", "[]"));
  frame(100, depth("AAABBB", 11, 12, R"([["1.10","7.00"]])", R"([["2.00","0.00"]])"));
  frame(150, R"({"stream":"aaabbb@bookTicker","data":{"u":12,"s":"AAABBB","b":"1.10","B":"7.00","a":"2.10","A":"2"}})");
  frame(200, depth("CCCBBB", 101, 101, "[]", R"([["9.90","1"]])"));
  frame(250, R"({"stream":"cccbbb@aggTrade","data":{"e":"aggTrade","s":"CCCBBB","a":1,"p":"9.90","q":"1"}})");
  frame(300, depth("AAABBB", 13, 13, R"([["1.10","0"]])", "[]"));
  frame(400, depth("AAABBB", 14, 15, R"([["1.05","3.0"]])", "[]"));
  capture.rest.push_back({0, "https://api.example/api/v3/exchangeInfo",
                          R"({"symbols":[{"symbol":"CCCBBB","baseAsset":"CCC","quoteAsset":"BBB"},)"
                          R"({"symbol":"AAABBB","status":"TRADING","baseAsset":"AAA","quoteAsset":"BBB"}]})"});
  capture.rest.push_back({0, "https://api.example/api/v3/depth?symbol=AAABBB&limit=1000",
                          R"({"lastUpdateId":10,"bids":[["1.00","5.0"]],"asks":[["2.00","4"],["2.10","2"]]})"});
  capture.rest.push_back({0, "https://api.example/api/v3/depth?symbol=CCCBBB&limit=1000",
                          R"({"lastUpdateId":100,"bids":[["9.00","1"]],"asks":[]})"});
  return capture;
}

const std::string all_streams = "/stream?streams=aaabbb@depth@100ms/aaabbb@ticker/cccbbb@trade";

std::vector<std::string> read_texts(WsTestClient& client, std::size_t count) {
  std::vector<std::string> texts;
  while (texts.size() < count) {
    auto text = client.next_text();
    if (!text) break;
    texts.push_back(*std::move(text));
  }
  return texts;
}

std::vector<std::string> payloads(const Capture& capture) {
  std::vector<std::string> out;
  for (const auto& frame : capture.frames) out.push_back(frame.payload);
  return out;
}

TEST(SupportStandin, PlaysEveryByteInOrderToACombinedStream) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams)) << client.refusal().error;
  EXPECT_EQ(read_texts(client, 7), payloads(small_capture()));
  EXPECT_TRUE(exchange.wait_ended());
  EXPECT_EQ(exchange.played(), 7U);
  EXPECT_EQ(exchange.connections().at(0).frames, 7U);
  // Silent after the end, but alive.
  client.send_ping("still there?");
  EXPECT_FALSE(client.next(Milliseconds(50)));
  EXPECT_EQ(client.pongs(), std::vector<std::string>{"still there?"});
  EXPECT_EQ(client.protocol_error(), "");
  EXPECT_TRUE(exchange.client_errors().empty());
}

TEST(SupportStandin, ARawStreamGetsTheDataAlone) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/ws/cccbbb%40trade"));
  EXPECT_EQ(
      read_texts(client, 2),
      (std::vector<std::string>{R"({"e":"depthUpdate","E":1,"s":"CCCBBB","U":101,"u":101,"b":[],"a":[["9.90","1"]]})",
                                R"({"e":"aggTrade","s":"CCCBBB","a":1,"p":"9.90","q":"1"})"}));
}

TEST(SupportStandin, SubscribeMessagesAreAnsweredBeforeTheirData) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/stream"));
  client.send_text(R"({"method":"SUBSCRIBE","params":["cccbbb@trade"],"id":"a1"})");
  EXPECT_EQ(client.next_text(), R"({"result":null,"id":"a1"})");
  EXPECT_EQ(read_texts(client, 2), (std::vector<std::string>{small_capture().frames[3].payload,  //
                                                             small_capture().frames[4].payload}));
  client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":7})");
  EXPECT_EQ(client.next_text(), R"({"result":["cccbbb@trade"],"id":7})");
  client.send_text(R"({"method":"UNSUBSCRIBE","params":["cccbbb@trade"],"id":8})");
  EXPECT_EQ(client.next_text(), R"({"result":null,"id":8})");
  EXPECT_TRUE(wait_until([&] { return exchange.listeners() == 0; }));
  client.send_text("{");
  EXPECT_NE(client.next_text().value_or("").find("\"code\":3"), std::string::npos);
  client.send_text(R"({"method":"DANCE","id":9})");
  EXPECT_NE(client.next_text().value_or("").find("\"code\":2"), std::string::npos);
  EXPECT_EQ(exchange.subscribe_messages(), 1U);
  EXPECT_EQ(exchange.texts().size(), 5U);
}

TEST(SupportStandin, ByChannelWhenAsked) {
  Options options;
  options.dialect.whole_symbol = false;
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/stream?streams=aaabbb@ticker/cccbbb@trade"));
  EXPECT_EQ(read_texts(client, 2), (std::vector<std::string>{small_capture().frames[2].payload,  //
                                                             small_capture().frames[4].payload}));
}

TEST(SupportStandin, UnknownPathsAreRefused) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  EXPECT_FALSE(client.connect(exchange.ws_url() + "/elsewhere"));
  EXPECT_EQ(client.http_status(), 404);
  EXPECT_EQ(http_get(exchange.rest_url() + "/elsewhere").status, 404);
  EXPECT_EQ(exchange.upgrades().at(0).status, 404);
}

TEST(SupportStandin, RestAnswersAreTheCapturesOwn) {
  StandinExchange exchange(small_capture(), {});
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/exchangeInfo").body, small_capture().rest[0].body);
  EXPECT_EQ(http_get(exchange.rest_url() + R"(/api/v3/exchangeInfo?symbols=%5B%22CCCBBB%22%5D)").body,
            R"({"timezone":"UTC","symbols":[{"symbol":"CCCBBB","baseAsset":"CCC","quoteAsset":"BBB"}]})");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/exchangeInfo?symbol=NONE").status, 400);
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/depth?symbol=NONE&limit=1000").status, 400);
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/ping").body, "{}");
  ASSERT_EQ(exchange.requests().size(), 5U);
  EXPECT_EQ(exchange.requests()[2].status, 400);
  EXPECT_EQ(exchange.requests_for("exchangeInfo"), 3U);
}

TEST(SupportStandin, TheFirstSnapshotIsTheCapturesLaterOnesAreOfNow) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  ASSERT_TRUE(exchange.wait_ended());
  const std::string depth = exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000";
  EXPECT_EQ(http_get(depth).body, small_capture().rest[1].body) << "all events since were sent to the client";
  EXPECT_EQ(http_get(depth).body,
            R"({"lastUpdateId":15,"bids":[["1.05","3.0"],["1.00","5.0"]],"asks":[["2.10","2"]]})");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1").body,
            R"({"lastUpdateId":15,"bids":[["1.05","3.0"]],"asks":[["2.10","2"]]})");
}

TEST(SupportStandin, WhoeverCameLateGetsASnapshotOfNow) {
  Options options;
  options.hold = true;
  StandinExchange exchange(small_capture(), options);
  WsTestClient first;
  WsTestClient late;
  ASSERT_TRUE(first.connect(exchange.ws_url() + all_streams));
  const std::string depth = exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000";
  // The first change is frame 2: after frame 1 the capture's own snapshot still fits for everybody.
  exchange.play(1);
  ASSERT_TRUE(exchange.wait_played(1));
  EXPECT_EQ(http_get(depth).body, small_capture().rest[1].body);
  exchange.play(1);
  ASSERT_TRUE(exchange.wait_played(2));
  ASSERT_TRUE(late.connect(exchange.ws_url() + all_streams));
  ASSERT_TRUE(wait_until([&] { return exchange.listeners() == 2; }));
  EXPECT_EQ(http_get(depth).body,
            R"({"lastUpdateId":12,"bids":[["1.10","7.00"],["1.00","5.0"]],"asks":[["2.10","2"]]})");
  exchange.release();
  EXPECT_EQ(read_texts(late, 5).back(), small_capture().frames[6].payload);
}

TEST(SupportStandin, ItsOwnBookAndItsHistory) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  ASSERT_TRUE(exchange.wait_ended());
  const auto book = exchange.book("AAABBB");
  ASSERT_TRUE(book);
  EXPECT_EQ(book->last_id, 15);
  EXPECT_EQ(book->updates, 3U);
  const auto history = book_history(exchange.timeline(), exchange.venue(), "AAABBB", 10);
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history[0].last_id, 10);
  EXPECT_EQ(history[1].frame, 2U);
  EXPECT_EQ(history[1].bids.at(0).size, "7.00");
  EXPECT_EQ(history[1].asks.size(), 1U);
  EXPECT_EQ(history[2].bids.at(0).price, "1.00");
}

TEST(SupportStandin, OneTimelineForAllConnections) {
  Options options;
  options.start_connections = 2;
  StandinExchange exchange(small_capture(), options);
  WsTestClient one;
  WsTestClient two;
  ASSERT_TRUE(one.connect(exchange.ws_url() + all_streams));
  EXPECT_FALSE(one.next(Milliseconds(30))) << "played before the second connection was there";
  ASSERT_TRUE(two.connect(exchange.ws_url() + "/ws/cccbbb@depth"));
  EXPECT_EQ(read_texts(one, 7).size(), 7U);
  EXPECT_EQ(read_texts(two, 2).size(), 2U);
  EXPECT_EQ(exchange.played(), 7U);
}

TEST(SupportStandin, WaitsForTheSymbolsAsked) {
  Options options;
  options.start_symbols = 2;
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/stream?streams=aaabbb@depth"));
  EXPECT_FALSE(client.next(Milliseconds(30)));
  client.send_text(R"({"method":"SUBSCRIBE","params":["cccbbb@depth"],"id":1})");
  EXPECT_EQ(read_texts(client, 8).size(), 8U);
}

TEST(SupportStandin, WaitsWhileNobodyListensUnlessToldToRunOn) {
  Options options;
  options.hold = true;
  StandinExchange exchange(small_capture(), options);
  {
    WsTestClient client;
    ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
    exchange.play(2);
    EXPECT_EQ(read_texts(client, 2).size(), 2U);
  }
  ASSERT_TRUE(wait_until([&] { return exchange.open_connections() == 0; }));
  exchange.release();
  EXPECT_FALSE(exchange.wait_played(3, Milliseconds(30)));
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  EXPECT_EQ(client.next_text(), small_capture().frames[2].payload);

  options = {};
  options.run_on = true;
  StandinExchange alone(small_capture(), options);
  EXPECT_TRUE(alone.wait_ended());
}

TEST(SupportStandin, AtRecordedSpeedAndFaster) {
  Options options;
  options.speed = 4;  // 400 ms in 100
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  std::vector<double> at_ms;
  for (int i = 0; i < 7; ++i) {
    ASSERT_TRUE(client.next());
    at_ms.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  }
  // Never early; how late depends on the machine.
  const std::vector<double> due{0, 25, 37.5, 50, 62.5, 75, 100};
  for (std::size_t i = 0; i < due.size(); ++i) EXPECT_GE(at_ms[i], due[i]) << i;
  EXPECT_LT(at_ms.back(), 5000);
}

TEST(SupportStandin, AtAGivenRate) {
  Options options;
  options.rate = 100;
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  EXPECT_EQ(read_texts(client, 7).size(), 7U);
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(60));
}

TEST(SupportStandin, ClosesOrLoopsAtTheEnd) {
  Options options;
  options.at_end = Options::AtEnd::close;
  StandinExchange closing(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(closing.ws_url() + all_streams));
  EXPECT_EQ(read_texts(client, 8).size(), 7U);
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1000);

  options.at_end = Options::AtEnd::loop;
  StandinExchange looping(small_capture(), options);
  for (std::uint64_t lap = 1; lap <= 2; ++lap) {
    ASSERT_TRUE(client.connect(looping.ws_url() + all_streams));
    EXPECT_EQ(read_texts(client, 7), payloads(small_capture()));
    EXPECT_EQ(http_get(looping.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000").body.substr(0, 19),
              R"({"lastUpdateId":10,)");
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.close_code(), 1001);
    EXPECT_EQ(looping.played(), 7 * lap);
    EXPECT_EQ(looping.laps(), lap);
  }
}

TEST(SupportStandin, SymbolsUnderAnotherName) {
  Options options;
  options.rename["AAABBB"] = {"QQ", "ZZZ"};
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/stream?streams=qqzzz@depth/aaabbb@depth"));
  const auto texts = read_texts(client, 5);
  ASSERT_EQ(texts.size(), 5U);
  EXPECT_EQ(texts[0], R"({"stream":"qqzzz@depth@100ms","data":{"e":"depthUpdate","E":1,"s":"QQZZZ","U":9,"u":10,)"
                      R"("b":[["1.00","5.0"]],"a":[]}})");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/exchangeInfo").body,
            R"({"symbols":[{"symbol":"CCCBBB","baseAsset":"CCC","quoteAsset":"BBB"},)"
            R"({"symbol":"QQZZZ","status":"TRADING","baseAsset":"QQ","quoteAsset":"ZZZ"}]})");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/depth?symbol=QQZZZ&limit=1000").status, 200);
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000").status, 400);
  options.rename["NOTHERE"] = {"A", "B"};
  EXPECT_THROW(StandinExchange(small_capture(), options), std::runtime_error);
}

TEST(SupportStandin, TheStreamInSmallPieces) {
  Options options;
  std::size_t most_reads = 0;
  // A busy machine may join the pieces again before they are read, but not always.
  for (options.split_seed = 1; options.split_seed < 100 && most_reads <= 10; ++options.split_seed) {
    StandinExchange exchange(small_capture(), options);
    WsTestClient client;
    ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
    EXPECT_EQ(read_texts(client, 7), payloads(small_capture()));
    EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/exchangeInfo").body, small_capture().rest[0].body);
    most_reads = std::max(most_reads, client.reads());
  }
  EXPECT_GT(most_reads, 10U);
}

TEST(SupportStandin, OverTls) {
  const TempDir dir;
  Options options;
  options.tls = CertificateKind::good;
  options.split_seed = 3;
  StandinExchange exchange(small_capture(), options);
  ClientOptions trusting;
  trusting.trust.ca_file = dir.write("ca.pem", exchange.certificate_pem()).string();
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams, trusting)) << client.refusal().error;
  EXPECT_EQ(read_texts(client, 7), payloads(small_capture()));
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/exchangeInfo", trusting).body, small_capture().rest[0].body);
  EXPECT_FALSE(client.connect(exchange.ws_url() + all_streams)) << "nobody trusts it unasked";
}

TEST(SupportStandin, PingsByItselfAndChecksThePongs) {
  Options options;
  options.ping_every = Milliseconds(5);
  options.hold = true;
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + all_streams));
  ASSERT_TRUE(wait_until([&] {
    client.next(Milliseconds(5));
    return exchange.pongs().size() >= 3;
  }));
  for (const auto& pong : exchange.pongs()) {
    EXPECT_TRUE(pong.matches);
    EXPECT_EQ(pong.payload.size(), 13U);
  }
  client.send_frame(WsOpcode::pong, "never asked");
  ASSERT_TRUE(wait_until([&] { return exchange.pongs().back().payload == "never asked"; }));
  EXPECT_FALSE(exchange.pongs().back().matches);
}

TEST(SupportStandin, EachConnectionWithItsOwnDelay) {
  Options options;
  options.start_connections = 2;
  options.connection_delays = {Milliseconds(0), Milliseconds(80)};
  StandinExchange exchange(small_capture(), options);
  WsTestClient fast;
  WsTestClient slow;
  ASSERT_TRUE(fast.connect(exchange.ws_url() + all_streams));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(slow.connect(exchange.ws_url() + all_streams));
  EXPECT_EQ(read_texts(slow, 7), payloads(small_capture()));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(80));
  EXPECT_EQ(read_texts(fast, 7), payloads(small_capture()));
}

TEST(SupportStandin, TooManyMessagesEndTheConnection) {
  Options options;
  options.messages_per_second = 5;
  StandinExchange exchange(small_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/ws"));
  for (int i = 0; i < 6; ++i) client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1008);
  EXPECT_EQ(exchange.client_errors(), std::vector<std::string>{"too many messages"});
}

TEST(SupportStandin, UnmaskedClientFramesAreNoticed) {
  StandinExchange exchange(small_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/ws"));
  client.send_frame(WsOpcode::ping, "x", {.masked = false});
  EXPECT_TRUE(wait_until([&] { return exchange.client_errors() == std::vector<std::string>{"unmasked frame"}; }));
}

TEST(SupportStandin, ACaptureWithNothingInItIsRefused) {
  EXPECT_THROW(StandinExchange(Capture{}, {}), std::runtime_error);
  Options options;
  options.venue = "mtgox";
  EXPECT_THROW(StandinExchange(small_capture(), options), std::runtime_error);
}

// The recording itself: 265 frames, four books, and what the documents say of their chain.
TEST(SupportStandin, TheBinanceCapture) {
  BIXWS_REQUIRE_CAPTURES();
  const auto exchange = standin_on("cryptofeed/BINANCE.ws.1.0");
  WsTestClient client;
  const std::set<std::string> symbols{"nknusdt", "blzeth", "lrcbtc", "runeeur"};
  std::string streams;
  for (const auto& symbol : symbols) {
    for (const char* channel : {"@trade", "@ticker", "@depth@100ms", "@kline_1m"}) {
      streams += (streams.empty() ? "" : "/") + symbol + channel;
    }
  }
  ASSERT_TRUE(client.connect(exchange->ws_url() + "/stream?streams=" + streams));
  const Capture capture = read_capture(capture_path("cryptofeed/BINANCE.ws.1.0"));
  EXPECT_EQ(read_texts(client, 265), payloads(capture));

  int dropped = 0;
  for (const auto& symbol : symbols) {
    const std::string url = exchange->rest_url() + "/api/v3/depth?limit=1000&symbol=" + upper_case(symbol);
    const std::string body = http_get(url).body;
    EXPECT_EQ(body, capture.rest_with("depth?symbol=" + upper_case(symbol))->body);
    const std::int64_t start = RawJson::parse_or_throw(body)["lastUpdateId"].integer().value();
    std::int64_t last = start;
    for (const auto& frame : exchange->frames()) {
      if (frame.meaning.symbol != upper_case(symbol) || !frame.meaning.book_update) continue;
      const std::int64_t last_of_event = frame.json["data"]["u"].integer().value();
      dropped += last_of_event <= start ? 1 : 0;
      if (last_of_event <= last) continue;
      EXPECT_LE(frame.json["data"]["U"].integer().value(), last + 1) << "a gap";
      last = last_of_event;
    }
    EXPECT_EQ(exchange->book(upper_case(symbol))->last_id, last);
  }
  EXPECT_EQ(dropped, 5);

  // The book of its own against the independent oracle's.
  int compared = 0;
  for (const auto& line : read_expected("BINANCE")) {
    if (line["kind"].text() != "book_final") continue;
    std::string symbol = line["symbol"].text();
    std::erase(symbol, '-');
    const auto book = exchange->book(symbol);
    ASSERT_TRUE(book) << symbol;
    for (const bool bid : {true, false}) {
      const RawJson& expected = line[bid ? "bids" : "asks"];
      const auto levels = book->best(bid, expected.size());
      ASSERT_EQ(levels.size(), expected.size());
      for (std::size_t i = 0; i < levels.size(); ++i, ++compared) {
        EXPECT_EQ(without_trailing_zeros(levels[i].price), expected[i][0].text());
        EXPECT_EQ(without_trailing_zeros(levels[i].size), expected[i][1].text());
      }
    }
  }
  EXPECT_EQ(compared, 200);
}

}  // namespace
}  // namespace bixws::test
