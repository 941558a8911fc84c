// SPDX-License-Identifier: Apache-2.0
// Pages of the past from a recording: exact, whole, and never beyond what is asked or has happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "recording/past.h"
#include "recording/session_writer.h"
#include "support/live_server.h"
#include "support/temp_dir.h"

namespace bixws::recording {
namespace {

using test::dec;

constexpr Micros kT = 1'795'374'000'000'000;  // a full hour
constexpr Micros kSecond = 1'000'000;

class RecordingPast : public testing::Test {
 protected:
  // A session of one trade a second from `first` on, with another symbol in between; a chunk is 30 s long.
  void write_trades(int first, int count, bool minutes = false) {
    SessionOptions options;
    options.path = file_.string();
    options.feeds = "acme";
    options.version = "test";
    options.now = kT;
    SessionWriter writer(options);
    for (int i = first; i < first + count; ++i) {
      auto batch = std::make_shared<EventBatch>();
      const Micros at = kT + i * kSecond;
      const Trade trade{dec(std::to_string(1000 + i) + ".50"), dec("0.10"), Side::buy, "7", at - 1000};
      batch->append(Event::of(btc_, at, at - 1000, Trades{{&trade, 1}, false}));
      const Trade other{dec("5"), dec("1"), Side::sell, "8", at};
      batch->append(Event::of(eth_, at, at, Trades{{&other, 1}, false}));
      if (minutes && i % 60 == 59) {
        const Candle candle{60, kT + (i - 59) * kSecond, dec("1"), dec("9"), dec("0"), dec("2"), dec("6.0"), true};
        batch->append(Event::of(btc_, at, 0, candle));
      }
      writer.write(batch);
    }
    writer.finish();
  }
  HistoryQuery query(Channel channel, std::size_t limit) const {
    HistoryQuery made;
    made.instrument = &btc_;
    made.channel = channel;
    made.limit = limit;
    return made;
  }
  static std::vector<int> numbers(const HistoryPage& page) {
    std::vector<int> list;
    for (const Event& event : std::as_const(*page.events).events()) {
      list.push_back(static_cast<int>((event.recv_ts - kT) / kSecond));
    }
    return list;
  }
  static std::vector<int> range(int first, int last) {
    std::vector<int> list;
    for (int i = first; i <= last; ++i) list.push_back(i);
    return list;
  }

