// SPDX-License-Identifier: Apache-2.0
// Clients that do not read fast enough: each policy's promise, and nobody else's loss.
#include <gtest/gtest.h>

#include "support/fanout_rig.h"

namespace bixws::test {
namespace {

server::FanoutOptions small(std::size_t cap = 4096) {
  return {.cap = cap, .max_batch = 0, .interval = net::Duration::zero()};
}

std::size_t count_type(const RigClient& client, const std::string& type) {
  return static_cast<std::size_t>(
      std::count_if(client.messages.begin(), client.messages.end(),
                    [&](const std::string& m) { return m.starts_with("{\"type\":\"" + type + "\""); }));
}

void expect_books_as_in_market(const FanoutRig& rig, const RigClient& client, const std::string& what) {
  for (const Instrument* instrument : {rig.btc, rig.eth}) {
    const market::InstrumentState* state = rig.market.find(instrument->id);
    if (state == nullptr || !state->has_book) continue;
    std::map<std::string, std::string> bids;
    for (const Level& level : state->book.bids().top(SIZE_MAX)) bids[level.price.to_string()] = level.size.to_string();
    const auto topic = client.topics.find(std::string(instrument->symbol) + " book");
    ASSERT_NE(topic, client.topics.end()) << what;
    EXPECT_EQ(topic->second.bids, bids) << what;
    EXPECT_EQ(topic->second.seq, state->book_seq) << what;
  }
}

TEST(ServerSlowClient, ALaggingBookBecomesAFreshSnapshotThatSaysWhatItConflates) {
  FanoutRig rig(small());
  RandomMarket random(*rig.btc, *rig.eth, 11);
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["book","ticker","candles:1m"]})");
  RigClient& fast = rig.connect(R"({"type":"subscribe","channels":["book"]})");
  rig.turn();
  slow.room = 0;
  for (int i = 0; i < 400; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.turn();
  }
  rig.settle();
  EXPECT_EQ(slow.complaints, std::vector<std::string>());
  EXPECT_EQ(fast.complaints, std::vector<std::string>());
  EXPECT_FALSE(slow.slow);
  EXPECT_EQ(slow.gaps, 0U);
  EXPECT_LT(slow.messages.size(), 30U);
  expect_books_as_in_market(rig, slow, "slow");
  expect_books_as_in_market(rig, fast, "fast");
  EXPECT_EQ(slow.tickers.size(), 2U);
}

TEST(ServerSlowClient, ConflatesOnlyWhatItMissedWhenItReadsAgainInTime) {
  FanoutRig rig(small(64 * 1024));
  RandomMarket random(*rig.btc, *rig.eth, 12);
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["book"]})");
  for (int i = 0; i < 10; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.turn();
  slow.room = 0;
  for (int i = 0; i < 300; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.turn();
  }
  rig.settle();
  EXPECT_EQ(slow.complaints, std::vector<std::string>());
  EXPECT_EQ(slow.conflated, 2U);  // from_seq, once per book
  expect_books_as_in_market(rig, slow, "slow");
}

TEST(ServerSlowClient, DropsTheOldestTradesAndSaysWhich) {
  FanoutRig rig(small());
  RandomMarket random(*rig.btc, *rig.eth, 13);
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["trades"]})");
  RigClient& all = rig.connect(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})");
  rig.turn();
  slow.room = 700;
  for (int i = 0; i < 400; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.turn();
  }
  rig.settle();
  EXPECT_EQ(slow.complaints, std::vector<std::string>());
  EXPECT_EQ(slow.gaps, 2U);  // one a symbol
  std::size_t lost = 0;
  for (const std::string& message : slow.messages) {
    if (!message.starts_with("{\"type\":\"gap\"")) continue;
    const auto gap = RawJson::parse_or_throw(message);
    EXPECT_EQ(gap["scope"].text(), "client");
    EXPECT_EQ(gap["reason"].text(), "slow consumer");
    lost += static_cast<std::size_t>(gap["lost"].integer().value());
  }
  EXPECT_EQ(count_type(slow, "trades") + lost, count_type(all, "trades"));
  EXPECT_GT(count_type(slow, "trades"), 5U);  // what fitted below the cap was kept
}

TEST(ServerSlowClient, LosslessIsNeverCutBelowTheCapAndAlwaysAboveIt) {
  FanoutRig rig(small(16 * 1024));
  RandomMarket random(*rig.btc, *rig.eth, 14);
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})");
  RigClient& other = rig.connect(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})");
  rig.turn();
  slow.room = 0;
  std::size_t bytes = 0;
  while (!slow.slow && bytes < 64 * 1024) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.turn();
    bytes = 0;
    for (const std::string& message : other.messages) bytes += message.size() + 4;
    if (bytes < 16 * 1024) {
      ASSERT_FALSE(slow.slow) << bytes;
    }
  }
  EXPECT_TRUE(slow.slow);
  EXPECT_LT(bytes, 20U * 1024);
  EXPECT_FALSE(other.slow);
  EXPECT_EQ(other.complaints, std::vector<std::string>());
}

