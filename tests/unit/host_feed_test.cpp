// SPDX-License-Identifier: Apache-2.0
// FeedHost: a source's events reach the hub; its end and its failures become status.
#include <gmock/gmock.h>
#include <poll.h>

#include <future>

#include "host/feed_host.h"
#include "host_fakes.h"

namespace bixws::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Does what a test tells it, run by run.
class ScriptedSource final : public FeedSource {
 public:
  explicit ScriptedSource(std::function<int(Host&, int)> script) : script_(std::move(script)) {}
  int run(Host& host) noexcept override { return script_(host, ++runs_); }

 private:
  std::function<int(Host&, int)> script_;
  int runs_ = 0;
};

void publish_trade(Host& host, Micros when) {
  const Trade trade{Decimal::of(10, -1), Decimal::of(2), Side::buy, "7", when};
  const Trades trades{{&trade, 1}, false};
  const Event event = Event::of(host.instrument("BTCUSDT"), when, when, trades);
  host.publish(&event, 1);
}

void wait_for_stop(Host& host) {
  pollfd p{host.stop_fd(), POLLIN, 0};
  ::poll(&p, 1, -1);
}

struct Running {
  explicit Running(std::function<int(Host&, int)> script)
      : feed("acme", std::make_unique<ScriptedSource>(std::move(script)), world.around(),
             {std::chrono::milliseconds(1), std::chrono::milliseconds(4), 60'000'000}) {
    world.hub.attach(world.keeper);
    world.hub.start();
    feed.start([this](const FeedEnd& end) { ended.set_value(end); });
  }
  ~Running() { feed.stop(); }

  World world;
  std::promise<FeedEnd> ended;
  FeedHost feed;
};

TEST(FeedHost, PassesEventsOnAndEndsInTheFeedsOwnTime) {
  Running run([](Host& host, int) {
    publish_trade(host, 500);
    return 0;
  });
  EXPECT_FALSE(run.ended.get_future().get().failed);
  run.world.hub.drain();
  const auto messages = run.world.keeper->messages();
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_THAT(messages[0], HasSubstr(R"("type":"trades","exchange":"acme","symbol":"BTCUSDT","seq":1)"));
  EXPECT_THAT(messages[1], HasSubstr(R"("state":"ended")"));
  EXPECT_THAT(messages[1], HasSubstr(R"("ts":500)"));
}

TEST(FeedHost, StartsAFailedSourceAgain) {
  Running run([](Host& host, int run_number) {
    if (run_number < 3) return 9;
    publish_trade(host, 500);
    return 0;
  });
  run.ended.get_future().wait();
  run.world.hub.drain();
  EXPECT_EQ(run.world.keeper->count(R"("state":"down")"), 2U);
  EXPECT_EQ(run.world.keeper->count(R"("reason":"failed with 9")"), 2U);
  EXPECT_EQ(run.world.keeper->count(R"("state":"connecting")"), 2U);
  EXPECT_EQ(run.world.keeper->count(R"("type":"trades")"), 1U);
  EXPECT_THAT(run.world.log.lines(), ElementsAre("warning feed acme: failed with 9; starting it again in 1 ms",
                                                 "warning feed acme: failed with 9; starting it again in 2 ms"));
}

TEST(FeedHost, StopEndsARunningSourceWithoutAStatus) {
  Running run([](Host& host, int) {
    publish_trade(host, 500);
    wait_for_stop(host);
    return 0;
  });
  ASSERT_TRUE(test::wait_until([&] { return run.world.keeper->messages().size() == 1; }));
  run.feed.stop();
  run.world.hub.drain();
  EXPECT_EQ(run.world.keeper->messages().size(), 1U);
}

TEST(FeedHost, StopEndsTheWaitBeforeARestart) {
  World world;
  world.hub.start();
  FeedHost feed("acme", std::make_unique<ScriptedSource>([](Host&, int) { return 1; }), world.around(),
                {std::chrono::hours(1), std::chrono::hours(1), 1});
  feed.start([](const FeedEnd&) {});
  ASSERT_TRUE(test::wait_until([&] { return !world.log.lines().empty(); }));
  feed.stop();
}

TEST(FeedHost, EventsNobodyCanReadAreLeftOut) {
  Running run([](Host& host, int) {
    Event event;
    event.kind = static_cast<Kind>(99);
    event.instrument = &host.instrument("BTCUSDT");
    event.body = &event;
    host.publish(&event, 1);
    const Event nothing{};
    host.publish(&nothing, 1);
    publish_trade(host, 500);
    host.count("frames", 2);
    return 0;
  });
  run.ended.get_future().wait();
  run.world.hub.drain();
  EXPECT_EQ(run.world.keeper->messages().size(), 2U);
  EXPECT_EQ(run.world.counters.all().at("feed_acme_bad_events"), 2U);
  EXPECT_EQ(run.world.counters.all().at("feed_acme_frames"), 2U);
}

}  // namespace
}  // namespace bixws::host
