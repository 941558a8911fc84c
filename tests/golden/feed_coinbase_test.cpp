// SPDX-License-Identifier: Apache-2.0
// The recorded Coinbase traffic: what an independent oracle made of it, through the dialect and over a real socket.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/captures.h"
#include "support/dialect_run.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"

namespace bixws::test {
namespace {

constexpr const char* kCapture = "cryptofeed/COINBASE.ws.28.0";

std::vector<std::string> products_of(const Capture& capture) {
  std::set<std::string> ids;
  for (const auto& frame : capture.frames) {
    const std::string id = RawJson::parse_or_throw(frame.payload)["product_id"].text();
    if (!id.empty()) ids.insert(id);
  }
  return {ids.begin(), ids.end()};
}

class FeedCoinbaseCapture : public testing::Test {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    capture_ = read_capture(capture_path(kCapture));
    run_ = std::make_unique<DialectRun>(load_dialect("coinbase"), "coinbase");
    run_->list(capture_.rest_with("/products")->body);
    run_->want(products_of(capture_));
  }

  Capture capture_;
  std::unique_ptr<DialectRun> run_;
};

TEST_F(FeedCoinbaseCapture, GivesEveryExpectedLineAndNeverCrosses) {
  std::map<std::string, market::Book> books;
  std::size_t updates = 0;
  run_->intake().on_book_published = [&](const feed::Symbol& symbol, std::uint64_t, const BookChange& change) {
    market::Book& book = books[symbol.id];
    book.apply(change);
    EXPECT_FALSE(book.crossed()) << symbol.id;
    if (change.action == BookAction::update) ++updates;
  };
  for (const auto& frame : capture_.frames) run_->frame(frame.payload, frame.time_us);

  EXPECT_EQ(updates, 9719U);
  EXPECT_EQ(books.size(), 10U);
  auto lines = lines_of(run_->events());
  auto expected = lines_of(read_expected("COINBASE"));
  std::sort(lines.begin(), lines.end());  // oracle and events name the final books in another order
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(lines, expected);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U) << "trade ids jump";
  EXPECT_EQ(run_->intake().figures().trades.get(), 107U);
  for (const auto& fault : run_->intake().figures().faults) EXPECT_EQ(fault.get(), 0U);
}

// What each frame's numbers must look like going out, by a reader that shares nothing with the dialect.
std::vector<std::string> digits_in(const RawJson& frame) {
  const std::string type = frame["type"].text();
  if (type == "match" || type == "last_match") return {frame["price"].text(), frame["size"].text()};
  std::vector<std::string> digits;
  for (const char* side : {"buy", "sell"}) {
    for (const RawJson& change : frame["changes"].items()) {
      if (change[0].text() != side) continue;
      digits.push_back(change[1].text());
      digits.push_back(change[2].text());
    }
  }
  for (const char* side : {"bids", "asks"}) {
    for (const RawJson& level : frame[side].items()) {
      digits.push_back(level[0].text());
      digits.push_back(level[1].text());
    }
  }
  return digits;
}

TEST_F(FeedCoinbaseCapture, DigitsGoOutAsTheyCameIn) {
  std::vector<std::vector<std::string>> came_in;
  for (const auto& frame : capture_.frames) {
    run_->frame(frame.payload, frame.time_us);
    auto digits = digits_in(RawJson::parse_or_throw(frame.payload));
    if (!digits.empty()) came_in.push_back(std::move(digits));
  }
  std::vector<std::vector<std::string>> went_out;
  for (const Event* event : run_->events()) {
    if (event->kind == Kind::book || event->kind == Kind::trades) went_out.push_back(digits_of(*event));
  }
  EXPECT_EQ(went_out.size(), 9719U + 10U + 107U);
  EXPECT_EQ(went_out, came_in);
}

TEST(FeedCoinbaseSocket, GivesEveryExpectedLine) {
  BIXWS_REQUIRE_CAPTURES();
  const auto products = products_of(read_capture(capture_path(kCapture)));
  StandinOptions options;
  options.venue = "coinbase";
  options.start_symbols = products.size();
  options.hold = true;  // until all is subscribed, so that nothing comes twice
  const auto standin = standin_on(kCapture, options);
  FeedRun run("coinbase", *standin, steady_config("coinbase", products));
  run.start();
  ASSERT_TRUE(wait_until([&] {
    const auto seen = standin->connections();
    return seen.size() == 1 && seen[0].subscriptions.size() == 4 * products.size();
  }));
  standin->release();
  ASSERT_TRUE(standin->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run.figures().book_updates.get() >= 9719; })) << run.reason();
  run.stop();

  EXPECT_EQ(run.figures().book_updates.get(), 9719U);
  EXPECT_EQ(run.figures().resyncs.get(), 0U);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
  auto lines = lines_of(run.events());
  auto expected = lines_of(read_expected("COINBASE"));
  std::sort(lines.begin(), lines.end());
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(lines, expected);
}

class CoinbaseExample : public testing::TestWithParam<std::string> {};

TEST_P(CoinbaseExample, GivesItsExpectedLines) {
  BIXWS_REQUIRE_CAPTURES();
  expect_example(GetParam(), load_dialect("coinbase"));
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, CoinbaseExample, testing::ValuesIn(examples_of("coinbase-exchange-")),
                         example_test_name);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(CoinbaseExample);

}  // namespace
}  // namespace bixws::test
