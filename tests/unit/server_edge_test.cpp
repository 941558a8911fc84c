// SPDX-License-Identifier: Apache-2.0
// Edges that pass on the numbers of one node: to a client that moves between them they are one server.
#include <gtest/gtest.h>

#include <deque>

#include "support/fanout_rig.h"

namespace bixws::test {
namespace {

const std::string kEpoch = "node1";

std::string subscribe(const std::string& channel, std::uint64_t had = 0) {
  std::string request =
      R"({"type":"subscribe","symbols":["BTCUSDT"],"channels":[")" + channel + R"("],"policy":"lossless")";
  if (had != 0) {
    request += R"(,"resume":{"epoch":")" + kEpoch + R"(","last":{"BTCUSDT":{")" + channel +
               "\":" + std::to_string(had) + "}}}";
  }
  return request + "}";
}

std::uint64_t seq_of(const std::string& text) {
  return static_cast<std::uint64_t>(RawJson::parse_or_throw(text)["seq"].integer().value_or(0));
}

bool has(const RigClient& client, const std::string& what) {
  return std::any_of(client.messages.begin(), client.messages.end(),
                     [&](const std::string& text) { return text.find(what) != std::string::npos; });
}

/// A server whose feed gives the numbers; what it is fed comes when the test lets it.
class EdgeRig : public FanoutRig {
 public:
  EdgeRig() {
    market.take_numbers(true);
    hub.set_epoch(kEpoch);
    publisher.on_epoch(kEpoch, market);
  }
  void queue(const Event& event) {
    auto batch = std::make_unique<EventBatch>();
    batch->append(event).instrument = &instruments.get(event.instrument->exchange, event.instrument->symbol);
    waiting_.push_back(std::move(batch));
  }
  void let(std::size_t count) {
    for (; count > 0 && !waiting_.empty(); --count) {
      apply(waiting_.front()->events()[0]);
      waiting_.pop_front();
    }
    turn();
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

 private:
  std::deque<std::unique_ptr<EventBatch>> waiting_;
};

/// The node, and edges behind it.
struct Network {
  explicit Network(std::uint32_t seed) : random(*node.btc, *node.eth, seed) { node.hub.set_epoch(kEpoch); }
  void step() {
    random.next([&](const Event& event) {
      EventBatch batch;
      Event& numbered = batch.append(event);
      numbers.apply(numbered, batch.arena());
      node.apply(event);
      node.turn();
      for (EdgeRig& edge : edges) edge.queue(numbered);
    });
  }
  FanoutRig node;
  EdgeRig edges[2];
  market::Market numbers;
  RandomMarket random;
};

TEST(ServerEdge, ToAClientThatMovesAllEdgesAreOneServer) {
  for (const std::string channel : {"trades", "book", "book:5"}) {
    for (std::uint32_t seed = 1; seed <= 5; ++seed) {
      Network network(seed);
      RigClient& whole = network.node.connect(subscribe(channel));
      // A derived depth is encoded while somebody at that edge listens.
      for (EdgeRig& edge : network.edges) edge.connect(subscribe(channel));
      std::size_t at = 0;
      RigClient* moving = &network.edges[0].connect();
      network.edges[0].ask(*moving, subscribe(channel));
      std::vector<std::string> received;
      const auto collect = [&] {
        network.edges[at].settle();
        for (std::string& text : data_of(*moving)) received.push_back(std::move(text));
        network.edges[at].disconnect(*moving);
      };
      for (int i = 0; i < 400; ++i) {
        network.step();
        for (EdgeRig& edge : network.edges) edge.let(network.random.roll(4));
        if (network.random.roll(20) != 0) continue;
        collect();
        at = 1 - at;  // which may be behind the other one, or ahead of it
        moving = &network.edges[at].connect();
        network.edges[at].ask(*moving, subscribe(channel, received.empty() ? 0 : seq_of(received.back())));
      }
      for (EdgeRig& edge : network.edges) edge.let(edge.waiting());
      collect();
      const auto all = data_of(whole);
      EXPECT_EQ(received, all) << channel << " seed " << seed;
      EXPECT_GT(received.size(), 20U) << channel;
    }
  }
}

TEST(ServerEdge, WhoIsAheadWaitsForTheNumbers) {
  Network network(3);
  for (int i = 0; i < 60; ++i) network.step();
  EdgeRig& edge = network.edges[0];
  edge.let(20);
  const std::uint64_t ahead = network.numbers.find(network.node.btc->id)->trades_seq;
  ASSERT_GT(ahead, edge.market.find(edge.btc->id)->trades_seq);
  RigClient& client = edge.connect();
  edge.ask(client, subscribe("trades", ahead));
  edge.turn();
  EXPECT_FALSE(has(client, "\"subscribed\"")) << "what it has has not come here yet";
  edge.let(edge.waiting());
  EXPECT_TRUE(has(client, "\"subscribed\""));
  EXPECT_TRUE(data_of(client).empty()) << "it has everything, and nothing comes twice";
  EXPECT_EQ(client.gaps, 0U);
}

TEST(ServerEdge, AnotherRequestEndsTheWait) {
  Network network(3);
  for (int i = 0; i < 60; ++i) network.step();
  EdgeRig& edge = network.edges[0];
  edge.let(edge.waiting());
  RigClient& client = edge.connect();
  edge.ask(client, subscribe("trades", 1'000'000));
  edge.turn();
  EXPECT_FALSE(has(client, "\"subscribed\""));
  edge.ask(client, R"({"type":"ping","id":5})");
  edge.turn();
  ASSERT_TRUE(has(client, "\"subscribed\""));
  EXPECT_TRUE(has(client, "\"pong\""));
  EXPECT_EQ(client.gaps, 1U) << "numbers that never came here are told to be none of ours";
  RigClient& gone = edge.connect();
  edge.ask(gone, subscribe("trades", 1'000'000));
  edge.disconnect(gone);  // while it waits
  network.step();
  edge.let(1);
}

TEST(ServerEdge, NumbersOfDerivedCandlesAreEachEdgesOwn) {
  Network network(4);
  for (int i = 0; i < 60; ++i) network.step();
  EdgeRig& edge = network.edges[0];
  edge.let(edge.waiting());
  RigClient& client = edge.connect();
  edge.ask(client, subscribe("candles:1h", 3));
  edge.turn();
  EXPECT_TRUE(has(client, "derived candles are numbered by each edge for itself"));
}

TEST(ServerEdge, WhatIsMissingIsAGapThere) {
  Network network(5);
  for (int i = 0; i < 50; ++i) network.step();
  EdgeRig& edge = network.edges[0];
  edge.let(25);
  const std::uint64_t had = edge.market.find(edge.btc->id)->trades_seq;
  // It came late, and knows how far trades were by then.
  EdgeRig late;
  late.market.reached(*late.btc, had + 7, {});
  RigClient& client = late.connect();
  late.ask(client, subscribe("trades", had));
  late.turn();
  ASSERT_EQ(client.gaps, 1U);
  EXPECT_TRUE(has(client, "\"from_seq\":" + std::to_string(had + 1) + ",\"to_seq\":" + std::to_string(had + 7)));
}

}  // namespace
}  // namespace bixws::test
