// SPDX-License-Identifier: Apache-2.0
// What a feed does with answers and frames that are wrong: said, counted, survived, and everything else unharmed.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/feed_run.h"

namespace bixws::test {
namespace {

class FeedBadness : public testing::Test {
 protected:
  void SetUp() override { BIXWS_REQUIRE_CAPTURES(); }

  void prepare(StandinOptions options = {}) {
    options.start_symbols = kBinanceSymbols.size();
    standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", std::move(options));
  }
  void start() {
    run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", kBinanceSymbols));
    run_->start();
  }
  void expect_right_books() {
    EXPECT_TRUE(wait_until([&] {
      return run_->state() == FeedState::live &&
             std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(), [&](const auto& symbol) {
               const auto theirs = standin_->book(symbol);
               const auto ours = run_->view(symbol);
               return theirs && ours.state == FeedState::live && difference(*theirs, ours.book).empty();
             });
    })) << run_->reason();
    for (const std::string& symbol : kBinanceSymbols) {
      EXPECT_EQ(difference(*standin_->book(symbol), run_->view(symbol).book), "") << symbol;
    }
  }
  std::uint64_t count(bixws::Fault fault) const {
    return run_->figures().faults[static_cast<std::size_t>(fault)].get();
  }

  std::unique_ptr<StandinExchange> standin_;
  std::unique_ptr<FeedRun> run_;
};

// ---- REST

TEST_F(FeedBadness, RateLimitIsWaitedOut) {
  prepare();
  standin_->answer_rest(replies::too_many(1), 1, "/depth");
  const auto before = std::chrono::steady_clock::now();
  start();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_GE(std::chrono::steady_clock::now() - before, Milliseconds(1000)) << "Retry-After was 1 s";
  EXPECT_EQ(run_->figures().rest_failures.get(), 1U);
}

TEST_F(FeedBadness, BanIsToldAndRespected) {
  prepare();
  standin_->answer_rest(replies::banned(2), 1, "/depth");
  start();
  ASSERT_TRUE(wait_until([&] { return run_->saw_status(FeedState::down, "HTTP 418"); }));
  const auto banned = std::chrono::steady_clock::now();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  // Apart from what was on its way when the ban came, nothing was asked during it.
  for (const auto& request : standin_->requests()) {
    EXPECT_TRUE(request.at <= banned + Milliseconds(200) || request.at > banned + Milliseconds(1500))
        << request.target << " " << std::chrono::duration_cast<Milliseconds>(request.at - banned).count()
        << " ms after";
  }
}

TEST_F(FeedBadness, GeoBlockOnRestSaysWhatToDo) {
  prepare();
  standin_->answer_rest(replies::geo_blocked(), always, "/exchangeInfo");
  start();
  ASSERT_TRUE(wait_until([&] { return run_->state() == FeedState::down; }));
  EXPECT_NE(run_->reason().find("HTTP 451"), std::string::npos) << run_->reason();
  EXPECT_NE(run_->reason().find("url="), std::string::npos) << run_->reason();
}

TEST_F(FeedBadness, GeoBlockOnTheSocketSaysWhatToDo) {
  prepare();
  standin_->answer_upgrades(replies::geo_blocked());
  start();
  ASSERT_TRUE(wait_until([&] { return run_->saw_status(FeedState::down, "HTTP 451"); })) << run_->reason();
  EXPECT_NE(run_->reason().find("url="), std::string::npos) << run_->reason();
  standin_->answer_normally();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
}

TEST_F(FeedBadness, PageInsteadOfTheListThenTheList) {
  prepare();
  standin_->answer_rest(replies::html(), 2, "/exchangeInfo");
  start();
  ASSERT_TRUE(wait_until([&] { return run_->saw_status(FeedState::down, "cannot be read"); })) << run_->reason();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
}

TEST_F(FeedBadness, PageErrorAndCutAnswersInsteadOfSnapshots) {
  prepare();
  standin_->answer_rest(replies::html(), 1, "symbol=NKNUSDT");
  standin_->answer_rest(replies::unavailable(), 1, "symbol=BLZETH");
  HttpReply half;
  half.body = R"({"lastUpdateId":1,"bids":[["0.35","1"],["0.3)";
  standin_->answer_rest(half, 1, "symbol=LRCBTC");
  HttpReply good;
  good.body = R"({"lastUpdateId":1,"bids":[],"asks":[]})";
  standin_->answer_rest(replies::truncated(good, 20), 1, "symbol=RUNEEUR");
  start();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_EQ(run_->figures().rest_failures.get(), 4U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U) << "no data was lost by asking twice";
}

// ---- Frames

struct Bad {
  const char* name;
  std::string payload;
  bixws::Fault fault;
  std::string gap;      // part of "symbol|channel|reason"
  bool resync = false;  // of NKNUSDT's book
};

class FeedBadFrame : public FeedBadness, public testing::WithParamInterface<Bad> {};

