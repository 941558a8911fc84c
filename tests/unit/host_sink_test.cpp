// SPDX-License-Identifier: Apache-2.0
// SinkHost: in order, on one thread, bounded; a failing sink is detached and a slow one is told what it missed.
#include <gmock/gmock.h>

#include <condition_variable>
#include <set>
#include <thread>

#include "host/sink_host.h"
#include "host_fakes.h"

namespace bixws::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Writes down what it is called with; can be made to wait or fail.
struct Diary {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::string> entries;
  std::vector<std::string> messages;
  std::set<std::thread::id> threads;
  bool gate_open = true;
  bool waiting = false;
  bool fail_open = false, fail_consume = false, fail_flush = false;

  void note(const std::string& entry) {
    const std::lock_guard lock(mutex);
    entries.push_back(entry);
    threads.insert(std::this_thread::get_id());
  }
  void open_gate(bool open) {
    {
      const std::lock_guard lock(mutex);
      gate_open = open;
    }
    changed.notify_all();
  }
  bool wait_until_waiting() {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, test::patience, [this] { return waiting; });
  }
};

class DiarySink final : public Sink {
 public:
  explicit DiarySink(Diary& diary) : diary_(diary) {}
  int open(Host& host) noexcept override {
    diary_.note("open");
    host.count("opened", 1);
    return diary_.fail_open ? 1 : 0;
  }
  int consume(const Event* events, std::size_t count) noexcept override {
    diary_.note("consume " + std::to_string(count));
    std::unique_lock lock(diary_.mutex);
    for (std::size_t i = 0; i < count; ++i) {
      TextBuffer text;
      append_message(text, events[i], events[i].instrument->symbol);
      diary_.messages.push_back(text.str());
    }
    diary_.waiting = true;
    diary_.changed.notify_all();
    diary_.changed.wait(lock, [this] { return diary_.gate_open; });
    diary_.waiting = false;
    return diary_.fail_consume ? 1 : 0;
  }
  int flush() noexcept override {
    diary_.note("flush");
    return diary_.fail_flush ? 1 : 0;
  }
  void close() noexcept override { diary_.note("close"); }

 private:
  Diary& diary_;
};

std::unique_ptr<EventBatch> batch(World& world, const std::string& symbol, std::int64_t number, int events = 1) {
  auto made = std::make_unique<EventBatch>();
  for (int i = 0; i < events; ++i) {
    Ticker ticker;
    ticker.price = Decimal::of(number + i);
    made->append(Event::of(world.instruments.get("acme", symbol), number + i, number + i, ticker));
  }
  return made;
}

struct Fixture : testing::Test {
  std::shared_ptr<SinkHost> sink(SinkHost::Options options = {}) {
    auto made = std::make_shared<SinkHost>("diary", std::make_unique<DiarySink>(diary), world.around(), options,
                                           [this](const std::string& name) { failed.push_back(name); });
    world.hub.attach(made);
    return made;
  }
  void finish(SinkHost& sink) {
    world.hub.stop();
    sink.finish();
  }

  World world;
  Diary diary;
  std::vector<std::string> failed;
};
using SinkHostTest = Fixture;

TEST_F(SinkHostTest, GetsAllInOrderOnOneThreadAndIsClosedOnce) {
  const auto host = sink();
  ASSERT_TRUE(host->start());
  world.hub.start();
  for (int i = 1; i <= 50; ++i) world.hub.publish(batch(world, "BTCUSDT", i));
  finish(*host);
  EXPECT_EQ(diary.messages.size(), 50U);
  for (std::size_t i = 0; i < 50; ++i) {
    EXPECT_THAT(diary.messages[i], HasSubstr("\"price\":" + std::to_string(i + 1) + ","));
  }
  EXPECT_EQ(diary.entries.front(), "open");
  EXPECT_EQ(diary.entries.back(), "close");
  EXPECT_EQ(diary.entries[diary.entries.size() - 2], "flush");
  EXPECT_EQ(diary.threads.size(), 1U);
  EXPECT_TRUE(failed.empty());
  EXPECT_EQ(host->dropped(), 0U);
}

std::unique_ptr<EventBatch> alert(World& world) {
  Mark mark;
  mark.id = "one";
  auto made = std::make_unique<EventBatch>();
  made->append(Event::alert(world.instruments.get("acme", "BTCUSDT"), 5, 5, mark));
  return made;
}

TEST_F(SinkHostTest, ThatKeepsAlertsHasOneBeforeAnybodyElse) {
  SinkHost::Options options;
  options.keeps_alerts = true;
  const auto host = sink(options);
  world.hub.attach(world.keeper);  // after the sink, as server and recorder are
  ASSERT_TRUE(host->start());
  diary.open_gate(false);
  world.hub.start();
  world.hub.publish(batch(world, "BTCUSDT", 1));
  ASSERT_TRUE(diary.wait_until_waiting());
  EXPECT_TRUE(test::wait_until([this] { return world.keeper->messages().size() == 1; })) << "prices wait for nobody";
  world.hub.publish(alert(world));
  world.hub.publish(batch(world, "BTCUSDT", 2));
  EXPECT_FALSE(test::wait_until([this] { return world.keeper->messages().size() > 1; }, test::Milliseconds(20)));
  diary.open_gate(true);
  EXPECT_TRUE(test::wait_until([this] { return world.keeper->messages().size() == 3; }));
  finish(*host);
  EXPECT_EQ(diary.messages.size(), 3U);
}

