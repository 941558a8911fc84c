// SPDX-License-Identifier: Apache-2.0
// Faults on purpose: what is asked for, how often, and the same every time.
#include <gtest/gtest.h>

#include <vector>

#include "model/chaos.h"
#include "model/config_error.h"

namespace bixws {
namespace {

TEST(Chaos, IsReadAsItIsWritten) {
  const ChaosOptions options = parse_chaos("drop=0.1,dup=0.25,reorder=0,delay=20ms,disconnect=150,seed=7");
  EXPECT_DOUBLE_EQ(options.drop, 0.1);
  EXPECT_DOUBLE_EQ(options.dup, 0.25);
  EXPECT_EQ(options.delay, 20'000);
  EXPECT_EQ(options.disconnect_events, 150U);
  EXPECT_EQ(options.disconnect_time, 0);
  EXPECT_EQ(options.seed, 7U);
  EXPECT_EQ(parse_chaos("disconnect=30s").disconnect_time, 30'000'000);
  EXPECT_FALSE(parse_chaos("").any());
  EXPECT_FALSE(parse_chaos("seed=9").any());
  for (const char* wrong : {"drop", "drop=", "drop=2", "drop=-0.1", "drop=nan", "dup=x", "delay=5", "disconnect=0",
                            "disconnect=soon", "seed=-1", "fire=1", "drop=0.6,dup=0.6"}) {
    EXPECT_THROW((void)parse_chaos(wrong), ConfigError) << wrong;
  }
}

TEST(Chaos, HitsAsOftenAsAskedAndTheSameMessagesAgain) {
  const Chaos chaos(parse_chaos("drop=0.1,dup=0.2,reorder=0.3,seed=5"));
  std::vector<int> counts(4);
  constexpr int kMessages = 20'000;
  int differs = 0;
  const Chaos other(parse_chaos("drop=0.1,dup=0.2,reorder=0.3,seed=6"));
  for (std::uint64_t i = 1; i <= kMessages; ++i) {
    const Fate fate = chaos.fate(chaos_key("trades BTCUSDT", i));
    ++counts[static_cast<std::size_t>(fate)];
    EXPECT_EQ(fate, Chaos(chaos.options()).fate(chaos_key("trades BTCUSDT", i)));
    if (fate != other.fate(chaos_key("trades BTCUSDT", i))) ++differs;
  }
  EXPECT_NEAR(counts[static_cast<std::size_t>(Fate::drop)], kMessages * 0.1, kMessages * 0.01);
  EXPECT_NEAR(counts[static_cast<std::size_t>(Fate::dup)], kMessages * 0.2, kMessages * 0.015);
  EXPECT_NEAR(counts[static_cast<std::size_t>(Fate::reorder)], kMessages * 0.3, kMessages * 0.015);
  EXPECT_GT(differs, kMessages / 4) << "another seed, other faults";
}

TEST(Chaos, DelaysUpToItsBoundAndCutsAtItsPace) {
  Chaos chaos(parse_chaos("delay=10ms,disconnect=3,seed=2"));
  Micros most = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Micros late = chaos.delay(i);
    EXPECT_GE(late, 0);
    EXPECT_LE(late, 10'000);
    most = std::max(most, late);
  }
  EXPECT_GT(most, 9'000);
  std::vector<std::uint64_t> cuts;
  for (std::uint64_t i = 1; i <= 9; ++i) {
    if (chaos.disconnects(i, 1)) cuts.push_back(i);
  }
  EXPECT_EQ(cuts, (std::vector<std::uint64_t>{3, 6, 9}));
  Chaos timed(parse_chaos("disconnect=1s"));
  cuts.clear();
  for (std::uint64_t i = 1; i <= 50; ++i) {
    if (timed.disconnects(i, static_cast<Micros>(i) * 100'000)) cuts.push_back(i);
  }
  EXPECT_EQ(cuts, (std::vector<std::uint64_t>{11, 21, 31, 41}));
}

}  // namespace
}  // namespace bixws
