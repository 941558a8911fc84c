// SPDX-License-Identifier: Apache-2.0
// The recorded Kraken v2 books: every checksum, what an independent oracle made of them, through the dialect and over a
// real socket; and what becomes of a book that is not cut to its depth.
#include <gtest/gtest.h>

#include "support/captures.h"
#include "support/dialect_run.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"

namespace bixws::test {
namespace {

struct Recorded {
  const char* name;
  const char* file;
  const char* expected;
  const char* depth;
  std::size_t snapshots, updates;
  std::size_t wrong_without_cut;
};

std::ostream& operator<<(std::ostream& out, const Recorded& recorded) { return out << recorded.name; }

constexpr Recorded kRecorded[] = {
    {"Depth10", "kraken_btcusd_l2.cbcap", "kraken-v2-book.crossbook-btcusd_l2", "10", 5, 296, 7},
    {"Depth25", "kraken_btcusd_sample.cbcap", "kraken-v2-book.crossbook-btcusd_sample", "25", 1, 2051, 1832}};

class FeedKrakenCapture : public testing::TestWithParam<Recorded> {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    capture_ = read_capture(capture_path(GetParam().file));
    run_ = std::make_unique<DialectRun>(load_dialect("kraken", {{"depth", GetParam().depth}}), "kraken");
    run_->list(R"({"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","status":"online"}}})");
    run_->want({"BTC/USD"});
  }

  Capture capture_;
  std::unique_ptr<DialectRun> run_;
};

TEST_P(FeedKrakenCapture, GivesEveryExpectedLineAndEveryChecksum) {
  for (const auto& frame : capture_.frames) run_->frame(frame.payload, frame.time_us);
  EXPECT_EQ(lines_of(run_->events()), lines_of(read_expected(GetParam().expected)));
  const feed::Figures& figures = run_->intake().figures();
  EXPECT_EQ(figures.checksums_ok.get(), GetParam().snapshots + GetParam().updates);
  EXPECT_EQ(figures.book_updates.get(), GetParam().updates);
  EXPECT_EQ(figures.book_snapshots.get(), GetParam().snapshots);
  EXPECT_EQ(figures.resyncs.get(), 0U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
  EXPECT_EQ(run_->intake().find("BTC/USD")->integrity, Integrity::checksum);
  for (const auto& fault : figures.faults) EXPECT_EQ(fault.get(), 0U);
}

// The negative control: the same frames in a book that keeps what was pushed out of the depth.
TEST_P(FeedKrakenCapture, WithoutTheCutTheChecksumsAreWrong) {
  market::Book uncut;
  market::Book cut;
  std::size_t wrong_uncut = 0;
  std::size_t wrong_cut = 0;
  const auto matches = [&](const market::Book& book, std::uint32_t checksum) {
    return run_->dialect().checksum(book.bids().top(10), book.asks().top(10)) == checksum;
  };
  std::vector<std::uint32_t> checksums;
  for (const auto& frame : capture_.frames) {
    const RawJson data = RawJson::parse_or_throw(frame.payload)["data"][0];
    if (data["checksum"].exists()) checksums.push_back(static_cast<std::uint32_t>(*data["checksum"].integer()));
    run_->frame(frame.payload, frame.time_us);
  }
  const auto books = run_->events(Kind::book);
  ASSERT_EQ(books.size(), checksums.size());
  for (std::size_t i = 0; i < books.size(); ++i) {
    BookChange change = books[i]->book();
    cut.apply(change);
    change.depth = 0;
    uncut.apply(change);
    wrong_cut += matches(cut, checksums[i]) ? 0 : 1;
    wrong_uncut += matches(uncut, checksums[i]) ? 0 : 1;
  }
  EXPECT_EQ(wrong_cut, 0U);
  EXPECT_EQ(wrong_uncut, GetParam().wrong_without_cut);
}

// What each frame's numbers must look like going out: bare JSON numbers, by a reader that shares nothing with the
// dialect.
TEST_P(FeedKrakenCapture, DigitsGoOutAsTheyCameIn) {
  std::vector<std::vector<std::string>> came_in;
  for (const auto& frame : capture_.frames) {
    run_->frame(frame.payload, frame.time_us);
    const RawJson json = RawJson::parse_or_throw(frame.payload);
    if (json["channel"].text() != "book") continue;
    std::vector<std::string> digits;
    for (const char* side : {"bids", "asks"}) {
      for (const RawJson& level : json["data"][0][side].items()) {
        digits.emplace_back(level["price"].raw());
        digits.emplace_back(level["qty"].raw());
      }
    }
    came_in.push_back(std::move(digits));
  }
  std::vector<std::vector<std::string>> went_out;
  for (const Event* event : run_->events(Kind::book)) went_out.push_back(digits_of(*event));
  EXPECT_EQ(went_out.size(), GetParam().snapshots + GetParam().updates);
  EXPECT_EQ(went_out, came_in);
}

TEST_P(FeedKrakenCapture, GivesEveryExpectedLineOverASocket) {
  StandinOptions options;
  options.venue = "kraken";
  options.hold = true;
  const auto standin = standin_on(GetParam().file, options);
  FeedRun run("kraken", *standin, steady_config("kraken", {"btc/usd"}), {{"depth", GetParam().depth}});
  run.start();
  ASSERT_TRUE(wait_until([&] {
    const auto seen = standin->connections();
    return seen.size() == 1 && seen[0].subscriptions.size() == 4;
  })) << run.reason();
  standin->release();
  ASSERT_TRUE(standin->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run.figures().book_updates.get() >= GetParam().updates; })) << run.reason();
  run.stop();
  EXPECT_EQ(run.figures().checksums_ok.get(), GetParam().snapshots + GetParam().updates);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
  EXPECT_EQ(lines_of(run.events()), lines_of(read_expected(GetParam().expected)));
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, FeedKrakenCapture, testing::ValuesIn(kRecorded),
                         [](const auto& recorded) { return std::string(recorded.param.name); });

