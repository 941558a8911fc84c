// SPDX-License-Identifier: Apache-2.0
// A sweep comes at once unless a tick floor says later, and nobody is always last in it. Nothing here waits: the clock
// is moved by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "support/fanout_rig.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

constexpr const char* kTradesOfAll = R"({"type":"subscribe","channels":["trades"]})";
constexpr const char* kTradesOfOne = R"({"type":"subscribe","symbols":["BTCUSDT"],"channels":["trades"]})";

class ServerSweep : public testing::Test {
 protected:
  void begin(server::FanoutOptions options) {
    options.cap = 1 << 20;
    options.interval = net::Duration::zero();
    rig_ = std::make_unique<FanoutRig>(options);
  }
  // Notes each send of a client, by its number.
  RigClient& connect(const char* request) {
    RigClient& client = rig_->connect(request);
    client.on_send = [this, number = client.number] { sent_.push_back(number); };
    return client;
  }
  void settle() {
    rig_->settle();
    rig_->clock.advance(1s);
    sent_.clear();
  }
  void trade() {
    const Trade one{Decimal::of(5), Decimal::of(1), Side::buy, "7", ++now_};
    rig_->apply(Event::of(*rig_->btc, now_, now_, Trades{{&one, 1}, false}));
  }
  // What was sent since the last call.
  std::vector<std::uint64_t> sends() { return std::exchange(sent_, {}); }

  std::unique_ptr<FanoutRig> rig_;
  std::vector<std::uint64_t> sent_;
  Micros now_ = 1'795'372'800'000'000;
};

TEST_F(ServerSweep, WaitsForNothingUnlessToldTo) {
  begin({});
  connect(kTradesOfAll);
  settle();
  for (int i = 0; i < 5; ++i) {
    trade();
    rig_->turn();
    EXPECT_THAT(sends(), ElementsAre(1)) << "though no time has passed since the last one";
  }
}

TEST_F(ServerSweep, TheTickFloorIsTheLeastTimeBetweenTwo) {
  begin({.tick = 5ms});
  const RigClient& client = connect(kTradesOfAll);
  settle();
  trade();
  rig_->turn();
  EXPECT_THAT(sends(), ElementsAre(1)) << "after a pause at once";
  const std::size_t before = client.messages.size();
  for (int i = 0; i < 3; ++i) {
    trade();
    rig_->turn();
    rig_->clock.advance(1ms);
    rig_->loop.turn(0ms);
  }
  rig_->clock.advance(1999us);
  rig_->loop.turn(0ms);
  EXPECT_TRUE(sends().empty()) << "4.999 ms after it";
  rig_->clock.advance(1us);
  rig_->loop.turn(0ms);  // by itself, nothing else came
  EXPECT_THAT(sends(), ElementsAre(1)) << "what came meanwhile shares a send";
  EXPECT_EQ(client.messages.size(), before + 3);
  rig_->clock.advance(5ms);
  rig_->loop.turn(0ms);
  EXPECT_TRUE(sends().empty()) << "nothing is due";
  trade();
  rig_->turn();
  EXPECT_THAT(sends(), ElementsAre(1));
  EXPECT_TRUE(client.complaints.empty());
}

// Six clients in two groups that share their bytes: in six sweeps each is the first of all exactly once, and nobody is
// always among the last.
TEST_F(ServerSweep, EverybodyIsTheFirstInTurn) {
  begin({});
  for (int i = 0; i < 3; ++i) {
    connect(kTradesOfAll);
    connect(kTradesOfOne);
  }
  settle();
  std::multiset<std::uint64_t> first;
  std::map<std::uint64_t, std::size_t> best, worst;
  for (int i = 0; i < 6; ++i) {
    trade();
    rig_->turn();
    const auto order = sends();
    ASSERT_EQ(order.size(), 6U);
    first.insert(order.front());
    for (std::size_t place = 0; place < order.size(); ++place) {
      best.try_emplace(order[place], place).first->second = std::min(best[order[place]], place);
      worst[order[place]] = std::max(worst[order[place]], place);
    }
  }
  EXPECT_EQ(first, (std::multiset<std::uint64_t>{1, 2, 3, 4, 5, 6}));
  for (const auto& [client, place] : best) EXPECT_EQ(place, 0U) << client;
  for (const auto& [client, place] : worst) EXPECT_GE(place, 3U) << client << " shares the burden";
}

}  // namespace
}  // namespace bixws::test
