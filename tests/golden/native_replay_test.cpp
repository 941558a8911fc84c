// SPDX-License-Identifier: Apache-2.0
// `bixws replay --native` on captures: our own feeds, pointed at it, give what an independent oracle made of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>

#include "support/captures.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"
#include "support/process.h"
#include "support/raw_session.h"

namespace bixws::test {
namespace {

using ::testing::HasSubstr;

struct Case {
  const char* name;
  const char* exchange;
  const char* capture;
  const char* expected;
  std::map<std::string, std::string> options;
  int topics;  // channels of symbols that the feed asks for
  std::vector<std::string> more;
};

class NativeReplay : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    BIXWS_REQUIRE_CAPTURES();
    capture_ = read_capture(capture_path(GetParam().capture));
    write_raw_session(folder_ / "raw.db", GetParam().exchange, capture_);
  }

  /// Our names of all symbols in the oracle's lines.
  std::vector<std::string> symbols() const {
    std::set<std::string> names;
    for (const RawJson& line : read_expected(GetParam().expected)) {
      std::string symbol = line["symbol"].text();
      std::erase(symbol, '-');
      if (!symbol.empty()) names.insert(symbol);
    }
    return {names.begin(), names.end()};
  }

  TempDir folder_;
  Capture capture_;
};

TEST_P(NativeReplay, OurFeedSeesWhatTheOracleSaw) {
  ProcessOptions options;
  options.args = {"replay",        (folder_ / "raw.db").string(),    "--native", "--port", "0",
                  "--wait-topics", std::to_string(GetParam().topics)};
  options.args.insert(options.args.end(), GetParam().more.begin(), GetParam().more.end());
  Process replay(BIXWS_BINARY, options);
  const auto listening = replay.wait_for_line("listening on ws://(\\S+)", Process::Output::err);
  ASSERT_TRUE(listening) << replay.err();

  auto feed_options = GetParam().options;
  feed_options["url"] = "ws://" + (*listening)[1];
  feed_options["rest"] = "http://" + (*listening)[1];
  FeedRun run(GetParam().exchange, feed_options, steady_config(GetParam().exchange, symbols()));
  run.start();
  EXPECT_EQ(replay.wait_exit(Milliseconds(60'000)), ExitStatus{}) << replay.err();
  auto expected = lines_of(read_expected(GetParam().expected));
  ASSERT_TRUE(wait_until([&] { return lines_of(run.events()).size() >= expected.size(); }))
      << lines_of(run.events()).size() << " of " << expected.size() << " lines; " << run.reason() << replay.err();
  run.stop();

  auto lines = lines_of(run.events());
  std::sort(lines.begin(), lines.end());  // only lines of one kind and symbol have an order
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(lines, expected);
}

TEST_P(NativeReplay, RefusesWhatItCannotPlay) {
  ProcessOptions options;
  options.args = {"replay", (folder_ / "raw.db").string(), "--native", "--exchange", "nowhere"};
  const Finished wrong = run(BIXWS_BINARY, options);
  EXPECT_EQ(wrong.exit.code, 2);
  EXPECT_THAT(wrong.err, HasSubstr("has no frames of nowhere, but of " + std::string(GetParam().exchange)));
  options.args = {"replay", (folder_ / "raw.db").string(), "--native", "--paused"};
  const Finished paused = run(BIXWS_BINARY, options);
  EXPECT_EQ(paused.exit.code, 2);
  EXPECT_THAT(paused.err, HasSubstr("--paused does not go together with --native"));
}

INSTANTIATE_TEST_SUITE_P(
    Captures, NativeReplay,
    testing::Values(
        Case{"Binance", "binance", "cryptofeed/BINANCE.ws.1.0", "BINANCE", {{"best", "true"}}, 20, {"--speed", "20"}},
        Case{"Coinbase", "coinbase", "cryptofeed/COINBASE.ws.28.0", "COINBASE", {}, 40, {"--speed", "max"}}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace bixws::test
