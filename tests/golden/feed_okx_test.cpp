// SPDX-License-Identifier: Apache-2.0
// The recorded OKX traffic of 2022 with its checksums, as it is and with today's fields: what an independent oracle
// made of it, through the dialect and over a real socket; and the rules that hold the books of 2026 together.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "support/captures.h"
#include "support/dialect_run.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"

namespace bixws::test {
namespace {

constexpr const char* kCapture = "cryptofeed/OKX.ws.1.0";
const std::vector<std::string> kSymbols = {"BTC-USDT", "BTC-USD-220527", "UNI-USD-SWAP"};

std::vector<std::string> sorted(std::vector<std::string> lines) {
  std::sort(lines.begin(), lines.end());  // oracle and events name the final books in another order
  return lines;
}

class FeedOkxCapture : public testing::Test {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    capture_ = read_capture(capture_path(kCapture));
    run_ = std::make_unique<DialectRun>(load_dialect("okx", {{"types", "SPOT+SWAP+FUTURES"}}), "okx");
    for (const char* type : {"SPOT", "SWAP", "FUTURES"}) {
      run_->list(capture_.rest_with("instType=" + std::string(type))->body);
    }
    run_->want(kSymbols);
  }

  Capture capture_;
  std::unique_ptr<DialectRun> run_;
};

TEST_F(FeedOkxCapture, GivesEveryExpectedLineAndEveryChecksum) {
  for (const auto& frame : capture_.frames) run_->frame(frame.payload, frame.time_us);
  EXPECT_EQ(sorted(lines_of(run_->events())), sorted(lines_of(read_expected("OKX"))));
  const feed::Figures& figures = run_->intake().figures();
  EXPECT_EQ(figures.checksums_ok.get(), 290U);
  EXPECT_EQ(figures.book_updates.get(), 287U);
  EXPECT_EQ(figures.book_snapshots.get(), 3U);
  EXPECT_EQ(figures.trades.get(), 74U);
  EXPECT_EQ(figures.resyncs.get(), 0U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
  for (const auto& fault : figures.faults) EXPECT_EQ(fault.get(), 0U);
}

// Each update whose book differs in the last digit of one size is found out, and that book alone is taken anew.
TEST_F(FeedOkxCapture, AnotherDigitIsAnotherChecksum) {
  std::size_t spoilt = 0;
  for (auto frame : capture_.frames) {
    const RawJson json = RawJson::parse_or_throw(frame.payload);
    const RawJson bid = json["data"][0]["bids"][0];
    if (spoilt == 0 && json["action"].text() == "update" && json["arg"]["instId"].text() == "BTC-USDT" &&
        bid.exists() && bid[1].text() != "0") {
      const std::string raw(bid.raw());
      std::string changed = raw;
      char& digit = changed[raw.find(bid[1].text()) + bid[1].text().size() - 1];
      digit = digit == '9' ? '8' : static_cast<char>(digit + 1);
      frame.payload.replace(frame.payload.find(raw), raw.size(), changed);
      ++spoilt;
    }
    run_->frame(frame.payload, frame.time_us);
  }
  ASSERT_EQ(spoilt, 1U);
  EXPECT_EQ(run_->wanted_books, std::vector<std::string>{"BTC-USDT"});
  EXPECT_FALSE(run_->intake().find("BTC-USDT")->book_live());
  EXPECT_TRUE(run_->intake().find("UNI-USD-SWAP")->book_live());
}

// What each frame's numbers must look like going out, by a reader that shares nothing with the dialect.
std::vector<std::vector<std::string>> digits_in(const RawJson& frame) {
  std::vector<std::vector<std::string>> all;
  const std::string channel = frame["arg"]["channel"].text();
  std::vector<std::string> trades;
  for (const RawJson& row : frame["data"].items()) {
    std::vector<std::string> digits;
    if (channel == "books") {
      for (const char* side : {"bids", "asks"}) {
        for (const RawJson& level : row[side].items()) {
          digits.push_back(level[0].text());
          digits.push_back(level[1].text());
        }
      }
    } else if (channel == "trades") {
      trades.push_back(row["px"].text());
      trades.push_back(row["sz"].text());
      continue;
    }
    if (!digits.empty()) all.push_back(digits);
  }
  if (!trades.empty()) all.push_back(trades);
  return all;
}

TEST_F(FeedOkxCapture, DigitsGoOutAsTheyCameIn) {
  std::vector<std::vector<std::string>> came_in;
  for (const auto& frame : capture_.frames) {
    run_->frame(frame.payload, frame.time_us);
    for (auto& digits : digits_in(RawJson::parse_or_throw(frame.payload))) came_in.push_back(std::move(digits));
  }
  std::vector<std::vector<std::string>> went_out;
  for (const Event* event : run_->events()) {
    if ((event->kind == Kind::book || event->kind == Kind::trades) && !digits_of(*event).empty()) {
      went_out.push_back(digits_of(*event));
    }
  }
  EXPECT_GT(went_out.size(), 350U);
  EXPECT_EQ(went_out, came_in);
}

class FeedOkxSocket : public testing::TestWithParam<bool> {};

TEST_P(FeedOkxSocket, GivesEveryExpectedLine) {
  BIXWS_REQUIRE_CAPTURES();
  StandinOptions options;
  options.venue = "okx";
  options.dialect.today = GetParam();
  options.hold = true;  // until all is subscribed, so that nothing comes twice
  const auto standin = standin_on(kCapture, options);
  FeedRun run("okx", *standin, steady_config("okx", {"BTCUSDT", "BTC-USD-220527", "UNI-USD-SWAP"}),
              {{"types", "SPOT+SWAP+FUTURES"}});
  run.start();
  ASSERT_TRUE(wait_until([&] {
    std::size_t topics = 0;
    for (const auto& seen : standin->connections()) topics += seen.subscriptions.size();
    return topics == 4 * kSymbols.size();
  })) << run.reason();
  standin->release();
  ASSERT_TRUE(standin->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run.figures().book_updates.get() >= 287; })) << run.reason();
  run.stop();

