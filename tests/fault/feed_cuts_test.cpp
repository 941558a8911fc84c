// SPDX-License-Identifier: Apache-2.0
// Connections cut at random points of the traffic, again and again, with frames lost each time. No wrong book is ever
// shown as live: each one equals, level by level, a state of the exchange's own book, and never an older one than
// before. Each hole has its gap.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/feed_run.h"

namespace bixws::test {
namespace {

constexpr std::size_t kDepth = 25;

struct Cuts {
  const char* venue;
  const char* capture;
  std::uint64_t every;
};

std::string signature(const std::vector<StandinLevel>& bids, const std::vector<StandinLevel>& asks) {
  std::string text;
  for (const StandinLevel& level : bids) text += level.price + "x" + level.size + " ";
  text += "| ";
  for (const StandinLevel& level : asks) text += level.price + "x" + level.size + " ";
  return text;
}

std::string signature(const market::Book& book) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kDepth, book.bids().size()); ++i) {
    text += book.bids()[i].price.to_string() + "x" + book.bids()[i].size.to_string() + " ";
  }
  text += "| ";
  for (std::size_t i = 0; i < std::min(kDepth, book.asks().size()); ++i) {
    text += book.asks()[i].price.to_string() + "x" + book.asks()[i].size.to_string() + " ";
  }
  return text;
}

/// What the events say of one symbol, held against all that the exchange's book ever was.
struct Follower {
  std::vector<std::string> truth;
  std::size_t at = 0;  // how far the truth has been followed
  market::Book book;
  FeedState state = FeedState::none;
  std::size_t compared = 0, lost = 0, gaps = 0;
  std::string wrong;

  void look() {
    if (state != FeedState::live || !wrong.empty()) return;
    const std::string mine = signature(book);
    const auto found = std::find(truth.begin() + static_cast<std::ptrdiff_t>(at), truth.end(), mine);
    ++compared;
    if (found == truth.end()) {
      wrong = "after state " + std::to_string(at) + ": " + mine;
    } else {
      at = static_cast<std::size_t>(found - truth.begin());
    }
  }
};

class FeedCuts : public testing::TestWithParam<Cuts> {};

TEST_P(FeedCuts, NoWrongBookIsEverShownAsLive) {
  BIXWS_REQUIRE_CAPTURES();
  const std::uint64_t total =
      standin_on(GetParam().capture, {.venue = GetParam().venue, .hold = true})->frames().size();
  StandinOptions options;
  options.venue = GetParam().venue;
  options.hold = true;
  options.split_seed = 5;
  options.faults = random_drops(GetParam().every, total - 20, 11, 10);
  const std::size_t cuts = options.faults.size();
  const auto standin = standin_on(GetParam().capture, std::move(options));
  std::set<std::string> symbols;
  for (const auto& frame : standin->frames()) {
    if (frame.meaning.book_update || frame.meaning.book_snapshot) symbols.insert(frame.meaning.symbol);
  }
  auto config = quick_config(GetParam().venue, {symbols.begin(), symbols.end()});
  config.channels = channel_bit(Channel::book) | channel_bit(Channel::trades);
  FeedRun run(GetParam().venue, *standin, std::move(config));
  run.start();
  const auto all_live = [&] {
    const auto events = run.events(Kind::status);
    std::map<Text, FeedState> states;
    for (const Event* event : events) states[event->instrument->symbol] = event->status().state;
    return states.size() == symbols.size() + 1 &&
           std::all_of(states.begin(), states.end(), [](const auto& state) { return state.second == FeedState::live; });
  };
  ASSERT_TRUE(wait_until([&] { return standin->listeners() == 1; }));
  standin->release();
  ASSERT_TRUE(standin->wait_ended());
  ASSERT_TRUE(wait_until(all_live)) << run.reason();
  run.stop();

  std::map<std::string, Follower> followers;
  for (const std::string& id : symbols) {
    std::string name;
    for (const char c : id) name += c == '-' || c == '/' ? "" : std::string(1, c);
    for (const auto& state : book_history(standin->timeline(), standin->venue(), id, kDepth)) {
      followers[name].truth.push_back(signature(state.bids, state.asks));
    }
  }
  for (const Event* event : run.events()) {
    const auto found = followers.find(std::string(event->instrument->symbol));
    if (found == followers.end()) continue;
    Follower& follower = found->second;
    if (event->kind == Kind::book) {
      follower.book.apply(event->book());
      follower.look();
    } else if (event->kind == Kind::status) {
      if (follower.state == FeedState::live && event->status().state != FeedState::live) ++follower.lost;
      follower.state = event->status().state;
      follower.look();
    } else if (event->kind == Kind::gap && event->gap().channel == Channel::book) {
      ++follower.gaps;
      EXPECT_FALSE(event->gap().reason.empty());
      EXPECT_GT(event->gap().from_ts, 0);
      EXPECT_GE(event->gap().to_ts, event->gap().from_ts);
    }
  }
  std::size_t compared = 0;
  for (const auto& [symbol, follower] : followers) {
    EXPECT_EQ(follower.wrong, "") << symbol;
    EXPECT_EQ(follower.state, FeedState::live) << symbol;
    // A connection that goes before the book was there again leaves a hole too.
    EXPECT_GE(follower.gaps, follower.lost) << symbol << ": each hole has its gap";
    EXPECT_GE(follower.lost, 1U) << symbol;
    compared += follower.compared;
  }
  EXPECT_GT(compared, total / 5);
  EXPECT_GE(run.figures().disconnects.get(), cuts / 2) << "of " << cuts;
  for (const auto& fault : run.figures().faults) EXPECT_EQ(fault.get(), 0U) << "half a frame must never be read";
}

INSTANTIATE_TEST_SUITE_P(FeedFault, FeedCuts,
                         testing::Values(Cuts{"binance", "cryptofeed/BINANCE.ws.1.0", 50},
                                         Cuts{"coinbase", "cryptofeed/COINBASE.ws.28.0", 200}),
                         [](const auto& param) { return std::string(param.param.venue); });

// With the times that users get: back within two seconds of the exchange being back.
TEST(FeedRecovery, TakesLessThanTwoSeconds) {
  BIXWS_REQUIRE_CAPTURES();
  const auto standin = standin_on("cryptofeed/BINANCE.ws.1.0", {.hold = true});
  feed::FeedConfig config;
  config.exchange = "binance";
  config.symbols = {"NKNUSDT"};
  FeedRun run("binance", *standin, std::move(config));
  run.start();
  ASSERT_TRUE(wait_until([&] { return run.view("NKNUSDT").state == FeedState::live; }));
  standin->add({.kind = Fault::Kind::drop});
  ASSERT_TRUE(
      wait_until([&] { return standin->connections().size() == 2 && run.view("NKNUSDT").state == FeedState::live; }));
  run.stop();
  Micros lost = 0;
  Micros live = 0;
  for (const Event* event : run.events(Kind::status)) {
    if (event->instrument->symbol != "NKNUSDT") continue;
    if (event->status().state == FeedState::stale) lost = event->recv_ts;
    if (event->status().state == FeedState::live) live = event->recv_ts;
  }
  ASSERT_GT(lost, 0);
  EXPECT_LT(live - lost, 2'000'000);
}

}  // namespace
}  // namespace bixws::test
