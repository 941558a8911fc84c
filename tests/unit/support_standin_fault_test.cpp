// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange misbehaves exactly as told: each fault seen by a client of its own, byte by byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/standin_exchange.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using Kind = Fault::Kind;
using End = WsTestClient::End;
using Options = StandinOptions;

constexpr int frame_count = 12;

std::string frame_text(int number) {
  return R"({"stream":"aaabbb@depth@100ms","data":{"e":"depthUpdate","s":"AAABBB","U":)" + std::to_string(number) +
         R"(,"u":)" + std::to_string(number) + R"(,"b":[[")" + std::to_string(number) + R"(","1"]],"a":[]}})";
}

// Frame n of 12 carries update n of one book that starts at 0; frame 6 is a bookTicker instead.
Capture numbered_capture() {
  Capture capture;
  for (int n = 1; n <= frame_count; ++n) {
    const std::string ticker = R"({"stream":"aaabbb@bookTicker","data":{"u":5,"s":"AAABBB","b":"5","B":"1"}})";
    capture.frames.push_back({n * 1000, n == 6 ? ticker : frame_text(n), 0});
  }
  capture.rest.push_back(
      {0, "https://x/api/v3/depth?symbol=AAABBB&limit=1000", R"({"lastUpdateId":0,"bids":[],"asks":[]})"});
  return capture;
}

std::string text_of(int number) { return numbered_capture().frames[static_cast<std::size_t>(number) - 1].payload; }

std::string streams_url(const StandinExchange& exchange) { return exchange.ws_url() + "/stream?streams=aaabbb@depth"; }

// The numbers of the frames that arrive until the connection ends or the capture is over.
std::vector<int> numbers(WsTestClient& client, int last = frame_count) {
  std::vector<int> seen;
  while (true) {
    const auto text = client.next_text();
    if (!text) return seen;
    for (int n = 1; n <= frame_count; ++n) {
      if (*text == text_of(n)) seen.push_back(n);
    }
    if (!seen.empty() && seen.back() == last) return seen;
  }
}

std::vector<int> range(int first, int last) {
  std::vector<int> out;
  for (int n = first; n <= last; ++n) out.push_back(n);
  return out;
}

Options with(const Fault& fault) {
  Options options;
  options.faults = {fault};
  return options;
}

TEST(SupportStandinFault, DropsAfterAFrame) {
  for (const auto& [kind, end] : {std::pair(Kind::drop, End::fin), std::pair(Kind::reset, End::reset)}) {
    StandinExchange exchange(numbered_capture(), with({.kind = kind, .at = 5}));
    WsTestClient client;
    ASSERT_TRUE(client.connect(streams_url(exchange)));
    const auto seen = numbers(client);
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.end(), end);
    EXPECT_EQ(client.close_code(), 0);
    if (end == End::fin) {
      EXPECT_EQ(seen, range(1, 5));
    }
    EXPECT_EQ(exchange.connections().at(0).frames, 5U);
    // The next connection goes on where the timeline stands, and the capture's first snapshot is too old for it.
    ASSERT_TRUE(client.connect(streams_url(exchange)));
    EXPECT_EQ(numbers(client), range(6, 12));
    EXPECT_EQ(RawJson::parse_or_throw(
                  http_get(exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000").body)["lastUpdateId"]
                  .integer(),
              12);
    EXPECT_EQ(exchange.connections().size(), 2U);
    EXPECT_TRUE(wait_until([&] { return exchange.connections().at(0).closed.has_value(); }));
  }
}

TEST(SupportStandinFault, FramesLostWhileAway) {
  StandinExchange exchange(numbered_capture(), with({.kind = Kind::drop, .at = 3, .lose = 4}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(client), range(1, 3));
  ASSERT_TRUE(exchange.wait_played(7));
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(client), range(8, 12));
  EXPECT_EQ(exchange.book("AAABBB")->updates, 11U) << "its own book has missed nothing";
}

TEST(SupportStandinFault, CutsAFrameAtAnyByte) {
  const std::size_t size = ws_frame(WsOpcode::text, text_of(4)).size();
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{3}, size / 2, size - 1}) {
    StandinExchange exchange(numbered_capture(), with({.kind = Kind::cut, .at = 4, .bytes = bytes}));
    WsTestClient client;
    ASSERT_TRUE(client.connect(streams_url(exchange)));
    EXPECT_EQ(numbers(client), range(1, 3));
    EXPECT_EQ(client.end(), End::fin);
    EXPECT_EQ(client.pending_bytes(), bytes);
  }
  StandinExchange exchange(numbered_capture(), with({.kind = Kind::cut_reset, .at = 4, .bytes = 20}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.end(), End::reset);
}

