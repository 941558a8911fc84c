// SPDX-License-Identifier: Apache-2.0
// Whoever comes back with the last number it has gets what it missed, or a gap that says so and fresh state.
#include <gtest/gtest.h>

#include "support/fanout_rig.h"

namespace bixws::test {
namespace {

// Takes the channel's state apart from how the client came by it.
std::string request_for(const std::string& channel, const std::string& policy, const std::string& resume = {}) {
  return R"({"type":"subscribe","symbols":["BTCUSDT"],"channels":[")" + channel + R"("],"policy":")" + policy + '"' +
         resume + "}";
}

std::string resume_from(const std::string& epoch, const std::string& channel, std::uint64_t seq) {
  return R"(,"resume":{"epoch":")" + epoch + R"(","last":{"BTCUSDT":{")" + channel + "\":" + std::to_string(seq) +
         "}}}";
}

/// The messages of the topic, without the answers and tickers around them.
std::vector<std::string> data_of(const RigClient& client) {
  std::vector<std::string> list;
  for (const std::string& text : client.messages) {
    for (const char* type : {"trades", "book", "candle", "gap"}) {
      if (text.starts_with(std::string(R"({"type":")") + type + '"')) list.push_back(text);
    }
  }
  return list;
}

std::uint64_t last_seq(const RigClient& client) {
  const auto data = data_of(client);
  if (data.empty()) return 0;
  return static_cast<std::uint64_t>((*RawJson::parse(data.back()))["seq"].integer().value_or(0));
}

const char* const kChannels[] = {"trades", "book", "book:5", "candles:1m", "candles:5m"};

TEST(ServerResume, CutAgainAndAgainIsAsNeverCut) {
  for (const std::string channel : kChannels) {
    for (const std::string policy : {"lossless", "conflate", "drop_oldest"}) {
      FanoutRig rig;
      RandomMarket random(*rig.btc, *rig.eth, 11);
      RigClient& whole = rig.connect(request_for(channel, policy));
      RigClient* part = &rig.connect(request_for(channel, policy));
      std::vector<std::string> received;
      std::size_t cuts = 0;
      for (int i = 0; i < 600; ++i) {
        random.next([&](const Event& event) { rig.apply(event); });
        rig.turn();
        if (random.roll(3) == 0) continue;  // sometimes more than one message is missed, sometimes none
        if (part->member != nullptr) {
          const auto data = data_of(*part);
          received.insert(received.end(), data.begin(), data.end());
          rig.disconnect(*part);
        } else {
          const std::uint64_t seq =
              received.empty()
                  ? 0
                  : static_cast<std::uint64_t>((*RawJson::parse(received.back()))["seq"].integer().value_or(0));
          part = &rig.connect(request_for(channel, policy, resume_from(rig.hub.epoch(), channel, seq)));
          rig.turn();
          ++cuts;
        }
      }
      if (part->member != nullptr) {
        rig.settle();
        const auto data = data_of(*part);
        received.insert(received.end(), data.begin(), data.end());
      }
      const auto all = data_of(whole);
      ASSERT_GE(all.size(), received.size()) << channel << ' ' << policy;
      EXPECT_EQ(received, std::vector<std::string>(all.begin(), all.begin() + static_cast<long>(received.size())))
          << channel << ' ' << policy;
      EXPECT_GT(cuts, 40U);
      EXPECT_GT(received.size(), 30U) << channel << ' ' << policy;
    }
  }
}

TEST(ServerResume, FromEveryNumberWithNobodyElseListening) {
  for (const std::string channel : kChannels) {
    FanoutRig rig;
    RandomMarket random(*rig.btc, *rig.eth, 12);
    RigClient& first = rig.connect(request_for(channel, "lossless"));
    for (int i = 0; i < 150; ++i) random.next([&](const Event& event) { rig.apply(event); });
    rig.settle();
    const auto before = data_of(first);
    rig.disconnect(first);
    for (int i = 0; i < 50; ++i) random.next([&](const Event& event) { rig.apply(event); });
    for (std::size_t had = 1; had <= before.size(); ++had) {
      const auto seq = static_cast<std::uint64_t>((*RawJson::parse(before[had - 1]))["seq"].integer().value_or(0));
      RigClient& client = rig.connect(request_for(channel, "lossless", resume_from(rig.hub.epoch(), channel, seq)));
      rig.settle();
      const auto data = data_of(client);
      ASSERT_FALSE(data.empty()) << channel << " from " << seq;
      for (std::size_t i = 0; i < data.size(); ++i) {
        EXPECT_EQ((*RawJson::parse(data[i]))["seq"].integer(), static_cast<std::int64_t>(seq + 1 + i))
            << channel << " from " << seq;
      }
      EXPECT_EQ(client.gaps, 0U) << channel << " from " << seq;
      for (std::size_t i = 0; had + i < before.size(); ++i) EXPECT_EQ(data.at(i), before[had + i]);
      rig.disconnect(client);
    }
  }
}

TEST(ServerResume, BeyondWhatIsHeldAGapAndTheState) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{3000}}) {
    FanoutRig rig({.cap = 1 << 20, .interval = net::Duration::zero()}, bytes);
    RandomMarket random(*rig.btc, *rig.eth, 13);
    RigClient& first = rig.connect(request_for("book", "lossless"));
    for (int i = 0; i < 300; ++i) random.next([&](const Event& event) { rig.apply(event); });
    rig.settle();
    RigClient& client = rig.connect(request_for("book", "lossless", resume_from(rig.hub.epoch(), "book", 1)));
    rig.settle();
    const auto data = data_of(client);
    ASSERT_EQ(data.size(), 2U);
    const RawJson gap = *RawJson::parse(data[0]);
    EXPECT_EQ(gap["type"].text(), "gap");
    EXPECT_EQ(gap["from_seq"].integer(), 2);
    EXPECT_EQ(gap["to_seq"].integer(), static_cast<std::int64_t>(last_seq(first)));
    EXPECT_EQ((*RawJson::parse(data[1]))["action"].text(), "snapshot");
    EXPECT_EQ(client.topics.at("BTCUSDT book").bids, first.topics.at("BTCUSDT book").bids);
  }
}

