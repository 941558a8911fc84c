// SPDX-License-Identifier: Apache-2.0
// chart as a user runs it: from a recording, from a server, into a file, into the terminal.
#include <gmock/gmock.h>

#include "support/process.h"
#include "support/serving.h"

namespace bixws::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class ChartCommand : public testing::Test {
 protected:
  Finished bixws(std::vector<std::string> args) const {
    ProcessOptions options;
    options.args = std::move(args);
    options.cwd = folder_.path();
    options.env = {{"LC_ALL", "C.UTF-8"}, {"LINES", "30"}, {"COLUMNS", "100"}};
    return run(BIXWS_BINARY, options);
  }
  void record() const {
    const Finished done =
        bixws({"record", "BTCUSDT", "--feed",
               "sim:rate=0,seed=3,count=20000,channels=trades,start=2026-11-22T00:00:00Z", "-o", "a.db"});
    ASSERT_EQ(done.exit, ExitStatus{}) << done.err;
  }
  TempDir folder_;
};

TEST_F(ChartCommand, DrawsARecordingIntoAFile) {
  record();
  const Finished svg =
      bixws({"chart", "a.db", "btc-usdt", "-o", "a.svg", "--timeframe", "1s", "--indicator", "sma:3,bb:5,rsi:4"});
  ASSERT_EQ(svg.exit, ExitStatus{}) << svg.err;
  EXPECT_THAT(svg.err, HasSubstr("wrote a.svg: 21 candles"));
  EXPECT_THAT(read_file(folder_ / "a.svg"), HasSubstr("</svg>"));
  const Finished png = bixws({"chart", "a.db", "BTCUSDT", "-o", "a.png", "--timeframe", "1s"});
  ASSERT_EQ(png.exit, ExitStatus{}) << png.err;
  EXPECT_THAT(read_file(folder_ / "a.png"), StartsWith("\x89PNG"));
}

TEST_F(ChartCommand, DrawsInTheTerminalWithoutAFile) {
  record();
  const Finished text = bixws({"chart", "a.db", "BTCUSDT", "--timeframe", "1s", "--indicator", "sma:3,ema:50"});
  ASSERT_EQ(text.exit, ExitStatus{}) << text.err;
  EXPECT_THAT(text.out, AllOf(HasSubstr("BTCUSDT  1s"), HasSubstr("┃"), HasSubstr("SMA 3 "), HasSubstr("EMA 50 -")));
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos) << "no colour on a pipe";
  EXPECT_THAT(bixws({"--color", "always", "chart", "a.db", "BTCUSDT", "--timeframe", "1s"}).out, HasSubstr("\x1b["));
}

TEST_F(ChartCommand, SaysWhatIsWrong) {
  record();
  const auto refused = [&](std::vector<std::string> args, const std::string& words, int code = 2) {
    args.insert(args.begin(), "chart");
    const Finished done = bixws(args);
    EXPECT_EQ(done.exit.code, code);
    EXPECT_EQ(done.err, "bixws: " + words + "\n");
  };
  refused({"a.db", "BTCUSDX"}, "unknown symbol BTCUSDX; did you mean BTCUSDT?");
  refused({"a.db"}, "chart takes FILE and SYMBOL, as bixws chart day.db BTCUSDT, or --url U and SYMBOL");
  refused({"a.db", "BTCUSDT", "-o", "a.gif"}, "-o must end with .svg or .png, not a.gif");
  refused({"a.db", "BTCUSDT", "--indicator", "smaa"},
          "--indicator cannot be drawn: unknown indicator smaa; did you mean sma?");
  refused({"a.db", "BTCUSDT", "--timeframe", "1x"},
          "--timeframe must be a timeframe such as 1s, 1m, 5m, 1h or 1d, not 1x");
  refused({"gone.db", "BTCUSDT"}, "gone.db: cannot open: No such file or directory", 1);
}

TEST_F(ChartCommand, AsksARunningServer) {
  const Serving server(BIXWS_BINARY);
  const Finished text = bixws({"chart", "--url", server.ws(), "ETHUSDT"});
  ASSERT_EQ(text.exit, ExitStatus{}) << text.err;
  EXPECT_THAT(text.out, HasSubstr("ETHUSDT  1m"));
  const Finished unknown = bixws({"chart", "--url", server.ws(), "ETHUSDX"});
  EXPECT_EQ(unknown.exit.code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean ETHUSDT?"));
  EXPECT_EQ(bixws({"chart", "--url", "ws://127.0.0.1:1", "ETHUSDT"}).exit.code, 1);
}

}  // namespace
}  // namespace bixws::test
