// SPDX-License-Identifier: Apache-2.0
// Whoever joins late, wherever it is, ends with the same books, candles and numbers as one who was there from the
// start.
#include <gtest/gtest.h>

#include "support/fanout_rig.h"

namespace bixws::test {
namespace {

constexpr const char* kAll =
    R"({"type":"subscribe","channels":["ticker","trades","book","book:5","book:10","book:25","book:50","book:100",)"
    R"("candles:1m","candles:5m","candles:1h"],"policy":"lossless"})";

void expect_same_state(const RigClient& one, const RigClient& other, const std::string& what) {
  EXPECT_EQ(one.tickers, other.tickers) << what;
  for (const auto& [key, topic] : one.topics) {
    if (key.ends_with("trades")) continue;  // what was traded before is not state
    const auto at = other.topics.find(key);
    ASSERT_NE(at, other.topics.end()) << what << ": nothing in " << key;
    EXPECT_EQ(topic.seq, at->second.seq) << what << ": " << key;
    EXPECT_EQ(topic.bids, at->second.bids) << what << ": " << key;
    EXPECT_EQ(topic.asks, at->second.asks) << what << ": " << key;
    EXPECT_EQ(topic.candle, at->second.candle) << what << ": " << key;
  }
}

std::map<std::string, std::string> top(const market::BookSide& side, std::size_t depth) {
  std::map<std::string, std::string> levels;
  for (const Level& level : side.top(depth)) levels[level.price.to_string()] = level.size.to_string();
  return levels;
}

TEST(ServerLateJoiner, AttachedAtEveryEventIndexEndsTheSame) {
  for (const unsigned seed : {1U, 2U}) {
    FanoutRig rig;
    RandomMarket random(*rig.btc, *rig.eth, seed);
    RigClient& first = rig.connect(kAll);
    for (int i = 0; i < 160; ++i) {
      random.next([&](const Event& event) { rig.apply(event); });
      if (random.roll(3) == 0) rig.turn();  // some join between sweeps, some in the middle of what is due
      rig.connect(kAll);
    }
    rig.settle();
    for (std::size_t i = 0; i < rig.clients.size(); ++i) {
      const RigClient& client = *rig.clients[i];
      EXPECT_EQ(client.complaints, std::vector<std::string>()) << "joined after " << i;
      expect_same_state(first, client, "seed " + std::to_string(seed) + ", joined after " + std::to_string(i));
    }
    for (const Instrument* instrument : {rig.btc, rig.eth}) {
      const market::InstrumentState& state = *rig.market.find(instrument->id);
      const std::string symbol(instrument->symbol);
      EXPECT_EQ(first.topics.at(symbol + " book").bids, top(state.book.bids(), SIZE_MAX));
      for (const std::uint32_t depth : {5U, 10U, 25U, 50U, 100U}) {
        const auto& topic = first.topics.at(symbol + " book " + std::to_string(depth));
        EXPECT_EQ(topic.bids, top(state.book.bids(), depth)) << depth;
        EXPECT_EQ(topic.asks, top(state.book.asks(), depth)) << depth;
      }
    }
  }
}

TEST(ServerLateJoiner, NumbersOfDerivedTopicsFollowFromTheEventsAlone) {
  const auto messages_of_last = [](bool somebody_before) {
    FanoutRig rig;
    RandomMarket random(*rig.btc, *rig.eth, 9);
    if (somebody_before) rig.connect(kAll);
    for (int i = 0; i < 120; ++i) random.next([&](const Event& event) { rig.apply(event); });
    RigClient& last = rig.connect(kAll);
    for (int i = 0; i < 120; ++i) random.next([&](const Event& event) { rig.apply(event); });
    rig.settle();
    std::vector<std::string> messages;
    for (const std::string& message : last.messages) {
      if (message.find("\"epoch\"") == std::string::npos) messages.push_back(message);
    }
    return messages;
  };
  const auto alone = messages_of_last(false);
  EXPECT_EQ(alone, messages_of_last(true));
  EXPECT_GT(alone.size(), 500U);
}

TEST(ServerLateJoiner, SubscribingMoreInTheMiddleOfWhatIsDue) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 5);
  RigClient& first = rig.connect(kAll);
  RigClient& second = rig.connect();
  for (int i = 0; i < 300; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    if (i == 100) rig.ask(second, R"({"type":"subscribe","channels":["book:5","candles:5m"],"policy":"lossless"})");
    if (i == 150)
      rig.ask(second, R"({"type":"subscribe","symbols":["ETHUSDT"],"channels":["book"],"policy":"lossless"})");
    if (i == 200) rig.ask(second, kAll);
    if (random.roll(4) == 0) rig.turn();
  }
  rig.settle();
  EXPECT_EQ(second.complaints, std::vector<std::string>());
  expect_same_state(first, second, "subscribed in steps");
}

TEST(ServerLateJoiner, AcrossEpochs) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 6);
  RigClient& first = rig.connect(kAll);
  for (int i = 0; i < 300; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    if (i % 100 == 99) {
      rig.new_epoch();
      random = RandomMarket(*rig.btc, *rig.eth, 100U + static_cast<unsigned>(i));
    }
    if (i % 7 == 0) rig.connect(kAll);
    if (random.roll(4) == 0) rig.turn();
  }
  rig.settle();
  for (const auto& client : rig.clients) {
    EXPECT_EQ(client->complaints, std::vector<std::string>());
    expect_same_state(first, *client, "across epochs");
  }
}

}  // namespace
}  // namespace bixws::test
