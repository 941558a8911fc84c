// SPDX-License-Identifier: Apache-2.0
// Exchanges of which no long capture exists: traffic written after their documents by a generator that shares no code
// with the dialects, through the dialect and over a real socket.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/dialect_run.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"
#include "support/generated_market.h"

namespace bixws::test {
namespace {

constexpr std::size_t kSteps = 1200;

struct Generated {
  const char* name;
  std::vector<std::string> symbols;  // as users write them
  std::size_t topics;                // of one symbol, over all channels
  const char* bids;                  // a book frame's two sides
  const char* asks;
};

std::ostream& operator<<(std::ostream& out, const Generated& venue) { return out << venue.name; }

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

class FeedGenerated : public testing::TestWithParam<Generated> {
 protected:
  // The exchange's REST answers, then its frames, through the dialect alone.
  std::unique_ptr<DialectRun> played(const GeneratedTraffic& traffic) {
    auto run = std::make_unique<DialectRun>(load_dialect(GetParam().name), GetParam().name);
    for (const auto& rest : traffic.capture.rest) {
      if (rest.url.find("order_book") == std::string::npos) run->list(rest.body);
    }
    run->want(traffic.symbols);
    run->request(true, Channel::ticker, traffic.symbols);
    for (const auto& rest : traffic.capture.rest) {
      const auto at = rest.url.find("order_book/");
      if (at == std::string::npos) continue;
      const std::string id = rest.url.substr(at + 11, rest.url.rfind('/') - at - 11);
      EXPECT_EQ(run->snapshot(id, rest.body, rest.time_us), feed::Intake::SnapshotOutcome::accepted) << id;
    }
    for (const auto& frame : traffic.capture.frames) run->frame(frame.payload, frame.time_us);
    return run;
  }
};

TEST_P(FeedGenerated, GivesEveryExpectedLine) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const GeneratedTraffic traffic = generate_traffic(GetParam().name, seed, kSteps);
    const auto run = played(traffic);
    EXPECT_EQ(sorted(lines_of(run->events())), sorted(lines_of(traffic.expected))) << "seed " << seed;
    const feed::Figures& figures = run->intake().figures();
    EXPECT_EQ(figures.book_updates.get(), traffic.book_updates);
    EXPECT_EQ(figures.book_snapshots.get(), traffic.book_snapshots);
    EXPECT_EQ(figures.trades.get(), traffic.trades);
    EXPECT_EQ(figures.resyncs.get(), 0U);
    EXPECT_EQ(run->events(Kind::gap).size(), 0U);
    for (const auto& fault : figures.faults) EXPECT_EQ(fault.get(), 0U);
  }
}

TEST_P(FeedGenerated, DigitsGoOutAsTheyCameIn) {
  const GeneratedTraffic traffic = generate_traffic(GetParam().name, 4, kSteps);
  const auto run = played(traffic);
  std::vector<std::vector<std::string>> came_in;
  for (const auto& frame : traffic.capture.frames) {
    const RawJson data = RawJson::parse_or_throw(frame.payload)["data"];
    if (!data[GetParam().bids].is_array()) continue;
    std::vector<std::string> digits;
    for (const char* side : {GetParam().bids, GetParam().asks}) {
      for (const RawJson& level : data[side].items()) {
        digits.push_back(level[0].text());
        digits.push_back(level[1].text());
      }
    }
    came_in.push_back(std::move(digits));
  }
  std::vector<std::vector<std::string>> went_out;
  for (const Event* event : run->events(Kind::book)) went_out.push_back(digits_of(*event));
  // Snapshots that came over REST are no frames.
  went_out.erase(went_out.begin(), went_out.begin() + static_cast<std::ptrdiff_t>(went_out.size() - came_in.size()));
  EXPECT_GT(came_in.size(), kSteps / 2);
  EXPECT_EQ(went_out, came_in);
}

