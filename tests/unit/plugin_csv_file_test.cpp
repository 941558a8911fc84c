// SPDX-License-Identifier: Apache-2.0
// What sink_csv has on the disk after each trade, taken as a kill would leave it: going on from there gives the same
// file.
#include <gtest/gtest.h>

#include <filesystem>

#include "csv/file.h"
#include "support/temp_dir.h"

namespace bixws::csv {
namespace {

namespace fs = std::filesystem;

constexpr Micros kSecond = 1'000'000;
constexpr Micros kBegin = 1'763'856'000'000'000;

struct Made {
  Trade trade;
  Micros open_ts, recv_ts;
};

/// Seven rows; some trades come within the same microsecond, some belong to the row before, one comes too late.
std::vector<Made> made_trades() {
  std::vector<Made> all;
  for (int i = 0; i < 70; ++i) {
    Made made;
    made.trade.price = Decimal::of(64'000 + i % 7, 0);
    made.trade.size = Decimal::of(1 + i, -2);
    made.recv_ts = kBegin + (i / 2) * kSecond / 5;
    const Micros back = i % 9 == 5 ? kSecond : i == 60 ? 5 * kSecond : 0;
    made.trade.ts = made.recv_ts - back;
    made.open_ts = made.trade.ts - made.trade.ts % kSecond;
    all.push_back(made);
  }
  return all;
}

std::string rows_of(const fs::path& folder) { return test::read_file(folder / "a.csv"); }

TEST(CsvFile, GoesOnFromWhatAKillLeftAfterAnyTrade) {
  const test::TempDir dir;
  const auto trades = made_trades();
  const auto add_all = [&](File& file) {
    for (const Made& made : trades) ASSERT_EQ(file.add(made.trade, made.open_ts, made.recv_ts), "");
    ASSERT_EQ(file.keep(), "");
  };
  fs::create_directory(dir / "whole");
  File whole;
  ASSERT_EQ(whole.open((dir / "whole" / "a.csv").string()), "");
  add_all(whole);

  fs::create_directory(dir / "running");
  File running;
  ASSERT_EQ(running.open((dir / "running" / "a.csv").string()), "");
  for (std::size_t i = 0; i < trades.size(); ++i) {
    SCOPED_TRACE(i);
    ASSERT_EQ(running.add(trades[i].trade, trades[i].open_ts, trades[i].recv_ts), "");
    const fs::path left = dir / ("left" + std::to_string(i));
    fs::copy(dir / "running", left);
    File again;
    ASSERT_EQ(again.open((left / "a.csv").string()), "");
    add_all(again);
    EXPECT_EQ(rows_of(left), rows_of(dir / "whole"));
  }
}

}  // namespace
}  // namespace bixws::csv