TEST_P(FeedBadFrame, IsCountedToldAndSurvived) {
  Fault inject;
  inject.kind = Fault::Kind::inject_text;
  inject.at = 130;
  inject.payload = GetParam().payload;
  StandinOptions options;
  options.speed = 100;
  options.hold = true;
  options.faults = {inject};
  prepare(std::move(options));
  start();
  ASSERT_TRUE(wait_until([&] {
    return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(),
                       [&](const auto& symbol) { return run_->view(symbol).state == FeedState::live; });
  }));
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  run_->stop();

  EXPECT_EQ(count(GetParam().fault), 1U);
  EXPECT_EQ(run_->figures().disconnects.get(), 0U);
  EXPECT_EQ(run_->figures().resyncs.get(), GetParam().resync ? 1U : 0U);
  EXPECT_EQ(run_->figures().trades.get(), 2U) << "the good ones are all there";
  std::vector<std::string> told;
  for (const Event* event : run_->events(Kind::gap)) {
    const Gap& gap = event->gap();
    told.push_back(std::string(event->instrument->symbol) + "|" + std::to_string(static_cast<int>(gap.channel)) + "|" +
                   std::string(gap.reason));
    EXPECT_GE(gap.to_ts, gap.from_ts);
  }
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find(GetParam().gap), std::string::npos) << told[0];
}

std::string nkn(const std::string& stream, const std::string& fields) {
  return R"({"stream":"nknusdt@)" + stream + R"(","data":{"s":"NKNUSDT","E":1,)" + fields + "}}";
}

const std::string kDigits = std::string(38, '7') + ".5";

INSTANTIATE_TEST_SUITE_P(
    FeedFault, FeedBadFrame,
    testing::Values(Bad{"Page", bad::html(), bixws::Fault::not_json, "|0|not JSON: "},
                    Bad{"Empty", " ", bixws::Fault::not_json, "|0|not JSON: "},
                    Bad{"CutJson", bad::truncated_json(), bixws::Fault::truncated, "|0|broken JSON: "},
                    Bad{"TradeOf40Digits",
                        nkn("trade", R"("e":"trade","t":9,"p":")" + kDigits + R"(","q":"1","T":1,"m":true)"),
                        bixws::Fault::number_too_long, "NKNUSDT|2|price " + kDigits},
                    Bad{"TradeNaN", nkn("trade", R"("e":"trade","t":9,"p":NaN,"q":"1","T":1,"m":true)"),
                        bixws::Fault::not_a_number, "NKNUSDT|2|price \"NaN\""},
                    Bad{"TickerNaN", nkn("ticker", R"("e":"24hrTicker","c":"NaN","o":"1")"), bixws::Fault::not_a_number,
                        "NKNUSDT|1|price \"NaN\""},
                    Bad{"CandleWithoutClose",
                        nkn("kline_1m", R"("e":"kline","k":{"i":"1m","t":60000,"o":"1","h":"1","l":"1","v":"1"})"),
                        bixws::Fault::missing_field, "NKNUSDT|4|no c in the frame"},
                    Bad{"BookOf40Digits",
                        nkn("depth", R"("e":"depthUpdate","U":1,"u":2,"b":[["1",")" + kDigits + R"("]],"a":[])"),
                        bixws::Fault::number_too_long, "NKNUSDT|3|size " + kDigits, true},
                    Bad{"BookNaN", nkn("depth", R"("e":"depthUpdate","U":1,"u":2,"b":[["1","NaN"]],"a":[])"),
                        bixws::Fault::not_a_number, "NKNUSDT|3|size \"NaN\"", true}),
    [](const auto& name) { return std::string(name.param.name); });

TEST_F(FeedBadness, UnknownKindsAreIgnored) {
  Fault inject;
  inject.kind = Fault::Kind::inject_text;
  inject.at = 130;
  inject.payload = nkn("newThing", R"("e":"newThing","x":[{"y":1}])");
  StandinOptions options;
  options.faults = {inject};
  prepare(std::move(options));
  start();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_EQ(count(bixws::Fault::unknown_kind), 1U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
}

// A frame that announces 100 MB is refused before any of it is stored.
TEST_F(FeedBadness, FrameOf100MegabytesEndsTheConnectionOnly) {
  Fault inject;
  inject.kind = Fault::Kind::inject_raw;
  inject.at = 130;
  inject.payload = {static_cast<char>(0x81), 127};
  for (int shift = 56; shift >= 0; shift -= 8) {
    inject.payload += static_cast<char>(static_cast<unsigned char>(std::uint64_t{100'000'000} >> shift));
  }
  inject.payload += std::string(100'000, 'x');
  StandinOptions options;
  options.speed = 100;
  options.hold = true;
  options.faults = {inject};
  prepare(std::move(options));
  start();
  ASSERT_TRUE(wait_until([&] {
    return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(),
                       [&](const auto& symbol) { return run_->view(symbol).state == FeedState::live; });
  }));
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_EQ(run_->figures().disconnects.get(), 1U);
  EXPECT_EQ(standin_->connections().at(0).close_code, 1009);
}

TEST_F(FeedBadness, BrokenTextEndsTheConnectionOnly) {
  Fault inject;
  inject.kind = Fault::Kind::inject_text;
  inject.at = 130;
  inject.payload = bad::invalid_utf8();
  StandinOptions options;
  options.speed = 100;
  options.hold = true;
  options.faults = {inject};
  prepare(std::move(options));
  start();
  ASSERT_TRUE(wait_until([&] {
    return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(),
                       [&](const auto& symbol) { return run_->view(symbol).state == FeedState::live; });
  }));
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_EQ(run_->figures().disconnects.get(), 1U);
  EXPECT_EQ(standin_->connections().at(0).close_code, 1007);
}

}  // namespace
}  // namespace bixws::test