TEST_P(FeedGenerated, GivesEveryExpectedLineOverASocket) {
  const GeneratedTraffic traffic = generate_traffic(GetParam().name, 5, kSteps);
  StandinOptions options;
  options.venue = GetParam().name;
  options.hold = true;
  StandinExchange standin(traffic.capture, options);
  FeedRun run(GetParam().name, standin, steady_config(GetParam().name, GetParam().symbols));
  run.start();
  const std::size_t topics = GetParam().topics * GetParam().symbols.size();
  ASSERT_TRUE(wait_until([&] {
    const auto seen = standin.connections();
    return seen.size() == 1 && seen[0].subscriptions.size() == topics && run.state() == FeedState::live;
  })) << run.reason();
  standin.release();
  ASSERT_TRUE(standin.wait_ended());
  const auto& figures = run.figures();
  // A REST snapshot may already contain the first of them.
  const auto updates = [&] { return figures.book_updates.get() + figures.updates_dropped.get(); };
  ASSERT_TRUE(wait_until([&] { return updates() >= traffic.book_updates; })) << updates() << ", " << run.reason();
  run.stop();
  EXPECT_EQ(updates(), traffic.book_updates);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
  EXPECT_EQ(sorted(lines_of(run.events())), sorted(lines_of(traffic.expected)));
  for (const std::string& text : standin.client_errors()) ADD_FAILURE() << text;
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, FeedGenerated,
                         testing::Values(Generated{"bybit", {"BTC-USDT", "ETHUSDC", "SOLBTC"}, 5, "b", "a"},
                                         Generated{"bitstamp", {"BTC-USDT", "ETHUSDC", "SOLBTC"}, 3, "bids", "asks"}),
                         [](const auto& venue) { return std::string(venue.param.name); });