  EXPECT_EQ(standin->connections().size(), 2U) << "candles live on /ws/v5/business";
  EXPECT_EQ(run.figures().book_updates.get(), 287U);
  EXPECT_EQ(run.figures().checksums_ok.get(), GetParam() ? 0U : 290U);
  EXPECT_EQ(run.figures().resyncs.get(), 0U);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
  EXPECT_EQ(sorted(lines_of(run.events())), sorted(lines_of(read_expected("OKX"))));
  std::map<std::string, Integrity> integrity;
  for (const Event* event : run.events(Kind::status)) {
    if (event->status().state == FeedState::live)
      integrity[std::string(event->instrument->symbol)] = event->status().integrity;
  }
  EXPECT_EQ(integrity["BTCUSDT"], GetParam() ? Integrity::sequence : Integrity::checksum);
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, FeedOkxSocket, testing::Bool(),
                         [](const auto& today) { return today.param ? "Of2026" : "Of2022"; });

// Books of 2026: the checksum is always 0, the ids chain.
class FeedOkxChain : public testing::Test {
 protected:
  void SetUp() override {
    run_ = std::make_unique<DialectRun>(load_dialect("okx"), "okx");
    run_->want({"SOL-USDT"});
    book("snapshot", R"("bids":[["120.66","28.4","0","3"]],"asks":[["120.67","90.4","0","6"]])", 283, -1);
  }
  void book(const std::string& action, const std::string& sides, std::int64_t id, std::int64_t previous) {
    run_->frame(R"({"arg":{"channel":"books","instId":"SOL-USDT"},"action":")" + action + R"(","data":[{)" + sides +
                    R"(,"ts":"1790394877300","checksum":0,"seqId":)" + std::to_string(id) + R"(,"prevSeqId":)" +
                    std::to_string(previous) + "}]}",
                ++now_);
  }
  void bid(const std::string& size, std::int64_t id, std::int64_t previous) {
    book("update", R"("bids":[["120.66",")" + size + R"(","0","3"]],"asks":[])", id, previous);
  }
  bool live() { return run_->intake().find("SOL-USDT")->book_live(); }
  std::vector<std::string> reasons() {
    std::vector<std::string> all;
    for (const Event* event : run_->events(Kind::gap)) all.emplace_back(event->gap().reason);
    return all;
  }
  std::string last_bid() {
    market::Book book;
    for (const Event* event : run_->events(Kind::book)) book.apply(event->book());
    return book.bids()[0].size.to_string();
  }