TEST(ServerSlowClient, WhoAsksAndNeverReadsIsCutOff) {
  server::FanoutOptions options = small();
  options.answers = 16 * 1024;
  FanoutRig rig(options);
  RandomMarket random(*rig.btc, *rig.eth, 16);
  for (int i = 0; i < 100; ++i) random.next([&](const Event& event) { rig.apply(event); });
  RigClient& greedy = rig.connect(R"({"type":"subscribe","channels":["book"]})");
  RigClient& other = rig.connect(R"({"type":"subscribe","channels":["book"]})");
  greedy.room = 0;
  int asked = 0;
  for (; asked < 1000 && !greedy.slow; ++asked) {
    rig.ask(greedy, R"({"type":"subscribe","channels":["book"]})");
    rig.ask(other, R"({"type":"subscribe","channels":["book"]})");
    rig.turn();
  }
  EXPECT_TRUE(greedy.slow);
  EXPECT_GT(asked, 2) << "a few answers may wait";
  EXPECT_FALSE(other.slow) << "who reads may ask as often";
}

TEST(ServerSlowClient, AHalfSentMessageIsFinishedBeforeAnythingElse) {
  FanoutRig rig(small());
  RandomMarket random(*rig.btc, *rig.eth, 15);
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["book"]})");
  for (int i = 0; i < 5; ++i) random.next([&](const Event& event) { rig.apply(event); });
  slow.room = 1000;  // ends inside a message
  rig.turn();
  for (int i = 0; i < 300; ++i) {
    random.next([&](const Event& event) { rig.apply(event); });
    rig.turn();
  }
  const std::size_t before = slow.messages.size();
  rig.fanout.drop_backlog(*slow.member);
  rig.read(slow, SIZE_MAX);
  EXPECT_EQ(slow.messages.size(), before + 1);
  EXPECT_EQ(slow.complaints, std::vector<std::string>());
}

// Sockets that take any number of bytes at any time, whatever is asked for and whenever the hub answers: no silent
// hole, no duplicate, and once everybody reads again the same books as in the market.
TEST(ServerSlowClient, NeverASilentHole) {
  for (unsigned seed = 1; seed <= 24; ++seed) {
    FanoutRig rig(small(seed % 2 == 0 ? 3000 : 20000));
    RandomMarket random(*rig.btc, *rig.eth, seed);
    const char* const requests[] = {
        R"({"type":"subscribe","channels":["trades","book","ticker","book:5","candles:1m"]})",
        R"({"type":"subscribe","channels":["trades","book","candles:5m"],"policy":"drop_oldest"})",
        R"({"type":"subscribe","symbols":["BTCUSDT"],"channels":["book","book:10","ticker"]})",
        R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})",
    };
    std::vector<RigClient*> clients;
    for (int i = 0; i < 8; ++i) clients.push_back(&rig.connect(requests[i % 4]));
    for (int i = 0; i < 600; ++i) {
      random.next([&](const Event& event) { rig.apply(event); });
      if (random.roll(3) != 0) rig.turn();
      if (random.roll(4) == 0) rig.answer_refresh();
      RigClient& one = *clients[random.roll(8)];
      if (one.member == nullptr) continue;
      const unsigned what = random.roll(10);
      if (what < 3) {
        one.room = random.roll(600);
      } else if (what < 8) {
        rig.read(one, random.roll(8000));
      } else if (what == 8 && random.roll(4) == 0) {
        rig.ask(one, requests[random.roll(3)]);
      } else if (what == 9 && random.roll(10) == 0) {
        rig.ask(one, R"({"type":"ping","id":1})");
      }
      if (one.slow && one.member != nullptr) rig.disconnect(one);
      if (i == 300 && seed % 5 == 0) {
        rig.new_epoch();
        random = RandomMarket(*rig.btc, *rig.eth, seed + 1000);
      }
    }
    rig.settle();
    for (RigClient* client : clients) {
      if (client->slow) continue;
      const std::string what = "seed " + std::to_string(seed) + " client " + std::to_string(client->number);
      ASSERT_EQ(client->complaints, std::vector<std::string>()) << what;
      const auto topic = client->topics.find("BTCUSDT book");
      if (topic == client->topics.end()) continue;
      const market::InstrumentState* state = rig.market.find(rig.btc->id);
      ASSERT_EQ(topic->second.seq, state->book_seq) << what;
      std::map<std::string, std::string> asks;
      for (const Level& level : state->book.asks().top(SIZE_MAX))
        asks[level.price.to_string()] = level.size.to_string();
      ASSERT_EQ(topic->second.asks, asks) << what;
    }
  }
}

