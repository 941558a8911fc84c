// SPDX-License-Identifier: Apache-2.0
// sink_csv against candles that an independent script computes from the same recording: over restarts at any place, for
// any timeframe, and after being killed.
#include <gmock/gmock.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "support/process.h"

namespace bixws::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Csv : public testing::Test {
 protected:
  void SetUp() override {
    const Finished record =
        bixws({"record", "BTCUSDT", "ETHUSDT", "--feed",
               "sim:rate=0,seed=11,count=20000,channels=trades+candles,start=2026-11-22T23:59:50Z", "-o", "day.db"});
    ASSERT_EQ(record.exit, ExitStatus{}) << record.err;
  }

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }
  Finished bixws(std::vector<std::string> args) const { return run(BIXWS_BINARY, options(std::move(args))); }

  std::vector<std::string> replay(const std::string& sink, std::vector<std::string> more = {}) const {
    std::vector<std::string> args{"replay", "day.db", "--speed", "max", "--no-serve", "--sink", "csv:dir=out," + sink};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  void expect_done(const std::vector<std::string>& args) const {
    const Finished done = bixws(args);
    ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  }

  std::string expected(const std::string& symbol, int seconds) const {
    const Finished script =
        run("/usr/bin/python3", options({std::string(BIXWS_SOURCE_DIR) + "/tests/support/tools/candles_of.py", "day.db",
                                         "sim", symbol, std::to_string(seconds)}));
    EXPECT_EQ(script.exit, ExitStatus{}) << script.err;
    return script.out;
  }
  std::string written(const std::string& name) const { return read_file(folder_ / "out" / name); }
  static std::vector<std::string> lines(const std::string& text) {
    std::vector<std::string> all;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) all.push_back(line);
    return all;
  }

  TempDir folder_;
};

TEST_F(Csv, EqualsTheScript) {
  for (const auto& [timeframe, seconds] : {std::pair{"1s", 1}, std::pair{"1m", 60}, std::pair{"1h", 3600}}) {
    SCOPED_TRACE(timeframe);
    expect_done(replay("timeframe=" + std::string(timeframe)));
    for (const std::string symbol : {"BTCUSDT", "ETHUSDT"}) {
      const std::string script = expected(symbol, seconds);
      EXPECT_GT(lines(script).size(), 1U);
      EXPECT_EQ(written("sim_" + symbol + "_" + timeframe + ".csv"), script);
    }
  }
}

TEST_F(Csv, GoesOnExactlyWhereItWas) {
  // Three pieces, then all of it once more from the beginning: nothing twice, nothing left out.
  expect_done(replay("timeframe=1m", {"--to", "+3s"}));
  expect_done(replay("timeframe=1m", {"--from", "+3s", "--to", "+7s"}));
  expect_done(replay("timeframe=1m", {"--from", "+7s"}));
  EXPECT_EQ(written("sim_BTCUSDT_1m.csv"), expected("BTCUSDT", 60));
  expect_done(replay("timeframe=1m"));
  EXPECT_EQ(written("sim_BTCUSDT_1m.csv"), expected("BTCUSDT", 60));
}

TEST_F(Csv, HasWholeRowsWheneverItIsKilledAndIsWholeAfterwards) {
  std::mt19937 random(5);
  for (int i = 0; i < 5; ++i) {
    SCOPED_TRACE(i);
    Process killed(BIXWS_BINARY, options(replay("timeframe=1s")));
    const fs::path file = folder_ / "out" / "sim_BTCUSDT_1s.csv";
    const auto size = fs::exists(file) ? fs::file_size(file) : 0;
    wait_until([&] { return !killed.running() || (fs::exists(file) && fs::file_size(file) > size); });
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3'000));  // the moment is what is tried
    killed.send_signal(SIGKILL);
    killed.wait_exit();
    for (const std::string& line : lines(written("sim_BTCUSDT_1s.csv"))) {
      EXPECT_EQ(std::count(line.begin(), line.end(), ','), 7) << line;
    }
  }
  expect_done(replay("timeframe=1s"));
  EXPECT_EQ(written("sim_BTCUSDT_1s.csv"), expected("BTCUSDT", 1));
}

TEST_F(Csv, BeginsAFileEachDay) {
  expect_done(replay("timeframe=1s,rotate=daily"));
  const std::string today = written("sim_BTCUSDT_1s_2026-11-22.csv");
  const std::string all = expected("BTCUSDT", 1);
  EXPECT_EQ(today, all.substr(0, today.size()));
  std::string together = today;
  for (const std::string day : {"2026-11-23"}) {
    const fs::path next = folder_ / "out" / ("sim_BTCUSDT_1s_" + day + ".csv");
    if (!fs::exists(next)) continue;
    const std::string text = read_file(next);
    together += text.substr(text.find('\n') + 1);
  }
  EXPECT_EQ(together, all);
}

TEST_F(Csv, TakesTheExchangesCandles) {
  expect_done(replay("timeframe=1m,source=candles"));
  const auto rows = lines(written("sim_BTCUSDT_1m.csv"));
  ASSERT_GT(rows.size(), 1U);
  const Finished sql = run("/usr/bin/sqlite3", options({"day.db",
                                                        "SELECT open_ts, close FROM v_candles WHERE symbol = 'BTCUSDT' "
                                                        "GROUP BY open_ts HAVING seq = max(seq)"}));
  EXPECT_EQ(lines(sql.out).size(), rows.size() - 1) << sql.out << sql.err;
  EXPECT_THAT(rows[1], testing::EndsWith(",,")) << "candles tell neither count nor average";
}

TEST_F(Csv, KeepsASmallerCopyOfTheSameLooks) {
  expect_done(replay("timeframe=1s,max_points=5"));
  const auto all = lines(written("sim_BTCUSDT_1s.csv"));
  const auto few = lines(written("sim_BTCUSDT_1s.lttb.csv"));
  ASSERT_GT(all.size(), 6U);
  ASSERT_EQ(few.size(), 6U);
  EXPECT_EQ(few.front(), all.front());
  EXPECT_EQ(few[1], all[1]);
  EXPECT_EQ(few.back(), all.back());
  for (const std::string& line : few) EXPECT_NE(std::find(all.begin(), all.end(), line), all.end()) << line;
}

}  // namespace
}  // namespace bixws::test
