// SPDX-License-Identifier: Apache-2.0
// One upstream for everybody: spread over connections by the exchange's limits, asked for at its pace, shared by all
// clients, and changed while it runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/dialect_run.h"
#include "support/feed_run.h"
#include "support/limited_dialect.h"

namespace bixws::test {
namespace {

class FeedSharing : public testing::Test {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    limits_ = load_dialect("binance")->traits().limits;
  }

  void begin(StandinOptions options, feed::FeedConfig config) {
    options.hold = true;
    standin_ = standin_on("cryptofeed/BINANCE.ws.1.0", std::move(options));
    auto dialect = load_dialect("binance", {{"url", standin_->ws_url()}, {"rest", standin_->rest_url()}});
    run_ = std::make_unique<FeedRun>(std::make_unique<LimitedDialect>(std::move(dialect), limits_), std::move(config));
    run_->start();
  }
  bool all_live() const {
    return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(),
                       [&](const auto& symbol) { return run_->view(symbol).state == FeedState::live; });
  }
  // What all connections that are open are subscribed to, and how often.
  std::multiset<std::string> subscribed() const {
    std::multiset<std::string> all;
    for (const auto& connection : standin_->connections()) {
      if (connection.closed) continue;
      for (const auto& subscription : connection.subscriptions)
        all.insert(subscription.symbol + " " + subscription.channel);
    }
    return all;
  }
  std::size_t of_symbol(const std::string& symbol) const {
    const auto all = subscribed();
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const std::string& topic) { return topic.starts_with(symbol + " "); }));
  }

  Limits limits_;
  std::unique_ptr<StandinExchange> standin_;
  std::unique_ptr<FeedRun> run_;
};

TEST_F(FeedSharing, TopicsAreSpreadOverConnectionsAndAllArrive) {
  limits_.topics_per_connection = 5;
  begin({}, quick_config("binance", kBinanceSymbols));
  ASSERT_TRUE(wait_until([&] { return all_live() && subscribed().size() == 16; })) << run_->reason();
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run_->figures().frames.get() >= standin_->frames().size(); }));
  ASSERT_TRUE(wait_until([&] {
    return std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(), [&](const auto& symbol) {
      return difference(*standin_->book(symbol), run_->view(symbol).book).empty();
    });
  }));
  run_->stop();
  const auto seen = standin_->connections();
  EXPECT_EQ(seen.size(), 4U);
  for (const auto& connection : seen) EXPECT_LE(connection.subscriptions.size(), 5U);
  const auto topics = subscribed();
  EXPECT_EQ(std::set<std::string>(topics.begin(), topics.end()).size(), topics.size())
      << "something is asked for twice";
  EXPECT_EQ(run_->events(Kind::gap).size(), 0U);
}

TEST_F(FeedSharing, RequestsKeepThePaceOfTheExchange) {
  limits_.requests_per_second = 4;
  limits_.symbols_per_request = 2;  // 8 requests
  StandinOptions options;
  options.messages_per_second = 7;  // it disconnects who sends more: all eight at once
  auto config = quick_config("binance", kBinanceSymbols);
  config.ping_interval = 10'000'000;  // pings count too
  begin(std::move(options), std::move(config));
  ASSERT_TRUE(wait_until([&] { return all_live() && subscribed().size() == 16; })) << run_->reason();
  run_->stop();
  EXPECT_EQ(run_->figures().disconnects.get(), 0U);
  EXPECT_TRUE(standin_->client_errors().empty());
  const auto texts = standin_->texts();
  ASSERT_EQ(texts.size(), 8U);
  EXPECT_GE(texts[4].at - texts[0].at, Milliseconds(900));
}

