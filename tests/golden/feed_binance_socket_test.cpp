// SPDX-License-Identifier: Apache-2.0
// The recorded Binance traffic over a real socket through the whole feed, as it is, renamed, and in random pieces.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "support/captures.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"

namespace bixws::test {
namespace {

const std::vector<std::string> kSymbols = {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"};

struct Case {
  const char* name;
  std::uint64_t split_seed;
  bool renamed;
  double speed;
};

class FeedBinanceSocket : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { BIXWS_REQUIRE_CAPTURES(); }

  StandinOptions standin_options() const {
    StandinOptions options;
    options.start_symbols = kSymbols.size();
    options.split_seed = GetParam().split_seed;
    options.speed = GetParam().speed;
    if (GetParam().renamed) {
      options.rename = {{"NKNUSDT", {"AAA", "USDC"}},
                        {"BLZETH", {"BBBB", "TRY"}},
                        {"LRCBTC", {"C", "USDT"}},
                        {"RUNEEUR", {"DDDDD", "BTC"}}};
    }
    return options;
  }
  std::vector<std::string> symbols() const {
    if (!GetParam().renamed) return {"nkn-usdt", "BLZETH", "lrc/btc", "RUNEEUR"};
    return {"AAAUSDC", "BBBBTRY", "CUSDT", "DDDDDBTC"};
  }
};

std::string original_name(std::string line) {
  for (const auto& [now, once] : {std::pair("AAAUSDC", "NKNUSDT"), std::pair("BBBBTRY", "BLZETH"),
                                  std::pair("CUSDT", "LRCBTC"), std::pair("DDDDDBTC", "RUNEEUR")}) {
    const std::string renamed = "|" + std::string(now) + "|";
    if (const auto at = line.find(renamed); at != std::string::npos)
      line.replace(at, renamed.size(), "|" + std::string(once) + "|");
  }
  return line;
}

TEST_P(FeedBinanceSocket, GivesEveryExpectedLine) {
  const auto standin = standin_on("cryptofeed/BINANCE.ws.1.0", standin_options());
  FeedRun run("binance", *standin, steady_config("binance", symbols()));
  run.start();
  ASSERT_TRUE(standin->wait_ended());
  const auto& figures = run.figures();
  ASSERT_TRUE(wait_until([&] {
    return figures.frames.get() >= 265 && figures.book_updates.get() + figures.updates_dropped.get() >= 177;
  })) << figures.frames.get()
      << " frames, " << figures.book_updates.get() << " updates, dropped " << figures.updates_dropped.get() << "; "
      << run.reason();
  EXPECT_TRUE(wait_until([&] { return run.state() == FeedState::live; }));
  run.stop();

  EXPECT_EQ(figures.updates_dropped.get(), 5U);
  EXPECT_EQ(figures.book_updates.get(), 172U);
  EXPECT_EQ(figures.book_snapshots.get(), 4U);
  EXPECT_EQ(run.events(Kind::gap).size(), 0U);
  EXPECT_EQ(figures.resyncs.get(), 0U);
  EXPECT_EQ(figures.connects.get(), 1U);

  // Books wait for their snapshots, other events do not: only lines of one kind and symbol have an order.
  auto lines = lines_of(run.events());
  std::transform(lines.begin(), lines.end(), lines.begin(), original_name);
  EXPECT_EQ(lines.size(), 92U);
  auto expected = lines_of(read_expected("BINANCE"));
  std::sort(lines.begin() + 88, lines.end());
  std::sort(expected.begin() + 88, expected.end());
  EXPECT_EQ(lines, expected);

  for (const std::string& symbol : symbols()) {
    const auto name = symbol == "nkn-usdt" ? "NKNUSDT" : symbol == "lrc/btc" ? "LRCBTC" : symbol;
    const auto theirs = standin->book(name);
    ASSERT_TRUE(theirs) << name;
    EXPECT_EQ(difference(*theirs, run.view(name).book), "") << name;
    EXPECT_EQ(run.view(name).state, FeedState::live) << name;
  }
}

// The k-th book event after the snapshot is the k-th depth frame that the snapshot did not contain.
TEST_P(FeedBinanceSocket, BookTickerAgreesWithTheBookOfItsUpdateId) {
  const auto standin = standin_on("cryptofeed/BINANCE.ws.1.0", standin_options());
  FeedRun run("binance", *standin, steady_config("binance", symbols()));
  run.start();
  ASSERT_TRUE(standin->wait_ended());
  ASSERT_TRUE(wait_until([&] { return run.figures().book_updates.get() == 172; }));
  run.stop();

  const Capture capture = read_capture(capture_path("cryptofeed/BINANCE.ws.1.0"));
  std::map<std::string, std::vector<std::uint64_t>> ids;  // of the kept updates
  std::map<std::string, std::uint64_t> snapshot_ids;
  for (const auto& rest : capture.rest) {
    if (rest.url.find("/depth?") == std::string::npos) continue;
    const auto at = rest.url.find("symbol=") + 7;
    snapshot_ids[rest.url.substr(at, rest.url.find('&') - at)] =
        static_cast<std::uint64_t>(*RawJson::parse_or_throw(rest.body)["lastUpdateId"].integer());
  }
  for (const auto& frame : capture.frames) {
    const RawJson data = RawJson::parse_or_throw(frame.payload)["data"];
    const auto id = static_cast<std::uint64_t>(data["u"].integer().value_or(0));
    if (data["e"].text() == "depthUpdate" && id > snapshot_ids.at(data["s"].text()))
      ids[data["s"].text()].push_back(id);
  }
  std::map<std::pair<std::string, std::uint64_t>, std::string> tops;
  std::map<std::string, market::Book> books;
  std::map<std::string, std::size_t> count;
  for (const Event* event : run.events(Kind::book)) {
    const std::string symbol = original_name("|" + std::string(event->instrument->symbol) + "|");
    const std::string name = symbol.substr(1, symbol.size() - 2);
    market::Book& book = books[name];
    book.apply(event->book());
    const std::uint64_t id =
        event->book().action == BookAction::snapshot ? snapshot_ids.at(name) : ids.at(name).at(count[name]++);
    tops[{name, id}] = book.bids()[0].price.to_string() + " " + book.bids()[0].size.to_string() + " " +
                       book.asks()[0].price.to_string() + " " + book.asks()[0].size.to_string();
  }
  std::size_t compared = 0;
  for (const auto& frame : capture.frames) {
    const RawJson data = RawJson::parse_or_throw(frame.payload)["data"];
    if (data["e"].exists()) continue;
    const auto found = tops.find({data["s"].text(), static_cast<std::uint64_t>(*data["u"].integer())});
    if (found == tops.end()) continue;
    ++compared;
    EXPECT_EQ(found->second,
              data["b"].text() + " " + data["B"].text() + " " + data["a"].text() + " " + data["A"].text());
  }
  EXPECT_EQ(compared, 26U);
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, FeedBinanceSocket,
                         testing::Values(Case{"AsRecorded", 0, false, full_speed},
                                         Case{"FortyTimesTheSpeed", 0, false, 40.0},
                                         Case{"Renamed", 0, true, full_speed},
                                         Case{"InRandomPieces", 4711, false, full_speed},
                                         Case{"RenamedInRandomPieces", 99, true, full_speed}),
                         [](const auto& name) { return std::string(name.param.name); });

}  // namespace
}  // namespace bixws::test