// A digit that no checksum vouches for: the book is taken anew, once.
TEST(FeedKraken, AWrongChecksumIsAGapAndANewSubscription) {
  DialectRun run(load_dialect("kraken"), "kraken");
  run.want({"ETH/USD"});
  const auto book = [&](const std::string& type, const std::string& size, std::uint32_t checksum, std::int64_t at) {
    run.frame(R"({"channel":"book","type":")" + type + R"(","data":[{"symbol":"ETH/USD","bids":[{"price":1.5,"qty":)" +
                  size + R"(}],"asks":[],"checksum":)" + std::to_string(checksum) + "}]}",
              at);
  };
  book("snapshot", "2.50", crc32_of("15250"), 1'000'000);
  book("update", "2.51", crc32_of("15251"), 2'000'000);
  book("update", "2.60", crc32_of("1526"), 3'000'000);  // as if the zero did not count
  EXPECT_EQ(run.wanted_books, std::vector<std::string>{"ETH/USD"});
  EXPECT_FALSE(run.intake().find("ETH/USD")->book_live());
  book("snapshot", "2.70", crc32_of("15270"), 4'000'000);
  EXPECT_TRUE(run.intake().find("ETH/USD")->book_live());
  ASSERT_EQ(run.events(Kind::gap).size(), 1U);
  const Gap& gap = run.events(Kind::gap)[0]->gap();
  EXPECT_EQ(gap.reason, "checksum");
  EXPECT_EQ(gap.from_ts, 2'000'000);
  EXPECT_EQ(gap.to_ts, 4'000'000);
}

std::string system_status(const std::string& system) {
  return R"({"channel":"status","type":"update","data":[{"version":"2.0.10","system":")" + system +
         R"(","api_version":"v2","connection_id":7204881492680171915}]})";
}