TEST(SupportStandinFault, SkipsFrames) {
  StandinExchange exchange(numbered_capture(), with({.kind = Kind::skip, .at = 5, .count = 2, .channel = "depth"}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(client), (std::vector<int>{1, 2, 3, 4, 6, 8, 9, 10, 11, 12})) << "6 is a ticker";
  EXPECT_EQ(exchange.book("AAABBB")->last_id, 12);
  EXPECT_EQ(exchange.connections().at(0).frames, 10U);
}

TEST(SupportStandinFault, DuplicatesAndSwaps) {
  StandinExchange doubling(numbered_capture(), with({.kind = Kind::duplicate, .at = 2, .count = 2}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(doubling)));
  EXPECT_EQ(numbers(client), (std::vector<int>{1, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}));

  StandinExchange swapping(numbered_capture(), with({.kind = Kind::swap, .at = 5}));
  ASSERT_TRUE(client.connect(streams_url(swapping)));
  EXPECT_EQ(numbers(client), (std::vector<int>{1, 2, 3, 4, 6, 7, 5, 8, 9, 10, 11, 12}));
}

TEST(SupportStandinFault, InjectsAnything) {
  for (const std::string& payload :
       {std::string("garbage"), bad::html(), bad::truncated_json(), R"({"p":)" + bad::digits(40) + "}",
        std::string(R"({"p":NaN})"), bad::invalid_utf8()}) {
    StandinExchange exchange(numbered_capture(), with({.kind = Kind::inject_text, .at = 2, .payload = payload}));
    WsTestClient client;
    ASSERT_TRUE(client.connect(streams_url(exchange)));
    EXPECT_EQ(client.next_text(), text_of(1));
    EXPECT_EQ(client.next_text(), payload);
    EXPECT_EQ(numbers(client), range(2, 12));
  }
  EXPECT_FALSE(RawJson::parse(bad::truncated_json()));
  EXPECT_EQ(bad::digits(40).size(), 40U);
}

TEST(SupportStandinFault, InjectsRawBytes) {
  const std::string huge = ws_frame_header(WsOpcode::text, std::uint64_t{1} << 62);
  StandinExchange exchange(numbered_capture(), with({.kind = Kind::inject_raw, .at = 2, .payload = huge}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(client.next_text(), text_of(1));
  EXPECT_FALSE(client.next(Milliseconds(50))) << "everything after it is inside that frame";
  EXPECT_TRUE(client.open());
  EXPECT_GT(client.pending_bytes(), huge.size());
}

TEST(SupportStandinFault, AHundredMegabytes) {
  StandinExchange exchange(numbered_capture(),
                           with({.kind = Kind::inject_text, .at = 1, .payload = std::string(100'000'000, 'x')}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  const auto text = client.next_text(Milliseconds(60'000));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->size(), 100'000'000U);
  EXPECT_EQ(numbers(client), range(1, 12));
}

TEST(SupportStandinFault, GoesSilentButStaysConnected) {
  StandinExchange exchange(numbered_capture(), with({.kind = Kind::silence, .at = 3}));
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(client, 3), range(1, 3));
  client.send_ping("anybody?");
  client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
  EXPECT_FALSE(client.next(Milliseconds(50)));
  EXPECT_TRUE(client.open());
  EXPECT_TRUE(client.pongs().empty());
  EXPECT_EQ(exchange.listeners(), 0U);
  EXPECT_EQ(exchange.played(), 3U) << "nobody listens any more";
  WsTestClient next;
  ASSERT_TRUE(next.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(next), range(4, 12));
}

TEST(SupportStandinFault, OneConnectionOfTwo) {
  Options options = with({.kind = Kind::drop, .at = 4, .connection = 1});
  options.start_connections = 2;
  StandinExchange exchange(numbered_capture(), options);
  WsTestClient spared;
  WsTestClient struck;
  ASSERT_TRUE(spared.connect(streams_url(exchange)));
  ASSERT_TRUE(struck.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(struck), range(1, 4));
  EXPECT_EQ(numbers(spared), range(1, 12));
}

TEST(SupportStandinFault, AtRunTime) {
  Options options;
  options.hold = true;
  StandinExchange exchange(numbered_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  exchange.play(2);
  EXPECT_EQ(numbers(client, 2), range(1, 2));
  exchange.add({.kind = Kind::ping, .payload = "echo me"});
  exchange.add({.kind = Kind::shutdown_notice});
  EXPECT_EQ(client.next_text(), R"({"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}})");
  EXPECT_TRUE(wait_until([&] { return exchange.pongs().size() == 1; }));
  EXPECT_EQ(exchange.pongs()[0].payload, "echo me");
  EXPECT_TRUE(exchange.pongs()[0].matches);
  exchange.add({.kind = Kind::skip});
  exchange.play(2);
  EXPECT_EQ(numbers(client, 4), (std::vector<int>{4}));
  exchange.add({.kind = Kind::close, .count = 1012, .payload = "restart"});
  EXPECT_FALSE(client.next());
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1012);
  EXPECT_EQ(client.close_reason(), "restart");
  EXPECT_EQ(exchange.connections().at(0).close_code, 1012) << "the client's echo";
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  exchange.add({.kind = Kind::reset});
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.end(), End::reset);
}

TEST(SupportStandinFault, RefusedUpgrades) {
  StandinExchange exchange(numbered_capture(), {});
  WsTestClient client;
  exchange.answer_upgrades(replies::too_many(7), 1);
  EXPECT_FALSE(client.connect(streams_url(exchange)));
  EXPECT_EQ(client.http_status(), 429);
  EXPECT_EQ(client.refusal().headers.at("retry-after"), "7");
  EXPECT_TRUE(client.connect(streams_url(exchange)));
  for (const auto& reply : {replies::banned(60), replies::geo_blocked(), replies::unavailable(), replies::html()}) {
    exchange.answer_upgrades(reply);
    EXPECT_FALSE(client.connect(streams_url(exchange)));
    EXPECT_EQ(client.http_status(), reply.status);
    EXPECT_EQ(client.refusal().body, reply.body);
  }
  exchange.answer_normally();
  EXPECT_TRUE(client.connect(streams_url(exchange)));
  std::vector<int> statuses;
  for (const auto& upgrade : exchange.upgrades()) statuses.push_back(upgrade.status);
  EXPECT_EQ(statuses, (std::vector<int>{429, 101, 418, 451, 503, 200, 101}));
}

TEST(SupportStandinFault, RefusedSlowAndBrokenRest) {
  StandinExchange exchange(numbered_capture(), {});
  const std::string depth = exchange.rest_url() + "/api/v3/depth?symbol=AAABBB&limit=1000";
  exchange.answer_rest(replies::too_many(3), 2, "/depth");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/ping").status, 200);
  EXPECT_EQ(http_get(depth).status, 429);
  EXPECT_EQ(http_get(depth).headers.at("retry-after"), "3");
  EXPECT_EQ(http_get(depth).status, 200);
  exchange.answer_rest(replies::html(), 1);
  EXPECT_EQ(http_get(depth).body, bad::html());
  exchange.answer_rest(replies::truncated({.body = numbered_capture().rest[0].body}, 10), 1);
  const HttpAnswer cut = http_get(depth);
  EXPECT_EQ(cut.body, numbered_capture().rest[0].body.substr(0, 10));
  EXPECT_EQ(cut.error, "the body was cut short");
  exchange.delay_rest(Milliseconds(60));
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(http_get(depth).status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - start, Milliseconds(60));
  EXPECT_EQ(exchange.requests_for("/depth"), 6U);
}

TEST(SupportStandinFault, RefusedAndIgnoredSubscriptions) {
  StandinExchange exchange(numbered_capture(), {});
  WsTestClient client;
  ASSERT_TRUE(client.connect(exchange.ws_url() + "/stream"));
  const std::string subscribe = R"({"method":"SUBSCRIBE","params":["aaabbb@depth"],"id":5})";
  exchange.refuse_subscriptions(1, "no more");
  client.send_text(subscribe);
  EXPECT_EQ(client.next_text(), R"({"code":2,"msg":"no more","id":5})");
  exchange.ignore_subscriptions(1);
  client.send_text(subscribe);
  EXPECT_FALSE(client.next(Milliseconds(30)));
  EXPECT_EQ(exchange.played(), 0U);
  client.send_text(subscribe);
  EXPECT_EQ(client.next_text(), R"({"result":null,"id":5})");
  EXPECT_EQ(numbers(client), range(1, 12));
  EXPECT_EQ(exchange.subscribe_messages(), 3U);
}

TEST(SupportStandinFault, DownAndUpAgain) {
  Options options = with({.kind = Kind::stop_listening, .at = 4});
  StandinExchange exchange(numbered_capture(), options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_TRUE(client.wait_closed());
  EXPECT_FALSE(client.connect(streams_url(exchange)));
  EXPECT_NE(client.refusal().error.find("refused"), std::string::npos) << client.refusal().error;
  exchange.listen_again();
  ASSERT_TRUE(client.connect(streams_url(exchange)));
  EXPECT_EQ(numbers(client), range(5, 12));
}

TEST(SupportStandinFault, RandomDropsAreReproducibleAndSpread) {
  const auto faults = random_drops(100, 10'000, 42, 5);
  EXPECT_EQ(faults.size(), 100U);
  const auto again = random_drops(100, 10'000, 42, 5);
  std::set<Kind> kinds;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    EXPECT_EQ(faults[i].at, again[i].at);
    EXPECT_EQ((faults[i].at - 1) / 100, i);
    EXPECT_LE(faults[i].lose, 5U);
    kinds.insert(faults[i].kind);
  }
  EXPECT_EQ(kinds.size(), 4U);
}

// A client that resyncs as Binance's documents say must end with the right book whatever happens to its connections.
TEST(SupportStandinFault, ACarefulClientAlwaysFindsBack) {
  BIXWS_REQUIRE_CAPTURES();
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Options options;
    options.faults = random_drops(30, 265, seed, 6);
    for (std::uint64_t at : {40, 41, 100, 200})
      options.faults.push_back({.kind = Kind::skip, .at = at, .channel = "depth"});
    const auto exchange = standin_on("cryptofeed/BINANCE.ws.1.0", options);
    const auto history = book_history(exchange->timeline(), exchange->venue(), "NKNUSDT", 25);
    std::int64_t local = -1;
    int resyncs = 0;
    WsTestClient client;
    const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
    while (std::chrono::steady_clock::now() < deadline) {
      if (!client.open()) {
        local = -1;
        ASSERT_TRUE(client.connect(exchange->ws_url() + "/stream?streams=nknusdt@depth@100ms"));
      }
      const auto text = client.next_text(Milliseconds(100));
      if (!text) {
        if (client.open() && exchange->played() == exchange->frames().size()) break;
        continue;
      }
      const RawJson frame = RawJson::parse_or_throw(*text);
      const RawJson& data = frame["data"];
      if (data["e"].text() != "depthUpdate") continue;
      const std::int64_t first = data["U"].integer().value();
      while (local < 0 || first > local + 1) {
        ++resyncs;
        const auto body = http_get(exchange->rest_url() + "/api/v3/depth?symbol=NKNUSDT&limit=1000").body;
        local = RawJson::parse_or_throw(body)["lastUpdateId"].integer().value();
        ASSERT_LT(resyncs, 100) << "snapshots that never fit";
      }
      local = std::max(local, data["u"].integer().value());
    }
    EXPECT_GT(resyncs, 5);
    EXPECT_EQ(local, history.back().last_id) << "seed " << seed;
  }
}

}  // namespace
}  // namespace bixws::test
