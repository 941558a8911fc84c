// SPDX-License-Identifier: Apache-2.0
// One bixws as the feed of another, through the real binary: names, digits, gaps and losses of the first are those of
// the second.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/live_server.h"
#include "support/process.h"
#include "support/raw_json.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

constexpr Micros kStart = 1'795'372'800'000'000;

/// Messages that clients have sent to this server; what they ask for is done.
std::uint64_t requests(const LiveServer& live) {
  const std::string text = live.server->metrics();
  const std::string name = "\nbixws_messages_received_total ";
  const std::size_t at = text.find(name);
  live.server->settle();
  live.hub->drain();
  return at == std::string::npos ? 0 : std::stoull(text.substr(at + name.size()));
}

class FeedBixws : public testing::Test {
 protected:
  // `bixws serve` with the server as its feed, once it has subscribed there.
  void begin(std::vector<std::string> symbols = {}) {
    const std::uint64_t asked = requests(*upstream_);
    ProcessOptions options;
    options.args = std::move(symbols);
    options.args.insert(options.args.begin(), "serve");
    for (const char* more : {"--port", "0", "--interval", "0", "--feed"}) options.args.emplace_back(more);
    options.args.push_back("bixws:reconnect_delay=50ms,url=" + upstream_->url());
    edge_ = std::make_unique<Process>(BIXWS_BINARY, options);
    const auto line = edge_->wait_for_line("listening on ws://\\S*:([0-9]+)", Process::Output::err);
    ASSERT_TRUE(line) << edge_->err();
    authority_ = "127.0.0.1:" + (*line)[1];
    ASSERT_TRUE(client_.connect("ws://" + authority_ + "/?channels=ticker,trades,book,status"));
    next("initial_data");  // from here on it gets what comes
    ASSERT_TRUE(wait_until([&] { return requests(*upstream_) > asked; })) << edge_->err();
  }
  std::string http(const std::string& target) const { return "http://" + authority_ + target; }
  // The next message of this type to our client of the second server.
  RawJson next(const std::string& type) {
    const auto text =
        client_.next_text_that([&](const std::string& t) { return t.find("\"type\":\"" + type + "\"") != t.npos; });
    EXPECT_TRUE(text) << "no " << type;
    return text ? RawJson::parse_or_throw(*text) : RawJson();
  }

  std::unique_ptr<LiveServer> upstream_ = std::make_unique<LiveServer>();
  std::unique_ptr<Process> edge_;
  WsTestClient client_;
  std::string authority_;
};

TEST_F(FeedBixws, SeveralExchangesKeepTheirNamesTimesAndDigits) {
  begin();
  upstream_->trade(*upstream_->btc, "50000.10", "0.00420", kStart);
  const RawJson plain = next("trades");
  EXPECT_EQ(plain["exchange"].text(), "acme");
  EXPECT_EQ(plain["symbol"].text(), "BTCUSDT") << "plain there, plain here";
  EXPECT_EQ(plain["data"][0]["price"].text(), "50000.10");
  EXPECT_EQ(plain["data"][0]["size"].text(), "0.00420");
  EXPECT_EQ(plain["data"][0]["recv_ts"].integer(), kStart);
  EXPECT_EQ(plain["data"][0]["ts"].integer(), kStart - 1000);

  upstream_->trade(*upstream_->other, "1.5", "2", kStart + 1);
  const RawJson prefixed = next("trades");
  EXPECT_EQ(prefixed["exchange"].text(), "zeta");
  EXPECT_EQ(prefixed["symbol"].text(), "zeta:BTCUSD");

  upstream_->book(*upstream_->btc, BookAction::snapshot, levels({{"49999.90", "1.0"}}), levels({{"50000.10", "2"}}),
                  kStart + 2);
  EXPECT_EQ(next("book")["bids"][0][0].text(), "49999.90");
  upstream_->ticker(*upstream_->eth, "3000.00", kStart + 3);
  EXPECT_EQ(next("market_update")["data"]["ETHUSDT"]["price"].text(), "3000.00");

  Gap gap;
  gap.channel = Channel::trades;
  gap.reason = "sequence";
  gap.from_ts = kStart;
  gap.to_ts = kStart + 4;
  gap.from_seq = 7;
  gap.to_seq = 9;
  gap.lost = 1;
  upstream_->publish(Event::of(*upstream_->other, kStart + 4, 0, gap));
  const RawJson passed = next("gap");
  EXPECT_EQ(passed["symbol"].text(), "zeta:BTCUSD");
  EXPECT_EQ(passed["channel"].text(), "trades");
  EXPECT_EQ(passed["reason"].text(), "sequence");
  EXPECT_EQ(passed["from_ts"].integer(), kStart);
  EXPECT_EQ(passed["to_seq"].integer(), 9);
  EXPECT_EQ(passed["lost"].integer(), 1);
}