// What the exchange says of itself is the feed's status, with its own word, until it says otherwise.
TEST(FeedKraken, MaintenanceAndRestrictedTradingAreInTheStatus) {
  BIXWS_REQUIRE_CAPTURES();
  StandinOptions options;
  options.venue = "kraken";
  options.hold = true;
  const auto standin = standin_on(kRecorded[0].file, options);
  FeedRun run("kraken", *standin, quick_config("kraken", {"BTCUSD"}), {{"depth", kRecorded[0].depth}});
  run.start();
  ASSERT_TRUE(wait_until([&] { return run.state() == FeedState::live; })) << run.reason();
  EXPECT_EQ(run.reason(), "");
  const auto says = [&](const std::string& system) {
    Fault fault;
    fault.kind = Fault::Kind::inject_text;
    fault.payload = system_status(system);
    standin->add(fault);
    standin->play(1);
  };
  says("maintenance");
  EXPECT_TRUE(wait_until([&] { return run.state() == FeedState::down; }));
  EXPECT_EQ(run.reason(), "maintenance");
  says("cancel_only");
  EXPECT_TRUE(wait_until([&] { return run.state() == FeedState::live; }));
  EXPECT_EQ(run.reason(), "cancel_only");
  says("post_only");
  EXPECT_TRUE(wait_until([&] { return run.reason() == "post_only"; }));
  says("online");
  EXPECT_TRUE(wait_until([&] { return run.reason().empty(); }));
  EXPECT_EQ(run.state(), FeedState::live);
  run.stop();
  EXPECT_EQ(run.figures().disconnects.get(), 0U);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
}

// Candles do not say that they are closed: the next one does, or the clock.
TEST(FeedKraken, CandlesAreClosedByTheNextOneOrByTime) {
  DialectRun run(load_dialect("kraken"), "kraken");
  run.want({"ETH/USD"});
  constexpr std::int64_t kMinute = 60'000'000;
  constexpr std::int64_t kStart = 1'696'436'760'000'000;  // 2023-10-04T16:26:00Z
  const auto candle = [&](const std::string& minute, const std::string& close, std::int64_t at) {
    run.frame(R"({"channel":"ohlc","type":"update","data":[{"symbol":"ETH/USD","open":1.0,"high":3,"low":1,"close":)" +
                  close + R"(,"volume":5,"interval_begin":"2023-10-04T16:)" + minute +
                  R"(:00.000000000Z","interval":1}]})",
              at);
  };
  const auto told = [&] {
    std::vector<std::string> all;
    for (const Event* event : run.events(Kind::candle)) {
      all.push_back(std::to_string((event->candle().open_ts - kStart) / kMinute) + " " +
                    event->candle().close.to_string() + (event->candle().closed ? " closed" : ""));
    }
    return all;
  };
  candle("26", "1.10", kStart + 1);
  candle("26", "1.20", kStart + 2);
  candle("27", "1.30", kStart + kMinute);
  candle("26", "1.25", kStart + kMinute + 1);  // a late trade
  run.intake().tick(kStart + 2 * kMinute + 1'000'000);
  const std::vector<std::string> before = {"0 1.10", "0 1.20", "0 1.20 closed", "1 1.30", "0 1.25 closed"};
  EXPECT_EQ(told(), before) << "the last trades of a minute may take a moment";
  run.intake().tick(kStart + 2 * kMinute + 3'000'000);
  run.intake().tick(kStart + 9 * kMinute);
  candle("28", "1.40", kStart + 9 * kMinute + 1);
  auto after = before;
  after.insert(after.end(), {"1 1.30 closed", "2 1.40"});
  EXPECT_EQ(told(), after);
}

class KrakenExample : public testing::TestWithParam<std::string> {};

TEST_P(KrakenExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("kraken"));
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, KrakenExample, testing::ValuesIn(examples_of("kraken-v2-")), example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KrakenExample);

}  // namespace
}  // namespace bixws::test
