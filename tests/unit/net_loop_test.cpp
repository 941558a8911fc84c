// SPDX-License-Identifier: Apache-2.0
// The loop: timers under a clock moved by hand, work from other threads, descriptors that go away in the same turn.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "net/loop.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

class LoopTest : public ::testing::Test {
 protected:
  void pass(Duration by) {
    clock_.advance(by);
    loop_.turn(0s);
  }

  ManualClock clock_;
  Loop loop_{clock_};
};

struct Watched final : Pollable {
  std::function<void(std::uint32_t)> ready;
  int calls = 0;
  void on_ready(std::uint32_t events) override {
    ++calls;
    if (ready) ready(events);
  }
};

TEST_F(LoopTest, TimersFireAtTheirTimeInOrderAndOnce) {
  std::string fired;
  Timer b(loop_, [&] { fired += 'b'; });
  Timer a(loop_, [&] { fired += 'a'; });
  b.start(20ms);
  a.start(10ms);
  pass(9ms);
  EXPECT_EQ(fired, "");
  pass(1ms);
  EXPECT_EQ(fired, "a");
  pass(1h);
  EXPECT_EQ(fired, "ab");
  pass(1h);
  EXPECT_EQ(fired, "ab");
}

TEST_F(LoopTest, ATimerCanBePushedBackPulledForwardAndCancelled) {
  int fired = 0;
  Timer timer(loop_, [&] { ++fired; });
  timer.start(10ms);
  pass(5ms);
  timer.start(10ms);
  pass(9ms);
  EXPECT_EQ(fired, 0) << "the first deadline has passed, but it was pushed back";
  pass(1ms);
  EXPECT_EQ(fired, 1);
  timer.start(1h);
  timer.start(1ms);
  pass(1ms);
  EXPECT_EQ(fired, 2);
  timer.start(1ms);
  timer.cancel();
  EXPECT_FALSE(timer.active());
  pass(1h);
  EXPECT_EQ(fired, 2);
}

TEST_F(LoopTest, ATimerMayRestartItselfAndCancelAnother) {
  int fired = 0;
  Timer victim(loop_, [] { FAIL() << "it was cancelled in the same turn"; });
  Timer timer(loop_, [&] {
    victim.cancel();
    if (++fired < 3) timer.start(1ms);
  });
  timer.start(1ms);
  victim.start(2ms);
  for (int i = 0; i < 10; ++i) pass(1ms);
  EXPECT_EQ(fired, 3);
}

TEST_F(LoopTest, ThousandsOfTimersAgreeWithASortedList) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<Timer>> timers;
  std::vector<int> due(2000);
  std::vector<int> fired_at(2000, -1);
  int now = 0;
  for (int i = 0; i < 2000; ++i) {
    timers.push_back(std::make_unique<Timer>(loop_, [&, i] { fired_at[static_cast<std::size_t>(i)] = now; }));
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < timers.size(); ++i) {
      due[i] = 1 + static_cast<int>(random() % 500);
      timers[i]->start(due[i] * 1ms);
    }
  }
  for (std::size_t i = 0; i < timers.size(); i += 3) {
    timers[i]->cancel();
    due[i] = -1;
  }
  for (std::size_t i = 1; i < timers.size(); i += 30) {
    timers[i] = nullptr;
    due[i] = -1;
  }
  for (now = 1; now <= 500; ++now) pass(1ms);
  EXPECT_EQ(fired_at, due);
}

TEST_F(LoopTest, PostedFunctionsRunInOrderAndWakeTheLoop) {
  std::vector<int> seen;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop_.post([&seen, i] { seen.push_back(i); });
    loop_.post([&] { loop_.stop(); });
  });
  loop_.run();  // would wait for ever if nobody woke it
  other.join();
  ASSERT_EQ(seen.size(), 100U);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST_F(LoopTest, AStopBeforeRunIsNotForgotten) {
  loop_.stop();
  loop_.run();
  SUCCEED();
}

TEST_F(LoopTest, ASignalRaisedOftenIsServedOncePerTurn) {
  int served = 0;
  {
    Signal signal(loop_, [&] { ++served; });
    for (int i = 0; i < 10; ++i) signal.raise();
    loop_.turn(0s);
    EXPECT_EQ(served, 1);
    signal.raise();
    loop_.turn(0s);
    EXPECT_EQ(served, 2);
    signal.raise();
  }
  loop_.turn(0s);
  EXPECT_EQ(served, 2) << "its function was called after its end";
}

TEST_F(LoopTest, ADescriptorRemovedInATurnIsNotReportedInThatTurn) {
  const auto [a, other_a] = socket_pair();
  const auto [b, other_b] = socket_pair();
  Watched first;
  Watched second;
  loop_.add(a, first);
  loop_.add(b, second);
  first.ready = [&](std::uint32_t) { loop_.remove(b, second); };
  second.ready = [&](std::uint32_t) { loop_.remove(a, first); };
  EXPECT_EQ(::write(other_a, "x", 1), 1);
  EXPECT_EQ(::write(other_b, "x", 1), 1);
  loop_.turn(1s);
  EXPECT_EQ(first.calls + second.calls, 1);
  for (const int fd : {a, b, other_a, other_b}) ::close(fd);
}

TEST_F(LoopTest, AgainRepeatsInTheNextTurnUnlessRemoved) {
  const auto [fd, other] = socket_pair();
  Watched watched;
  loop_.add(fd, watched, 0);
  loop_.again(watched, EPOLLIN);
  loop_.turn(-1s);
  EXPECT_EQ(watched.calls, 1);
  loop_.again(watched, EPOLLIN);
  loop_.remove(fd, watched);
  loop_.turn(0s);
  EXPECT_EQ(watched.calls, 1);
  ::close(fd);
  ::close(other);
}

TEST_F(LoopTest, WhatIsDisposedOfLivesToTheEndOfTheTurn) {
  struct Flag {
    bool* gone;
    ~Flag() { *gone = true; }
  };
  bool gone = false;
  loop_.post([&] {
    loop_.dispose(std::unique_ptr<Flag>(new Flag{&gone}));
    EXPECT_FALSE(gone);
  });
  loop_.turn(0s);
  EXPECT_TRUE(gone);
}

TEST_F(LoopTest, TheWaitEndsAtTheNextTimer) {
  Loop real;
  bool fired = false;
  Timer timer(real, [&] { fired = true; });
  timer.start(1ms);
  const auto begin = std::chrono::steady_clock::now();
  while (!fired) real.turn(-1s);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, test::patience);
}

}  // namespace
}  // namespace bixws::net
