// SPDX-License-Identifier: Apache-2.0
// Several exchanges at once, many clients on one upstream, and what /metrics says of both, through the real binary.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/captures.h"
#include "support/process.h"
#include "support/raw_json.h"
#include "support/standin_exchange.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class SeveralFeeds : public testing::Test {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    StandinOptions options;
    options.hold = true;
    options.start_symbols = 2;
    binance_ = standin_on("cryptofeed/BINANCE.ws.1.0", options);
    options.venue = "coinbase";
    options.start_symbols = 1;
    coinbase_ = standin_on("cryptofeed/COINBASE.ws.28.0", options);
  }
  static std::string endpoints(const StandinExchange& standin) {
    return "url=" + standin.ws_url() + ",rest=" + standin.rest_url();
  }
  void serve(std::vector<std::string> args) {
    args.insert(args.begin(), {"serve", "--port", "0", "--interval", "0"});
    serve_ = std::make_unique<Process>(BIXWS_BINARY, ProcessOptions{.args = std::move(args)});
    const auto line = serve_->wait_for_line("listening on ws://\\S*:([0-9]+)", Process::Output::err);
    ASSERT_TRUE(line) << serve_->err();
    authority_ = "127.0.0.1:" + (*line)[1];
  }
  std::string metrics() const { return http_get("http://" + authority_ + "/metrics").body; }
  // The first message of this symbol and type.
  std::string first(WsTestClient& client, const std::string& type, const std::string& symbol) const {
    return client
        .next_text_that([&](const std::string& text) {
          return text.find("\"type\":\"" + type + "\"") != text.npos && text.find("\"" + symbol + "\"") != text.npos;
        })
        .value_or("nothing");
  }

  std::unique_ptr<StandinExchange> binance_, coinbase_;
  std::unique_ptr<Process> serve_;
  std::string authority_;
};

TEST_F(SeveralFeeds, SymbolsOfTheFirstArePlainThoseOfOthersNameTheirExchange) {
  serve({"binance:NKNUSDT", "binance:BLZETH", "coinbase:SKL-BTC", "--feed", "binance:" + endpoints(*binance_), "--feed",
         "coinbase:" + endpoints(*coinbase_)});
  WsTestClient client;
  ASSERT_TRUE(client.connect("ws://" + authority_ + "/?channels=trades,book"));
  ASSERT_TRUE(wait_until([&] { return binance_->listeners() == 1 && coinbase_->listeners() == 1; })) << serve_->err();
  binance_->release();
  EXPECT_THAT(first(client, "book", "NKNUSDT"), HasSubstr(R"("exchange":"binance","symbol":"NKNUSDT")"));
  coinbase_->release();
  EXPECT_THAT(first(client, "book", "coinbase:SKLBTC"), HasSubstr(R"("exchange":"coinbase")"));
  // Each was asked for what is its own.
  const auto seen = coinbase_->connections();
  ASSERT_EQ(seen.size(), 1U);
  for (const auto& subscription : seen[0].subscriptions) {
    EXPECT_EQ(subscription.symbol, "SKL-BTC");
  }
}

TEST_F(SeveralFeeds, AsGivesAFeedItsNameSoThatOnePluginCanBeTwo) {
  serve({"binance:NKNUSDT", "other:BLZETH", "other:NKNUSDT", "--feed", "binance:" + endpoints(*binance_), "--feed",
         "binance:as=other," + endpoints(*binance_)});
  WsTestClient client;
  ASSERT_TRUE(client.connect("ws://" + authority_ + "/?channels=book"));
  ASSERT_TRUE(wait_until([&] { return binance_->listeners() == 2; })) << serve_->err();
  binance_->release();
  EXPECT_THAT(first(client, "book", "other:BLZETH"), HasSubstr(R"("exchange":"other","symbol":"other:BLZETH")"));
  EXPECT_THAT(metrics(), AllOf(HasSubstr("{feed=\"binance\"}"), HasSubstr("{feed=\"other\"}")));
  const Finished twice = run(BIXWS_BINARY, {.args = {"serve", "--feed", "sim", "--feed", "sim:seed=2"}});
  EXPECT_EQ(twice.exit, (ExitStatus{2, 0}));
  EXPECT_THAT(twice.err, HasSubstr("feed sim is given twice; as=NAME gives one of them another name"));
}

TEST_F(SeveralFeeds, ManyClientsAreOneSubscriptionUpstream) {
  serve({"NKNUSDT", "BLZETH", "--feed", "binance:" + endpoints(*binance_)});
  // Symbols can be asked for by name once the exchange has listed them.
  ASSERT_TRUE(wait_until([&] { return binance_->listeners() == 1; })) << serve_->err();
  ASSERT_TRUE(wait_until([&] {
    return metrics().find("bixws_feed_book_snapshots_total{feed=\"binance\"} 2") != std::string::npos;
  })) << metrics();
  std::vector<WsTestClient> clients(8);
  for (WsTestClient& client : clients) {
    ASSERT_TRUE(client.connect("ws://" + authority_ + "/?symbols=NKNUSDT&channels=trades,book,ticker,candles:1m"));
  }
  const std::size_t asked = binance_->subscribe_messages();
  binance_->release();
  for (WsTestClient& client : clients) EXPECT_THAT(first(client, "book", "NKNUSDT"), Not("nothing"));
  // More come and go while it runs.
  for (int i = 0; i < 3; ++i) {
    WsTestClient client;
    ASSERT_TRUE(client.connect("ws://" + authority_ + "/?symbols=BLZETH&channels=book"));
    EXPECT_THAT(first(client, "book", "BLZETH"), Not("nothing"));
  }
  EXPECT_EQ(binance_->connections().size(), 1U);
  EXPECT_EQ(binance_->subscribe_messages(), asked);
}

// The exchange's clock is that of the capture, years behind ours.
TEST_F(SeveralFeeds, LagAndSkewAreInTheMetrics) {
  serve({"NKNUSDT", "BLZETH", "--feed", "binance:" + endpoints(*binance_)});
  ASSERT_TRUE(wait_until([&] { return binance_->listeners() == 1; })) << serve_->err();
  binance_->release();
  EXPECT_TRUE(wait_until([&] {
    const std::string text = metrics();
    return text.find("bixws_feed_lag_us{feed=\"binance\"} ") != std::string::npos &&
           text.find("bixws_feed_skew_us{feed=\"binance\"} -") != std::string::npos;
  })) << metrics();
}

}  // namespace
}  // namespace bixws::test