TEST_F(FeedSharing, SubscriptionsAreCountedAndTheLastOneLingers) {
  auto config = quick_config("binance", {"NKNUSDT", "BLZETH"});
  config.linger = 300'000;
  begin({}, std::move(config));
  ASSERT_TRUE(wait_until([&] { return subscribed().size() == 8; }));

  // Two who want it are one subscription.
  run_->feed().subscribe({"lrc-btc"}, feed::kAllChannels);
  run_->feed().subscribe({"LRCBTC"}, feed::kAllChannels);
  ASSERT_TRUE(wait_until([&] { return of_symbol("LRCBTC") == 4 && run_->view("LRCBTC").state == FeedState::live; }));
  const std::size_t asked = standin_->subscribe_messages();
  EXPECT_EQ(standin_->connections().size(), 1U) << "there was room on the connection";

  // One leaves, and comes and goes: nothing is said upstream, because somebody still wants it.
  run_->feed().unsubscribe({"LRCBTC"}, feed::kAllChannels);
  run_->feed().subscribe({"LRCBTC"}, feed::kAllChannels);
  run_->feed().unsubscribe({"LRCBTC"}, feed::kAllChannels);
  // Both have left, and one is back before the time is over.
  run_->feed().unsubscribe({"LRCBTC"}, feed::kAllChannels);
  run_->feed().subscribe({"LRCBTC"}, feed::kAllChannels);
  // Another symbol is really given up meanwhile, which takes the lingering time.
  run_->feed().unsubscribe({"BLZETH"}, feed::kAllChannels);
  ASSERT_TRUE(wait_until([&] { return of_symbol("BLZETH") == 0; }));
  EXPECT_EQ(of_symbol("LRCBTC"), 4U);
  EXPECT_EQ(of_symbol("NKNUSDT"), 4U);
  EXPECT_EQ(standin_->subscribe_messages(), asked);

  // What was given up brings nothing any more, what stayed does.
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  ASSERT_TRUE(wait_until([&] { return difference(*standin_->book("LRCBTC"), run_->view("LRCBTC").book).empty(); }));
  EXPECT_EQ(run_->view("BLZETH").updates, 0U);
  EXPECT_EQ(run_->figures().disconnects.get(), 0U);
}

TEST_F(FeedSharing, TheLastSymbolOfAConnectionTakesItAlong) {
  limits_.topics_per_connection = 4;
  auto config = quick_config("binance", {"NKNUSDT"});
  config.linger = 1;
  begin({}, std::move(config));
  ASSERT_TRUE(wait_until([&] { return subscribed().size() == 4; }));
  run_->feed().subscribe({"BLZETH"}, feed::kAllChannels);
  ASSERT_TRUE(wait_until([&] { return subscribed().size() == 8 && standin_->open_connections() == 2; }));
  run_->feed().unsubscribe({"BLZETH"}, feed::kAllChannels);
  ASSERT_TRUE(wait_until([&] { return standin_->open_connections() == 1; }));
  EXPECT_EQ(of_symbol("NKNUSDT"), 4U);
  EXPECT_EQ(run_->figures().disconnects.get(), 0U) << "left, not lost";
}

// The list's answer tells the exchange's clock, which stands in the year of the capture; frames are no later than the
// fastest of them plus what the test made them wait.
TEST_F(FeedSharing, ClockSkewAndLagAreMeasuredAndTold) {
  StandinOptions options;
  options.speed = 20;
  begin(std::move(options), quick_config("binance", kBinanceSymbols));
  ASSERT_TRUE(wait_until([&] { return all_live(); }));
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  const auto told = [&]() -> const Status* {
    for (const Event* event : run_->events(Kind::status)) {
      if (event->instrument->symbol.empty() && event->status().lag_us != kUnknown) return &event->status();
    }
    return nullptr;
  };
  ASSERT_TRUE(wait_until([&] { return told() != nullptr; }));
  constexpr std::int64_t kYear = 365LL * 86'400 * 1'000'000;
  EXPECT_LT(told()->skew_us, -4 * kYear);
  EXPECT_GT(told()->skew_us, -20 * kYear);
  EXPECT_GE(told()->lag_us, 0);
  EXPECT_LT(told()->lag_us, 60'000'000);
  EXPECT_EQ(run_->figures().skew_us.load(), told()->skew_us);
}

// A market where nothing happens is alive as long as the exchange answers pings.
TEST_F(FeedSharing, AQuietSymbolIsNotADeadOne) {
  begin({}, quick_config("binance", kBinanceSymbols));
  ASSERT_TRUE(wait_until([&] { return all_live(); }));
  ASSERT_TRUE(wait_until([&] { return standin_->connections().at(0).pings >= 4; }));
  EXPECT_EQ(standin_->connections().size(), 1U);
  EXPECT_EQ(run_->figures().disconnects.get(), 0U);
  EXPECT_TRUE(all_live());
}

// Where the exchange promises heartbeats they count, pings or not: a market without trades is alive while they come,
// and a connection without them is given up although its pings are answered.
TEST_F(FeedSharing, HeartbeatsTellAQuietMarketFromADeadConnection) {
  for (const bool heartbeats : {true, false}) {
    StandinOptions options;
    options.venue = "kraken";
    options.hold = true;
    options.pulse = heartbeats;  // one a second
    standin_ = standin_on("kraken_btcusd_l2.cbcap", options);
    auto dialect = load_dialect("kraken", {{"url", standin_->ws_url()}, {"rest", standin_->rest_url()}});
    const Limits limits = dialect->traits().limits;
    run_ = std::make_unique<FeedRun>(std::make_unique<LimitedDialect>(std::move(dialect), limits, 1'700'000),
                                     quick_config("kraken", {"BTCUSD"}));
    run_->start();
    ASSERT_TRUE(wait_until([&] { return run_->state() == FeedState::live; })) << run_->reason();
    if (heartbeats) {
      ASSERT_TRUE(wait_until([&] { return run_->figures().frames.get() >= 5; }));  // 4 s, one a second
      EXPECT_EQ(run_->figures().disconnects.get(), 0U);
    } else {
      EXPECT_TRUE(wait_until([&] { return run_->saw_status(FeedState::stale, "nothing received for 1 s"); }));
      EXPECT_GE(standin_->connections().at(0).pings, 3U) << "which were answered";
      EXPECT_TRUE(wait_until([&] { return standin_->connections().size() >= 2; }));
    }
    run_->stop();
  }
}