  test::TempDir folder_;
  std::filesystem::path file_ = folder_ / "day.db";
  Instruments instruments_;
  const Instrument& btc_ = instruments_.get("acme", "BTCUSDT");
  const Instrument& eth_ = instruments_.get("acme", "ETHUSDT");
};

// Whatever page is asked for: the first item is the whole book right after that event, the others are as recorded.
TEST_F(RecordingPast, BooksBeginWithTheBookAsItWas) {
  constexpr int kBooks = 400;
  std::mt19937 random(5);
  const auto level = [&] {
    return Level{Decimal::of(1000 + static_cast<int>(random() % 20), -1), Decimal::of(static_cast<int>(random() % 3))};
  };
  std::vector<std::string> states;
  std::vector<Micros> times;
  const auto text_of = [](const market::Book& book) {
    std::string text;
    for (const auto& side : {book.bids().top(SIZE_MAX), book.asks().top(SIZE_MAX)}) {
      for (const Level& l : side) text += " " + l.price.to_string() + "x" + l.size.to_string();
      text += " |";
    }
    return text;
  };
  {
    SessionOptions options;
    options.path = file_.string();
    options.feeds = "acme";
    options.version = "test";
    options.now = kT;
    SessionWriter writer(options);
    market::Book book;
    Micros now = kT;
    for (int i = 0; i < kBooks; ++i) {
      now += static_cast<Micros>(random() % 3) * kSecond;  // several come at once
      const std::vector<Level> bids = {level(), level()};
      const std::vector<Level> asks = {level()};
      const BookAction action = i == 0 || i == 250 ? BookAction::snapshot : BookAction::update;
      const BookChange change{action, FeedState::live, 0, bids, asks};
      book.apply(change);
      states.push_back(text_of(book));
      times.push_back(now);
      auto batch = std::make_shared<EventBatch>();
      batch->append(Event::of(eth_, now, now, BookChange{BookAction::snapshot, FeedState::live, 0, asks, {}}));
      batch->append(Event::of(btc_, now, now, change));
      writer.write(batch);
    }
    writer.finish();
  }
  Past past(file_.string(), 0);
  const auto check = [&](const HistoryQuery& wanted, std::size_t first, std::size_t count) {
    const HistoryPage page = past.read(wanted);
    const auto events = std::as_const(*page.events).events();
    ASSERT_EQ(events.size(), count) << "from " << first;
    market::Book book;
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(events[i].recv_ts, times[first + i]) << first;
      if (i == 0) {
        ASSERT_EQ(events[i].book().action, BookAction::snapshot) << first;
      }
      book.apply(events[i].book());
      ASSERT_EQ(text_of(book), states[first + i]) << first << " + " << i;
    }
  };
  for (std::size_t end = 1; end <= kBooks; end += 7) {
    HistoryQuery wanted = query(Channel::book, 1 + end % 11);
    wanted.to = times[end - 1] + 1;
    std::size_t whole = end;  // all of that time are in
    while (whole < kBooks && times[whole] == times[end - 1]) ++whole;
    const std::size_t count = std::min(wanted.limit, whole);
    check(wanted, whole - count, count);
    wanted.to = INT64_MAX;
    wanted.from = times[end - 1];
    wanted.forward = true;
    std::size_t begin = end - 1;
    while (begin > 0 && times[begin - 1] == times[end - 1]) --begin;
    check(wanted, begin, std::min(wanted.limit, kBooks - begin));
  }
}

TEST_F(RecordingPast, TheLastOnesTheFirstOnesAndARange) {
  write_trades(0, 6000);
  Past past(file_.string(), 0);
  HistoryQuery wanted = query(Channel::trades, 10);
  HistoryPage page = past.read(wanted);
  EXPECT_EQ(numbers(page), range(5990, 5999));
  EXPECT_TRUE(page.more);
  const Event& last = std::as_const(*page.events).events().back();
  EXPECT_EQ(last.instrument, &btc_);
  EXPECT_EQ(last.trades().list[0].price.to_string(), "6999.50");
  EXPECT_EQ(last.trades().list[0].size.to_string(), "0.10");
  wanted.to = kT + 2100 * kSecond;
  wanted.limit = 200;
  EXPECT_EQ(numbers(past.read(wanted)), range(1900, 2099));
  wanted.from = kT + 2000 * kSecond;
  wanted.forward = true;
  page = past.read(wanted);
  EXPECT_EQ(numbers(page), range(2000, 2099));
  EXPECT_FALSE(page.more);
  wanted.limit = 30;
  page = past.read(wanted);
  EXPECT_EQ(numbers(page), range(2000, 2029));
  EXPECT_TRUE(page.more);
  wanted.from = kT + 9000 * kSecond;
  wanted.to = INT64_MAX;
  EXPECT_EQ(past.read(wanted).size(), 0U);
}

TEST_F(RecordingPast, GoesOnInTheSessionBeforeAndTakesWhereTwoOverlapTheLaterOne) {
  write_trades(0, 500);
  write_trades(400, 300);
  Past past(file_.string(), 0);
  HistoryPage page = past.read(query(Channel::trades, 5000));
  EXPECT_EQ(numbers(page), range(0, 699));
  EXPECT_FALSE(page.more);
  HistoryQuery forward = query(Channel::trades, 250);
  forward.forward = true;
  forward.from = kT + 300 * kSecond;
  EXPECT_EQ(numbers(past.read(forward)), range(300, 549));
  EXPECT_EQ(numbers(Past(file_.string(), 1).read(query(Channel::trades, 5000))), range(0, 499));
}

TEST_F(RecordingPast, WhatHasNotHappenedYetIsNotTold) {
  write_trades(0, 500);
  Past past(file_.string(), 1);
  HistoryQuery wanted = query(Channel::trades, 3);
  wanted.now = kT + 100 * kSecond;
  EXPECT_EQ(numbers(past.read(wanted)), range(98, 100));
  wanted = query(Channel::candle, 100);
  wanted.seconds = 60;
  wanted.now = kT + 100 * kSecond;
  const HistoryPage page = past.read(wanted);
  ASSERT_EQ(page.size(), 3U);
  EXPECT_EQ(std::as_const(*page.events).events()[2].candle().close.to_string(), "1100.50");
}

TEST_F(RecordingPast, CandlesAreMadeFromTradesAcrossChunks) {
  write_trades(0, 6000);
  Past past(file_.string(), 0);
  HistoryQuery wanted = query(Channel::candle, 100);
  wanted.seconds = 3600;
  const HistoryPage hours = past.read(wanted);
  ASSERT_EQ(hours.size(), 2U + 1U);  // the first trade happened a millisecond before the hour
  const Candle& hour = std::as_const(*hours.events).events()[1].candle();
  EXPECT_EQ(hour.open_ts, kT);
  EXPECT_EQ(hour.open.to_string(), "1001.50");
  EXPECT_EQ(hour.high.to_string(), "4600.50");
  EXPECT_EQ(hour.low.to_string(), "1001.50");
  EXPECT_EQ(hour.close.to_string(), "4600.50");
  EXPECT_EQ(hour.volume.to_string(), "360.00");
  EXPECT_TRUE(hour.closed);
  EXPECT_FALSE(std::as_const(*hours.events).events()[2].candle().closed);
  wanted.seconds = 60;
  wanted.limit = 5;
  wanted.to = kT + 3000 * kSecond;
  const HistoryPage minutes = past.read(wanted);
  ASSERT_EQ(minutes.size(), 5U);
  EXPECT_TRUE(minutes.more);
  EXPECT_EQ(std::as_const(*minutes.events).events()[0].candle().open_ts, kT + 2700 * kSecond);
  EXPECT_EQ(std::as_const(*minutes.events).events()[0].candle().volume.to_string(), "6.00");
  wanted.forward = true;
  wanted.from = kT + 600 * kSecond;
  const HistoryPage first = past.read(wanted);
  ASSERT_EQ(first.size(), 5U);
  EXPECT_EQ(std::as_const(*first.events).events()[0].candle().open_ts, kT + 600 * kSecond);
  EXPECT_EQ(std::as_const(*first.events).events()[0].candle().volume.to_string(), "6.00");
}

TEST_F(RecordingPast, TheExchangesOwnCandlesComeBeforeWhatTradesWouldMake) {
  write_trades(0, 600, true);
  Past past(file_.string(), 0);
  HistoryQuery wanted = query(Channel::candle, 100);
  wanted.seconds = 60;
  const HistoryPage minutes = past.read(wanted);
  EXPECT_EQ(std::as_const(*minutes.events).events().back().candle().high.to_string(), "9");
  wanted.seconds = 300;
  const HistoryPage fives = past.read(wanted);
  const Candle& five = std::as_const(*fives.events).events().back().candle();
  EXPECT_EQ(five.high.to_string(), "9");
  EXPECT_EQ(five.volume.to_string(), "30.0");
}

TEST_F(RecordingPast, ReadsNoMoreThanItMay) {
  write_trades(0, 6000);
  Past past(file_.string(), 0, 300);
  const HistoryPage page = past.read(query(Channel::trades, 5000));
  EXPECT_TRUE(page.more);
  EXPECT_GT(page.size(), 0U);
  EXPECT_LE(page.size(), 200U);
  EXPECT_EQ(numbers(page).back(), 5999);
}

TEST_F(RecordingPast, WhatIsGoodBeforeDamageIsTold) {
  write_trades(0, 6000);
  {
    Database database(file_.string(), Database::Access::write);
    database.exec("UPDATE chunks SET data = zeroblob(length(data)) WHERE id = (1 << 32) + 1");
  }
  const HistoryPage page = Past(file_.string(), 0).read(query(Channel::trades, 10'000));
  EXPECT_TRUE(page.more);
  EXPECT_EQ(numbers(page).back(), 5999);
  EXPECT_GT(numbers(page).front(), 30);  // where the chunk after the damaged one begins
  EXPECT_LT(numbers(page).front(), 120);
}

}  // namespace
}  // namespace bixws::recording
