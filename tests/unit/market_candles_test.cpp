// SPDX-License-Identifier: Apache-2.0
// Candles that no exchange sent: from trades, and from candles of a minute, against sums made the long way round.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>

#include "market/derived_candles.h"

namespace bixws::market {
namespace {

constexpr Micros kMinute = 60'000'000;
constexpr Micros kStart = 1'795'372'800'000'000 / (1440 * kMinute) * (1440 * kMinute);  // midnight, UTC

// Prices in tenths, sizes in thousandths: whole numbers, which have no rounding to agree about.
struct Sum {
  std::int64_t open = 0, high = 0, low = 0, close = 0, volume = 0;
  bool operator==(const Sum&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Sum& s) {
  return out << s.open << " " << s.high << " " << s.low << " " << s.close << " " << s.volume;
}

std::int64_t whole(const Decimal& number, int places) {
  return std::llround(number.to_double() * std::pow(10, places));
}
Sum sum_of(const Candle& c) {
  return {whole(c.open, 1), whole(c.high, 1), whole(c.low, 1), whole(c.close, 1), whole(c.volume, 3)};
}

class MarketCandles : public testing::Test {
 protected:
  // What a timeframe said: the newest of each bucket, and which were closed.
  struct Series {
    std::map<Micros, Sum> buckets;
    std::map<Micros, bool> closed;
    std::uint64_t seq = 0;
  };

  void trade(Micros ts, std::int64_t price, std::int64_t size) {
    const Trade one{Decimal::of(price, -1), Decimal::of(size, -3), Side::buy, "1", ts};
    candles_.apply(Trades{{&one, 1}, false}, ts + 1000);
    hear();
    for (const std::int32_t seconds : kTimeframes) {
      Sum& sum = expected_[seconds]
                     .try_emplace(ts - ts % (seconds * 1'000'000LL), Sum{price, price, price, price, 0})
                     .first->second;
      sum.high = std::max(sum.high, price);
      sum.low = std::min(sum.low, price);
      sum.close = price;
      sum.volume += size;
    }
  }
  void hear() {
    for (std::size_t i = 0; i < kTimeframeCount; ++i) {
      std::vector<NumberedCandle> changes;
      candles_.changes(i, changes);
      Series& series = heard_[kTimeframes[i]];
      for (const NumberedCandle& change : changes) {
        EXPECT_EQ(change.seq, ++series.seq) << kTimeframes[i];
        EXPECT_EQ(change.candle.seconds, kTimeframes[i]);
        EXPECT_FALSE(series.closed[change.candle.open_ts]) << "it was closed already";
        series.buckets[change.candle.open_ts] = sum_of(change.candle);
        series.closed[change.candle.open_ts] = change.candle.closed;
      }
    }
  }

  DerivedCandles candles_;
  std::map<std::int32_t, std::map<Micros, Sum>> expected_;
  std::map<std::int32_t, Series> heard_;
};

TEST_F(MarketCandles, FromTradesAreWhatTheLongWayRoundGives) {
  std::mt19937 random(11);
  Micros now = kStart + 17 * kMinute;
  for (int i = 0; i < 4'000; ++i) {
    now += static_cast<Micros>(random() % 60'000'000);  // some minutes without any trade, over more than a day
    trade(now, 50'000 + static_cast<std::int64_t>(random() % 2'000), 1 + static_cast<std::int64_t>(random() % 5'000));
  }
  for (const std::int32_t seconds : kTimeframes) {
    EXPECT_EQ(heard_[seconds].buckets, expected_[seconds]) << seconds;
    const Micros newest = expected_[seconds].rbegin()->first;
    for (const auto& [open_ts, closed] : heard_[seconds].closed) EXPECT_EQ(closed, open_ts != newest) << seconds;
  }
}

TEST_F(MarketCandles, FromMinutesOfTheExchangeAreTheSameAsFromItsTrades) {
  std::mt19937 random(12);
  Micros now = kStart;
  for (int i = 0; i < 500; ++i) {
    now += static_cast<Micros>(random() % 40'000'000);
    trade(now, 50'000 + static_cast<std::int64_t>(random() % 2'000), 1 + static_cast<std::int64_t>(random() % 5'000));
  }
  const auto from_trades = heard_;
  heard_.clear();
  DerivedCandles fresh;
  std::swap(candles_, fresh);
  for (const auto& [open_ts, sum] : expected_[60]) {
    candles_.apply({60, open_ts, Decimal::of(sum.open, -1), Decimal::of(sum.high, -1), Decimal::of(sum.low, -1),
                    Decimal::of(sum.close, -1), Decimal::of(sum.volume, -3), true},
                   open_ts + kMinute);
    hear();
  }
  EXPECT_TRUE(heard_[60].buckets.empty()) << "the exchange sends these itself";
  for (const std::int32_t seconds : kTimeframes) {
    if (seconds == 60) continue;
    EXPECT_EQ(heard_[seconds].buckets, from_trades.at(seconds).buckets) << seconds;
  }
}

TEST_F(MarketCandles, TradesFromBeforeTheSubscriptionMakeNone) {
  const Trade old{Decimal::of(1), Decimal::of(1), Side::buy, "1", kStart};
  candles_.apply(Trades{{&old, 1}, true}, kStart);
  hear();
  EXPECT_TRUE(heard_[60].buckets.empty());
}

}  // namespace
}  // namespace bixws::market
