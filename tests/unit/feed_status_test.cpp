// SPDX-License-Identifier: Apache-2.0
// What a symbol's status says when some of its channels are refused, broken or gone and others are not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/event_json.h"
#include "support/dialect_run.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;

class FeedStatus : public testing::Test {
 protected:
  FeedStatus() { run_.want({"BTC-USD"}); }

  feed::Symbol& symbol() { return *run_.intake().find("BTC-USD"); }
  void opened(Channel channel, std::uint32_t connection = 1) {
    run_.intake().opened(symbol(), channel, connection, ++now_);
  }
  void refused(Channel channel, const std::string& reason) { run_.intake().refused(symbol(), channel, reason, ++now_); }
  void snapshot() {
    run_.frame(R"({"type":"snapshot","product_id":"BTC-USD","bids":[["1","2"]],"asks":[["3","4"]]})", ++now_);
  }
  void broken_update() {
    run_.frame(R"({"type":"l2update","product_id":"BTC-USD","changes":[["buy","1","NaN"]]})", ++now_);
  }
  // "state: reason" of each status of the symbol so far.
  std::vector<std::string> told() {
    run_.frame(R"({"type":"heartbeat","product_id":"BTC-USD"})", ++now_);  // hands on what there is
    std::vector<std::string> all;
    for (const Event* event : run_.events(Kind::status)) {
      const std::string reason(event->status().reason);
      all.push_back(std::string(name_of(event->status().state)) + (reason.empty() ? "" : ": " + reason));
    }
    return all;
  }

  DialectRun run_{load_dialect("coinbase"), "coinbase"};
  std::int64_t now_ = 1'000'000;
};

TEST_F(FeedStatus, ARefusalIsOfOneChannelAndLastsUntilThatOneIsThere) {
  opened(Channel::ticker);
  refused(Channel::trades, "no such channel");
  opened(Channel::book);
  snapshot();
  EXPECT_THAT(told(), ElementsAre("resyncing", "down: trades refused: no such channel"));
  opened(Channel::trades);
  EXPECT_EQ(told().back(), "live");
}

// A reader must never take a broken book for a live one because something else is wrong too.
TEST_F(FeedStatus, ABookThatBreaksIsSaidAlsoWhileAnotherChannelIsRefused) {
  for (const Channel channel : {Channel::ticker, Channel::book}) opened(channel);
  refused(Channel::trades, "no");
  snapshot();
  EXPECT_EQ(told().back(), "down: trades refused: no");
  broken_update();
  EXPECT_EQ(told().back(), "resyncing: size \"NaN\" is not a number");
  snapshot();
  EXPECT_EQ(told().back(), "down: trades refused: no");
}

TEST_F(FeedStatus, ALostConnectionIsSaidAlsoWhileAChannelIsRefused) {
  for (const Channel channel : {Channel::ticker, Channel::book}) opened(channel);
  refused(Channel::trades, "no");
  snapshot();
  run_.intake().left(1, now_, "cut", now_ + 1);
  EXPECT_EQ(told().back(), "stale: cut");
}

TEST_F(FeedStatus, WhatOneConnectionBringsIsNotRefusedByAnother) {
  for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book}) opened(channel);
  snapshot();
  refused(Channel::trades, "too many connections");
  EXPECT_EQ(told().back(), "live");
}

TEST_F(FeedStatus, WithEverythingRefusedItIsDown) {
  for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book}) refused(channel, "closed");
  EXPECT_EQ(told().back(), "down: ticker refused: closed");
}

TEST_F(FeedStatus, ARefusalEndsWithTheWish) {
  opened(Channel::ticker);
  opened(Channel::book);
  snapshot();
  refused(Channel::trades, "no");
  run_.intake().want(symbol(), Channel::trades, false);
  opened(Channel::ticker, 2);
  EXPECT_EQ(told().back(), "live");
}

}  // namespace
}  // namespace bixws::test
