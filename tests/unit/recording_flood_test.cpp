// SPDX-License-Identifier: Apache-2.0
// A recorder behind more than it can write at once: when it commits, and how much waits for it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>

#include "model/clock.h"
#include "recording/random_events.h"
#include "recording/recorder.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::recording {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// A recorder whose thread stands still in its first commit's announcement until release().
class Flood : public ::testing::Test {
 protected:
  void start(RecorderOptions options) {
    options.session.path = (dir_ / "a.db").string();
    options.on_commit = [this](const Committed&) {
      if (commits_++ == 0) release_.get_future().wait();
    };
    recorder_ = std::make_unique<Recorder>(std::move(options), instruments_, clock_);
    offer();
    ASSERT_TRUE(test::wait_until([&] { return commits_ == 1; }));
  }
  void release() { release_.set_value(); }
  void offer() { recorder_->on_batch(SharedBatch(random_.batch(10)), market_); }

  const test::TempDir dir_;
  Instruments instruments_;
  SystemClock clock_;
  const market::Market market_;
  test::RandomEvents random_{instruments_, 31, {.nasty = false}};
  std::promise<void> release_;
  std::atomic<std::uint64_t> commits_ = 0;
  std::unique_ptr<Recorder> recorder_;
};

TEST_F(Flood, WhatWaitedLongIsNotCommittedPieceByPiece) {
  RecorderOptions options;
  options.commit_interval = 20ms;
  start(options);
  constexpr std::uint64_t kBatches = 300;
  for (std::uint64_t i = 0; i < kBatches; ++i) offer();
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().lag > 3 * options.commit_interval; }));
  const auto released = steady_clock::now();
  release();
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().queued_bytes == 0; }));
  const auto intervals = static_cast<std::uint64_t>((steady_clock::now() - released) / options.commit_interval);
  EXPECT_LE(commits_, intervals + 3);
  EXPECT_TRUE(recorder_->finish());
  EXPECT_EQ(recorder_->state().dropped, 0U);
}

TEST_F(Flood, WhoMayWaitIsHeldBackWithLittleInBetween) {
  RecorderOptions options;
  options.commit_interval = 1ms;
  options.hold_back = true;
  options.ahead_bytes = std::size_t{64} << 10;
  start(options);
  std::atomic<int> offered = 0;
  auto all = std::async(std::launch::async, [&] {
    for (; offered < 1000; ++offered) offer();
  });
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().queued_bytes > options.ahead_bytes / 2; }));
  // Nothing else could wake it.
  EXPECT_EQ(all.wait_for(50ms), std::future_status::timeout);
  EXPECT_LE(recorder_->state().queued_bytes, options.ahead_bytes);
  EXPECT_LT(offered, 1000);
  release();
  all.get();
  EXPECT_TRUE(recorder_->finish());
  EXPECT_EQ(recorder_->state().dropped, 0U);
}

}  // namespace
}  // namespace bixws::recording
