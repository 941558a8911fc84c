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

// What a client knows of where it is, as docs/protocol.md says: from the answer of its subscribe, then from each
// message.
class Positions {
 public:
  explicit Positions(std::vector<std::string> channels) {
    for (const char* symbol : {"BTCUSDT", "ETHUSDT"}) {
      for (const std::string& channel : channels) last_[symbol][channel] = 0;
    }
  }
  void note(const std::string& text) {
    const RawJson json = *RawJson::parse(text);
    const std::string type = json["type"].text();
    const auto seq = static_cast<std::uint64_t>(json["seq"].integer().value_or(0));
    if (type == "initial_data" || type == "market_update") {
      for (auto& [symbol, channels] : last_) {
        if (type == "initial_data" || json["data"][symbol].exists()) channels["ticker"] = seq;
      }
    } else if (type == "trades" || type == "book") {
      std::string channel = type;
      if (json["depth"].exists()) channel += ":" + std::string(json["depth"].raw());
      last_[json["symbol"].text()][channel] = seq;
    } else if (type == "gap") {
      gap_ = seq;
    } else if (type == "candle") {
      last_[json["symbol"].text()]["candles:" + json["timeframe"].text()] = seq;
    }
  }
  std::string resume(const std::string& epoch) const {
    std::string text = R"(,"resume":{"epoch":")" + epoch + R"(","last":{)";
    for (const auto& [symbol, channels] : last_) {
      text += (text.back() == '{' ? "\"" : ",\"") + symbol + "\":{";
      for (const auto& [channel, seq] : channels) {
        text += (text.back() == '{' ? "\"" : ",\"") + channel + "\":" + std::to_string(seq);
      }
      text += '}';
    }
    return text + "},\"gap\":" + std::to_string(gap_) + '}';
  }

 private:
  std::map<std::string, std::map<std::string, std::uint64_t>> last_;
  std::uint64_t gap_ = 0;
};

const std::vector<std::string> kEverything = {"ticker", "trades", "book", "book:5", "candles:1m", "candles:5m"};

std::string everything(const std::string& resume = {}) {
  std::string list;
  for (const std::string& channel : kEverything) list += (list.empty() ? "\"" : ",\"") + channel + '"';
  return R"({"type":"subscribe","symbols":["BTCUSDT","ETHUSDT"],"channels":[)" + list + R"(],"policy":"lossless")" +
         resume + "}";
}

void upstream_gap(FanoutRig& rig, const Instrument& instrument, Channel channel, Micros ts) {
  Gap gap;
  gap.channel = channel;
  gap.reason = "sequence";
  gap.from_ts = ts - 5;
  gap.to_ts = ts;
  rig.apply(Event::of(instrument, ts, 0, gap));
}

TEST(ServerResume, CutAtEveryMessageOfEveryChannelNothingIsMissingAndNothingComesTwice) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 21);
  const Instrument& feed = rig.instruments.get("acme", "");
  RigClient& whole = rig.connect();
  rig.ask(whole, everything());
  const std::size_t begin = 2;  // initial_data of the connection, then the answer and initial_data once more
  for (int i = 0; i < 130; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    if (i % 17 == 4) upstream_gap(rig, *rig.btc, Channel::book, 1'795'372'800'000'000 + i);
    if (i % 29 == 7) upstream_gap(rig, feed, Channel::none, 1'795'372'800'000'500 + i);
    rig.turn();
  }
  rig.settle();
  const std::vector<std::string> all(whole.messages.begin() + begin, whole.messages.end());
  ASSERT_GT(all.size(), 200U);
  Positions positions(kEverything);
  for (std::size_t had = 1; had <= all.size(); ++had) {
    positions.note(all[had - 1]);
    RigClient& back = rig.connect();
    rig.settle();
    const std::size_t from = back.messages.size();
    rig.ask(back, everything(positions.resume(rig.hub.epoch())));
    rig.settle();
    std::vector<std::string> got(all.begin(), all.begin() + static_cast<long>(had));
    ASSERT_TRUE(back.messages.at(from).starts_with(R"({"type":"subscribed")"));
    for (std::size_t i = from + 1; i < back.messages.size(); ++i) got.push_back(back.messages[i]);
    ASSERT_EQ(got, all) << "cut after message " << had << ": " << all[had - 1].substr(0, 200);
    rig.disconnect(back);
  }
}

TEST(ServerResume, LosslessTickersThatAreNoLongerHeldAreSaidToBeMissing) {
  FanoutRig rig({.cap = 1 << 20, .interval = net::Duration::zero()}, 3000);
  RandomMarket random(*rig.btc, *rig.eth, 22);
  RigClient& first = rig.connect();
  rig.ask(first, request_for("ticker", "lossless"));
  for (int i = 0; i < 400; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.settle();
  RigClient& back = rig.connect();
  rig.settle();
  const std::size_t from = back.messages.size();
  rig.ask(back, request_for("ticker", "lossless", resume_from(rig.hub.epoch(), "ticker", 1)));
  rig.settle();
  ASSERT_EQ(back.messages.size(), from + 3);
  const RawJson gap = *RawJson::parse(back.messages[from + 1]);
  EXPECT_EQ(gap["type"].text(), "gap");
  EXPECT_EQ(gap["channel"].text(), "ticker");
  EXPECT_EQ(gap["from_seq"].integer(), 2);
  EXPECT_EQ(gap["scope"].text(), "client");
  EXPECT_TRUE(back.messages[from + 2].starts_with(R"({"type":"initial_data")"));
}

TEST(ServerResume, TickersThatMayBeConflatedAreSimplyTheNewest) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 23);
  for (int i = 0; i < 50; ++i) random.next([&](const Event& event) { rig.apply(event); });
  RigClient& back = rig.connect();
  rig.settle();
  const std::size_t from = back.messages.size();
  rig.ask(back, request_for("ticker", "conflate", resume_from(rig.hub.epoch(), "ticker", 1)));
  rig.settle();
  ASSERT_EQ(back.messages.size(), from + 2);
  EXPECT_TRUE(back.messages[from + 1].starts_with(R"({"type":"initial_data")"));
}

TEST(ServerResume, TheAnswerOfASubscribeTellsWhereTradesStand) {
  FanoutRig rig;
  RandomMarket random(*rig.btc, *rig.eth, 24);
  RigClient& first = rig.connect(request_for("trades", "lossless"));
  for (int i = 0; i < 60; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.settle();
  const std::uint64_t seq = last_seq(first);
  RigClient& late = rig.connect(request_for("trades", "lossless"));
  rig.settle();
  const RawJson answer = *RawJson::parse(late.messages.at(1));
  EXPECT_EQ(answer["last"].raw(), R"({"BTCUSDT":{"trades":)" + std::to_string(seq) + "}}");
  rig.disconnect(late);
  // It had not got a single trade, and still misses none.
  while (last_seq(first) < seq + 3) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.settle();
  }
  RigClient& back = rig.connect(request_for("trades", "lossless", resume_from(rig.hub.epoch(), "trades", seq)));
  rig.settle();
  EXPECT_EQ(data_of(back).size(), 3U);
  EXPECT_EQ(last_seq(back), last_seq(first));
}

}  // namespace
}  // namespace bixws::test