// A book that breaks again and again is taken anew at a falling pace, and costs the others nothing.
TEST_F(FeedSharing, ABookThatKeepsBreakingIsNotAllowedToStorm) {
  StandinOptions options;
  for (const std::uint64_t at : {20, 80, 140}) {
    Fault skip;
    skip.kind = Fault::Kind::skip;
    skip.at = at;
    skip.symbol = "NKNUSDT";
    skip.channel = "depth";
    options.faults.push_back(skip);
  }
  begin(std::move(options), quick_config("binance", kBinanceSymbols));
  ASSERT_TRUE(wait_until([&] { return all_live(); }));
  const auto book_requests = [&] {
    std::vector<SteadyTime> at;
    for (const auto& request : standin_->requests()) {
      if (request.target.find("depth") != std::string::npos && request.target.find("NKNUSDT") != std::string::npos) {
        at.push_back(request.at);
      }
    }
    return at;
  };
  // Each break is seen with the next update; then the book is live again before the next one breaks.
  for (std::uint64_t breaks = 1; breaks <= 3; ++breaks) {
    standin_->play(60);
    ASSERT_TRUE(wait_until([&] { return run_->view("NKNUSDT").snapshots == breaks + 1 && all_live(); })) << breaks;
  }
  const auto at = book_requests();
  run_->stop();
  ASSERT_EQ(at.size(), 4U) << "one at first, one after each break";
  EXPECT_GE(at[2] - at[1], Milliseconds(400)) << "the second time in a row waits";
  EXPECT_GE(at[3] - at[2], Milliseconds(900)) << "and the third twice as long";
  EXPECT_EQ(run_->view("LRCBTC").snapshots, 1U);
  EXPECT_EQ(run_->view("BLZETH").snapshots, 1U);
}

// All books are lost at once while the exchange tolerates two snapshots in two seconds: they come back one pair after
// the other, and no second holds more than the exchange's weight.
TEST_F(FeedSharing, AStormOfResyncsStaysWithinTheWeightOfTheExchange) {
  constexpr std::uint32_t kList = 20;
  constexpr std::uint32_t kSnapshot = 50;
  limits_.rest_weight = 2 * kSnapshot;
  limits_.rest_span = 2'000'000;
  limits_.list_weight = kList;
  limits_.snapshot_weight = kSnapshot;
  Fault drop;
  drop.kind = Fault::Kind::drop;
  drop.at = 100;
  drop.lose = 20;
  StandinOptions options;
  options.faults = {drop};
  begin(std::move(options), quick_config("binance", kBinanceSymbols));
  ASSERT_TRUE(wait_until([&] { return all_live(); })) << run_->reason();
  standin_->release();
  ASSERT_TRUE(standin_->wait_ended());
  ASSERT_TRUE(wait_until([&] {
    return all_live() && std::all_of(kBinanceSymbols.begin(), kBinanceSymbols.end(), [&](const auto& symbol) {
             return difference(*standin_->book(symbol), run_->view(symbol).book).empty();
           });
  })) << run_->reason();
  run_->stop();

  const auto requests = standin_->requests();
  const auto weight = [](const RequestSeen& request) {
    return request.target.find("depth") != std::string::npos ? kSnapshot : kList;
  };
  for (std::size_t first = 0; first < requests.size(); ++first) {
    std::uint32_t within = 0;
    for (std::size_t i = first; i < requests.size(); ++i) {
      // They were sent two seconds apart; on their way they may come closer.
      if (requests[i].at - requests[first].at < Milliseconds(1000)) within += weight(requests[i]);
    }
    EXPECT_LE(within, limits_.rest_weight) << requests[first].target;
  }
  for (const std::string& symbol : kBinanceSymbols) {
    EXPECT_EQ(standin_->requests_for("symbol=" + symbol), 2U) << symbol << ": each answer was used";
  }
}

}  // namespace
}  // namespace bixws::test
