// SPDX-License-Identifier: Apache-2.0
// `replay --chaos`: the faults that were asked for, the same with the same seed, each in the log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "support/recorded_day.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;

class ReplayChaos : public RecordedDay {
 protected:
  ReplayChaos() : RecordedDay(BIXWS_BINARY) {}

  struct Seen {
    std::vector<std::int64_t> trades;
    std::vector<std::string> faults;  // the log's words on trades
  };
  Seen play(const std::string& chaos) {
    auto process = replay({"--speed", "max", "--wait-clients", "1", "--chaos", chaos});
    WsTestClient client;
    EXPECT_TRUE(client.connect(url_ + "/?channels=trades&policy=lossless"));
    Seen seen;
    seen.trades = trade_numbers(client);
    EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
    for (const std::string& line : process->lines(Process::Output::err)) {
      const std::size_t at = line.find("chaos: ");
      if (at != std::string::npos) seen.faults.push_back(line.substr(at));
    }
    return seen;
  }
};

std::int64_t count_of(const std::vector<std::string>& faults, const std::string& kind) {
  return std::count_if(faults.begin(), faults.end(),
                       [&](const std::string& fault) { return fault.find(kind) != std::string::npos; });
}

TEST_F(ReplayChaos, DropsDoublesAndReordersByItsSeed) {
  const Seen whole = play("seed=1");
  expect_all_from_one(whole.trades);
  EXPECT_TRUE(whole.faults.empty());
  const auto total = static_cast<std::int64_t>(whole.trades.size());

  const Seen first = play("drop=0.1,dup=0.1,reorder=0.1,seed=3");
  const Seen again = play("drop=0.1,dup=0.1,reorder=0.1,seed=3");
  EXPECT_EQ(first.trades, again.trades);
  EXPECT_EQ(first.faults, again.faults);
  const Seen other = play("drop=0.1,dup=0.1,reorder=0.1,seed=4");
  EXPECT_NE(other.trades, first.trades);

  // The log tells exactly what a client misses, gets twice and gets late.
  const std::set<std::int64_t> distinct(first.trades.begin(), first.trades.end());
  const std::int64_t dropped = count_of(first.faults, "chaos: drop of trades BTCUSDT ");
  const std::int64_t doubled = count_of(first.faults, "chaos: dup of trades BTCUSDT ");
  EXPECT_GT(dropped, 0);
  EXPECT_GT(doubled, 0);
  EXPECT_EQ(static_cast<std::int64_t>(distinct.size()), total - dropped);
  EXPECT_EQ(static_cast<std::int64_t>(first.trades.size()), total - dropped + doubled);
  EXPECT_FALSE(std::is_sorted(first.trades.begin(), first.trades.end()));
  for (const std::string& fault : first.faults) EXPECT_THAT(fault, HasSubstr("2026-11-22T00:00:0")) << fault;
}

TEST_F(ReplayChaos, CutsEverybodyOffAndGoesOnWhenTheyAreBack) {
  auto process = replay({"--speed", "max", "--wait-clients", "1", "--chaos", "disconnect=500"});
  std::vector<std::int64_t> numbers;
  int cuts = 0;
  for (bool over = false; !over;) {
    WsTestClient client;
    ASSERT_TRUE(client.connect(url_ + "/?channels=trades&policy=lossless")) << process->err();
    for (const std::int64_t number : trade_numbers(client)) numbers.push_back(number);
    over = client.close_code() == 1000;
    if (!over) {
      EXPECT_EQ(client.close_code(), 0) << "a cut connection says nothing";
      ++cuts;
    }
  }
  EXPECT_GE(cuts, kEvents / 500 - 1);
  expect_all_from_one(numbers);  // it waits for whoever was cut off
  EXPECT_EQ(process->wait_exit(), ExitStatus{}) << process->err();
  EXPECT_THAT(process->err(), HasSubstr("chaos: disconnect at event 500, 2026-11-22T00:00:00"));
}

TEST_F(ReplayChaos, DelaysInOrder) {
  const Seen delayed = play("delay=2ms,seed=5");
  expect_all_from_one(delayed.trades);
  EXPECT_GT(count_of(delayed.faults, "chaos: delay of "), kEvents / 2);
}

TEST_F(ReplayChaos, RefusesWhatIsNoFault) {
  const Finished wrong = run(BIXWS_BINARY, options({"replay", "day.db", "--chaos", "drop=2"}));
  EXPECT_EQ(wrong.exit.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("drop=2: must be a probability"));
}

}  // namespace
}  // namespace bixws::test
