// SPDX-License-Identifier: Apache-2.0
// The recorded Binance traffic through the dialect and the book machine: what an independent oracle made of it, line by
// line and digit by digit.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "market/book.h"
#include "support/captures.h"
#include "support/dialect_run.h"
#include "support/expected_lines.h"

namespace bixws::test {
namespace {

std::vector<std::string> symbols_of(const Capture& capture) {
  std::set<std::string> ids;
  for (const auto& frame : capture.frames) ids.insert(RawJson::parse_or_throw(frame.payload)["data"]["s"].text());
  return {ids.begin(), ids.end()};
}

std::string symbol_in(const std::string& url) {
  const auto at = url.find("symbol=") + 7;
  return url.substr(at, url.find('&') - at);
}

std::vector<const CapturedRest*> snapshots_of(const Capture& capture) {
  std::vector<const CapturedRest*> snapshots;
  for (const auto& rest : capture.rest) {
    if (rest.url.find("/depth?") != std::string::npos) snapshots.push_back(&rest);
  }
  std::sort(snapshots.begin(), snapshots.end(), [](auto* a, auto* b) { return a->time_us < b->time_us; });
  return snapshots;
}

// Frames and REST answers in the order in which they were received.
void play(const Capture& capture, DialectRun& run) {
  const auto snapshots = snapshots_of(capture);
  auto next = snapshots.begin();
  const auto answer_until = [&](std::int64_t time) {
    for (; next != snapshots.end() && (*next)->time_us <= time; ++next) {
      ASSERT_EQ(run.snapshot(symbol_in((*next)->url), (*next)->body, (*next)->time_us),
                feed::Intake::SnapshotOutcome::accepted);
    }
  };
  for (const auto& frame : capture.frames) {
    answer_until(frame.time_us);
    run.frame(frame.payload, frame.time_us);
  }
  answer_until(INT64_MAX);
}

class FeedBinanceCapture : public testing::Test {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    capture_ = read_capture(capture_path("cryptofeed/BINANCE.ws.1.0"));
    run_ = std::make_unique<DialectRun>(load_dialect("binance"), "binance");
    run_->list(capture_.rest_with("exchangeInfo")->body);
    run_->want(symbols_of(capture_));
  }

  Capture capture_;
  std::unique_ptr<DialectRun> run_;
};

TEST_F(FeedBinanceCapture, GivesEveryExpectedLine) {
  play(capture_, *run_);
  const auto expected = read_expected("BINANCE");
  EXPECT_EQ(lines_of(run_->events()), lines_of(expected));

  const feed::Figures& figures = run_->intake().figures();
  EXPECT_EQ(figures.updates_dropped.get(), 5U);
  EXPECT_EQ(figures.book_updates.get() + figures.updates_dropped.get(), 177U);
  EXPECT_EQ(expected.back()["book_updates"].integer(), 177);
  EXPECT_EQ(figures.book_snapshots.get(), 4U);
  EXPECT_EQ(figures.resyncs.get(), 0U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
  for (const auto& fault : figures.faults) EXPECT_EQ(fault.get(), 0U);
}

TEST_F(FeedBinanceCapture, BookTickerAgreesWithTheBookOfItsUpdateId) {
  struct Top {
    std::string bid, bid_size, ask, ask_size;
    bool operator==(const Top&) const = default;
  };
  std::map<std::string, market::Book> books;
  std::map<std::pair<std::string, std::uint64_t>, Top> tops;
  run_->intake().on_book_published = [&](const feed::Symbol& symbol, std::uint64_t last, const BookChange& change) {
    market::Book& book = books[symbol.id];
    book.apply(change);
    EXPECT_FALSE(book.crossed()) << symbol.id;
    tops[{symbol.id, last}] = {book.bids()[0].price.to_string(), book.bids()[0].size.to_string(),
                               book.asks()[0].price.to_string(), book.asks()[0].size.to_string()};
  };
  play(capture_, *run_);

  std::size_t compared = 0;
  std::size_t equal = 0;
  for (const auto& frame : capture_.frames) {
    const RawJson json = RawJson::parse_or_throw(frame.payload);
    if (json["stream"].text().find("@bookTicker") == std::string::npos) continue;
    const RawJson& data = json["data"];
    const auto found = tops.find({data["s"].text(), static_cast<std::uint64_t>(*data["u"].integer())});
    if (found == tops.end()) continue;
    ++compared;
    if (found->second == Top{data["b"].text(), data["B"].text(), data["a"].text(), data["A"].text()}) ++equal;
  }
  EXPECT_EQ(compared, 26U);
  EXPECT_EQ(equal, 26U);
}

// What each frame's numbers must look like going out, by a reader that shares nothing with the dialect.
std::vector<std::string> digits_in(const RawJson& data) {
  std::vector<std::string> digits;
  const std::string kind = data["e"].text();
  if (kind == "depthUpdate" || data["bids"].exists()) {
    for (const char* side : {"b", "bids", "a", "asks"}) {
      for (const RawJson& level : data[side].items()) {
        digits.push_back(level[0].text());
        digits.push_back(level[1].text());
      }
    }
  } else if (kind == "aggTrade" || kind == "trade") {
    digits = {data["p"].text(), data["q"].text()};
  } else if (kind == "kline") {
    const RawJson& k = data["k"];
    digits = {k["o"].text(), k["h"].text(), k["l"].text(), k["c"].text(), k["v"].text()};
  } else if (kind.empty()) {
    digits = {data["b"].text(), data["a"].text(), data["B"].text(), data["A"].text()};
  }
  return digits;
}

TEST_F(FeedBinanceCapture, DigitsGoOutAsTheyCameIn) {
  play(capture_, *run_);
  std::multiset<std::vector<std::string>> came_in;
  for (const auto& frame : capture_.frames) came_in.insert(digits_in(RawJson::parse_or_throw(frame.payload)["data"]));
  for (const auto* rest : snapshots_of(capture_)) came_in.insert(digits_in(RawJson::parse_or_throw(rest->body)));

  std::size_t checked = 0;
  for (const Event* event : run_->events()) {
    const auto digits = digits_of(*event);
    if (digits.empty()) continue;
    const auto found = came_in.find(digits);
    ASSERT_NE(found, came_in.end()) << "an event with other digits than any frame: " << digits.front();
    came_in.erase(found);
    ++checked;
  }
  EXPECT_EQ(checked, 84U + 2U + 2U + 172U + 4U);
  EXPECT_EQ(came_in.size(), 5U) << "only what the snapshots contained already may be left over";
}

class BinanceExample : public testing::TestWithParam<std::string> {};

TEST_P(BinanceExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("binance"));
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, BinanceExample, testing::ValuesIn(examples_of("binance-spot-")),
                         example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(BinanceExample);

}  // namespace
}  // namespace bixws::test