TEST(ServerResume, AnotherEpochIsAGapAndTheState) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 14);
  RigClient& first = rig.connect(request_for("book", "lossless"));
  for (int i = 0; i < 60; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.settle();
  const std::string old = first.epoch;
  rig.new_epoch();
  random = RandomMarket(*rig.btc, *rig.eth, 15);
  for (int i = 0; i < 60; ++i) random.next([&](const Event& event) { rig.apply(event); });
  RigClient& client = rig.connect(request_for("book", "lossless", resume_from(old, "book", 3)));
  rig.settle();
  const auto data = data_of(client);
  ASSERT_EQ(data.size(), 2U);
  EXPECT_NE(data[0].find("another epoch"), std::string::npos);
  EXPECT_EQ((*RawJson::parse(data[1]))["action"].text(), "snapshot");
}

TEST(ServerResume, AForsakenTopicIsNotEncodedForEver) {
  FanoutRig rig({.cap = 1 << 20, .interval = net::Duration::zero()}, 3000);
  RandomMarket random(*rig.btc, *rig.eth, 16);
  RigClient& first = rig.connect(request_for("trades", "lossless"));
  for (int i = 0; i < 50; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.disconnect(first);
  for (int i = 0; i < 300; ++i) random.next([&](const Event& event) { rig.apply(event); });
  const std::uint64_t encoded = rig.publisher.encoded();
  for (int i = 0; i < 100; ++i) random.next([&](const Event& event) { rig.apply(event); });
  EXPECT_EQ(rig.publisher.encoded(), encoded);
}

}  // namespace
}  // namespace bixws::test
