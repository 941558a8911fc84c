// SPDX-License-Identifier: Apache-2.0
// REST requests of a feed: within the exchange's weights however many books want a snapshot, and quiet when told so.
// The clock is moved by hand; the exchange is a server on real sockets.
#include <gtest/gtest.h>

#include "feed/rest_queue.h"
#include "unit/net_fixture.h"

namespace bixws::feed {
namespace {

using namespace std::chrono_literals;

class FeedRestQueue : public testing::Test {
 protected:
  FeedRestQueue() {
    limits_.rest_weight = 500;
    limits_.rest_span = 60'000'000;
    limits_.rate_limited_wait = 7'000'000;
    limits_.ban_wait = 90'000'000;
    // Its time is the real one, by which it gives an answer at once.
    site_.inside([this](net::TestSite& site) {
      site.answer = [this](net::HttpSession& session) {
        session.respond({.status = std::exchange(status_, 200), .body = "[]"});
      };
    });
  }

  RestQueue& queue() {
    if (!queue_) queue_ = std::make_unique<RestQueue>(loop_, site_->url("http"), net::HttpClientOptions{}, limits_);
    return *queue_;
  }
  void refuse_next(int status) {
    site_.inside([&](net::TestSite&) { status_ = status; });
  }
  void ask(std::size_t requests, std::uint32_t weight) {
    for (std::size_t i = 0; i < requests; ++i) {
      queue().get("/depth", weight, [this](const RestQueue::Reply& reply) { replies_.push_back(reply); });
    }
  }
  // Exactly so many answers are there once nothing more happens without time going by.
  void expect_answers(std::size_t count) {
    EXPECT_TRUE(net::turn_until(loop_, [&] { return replies_.size() >= count; })) << replies_.size();
    for (int i = 0; i < 20; ++i) loop_.turn(1ms);
    EXPECT_EQ(replies_.size(), count);
    int asked = 0;
    site_.inside([&](net::TestSite& site) { asked = site.requests; });
    EXPECT_EQ(static_cast<std::size_t>(asked), count) << "none is on its way either";
  }
  void advance(net::Duration by) {
    clock_.advance(by);
    loop_.turn(0ms);
  }

  Limits limits_;
  int status_ = 200;  // of the next answer; belongs to the site's thread
  net::Served<net::TestSite> site_;
  net::ManualClock clock_;
  net::Loop loop_{clock_};
  std::unique_ptr<RestQueue> queue_;
  std::vector<RestQueue::Reply> replies_;
};

// 40 books lost at the same moment, 50 each: 10 a minute, wherever the minute begins, and in the end all of them.
TEST_F(FeedRestQueue, AStormStaysWithinTheWeightAndAllAreAnswered) {
  ask(1, 100);  // the instrument list, half a minute earlier
  expect_answers(1);
  advance(30s);
  ask(40, 50);
  expect_answers(1 + 8);
  advance(29'999ms);
  expect_answers(1 + 8);
  advance(1ms);
  expect_answers(1 + 10);  // the list is a minute old
  advance(29'999ms);
  expect_answers(1 + 10);
  advance(1ms);
  expect_answers(1 + 18);
  advance(30s);
  expect_answers(1 + 20);
  advance(30s);
  expect_answers(1 + 28);
  advance(60s);
  expect_answers(1 + 38);
  advance(60s);
  expect_answers(1 + 40);
  for (const RestQueue::Reply& reply : replies_) EXPECT_EQ(reply.refusal, RestQueue::Refusal::none);
}

TEST_F(FeedRestQueue, AnIdleMinuteIsNotSavedUp) {
  advance(600s);
  ask(30, 50);
  expect_answers(10);
  advance(6s);  // a bucket that refills would give one more
  expect_answers(10);
  advance(54s);
  expect_answers(20);
}

TEST_F(FeedRestQueue, ARefusalWithoutATimeIsWaitedOutAsTheDialectSays) {
  refuse_next(429);
  ask(1, 1);
  expect_answers(1);
  EXPECT_EQ(replies_[0].refusal, RestQueue::Refusal::rate_limited);
  EXPECT_EQ(replies_[0].wait, 7'000'000);
  ask(1, 1);
  advance(6'999ms);
  expect_answers(1);
  refuse_next(418);
  advance(1ms);
  expect_answers(2);
  EXPECT_EQ(replies_[1].refusal, RestQueue::Refusal::banned);
  EXPECT_EQ(replies_[1].wait, 90'000'000);
  EXPECT_NE(replies_[1].problem.find("asking again in 90 s"), std::string::npos) << replies_[1].problem;
  ask(3, 1);
  advance(89'999ms);
  expect_answers(2);
  advance(1ms);
  expect_answers(5);
}

// An answer is as old as its sending, not as the wish for it: one that waited for its turn is not thrown away.
TEST_F(FeedRestQueue, TheTimeInTheQueueIsNoPartOfTheAnswersAge) {
  ask(11, 50);
  expect_answers(10);
  advance(60s);
  expect_answers(11);
  EXPECT_EQ(replies_[10].took, 0);
}

}  // namespace
}  // namespace bixws::feed
