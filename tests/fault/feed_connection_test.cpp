// SPDX-License-Identifier: Apache-2.0
// What a feed does when connections break, freeze, or are announced to end: holes are told, books are right again.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/feed_run.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

class FeedConnection : public testing::Test {
 protected:
  void SetUp() override { BIXWS_REQUIRE_CAPTURES(); }

  void begin(StandinOptions options, feed::FeedConfig config) {
    options.start_symbols = kBinanceSymbols.size();
    options.hold = true;
    standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", std::move(options));
    run_ = std::make_unique<FeedRun>("binance", *standin_, std::move(config));
    run_->start();
    // Not before every book is there, however slow the machine.
    ASSERT_TRUE(wait_until([&] {
      return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(),
                         [&](const auto& symbol) { return run_->view(symbol).state == FeedState::live; });
    }));
    standin_->release();
  }
  void begin(StandinOptions options) { begin(std::move(options), quick_config("binance", kBinanceSymbols)); }

  // Every book is live again and equal to the exchange's own.
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
      const auto theirs = standin_->book(symbol);
      ASSERT_TRUE(theirs);
      const auto ours = run_->view(symbol);
      EXPECT_EQ(ours.state, FeedState::live) << symbol;
      EXPECT_EQ(difference(*theirs, ours.book), "") << symbol;
    }
  }

  // The gaps of one symbol and channel.
  std::vector<Gap> gaps(const std::string& symbol, Channel channel) const {
    std::vector<Gap> found;
    for (const Event* event : run_->events(Kind::gap)) {
      if (event->instrument->symbol == symbol && event->gap().channel == channel) found.push_back(event->gap());
    }
    return found;
  }

  std::unique_ptr<StandinExchange> standin_;
  std::unique_ptr<FeedRun> run_;
};

struct Loss {
  const char* name;
  Fault fault;
};

class FeedLoss : public FeedConnection, public testing::WithParamInterface<Loss> {};

// Lost in the middle, with 20 frames that nobody hears: each channel tells its hole, with bounds, and goes on.
TEST_P(FeedLoss, IsToldAndRepaired) {
  StandinOptions options;
  options.speed = 100;
  options.faults = {GetParam().fault};
  begin(std::move(options));
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  run_->stop();

  EXPECT_EQ(run_->figures().connects.get(), 2U);
  EXPECT_EQ(run_->figures().disconnects.get(), 1U);
  for (const std::string& symbol : kBinanceSymbols) {
    for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book, Channel::candle}) {
      const auto found = gaps(symbol, channel);
      ASSERT_EQ(found.size(), 1U) << symbol << " " << static_cast<int>(channel);
      EXPECT_FALSE(found[0].reason.empty());
      EXPECT_GT(found[0].from_ts, 0);
      EXPECT_GT(found[0].to_ts, found[0].from_ts);
      if (channel == Channel::book) {
        EXPECT_GE(found[0].to_seq, found[0].from_seq) << symbol;
        EXPECT_GT(found[0].from_seq, 0U) << symbol;
      }
    }
  }
  EXPECT_TRUE(run_->saw_status(FeedState::stale, ""));
}

Fault loss(Fault::Kind kind, std::size_t bytes = 0) {
  Fault fault;
  fault.kind = kind;
  fault.at = 160;
  fault.bytes = bytes;
  fault.lose = 20;
  return fault;
}

INSTANTIATE_TEST_SUITE_P(FeedFault, FeedLoss,
                         testing::Values(Loss{"Fin", loss(Fault::Kind::drop)}, Loss{"Reset", loss(Fault::Kind::reset)},
                                         Loss{"CutInTheHead", loss(Fault::Kind::cut, 1)},
                                         Loss{"CutInTheText", loss(Fault::Kind::cut, 60)},
                                         Loss{"CutAndReset", loss(Fault::Kind::cut_reset, 90)},
                                         Loss{"Silence", loss(Fault::Kind::silence)}),
                         [](const auto& name) { return std::string(name.param.name); });