TEST(ServerSlowClient, OneMessageASendWhenAskedFor) {
  server::FanoutOptions options = small();
  options.max_batch = 1;
  FanoutRig rig(options);
  RandomMarket random(*rig.btc, *rig.eth, 16);
  RigClient& client = rig.connect(R"({"type":"subscribe","channels":["trades","book"],"policy":"lossless"})");
  rig.turn();
  const std::uint64_t before = rig.fanout.counters().sends.load();
  const std::size_t had = client.messages.size();
  for (int i = 0; i < 50; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.turn();
  EXPECT_EQ(rig.fanout.counters().sends.load() - before, client.messages.size() - had);
  EXPECT_GT(client.messages.size() - had, 30U);
}

TEST(ServerSlowClient, EverythingDueGoesOutInOneSend) {
  FanoutRig rig(small(1 << 20));
  RandomMarket random(*rig.btc, *rig.eth, 16);
  RigClient& client = rig.connect(R"({"type":"subscribe","channels":["trades","book"],"policy":"lossless"})");
  rig.turn();
  const std::uint64_t before = rig.fanout.counters().sends.load();
  for (int i = 0; i < 50; ++i) random.next([&](const Event& event) { rig.apply(event); });
  rig.turn();
  EXPECT_EQ(rig.fanout.counters().sends.load() - before, 1U);
  EXPECT_EQ(client.complaints, std::vector<std::string>());
}

TEST(ServerSlowClient, ALongSweepLetsTheLoopServeOthersInBetween) {
  server::FanoutOptions options = small(1 << 20);
  options.max_batch = 1;
  FanoutRig rig(options);
  const std::string request = R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})";
  for (int i = 0; i < 4; ++i) {
    rig.connect(request).on_send = [&rig] { rig.clock.advance(std::chrono::milliseconds(1)); };
  }
  rig.turn();
  const Trade one{Decimal::of(15, -1), Decimal::of(2, 0), Side::buy, "t", 1};
  for (int i = 0; i < 30; ++i) rig.apply(Event::of(*rig.btc, 2, 1, Trades{{&one, 1}, false}));
  const net::Instant began = rig.clock.now();
  rig.turn();
  EXPECT_TRUE(rig.fanout.unfinished());
  EXPECT_LT(rig.clock.now() - began, 2 * server::Fanout::kTurn);

  RigClient& late = rig.connect(request);  // while the others still wait for most of it
  int turns = 0;
  for (; rig.fanout.unfinished() && turns < 100; ++turns) rig.loop.turn(net::Duration::zero());
  EXPECT_GT(turns, 5);
  rig.apply(Event::of(*rig.btc, 4, 3, Trades{{&one, 1}, false}));
  rig.turn();
  for (const auto& client : rig.clients) {
    EXPECT_EQ(client->complaints, std::vector<std::string>());
    EXPECT_EQ(client->topics["BTCUSDT trades"].seq, 31U);
  }
  EXPECT_LT(late.messages.size(), 5U);
  EXPECT_EQ(rig.fanout.counters().laggards.load(), 0U);
}

TEST(ServerSlowClient, RandomReadersOfLongSweepsMissNothing) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    server::FanoutOptions options = small(1 << 16);
    options.max_batch = 2;
    FanoutRig rig(options);
    RandomMarket market(*rig.btc, *rig.eth, seed);
    std::mt19937 random(seed);
    for (int i = 0; i < 5; ++i) {
      const char* const policy = i % 2 == 0 ? "lossless" : "conflate";
      RigClient& client = rig.connect(R"({"type":"subscribe","channels":["trades","book","candles:1m"],"policy":")" +
                                      std::string(policy) + "\"}");
      client.on_send = [&rig] { rig.clock.advance(std::chrono::milliseconds(2)); };
      if (i == 3) client.room = 0;
    }
    for (int step = 0; step < 300; ++step) {
      if (!rig.fanout.unfinished()) {
        for (unsigned i = 0; i < random() % 8; ++i) market.next([&](const Event& event) { rig.apply(event); });
        rig.turn();
      } else {
        rig.loop.turn(net::Duration::zero());
      }
      if (random() % 3 == 0) rig.read(*rig.clients[3], random() % 3000);
      rig.answer_refresh();
    }
    for (int i = 0; rig.fanout.unfinished() && i < 1000; ++i) rig.loop.turn(net::Duration::zero());
    rig.settle();
    for (const auto& client : rig.clients) {
      EXPECT_FALSE(client->slow) << seed;
      EXPECT_EQ(client->complaints, std::vector<std::string>()) << seed;
      EXPECT_EQ(client->topics["BTCUSDT trades"].seq, rig.clients[0]->topics["BTCUSDT trades"].seq) << seed;
    }
  }
}

}  // namespace
}  // namespace bixws::test