TEST_F(SinkHostTest, ThatKeepsAlertsTooSlowlyIsNotWaitedForForEver) {
  SinkHost::Options options;
  options.keeps_alerts = true;
  options.alert_patience = std::chrono::milliseconds(1);
  const auto host = sink(options);
  world.hub.attach(world.keeper);
  ASSERT_TRUE(host->start());
  diary.open_gate(false);
  world.hub.start();
  world.hub.publish(alert(world));
  EXPECT_TRUE(test::wait_until([this] { return world.keeper->messages().size() == 1; }));
  EXPECT_THAT(world.log.lines(), testing::Contains(HasSubstr("has not kept an alert within 1 ms")));
  diary.open_gate(true);
  finish(*host);
}

TEST_F(SinkHostTest, ThatCannotOpenSaysSo) {
  diary.fail_open = true;
  const auto host = sink();
  EXPECT_FALSE(host->start());
  world.hub.start();
  world.hub.publish(batch(world, "BTCUSDT", 1));
  finish(*host);
  EXPECT_THAT(diary.entries, ElementsAre("open"));
}

TEST_F(SinkHostTest, ThatFailsIsDetachedAndTheHubGoesOn) {
  diary.fail_consume = true;
  const auto host = sink();
  world.hub.attach(world.keeper);
  ASSERT_TRUE(host->start());
  world.hub.start();
  for (int i = 1; i <= 50; ++i) world.hub.publish(batch(world, "BTCUSDT", i));
  finish(*host);
  EXPECT_THAT(diary.entries, ElementsAre("open", "consume 1", "close"));
  EXPECT_THAT(failed, ElementsAre("diary"));
  EXPECT_THAT(world.log.lines(), ElementsAre("error sink diary: failed and was detached; everything else goes on"));
  EXPECT_EQ(world.keeper->messages().size(), 50U);
}

TEST_F(SinkHostTest, ThatFailsWhileHoldingTheHubBackLetsItGo) {
  diary.open_gate(false);
  diary.fail_consume = true;
  const auto host = sink({.queue_bytes = 1, .hold_back = true});
  ASSERT_TRUE(host->start());
  world.hub.start();
  for (int i = 1; i <= 20; ++i) world.hub.publish(batch(world, "BTCUSDT", i));
  ASSERT_TRUE(diary.wait_until_waiting());
  diary.open_gate(true);
  finish(*host);
  EXPECT_THAT(failed, ElementsAre("diary"));
}

TEST_F(SinkHostTest, ThatFailsInItsLastFlushIsReported) {
  diary.fail_flush = true;
  const auto host = sink();
  ASSERT_TRUE(host->start());
  world.hub.start();
  finish(*host);
  EXPECT_THAT(failed, ElementsAre("diary"));
  EXPECT_THAT(world.log.lines(), ElementsAre("error sink diary: failed to write out its last events"));
}

TEST_F(SinkHostTest, SlowOneLosesTheOldestAndIsToldWithGaps) {
  diary.open_gate(false);
  const std::size_t room = batch(world, "BTCUSDT", 1)->bytes() * 5;
  const auto host = sink({.queue_bytes = room});
  ASSERT_TRUE(host->start());
  world.hub.start();
  world.hub.publish(batch(world, "BTCUSDT", 1));
  ASSERT_TRUE(diary.wait_until_waiting());
  for (int i = 2; i <= 21; ++i) world.hub.publish(batch(world, i % 2 == 0 ? "ETHUSDT" : "BTCUSDT", i));
  world.hub.drain();
  const std::uint64_t dropped = host->dropped();
  EXPECT_GT(dropped, 10U);
  diary.open_gate(true);
  finish(*host);
  std::uint64_t told = 0;
  std::size_t tickers = 0;
  for (const std::string& message : diary.messages) {
    if (message.find("\"type\":\"gap\"") == std::string::npos) {
      ++tickers;
      continue;
    }
    EXPECT_THAT(message, HasSubstr("\"reason\":\"slow_consumer\""));
    told += std::stoul(message.substr(message.find("\"lost\":") + 7));
  }
  EXPECT_EQ(told, dropped);
  EXPECT_EQ(tickers + dropped, 21U);
  EXPECT_THAT(diary.messages.back(), HasSubstr("\"price\":21,"));
  EXPECT_EQ(world.counters.all().at("sink_diary_dropped"), dropped);
}

TEST_F(SinkHostTest, HoldingBackLosesNothing) {
  const auto host = sink({.queue_bytes = 1, .hold_back = true});
  ASSERT_TRUE(host->start());
  world.hub.start();
  for (int i = 1; i <= 200; ++i) world.hub.publish(batch(world, "BTCUSDT", i));
  finish(*host);
  EXPECT_EQ(diary.messages.size(), 200U);
  EXPECT_EQ(host->dropped(), 0U);
}

TEST_F(SinkHostTest, MayBeLimitedToSymbols) {
  const auto host = sink({.symbols = {"ETHUSDT"}});
  ASSERT_TRUE(host->start());
  world.hub.start();
  world.hub.publish(batch(world, "BTCUSDT", 1, 3));
  world.hub.publish(batch(world, "ETHUSDT", 10, 2));
  finish(*host);
  EXPECT_EQ(diary.messages.size(), 2U);
  EXPECT_THAT(diary.messages[0], HasSubstr("ETHUSDT"));
}

}  // namespace
}  // namespace bixws::host