TEST_F(FeedConnection, CutAtRandomPlacesAgainAndAgain) {
  StandinOptions options;
  options.faults = random_drops(40, 265, 3, 5);
  begin(std::move(options));
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  run_->stop();
  EXPECT_GT(run_->figures().disconnects.get(), 3U);
  for (const auto& fault : run_->figures().faults) EXPECT_EQ(fault.get(), 0U) << "half a frame must never be read";
}

TEST_F(FeedConnection, SkippedUpdatesAreAGapOfThatSymbolAlone) {
  Fault skip;
  skip.kind = Fault::Kind::skip;
  skip.at = 100;
  skip.count = 2;
  skip.symbol = "NKNUSDT";
  skip.channel = "depth";
  StandinOptions options;
  options.speed = 100;
  options.faults = {skip};
  begin(std::move(options));
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  run_->stop();

  EXPECT_EQ(run_->figures().disconnects.get(), 0U);
  const auto found = gaps("NKNUSDT", Channel::book);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].reason, "sequence");
  EXPECT_GT(found[0].from_seq, 0U);
  EXPECT_GT(found[0].to_seq, found[0].from_seq + 1);
  EXPECT_GT(found[0].to_ts, found[0].from_ts);
  EXPECT_EQ(run_->events(Kind::gap).size(), 1U) << "the others flow on";
  EXPECT_EQ(run_->view("NKNUSDT").snapshots, 2U);
  EXPECT_EQ(run_->view("LRCBTC").snapshots, 1U);
}

TEST_F(FeedConnection, AnnouncedEndIsPrecededByTheSuccessor) {
  Fault notice;
  notice.kind = Fault::Kind::shutdown_notice;
  notice.at = 60;
  StandinOptions options;
  options.speed = 100;
  options.faults = {notice};
  begin(std::move(options));
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  ASSERT_TRUE(wait_until([&] { return standin_->connections().size() == 2 && standin_->open_connections() == 1; }));
  run_->stop();
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
  EXPECT_EQ(run_->figures().book_updates.get(), 172U) << "each once, those in the snapshots not at all";
  const auto seen = standin_->connections();
  ASSERT_TRUE(seen[0].closed);
  EXPECT_LT(seen[1].opened, *seen[0].closed);
}

TEST_F(FeedConnection, ReplacedBeforeItsLifeIsOver) {
  auto config = quick_config("binance", kBinanceSymbols);
  config.connection_life = 1'000'000;
  StandinOptions options;
  options.speed = 20;
  begin(std::move(options), std::move(config));
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  run_->stop();
  EXPECT_GE(run_->figures().connects.get(), 2U);
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
  EXPECT_EQ(run_->figures().book_updates.get(), 172U) << "each once, those in the snapshots not at all";
}

TEST_F(FeedConnection, DownAtFirstThenThere) {
  StandinOptions options;
  options.start_symbols = kBinanceSymbols.size();
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  standin_->stop_listening();
  run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", kBinanceSymbols));
  run_->start();
  ASSERT_TRUE(wait_until([&] { return run_->state() == FeedState::down; }));
  EXPECT_NE(run_->reason().find("refused"), std::string::npos) << run_->reason();
  standin_->listen_again();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
}

TEST_F(FeedConnection, UnansweredSubscriptionIsAskedAgainOnANewConnection) {
  auto config = quick_config("binance", kBinanceSymbols);
  config.answer_timeout = 300'000;
  StandinOptions options;
  options.start_symbols = kBinanceSymbols.size();
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  standin_->ignore_subscriptions(4);
  run_ = std::make_unique<FeedRun>("binance", *standin_, std::move(config));
  run_->start();
  ASSERT_TRUE(standin_->wait_ended());
  expect_right_books();
  EXPECT_EQ(standin_->connections().size(), 2U);
}

