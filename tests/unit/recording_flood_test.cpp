// SPDX-License-Identifier: Apache-2.0
// A recorder behind more than it can write at once: when it commits, and how much waits for it.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <thread>
#include <utility>

#include "model/clock.h"
#include "recording/random_events.h"
#include "recording/recorder.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::recording {
namespace {

using namespace std::chrono_literals;

/// A recorder whose thread stands still in its first commit's announcement until release().
class Flood : public ::testing::Test {
 protected:
  void TearDown() override {
    release();
    if (offering_.valid()) offering_.wait();
  }
  void start(RecorderOptions options) {
    options.session.path = (dir_ / "a.db").string();
    options.on_commit = [this, slow = slow_disk_](const Committed&) {
      if (commits_++ == 0) release_.get_future().wait();
      std::this_thread::sleep_for(slow);
    };
    recorder_ = std::make_unique<Recorder>(std::move(options), instruments_, clock_);
    offer();
    ASSERT_TRUE(test::wait_until([&] { return commits_ == 1; }));
  }
  void release() {
    if (!std::exchange(released_, true)) release_.set_value();
  }
  void offer() { recorder_->on_batch(SharedBatch(random_.batch(10)), market_); }

  const test::TempDir dir_;
  Instruments instruments_;
  SystemClock clock_;
  const market::Market market_;
  test::RandomEvents random_{instruments_, 31, {.nasty = false}};
  std::promise<void> release_;
  bool released_ = false;
  std::chrono::milliseconds slow_disk_{0};  // that a commit takes besides
  std::atomic<std::uint64_t> commits_ = 0;
  std::unique_ptr<Recorder> recorder_;
  std::future<void> offering_;
};

// Neither when all of it is older than a commit may wait, nor when a commit takes as long as that.
TEST_F(Flood, WhatWaitedLongIsNotCommittedPieceByPiece) {
  constexpr std::uint64_t kBatches = 100;
  RecorderOptions options;
  options.commit_interval = 40ms;
  slow_disk_ = 50ms;
  ASSERT_NO_FATAL_FAILURE(start(options));
  for (std::uint64_t i = 0; i < kBatches; ++i) offer();
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().lag > 3 * options.commit_interval; }));
  release();
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().queued_bytes == 0; }));
  EXPECT_LT(commits_, kBatches / 2);
  EXPECT_TRUE(recorder_->finish());
  EXPECT_EQ(recorder_->state().dropped, 0U);
}

TEST_F(Flood, WhoMayWaitIsHeldBackWithLittleInBetween) {
  constexpr int kBatches = 200;
  RecorderOptions options;
  options.commit_interval = 5ms;
  options.hold_back = true;
  options.ahead_bytes = std::size_t{64} << 10;
  ASSERT_NO_FATAL_FAILURE(start(options));
  std::atomic<int> offered = 0;
  offering_ = std::async(std::launch::async, [&] {
    for (; offered < kBatches; ++offered) offer();
  });
  ASSERT_TRUE(test::wait_until([&] { return recorder_->state().queued_bytes > options.ahead_bytes / 2; }));
  // Nothing else could wake it.
  EXPECT_EQ(offering_.wait_for(50ms), std::future_status::timeout);
  EXPECT_LE(recorder_->state().queued_bytes, options.ahead_bytes);
  EXPECT_LT(offered, kBatches);
  release();
  offering_.get();
  EXPECT_TRUE(recorder_->finish());
  EXPECT_EQ(recorder_->state().dropped, 0U);
}

}  // namespace
}  // namespace bixws::recording
