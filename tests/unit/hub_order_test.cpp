// SPDX-License-Identifier: Apache-2.0
// The hub's promises: one order for all, tasks in line with batches, feeds wait when it is full, nothing lost on stop.
#include <gtest/gtest.h>

#include <future>
#include <thread>
#include <vector>

#include "hub/hub.h"
#include "model/instruments.h"

namespace bixws::hub {
namespace {

/// Notes what it sees; can hold the hub until told to go on.
class Witness : public Listener {
 public:
  void on_event(const Event& event, const market::Market& market) override {
    seen.push_back(event.seq);
    EXPECT_EQ(market.find(event.instrument->id)->trades_seq, event.seq) << "the state is that right after the event";
  }
  void on_batch(const SharedBatch& batch, const market::Market&) override {
    batches += 1;
    last_size = batch->size();
    if (hold.valid()) {
      holding.set_value();
      hold.wait();
      hold = {};
    }
  }
  void on_epoch(const std::string& epoch, const market::Market&) override { epochs.push_back(epoch); }
  void on_stop() override { stopped = true; }

  std::vector<std::uint64_t> seen;
  std::vector<std::string> epochs;
  std::size_t batches = 0, last_size = 0;
  bool stopped = false;
  std::future<void> hold;
  std::promise<void> holding;
};

class HubOrder : public ::testing::Test {
 protected:
  Instruments instruments;
  const Instrument& btc = instruments.get("sim", "BTCUSDT");

  std::unique_ptr<EventBatch> batch(std::size_t count) const {
    auto made = std::make_unique<EventBatch>();
    const Trade trade{Decimal::of(1), Decimal::of(1), Side::buy, "some-id", 5};
    for (std::size_t i = 0; i < count; ++i) made->append(Event::of(btc, 1, 1, Trades{{&trade, 1}}));
    return made;
  }
};

TEST_F(HubOrder, EveryListenerSeesTheSameOrderAndTasksStandInLine) {
  Hub hub;
  auto first = std::make_shared<Witness>();
  auto second = std::make_shared<Witness>();
  hub.attach(first);
  hub.attach(second);
  hub.start();
  std::vector<std::uint64_t> at_task;
  std::vector<std::thread> feeds;
  for (int f = 0; f < 3; ++f) {
    feeds.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        EXPECT_TRUE(hub.publish(batch(3)));
        EXPECT_TRUE(hub.post([&](market::Market& market) { at_task.push_back(market.find(btc.id)->trades_seq); }));
      }
    });
  }
  for (auto& feed : feeds) feed.join();
  hub.drain();
  hub.stop();
  ASSERT_EQ(first->seen.size(), 1800U);
  EXPECT_EQ(first->seen, second->seen);
  for (std::size_t i = 0; i < first->seen.size(); ++i) ASSERT_EQ(first->seen[i], i + 1);
  ASSERT_EQ(at_task.size(), 600U);
  for (const auto seq : at_task) EXPECT_EQ(seq % 3, 0U) << "a task never runs inside a batch";
  EXPECT_TRUE(std::is_sorted(at_task.begin(), at_task.end()));
}

TEST_F(HubOrder, AFeedWaitsWhileTheQueueIsFullAndIsReleasedByStop) {
  Hub hub({.queue_bytes = 1});  // any batch fills it
  auto witness = std::make_shared<Witness>();
  std::promise<void> go;
  witness->hold = go.get_future();
  auto holding = witness->holding.get_future();
  hub.attach(witness);
  hub.start();
  EXPECT_TRUE(hub.publish(batch(1)));
  holding.wait();  // the hub is inside the first batch, whose bytes still count
  auto waiting = std::async(std::launch::async, [&] { return hub.publish(batch(1)); });
  EXPECT_EQ(waiting.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  go.set_value();
  EXPECT_TRUE(waiting.get());
  hub.stop();
  EXPECT_EQ(witness->seen.size(), 2U);
  EXPECT_TRUE(witness->stopped);
  EXPECT_FALSE(hub.publish(batch(1)));
  EXPECT_FALSE(hub.post([](market::Market&) {}));
}

TEST_F(HubOrder, StopProcessesWhatIsQueued) {
  Hub hub;
  auto witness = std::make_shared<Witness>();
  hub.attach(witness);
  for (int i = 0; i < 100; ++i) hub.publish(batch(2));
  hub.start();
  hub.stop();
  EXPECT_EQ(witness->seen.size(), 200U);
  EXPECT_EQ(hub.events(), 200U);
  EXPECT_EQ(hub.queued_bytes(), 0U);
}

TEST_F(HubOrder, ANewEpochNumbersFromOneAgain) {
  Hub hub;
  auto witness = std::make_shared<Witness>();
  hub.attach(witness);
  hub.start();
  hub.publish(batch(2));
  hub.new_epoch();
  hub.publish(batch(1));
  hub.stop();
  EXPECT_EQ(witness->seen, (std::vector<std::uint64_t>{1, 2, 1}));
  ASSERT_EQ(witness->epochs.size(), 1U);
  EXPECT_EQ(witness->epochs[0].size(), 8U);
}

TEST_F(HubOrder, EpochsDiffer) { EXPECT_NE(make_epoch(), make_epoch()); }

}  // namespace
}  // namespace bixws::hub
