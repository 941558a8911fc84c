// SPDX-License-Identifier: Apache-2.0
// Book and Market against a plain std::map model: same levels, same touched positions, same numbering.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

#include "market/book.h"
#include "market/market.h"
#include "model/instruments.h"

namespace bixws::market {
namespace {

Level level(std::int64_t price, std::int64_t size) { return {Decimal::of(price, -2), Decimal::of(size, -3)}; }

/// One side as the textbook has it.
struct Model {
  bool bids;
  std::map<std::int64_t, std::int64_t> levels;

  std::size_t position(std::int64_t price) const {
    std::size_t better = 0;
    for (const auto& [p, s] : levels) better += bids ? p > price : p < price;
    return better;
  }
  std::size_t apply(std::int64_t price, std::int64_t size) {
    const bool known = levels.contains(price);
    const std::size_t at = position(price);
    if (size == 0) {
      if (!known) return SIZE_MAX;
      levels.erase(price);
    } else {
      levels[price] = size;
    }
    return at;
  }
};

TEST(BookSide, MatchesTheModelOnRandomUpdates) {
  for (const bool bids : {true, false}) {
    std::mt19937_64 random(bids ? 1 : 2);
    BookSide side(bids);
    Model model{bids, {}};
    for (int i = 0; i < 20000; ++i) {
      const auto price = static_cast<std::int64_t>(1 + random() % 300);
      const auto size = static_cast<std::int64_t>(random() % 3 == 0 ? 0 : 1 + random() % 1000);
      ASSERT_EQ(side.apply(level(price, size)), model.apply(price, size));
      ASSERT_EQ(side.size(), model.levels.size());
    }
    std::size_t index = 0;
    const auto check = [&](std::int64_t price, std::int64_t size) {
      EXPECT_EQ(side[index].price, Decimal::of(price, -2));
      EXPECT_EQ(side[index].size, Decimal::of(size, -3));
      ++index;
    };
    if (bids) {
      for (auto it = model.levels.rbegin(); it != model.levels.rend(); ++it) check(it->first, it->second);
    } else {
      for (const auto& [price, size] : model.levels) check(price, size);
    }
  }
}

TEST(BookSide, KeepsTheDigitsOfTheNewestUpdate) {
  BookSide side(true);
  Decimal price;
  ASSERT_EQ(parse_decimal("1.50", price), NumberError::none);
  side.apply({price, Decimal::of(1)});
  ASSERT_EQ(parse_decimal("1.5", price), NumberError::none);
  side.apply({price, Decimal::of(2)});
  ASSERT_EQ(side.size(), 1U);
  EXPECT_EQ(side[0].price.to_string(), "1.5");
}

TEST(Book, TruncatesToTheFeedsDepth) {
  Book book;
  std::vector<Level> bids;
  for (int i = 0; i < 12; ++i) bids.push_back(level(1000 - i, 1));
  book.apply({BookAction::snapshot, FeedState::live, 10, bids, {}});
  EXPECT_EQ(book.bids().size(), 10U);
  const Level better = level(1001, 5);
  const auto touched = book.apply({BookAction::update, FeedState::live, 10, {&better, 1}, {}});
  EXPECT_EQ(touched.bid, 0U);
  EXPECT_EQ(touched.ask, SIZE_MAX);
  EXPECT_EQ(book.bids().size(), 10U);
  EXPECT_EQ(book.bids()[9].price, Decimal::of(992, -2));
}

TEST(Book, KnowsWhenItIsCrossed) {
  Book book;
  const Level bid = level(100, 1);
  const Level ask = level(100, 1);
  EXPECT_FALSE(book.crossed());
  book.apply({BookAction::snapshot, FeedState::live, 0, {&bid, 1}, {}});
  EXPECT_FALSE(book.crossed());
  book.apply({BookAction::update, FeedState::live, 0, {}, {&ask, 1}});
  EXPECT_TRUE(book.crossed());
}

class MarketNumbering : public ::testing::Test {
 protected:
  Instruments instruments;
  const Instrument& btc = instruments.get("sim", "BTCUSDT");
  const Instrument& eth = instruments.get("sim", "ETHUSDT");
  Market market;
  Arena arena;

  Event apply(Event event) {
    market.apply(event, arena);
    return event;
  }
};

TEST_F(MarketNumbering, CountsPerInstrumentAndChannel) {
  const Trade trade{Decimal::of(1), Decimal::of(1), Side::buy, "1", 5};
  const Trades trades{{&trade, 1}};
  EXPECT_EQ(apply(Event::of(btc, 1, 1, trades)).seq, 1U);
  EXPECT_EQ(apply(Event::of(btc, 2, 1, trades)).seq, 2U);
  EXPECT_EQ(apply(Event::of(eth, 3, 1, trades)).seq, 1U);
  Candle minute;
  Candle five;
  five.seconds = 300;
  EXPECT_EQ(apply(Event::of(btc, 4, 1, minute)).seq, 1U);
  EXPECT_EQ(apply(Event::of(btc, 4, 1, five)).seq, 1U);
  EXPECT_EQ(apply(Event::of(btc, 4, 1, minute)).seq, 2U);
  EXPECT_EQ(market.last_recv_ts(), 4);
  market.reset();
  EXPECT_EQ(apply(Event::of(btc, 9, 1, trades)).seq, 1U);
}

TEST_F(MarketNumbering, APartialTickerBecomesTheWholeOne) {
  Ticker full;
  full.price = Decimal::of(100);
  full.volume_24h = Decimal::of(7);
  apply(Event::of(btc, 1, 50, full));
  Ticker quotes;
  quotes.bid = Decimal::of(99);
  const Event merged = apply(Event::of(btc, 2, 0, quotes));
  EXPECT_EQ(merged.ticker().price, Decimal::of(100));
  EXPECT_EQ(merged.ticker().bid, Decimal::of(99));
  EXPECT_EQ(merged.ticker().volume_24h, Decimal::of(7));
  EXPECT_EQ(merged.ts, 50) << "a frame without a time keeps the last one";
  EXPECT_EQ(merged.seq, 2U);
  EXPECT_EQ(apply(Event::of(eth, 3, 60, full)).seq, 3U) << "tickers of all symbols share one count";
}

TEST_F(MarketNumbering, DerivedDepthsCountWhatTouchesThem) {
  std::vector<Level> bids;
  for (int i = 0; i < 30; ++i) bids.push_back(level(1000 - i, 1));
  apply(Event::of(btc, 1, 1, BookChange{BookAction::snapshot, FeedState::live, 0, bids, {}}));
  const InstrumentState* state = market.find(btc.id);
  ASSERT_NE(state, nullptr);
  EXPECT_EQ(state->depth_seq[0], 1U);
  const Level seventh = level(994, 9);
  apply(Event::of(btc, 2, 1, BookChange{BookAction::update, FeedState::live, 0, {&seventh, 1}, {}}));
  EXPECT_EQ(state->depth_seq[0], 1U) << "not among the first 5";
  EXPECT_EQ(state->depth_seq[1], 2U) << "among the first 10";
  const Level unknown = level(500, 0);
  apply(Event::of(btc, 3, 1, BookChange{BookAction::update, FeedState::live, 0, {&unknown, 1}, {}}));
  EXPECT_EQ(state->depth_seq[1], 2U) << "removing what is not there touches nothing";
  EXPECT_EQ(state->book_seq, 3U);
}

}  // namespace
}  // namespace bixws::market