TEST_F(FeedConnection, RefusedSubscriptionIsSaid) {
  StandinOptions options;
  options.hold = true;
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  standin_->refuse_subscriptions(always, "Invalid request: unknown stream");
  run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", {"NKNUSDT"}));
  run_->start();
  ASSERT_TRUE(wait_until([&] { return run_->view("NKNUSDT").state == FeedState::down; }));
  bool said = false;
  for (const Event* event : run_->events(Kind::status)) {
    said = said || event->status().reason.find("unknown stream") != Text::npos;
  }
  EXPECT_TRUE(said);
}

// The book's request is refused, the others are not: the symbol says so for as long as that is so.
TEST_F(FeedConnection, OneRefusedChannelIsSaidWhileTheOthersFlow) {
  StandinOptions options;
  options.hold = true;
  options.dialect.whole_symbol = false;
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  standin_->refuse_subscriptions(1, "Invalid request: no books today");
  run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", {"NKNUSDT"}));
  run_->start();
  ASSERT_TRUE(wait_until([&] {
    const auto seen = standin_->connections();
    return seen.size() == 1 && seen[0].subscriptions.size() == 3;
  }));
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run_->figures().tickers.get() > 0 && run_->figures().trades.get() > 0; }));
  run_->stop();
  const Status* last = nullptr;
  for (const Event* event : run_->events(Kind::status)) {
    if (event->instrument->symbol == "NKNUSDT") last = &event->status();
  }
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->state, FeedState::down);
  EXPECT_NE(last->reason.find("book refused: "), Text::npos) << last->reason;
  EXPECT_NE(last->reason.find("no books today"), Text::npos) << last->reason;
}

TEST_F(FeedConnection, StopsAtOnceWhateverItIsDoing) {
  StandinOptions options;
  options.hold = true;
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  // Nobody there; packets that vanish; an answer that does not come.
  for (const char* url : {"ws://127.0.0.1:9", "ws://192.0.2.1:9", ""}) {
    standin_->delay_rest(Milliseconds(*url == '\0' ? 60'000 : 0));
    FeedRun run("binance", {{"url", *url == '\0' ? standin_->ws_url() : url}, {"rest", standin_->rest_url()}},
                quick_config("binance", kBinanceSymbols));
    run.start();
    ASSERT_TRUE(wait_until([&] { return !run.events().empty(); }));
    const auto before = std::chrono::steady_clock::now();
    run.stop();
    EXPECT_LT(std::chrono::steady_clock::now() - before, Milliseconds(500)) << url;
  }
}

TEST_F(FeedConnection, CertificateIsChecked) {
  StandinOptions options;
  options.hold = true;
  options.tls = CertificateKind::good;
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  // Nobody vouches for it, so nothing is said over it.
  run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", kBinanceSymbols));
  run_->start();
  ASSERT_TRUE(wait_until([&] { return run_->saw_status(FeedState::down, "certificate"); })) << run_->reason();
  EXPECT_TRUE(standin_->requests().empty());
  run_->stop();

  const TempDir folder;
  auto config = quick_config("binance", kBinanceSymbols);
  config.tls = std::make_shared<net::TlsClientContext>(
      net::TlsClientOptions{folder.write("ca.pem", standin_->certificate_pem()).string(), false});
  run_ = std::make_unique<FeedRun>("binance", *standin_, std::move(config));
  run_->start();
  EXPECT_TRUE(wait_until([&] { return run_->view("NKNUSDT").state == FeedState::live; })) << run_->reason();
}

TEST_F(FeedConnection, NearestListedSymbolIsNamed) {
  StandinOptions options;
  options.hold = true;
  standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
  run_ = std::make_unique<FeedRun>("binance", *standin_, quick_config("binance", {"NKNUSDX", "BLZETH"}));
  run_->start();
  ASSERT_TRUE(wait_until([&] { return !run_->refusals().empty() && standin_->listeners() == 1; }));
  EXPECT_EQ(run_->refusals()[0].find("binance: unknown symbol NKNUSDX; did you mean NKN"), 0U) << run_->refusals()[0];
}

}  // namespace
}  // namespace bixws::test