TEST_F(FeedBixws, ALostServerIsToldAndOneThatCameBackIsAGap) {
  begin();
  upstream_->trade(*upstream_->btc, "1", "1", kStart);
  next("trades");
  const std::uint16_t port = upstream_->server->port();
  upstream_.reset();
  RawJson status;
  do {
    status = next("status");
  } while ((status["exchange"].text() != "acme" || status["state"].text() != "down") && !HasFailure());
  EXPECT_EQ(http_get(http("/healthz")).status, 503);

  upstream_ = std::make_unique<LiveServer>(server::Options{}, port);
  ASSERT_TRUE(wait_until([&] { return requests(*upstream_) >= 1; }));
  upstream_->trade(*upstream_->btc, "2", "1", kStart + 60'000'000);
  const RawJson gap = next("gap");
  EXPECT_EQ(gap["exchange"].text(), "acme");
  EXPECT_THAT(gap["reason"].text(), HasSubstr("started anew"));
  EXPECT_EQ(gap["from_ts"].integer(), kStart);
  EXPECT_EQ(next("trades")["data"][0]["price"].text(), "2");
}

TEST_F(FeedBixws, AServerThatIsNotThereYetIsWaitedFor) {
  const std::uint16_t port = upstream_->server->port();
  const std::string url = upstream_->url();
  upstream_.reset();
  edge_ = std::make_unique<Process>(BIXWS_BINARY, ProcessOptions{.args = {"serve", "--port", "0", "--feed",
                                                                          "bixws:reconnect_delay=50ms,url=" + url}});
  const auto line = edge_->wait_for_line("listening on ws://\\S*:([0-9]+)", Process::Output::err);
  ASSERT_TRUE(line) << edge_->err();
  authority_ = "127.0.0.1:" + (*line)[1];
  ASSERT_TRUE(wait_until([&] { return http_get(http("/healthz")).body.find("bixws is down") != std::string::npos; }));
  upstream_ = std::make_unique<LiveServer>(server::Options{}, port);
  ASSERT_TRUE(wait_until([&] { return requests(*upstream_) >= 1; }));
  upstream_->trade(*upstream_->btc, "2", "1", kStart);
  EXPECT_TRUE(wait_until([&] { return http_get(http("/healthz")).status == 200; }));
}

TEST_F(FeedBixws, OnlyTheSymbolsNamedAreAskedFor) {
  begin({"zeta:BTCUSD"});
  upstream_->trade(*upstream_->btc, "1", "1", kStart);
  upstream_->trade(*upstream_->other, "2", "1", kStart + 1);
  EXPECT_EQ(next("trades")["symbol"].text(), "zeta:BTCUSD");
}

TEST_F(FeedBixws, WhatTheServerDoesNotHaveEndsTheCommand) {
  const Finished wrong =
      run(BIXWS_BINARY, {.args = {"serve", "BTCUSDX", "--port", "0", "--feed", "bixws:url=" + upstream_->url()}});
  EXPECT_EQ(wrong.exit, (ExitStatus{2, 0}));
  EXPECT_THAT(wrong.err, HasSubstr("unknown symbol BTCUSDX; did you mean BTCUSDT?"));
  const Finished scheme = run(BIXWS_BINARY, {.args = {"serve", "--port", "0", "--feed", "bixws:url=ftp://x"}});
  EXPECT_EQ(scheme.exit, (ExitStatus{2, 0})) << scheme.err;
}

// A replay recorded over this feed has the digest of the original.
TEST(FeedBixwsRecording, HasTheDigestOfTheOriginal) {
  const TempDir folder;
  const auto options = [&](std::vector<std::string> args) {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder.path();
    return made;
  };
  const auto digest = [&](const std::string& file) {
    const Finished verify = run(BIXWS_BINARY, options({"sessions", "verify", file, "--json"}));
    return RawJson::parse_or_throw(verify.out)["sessions"][0]["digest"].text();
  };
  const Finished made = run(BIXWS_BINARY, options({"record", "BTCUSDT", "ETHUSDT", "-o", "day.db", "--feed",
                                                   "sim:rate=0,count=2000,seed=3,start=2026-11-22T00:00:00Z"}));
  ASSERT_EQ(made.exit, ExitStatus{}) << made.err;
  Process replay(BIXWS_BINARY, options({"replay", "day.db", "--speed", "max", "--port", "0", "--wait-clients", "1"}));
  const auto listening = replay.wait_for_line("listening on (ws://\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();
  const Finished copied =
      run(BIXWS_BINARY, options({"record", "-o", "copy.db", "--feed", "bixws:url=" + (*listening)[1]}));
  EXPECT_EQ(copied.exit, ExitStatus{}) << copied.err;
  EXPECT_EQ(digest("copy.db"), digest("day.db"));
}

}  // namespace
}  // namespace bixws::test