TEST(GeneratedMarket, TheSameSeedGivesTheSameTraffic) {
  const auto text = [](std::uint64_t seed) {
    std::string all;
    for (const auto& frame : generate_traffic("bybit", seed, 50).capture.frames) all += frame.payload + "\n";
    return all;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(FeedBybit, RequestsHoldNoMoreThanTenTopics) {
  const GeneratedTraffic traffic = generate_traffic("bybit", 6, 10);
  StandinOptions options;
  options.venue = "bybit";
  StandinExchange standin(traffic.capture, options);
  FeedRun run("bybit", standin, steady_config("bybit", {"BTCUSDT", "ETHUSDC", "SOLBTC"}));
  run.start();
  ASSERT_TRUE(standin.wait_ended());
  ASSERT_TRUE(wait_until([&] { return run.state() == FeedState::live; })) << run.reason();
  for (const auto& text : standin.texts()) {
    EXPECT_LE(RawJson::parse_or_throw(text.text)["args"].items().size(), 10U) << text.text;
  }
}

// The ids of Bybit's books count by one, and from 1 again when the service was restarted.
class FeedBybitChain : public testing::Test {
 protected:
  FeedBybitChain() { run_.want({"BTCUSDT"}); }
  void book(std::uint32_t connection, const std::string& type, const std::string& size, std::int64_t id) {
    run_.frame(connection,
               R"({"topic":"orderbook.50.BTCUSDT","type":")" + type +
                   R"(","ts":1672304484978,"data":{"s":"BTCUSDT","b":[["16493.50",")" + size + R"("]],"a":[],"u":)" +
                   std::to_string(id) + "}}",
               ++now_);
  }
  std::vector<std::string> sizes() {
    std::vector<std::string> all;
    for (const Event* event : run_.events(Kind::book)) all.push_back(event->book().bids[0].size.to_string());
    return all;
  }
  bool live() { return run_.intake().find("BTCUSDT")->book_live(); }

  DialectRun run_{load_dialect("bybit"), "bybit"};
  std::int64_t now_ = 1'672'304'484'000'000;
};

TEST_F(FeedBybitChain, AMissingIdIsAGapAndANewSubscription) {
  book(1, "snapshot", "1", 10);
  book(1, "delta", "2", 11);
  book(1, "delta", "4", 13);
  EXPECT_FALSE(live());
  EXPECT_EQ(run_.wanted_books, std::vector<std::string>{"BTCUSDT"});
  book(1, "snapshot", "5", 20);
  EXPECT_TRUE(live());
  EXPECT_EQ(sizes(), (std::vector<std::string>{"1", "2", "5"}));
  ASSERT_EQ(run_.events(Kind::gap).size(), 1U);
  EXPECT_EQ(run_.events(Kind::gap)[0]->gap().reason, "sequence");
}

TEST_F(FeedBybitChain, AnUpdateAfterALostRestartIsNotTakenForAnOldOne) {
  book(1, "snapshot", "1", 10);
  book(1, "delta", "9", 2);
  EXPECT_FALSE(live());
  EXPECT_EQ(sizes(), std::vector<std::string>{"1"});
}

TEST_F(FeedBybitChain, ARestartIsFollowedOnTwoConnections) {
  book(1, "snapshot", "1", 10);
  book(2, "snapshot", "1", 10);
  book(1, "delta", "2", 11);
  book(2, "delta", "2", 11);
  book(1, "delta", "5", 1);  // whatever the type says
  book(1, "delta", "6", 2);
  book(2, "delta", "3", 12);  // not yet there
  book(2, "snapshot", "5", 1);
  book(2, "delta", "6", 2);
  book(1, "delta", "7", 3);
  book(2, "delta", "7", 3);
  EXPECT_TRUE(live());
  EXPECT_EQ(sizes().back(), "7");
  EXPECT_EQ(run_.events(Kind::gap).size(), 0U);
}

// Two books of one symbol in one file: the one of 50 levels is the book, the best level is bid and ask.
TEST(FeedBybit, TheBestLevelIsTheTickersBidAndAsk) {
  BIXWS_REQUIRE_CAPTURES();
  DialectRun run(load_dialect("bybit"), "bybit");
  run.want({"BTCUSDT"});
  const std::string name = "bybit-v5-orderbook.tardis";
  for (const auto& frame : read_capture(capture_path("examples/" + name + ".ndjson")).frames) {
    run.frame(frame.payload, frame.time_us);
  }
  std::vector<std::string> books;
  for (const std::string& line : lines_of(run.events())) {
    if (line.starts_with("book|")) books.push_back(line);
  }
  Ticker best;
  for (const Event* event : run.events(Kind::ticker)) {
    const Ticker& ticker = event->ticker();
    if (ticker.bid.has_value()) {
      best.bid = ticker.bid;
      best.bid_size = ticker.bid_size;
    }
    if (ticker.ask.has_value()) {
      best.ask = ticker.ask;
      best.ask_size = ticker.ask_size;
    }
  }
  const auto expected = lines_of(read_expected("examples/" + name));
  ASSERT_EQ(expected.size(), 2U);
  EXPECT_EQ(books, std::vector<std::string>{expected[0]});
  EXPECT_EQ(expected[1], "book|BTCUSDT| " + best.bid.to_string() + "x" + best.bid_size.to_string() + "| " +
                             best.ask.to_string() + "x" + best.ask_size.to_string() + "|1|1");
}

std::vector<std::string> single_book_examples() {
  auto names = examples_of("bybit-v5-");
  std::erase(names, "bybit-v5-orderbook.tardis");
  return names;
}

class BybitExample : public testing::TestWithParam<std::string> {};
TEST_P(BybitExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("bybit"));
}
INSTANTIATE_TEST_SUITE_P(FeedGolden, BybitExample, testing::ValuesIn(single_book_examples()), example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BybitExample);

class BitstampExample : public testing::TestWithParam<std::string> {};
TEST_P(BitstampExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("bitstamp"));
}
INSTANTIATE_TEST_SUITE_P(FeedGolden, BitstampExample, testing::ValuesIn(examples_of("bitstamp-")), example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BitstampExample);

}  // namespace
}  // namespace bixws::test