  std::unique_ptr<DialectRun> run_;
  std::int64_t now_ = 1'790'394'877'000'000;
};

TEST_F(FeedOkxChain, LinkedUpdatesAreBelieved) {
  bid("30", 315, 283);
  bid("31", 316, 315);
  EXPECT_EQ(last_bid(), "31");
  EXPECT_TRUE(live());
  EXPECT_TRUE(reasons().empty());
}

TEST_F(FeedOkxChain, AMissingLinkIsAGapAndANewSubscription) {
  bid("30", 315, 283);
  bid("31", 320, 316);
  EXPECT_EQ(last_bid(), "30") << "what does not fit is not believed";
  EXPECT_FALSE(live());
  EXPECT_EQ(run_->wanted_books, std::vector<std::string>{"SOL-USDT"});
  bid("32", 321, 320);
  EXPECT_EQ(last_bid(), "30");
  book("snapshot", R"("bids":[["120.66","33","0","3"]],"asks":[])", 400, -1);
  EXPECT_EQ(last_bid(), "33");
  EXPECT_TRUE(live());
  ASSERT_EQ(reasons(), std::vector<std::string>{"sequence"});
  const Gap& gap = run_->events(Kind::gap)[0]->gap();
  EXPECT_EQ(gap.from_seq, 315U);
  EXPECT_EQ(gap.to_seq, 400U);
}

TEST_F(FeedOkxChain, AnEmptyUpdateOfTheSameIdIsAKeepAlive) {
  bid("30", 315, 283);
  book("update", R"("bids":[],"asks":[])", 315, 315);
  bid("31", 316, 315);
  EXPECT_EQ(last_bid(), "31");
  EXPECT_TRUE(live());
  EXPECT_TRUE(reasons().empty());
}

TEST_F(FeedOkxChain, IdsThatBeginAnewStillChain) {
  bid("30", 315, 283);
  bid("31", 5, 315);
  bid("32", 9, 5);
  EXPECT_EQ(last_bid(), "32");
  EXPECT_TRUE(live());
  EXPECT_TRUE(reasons().empty());
}

TEST_F(FeedOkxChain, ALostFrameIsSeenAlsoWhereIdsBeganAnew) {
  bid("30", 315, 283);
  bid("32", 9, 5);  // after 315 to 5, which never came
  EXPECT_EQ(last_bid(), "30");
  EXPECT_FALSE(live());
}

TEST_F(FeedOkxChain, TheSameFrameTwiceIsNoLoss) {
  bid("30", 315, 283);
  bid("30", 315, 283);
  EXPECT_TRUE(live());
  EXPECT_TRUE(reasons().empty());
}

TEST_F(FeedOkxChain, AnUpdateWithNeitherIdNorChecksumCannotBeBelieved) {
  run_->frame(
      R"({"arg":{"channel":"books","instId":"SOL-USDT"},"action":"update","data":[{"bids":[["120.66","1","0","3"]],)"
      R"("asks":[],"ts":"1790394877300","checksum":0}]})",
      ++now_);
  EXPECT_EQ(last_bid(), "28.4");
  EXPECT_FALSE(live());
}

class OkxExample : public testing::TestWithParam<std::string> {};

TEST_P(OkxExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("okx"));
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, OkxExample, testing::ValuesIn(examples_of("okx-v5-")), example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OkxExample);

}  // namespace
}  // namespace bixws::test
