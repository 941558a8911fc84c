// SPDX-License-Identifier: Apache-2.0
// A follower on the messages of a publication, whatever is lost between them: its market is the publisher's, with the
// same numbers, or a gap says what is missing.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <random>

#include "hub/hub.h"
#include "nats/follower.h"
#include "nats/publication.h"
#include "recording/random_events.h"
#include "support/live_server.h"

namespace bixws::nats {
namespace {

using test::dec;
using test::levels;

constexpr Micros kStart = 1'795'372'800'000'000;

/// The host's part of a feed, with a market that takes numbers as an edge's does.
class Edge final : public RelayHost {
 public:
  Edge() { market.take_numbers(true); }
  const Instrument& instrument(std::string_view symbol) noexcept override { return instruments.get("nats", symbol); }
  const Instrument& relayed(std::string_view exchange, std::string_view symbol) noexcept override {
    return instruments.get(exchange, symbol);
  }
  bool publish(const Event* events, std::size_t count) noexcept override {
    for (std::size_t i = 0; i < count; ++i) {
      Event& event = kept.append(events[i]);
      market.apply(event, kept.arena());
      if (event.kind == Kind::gap) {
        gaps.emplace_back(event.gap().reason);
        lost += std::max<std::int64_t>(event.gap().lost, 0);
      }
      if (event.kind == Kind::trades) trades.push_back(event.seq);
    }
    return true;
  }
  void log(LogLevel, std::string_view text) noexcept override { logged += text; }
  [[nodiscard]] int stop_fd() const noexcept override { return -1; }
  [[nodiscard]] Micros now() const noexcept override { return kStart; }
  void count(std::string_view name, std::uint64_t add) noexcept override { counts[std::string(name)] += add; }
  void plain_exchange(std::string_view exchange) noexcept override { plain = exchange; }
  void numbered(std::string_view name) noexcept override {
    epochs.emplace_back(name);
    market.reset();
  }
  void reached(const Instrument& who, const Reached& numbers) noexcept override {
    market.reached(who, numbers.trades, {numbers.depths, numbers.depth_count});
  }
  void place(std::string_view text) noexcept override { place_of_trades = {std::string(text), trades.size()}; }
  [[nodiscard]] std::string_view last_place() const noexcept override { return {}; }

  Instruments instruments;
  market::Market market;
  EventBatch kept;
  std::vector<std::string> gaps, epochs;
  std::vector<std::uint64_t> trades;
  std::pair<std::string, std::size_t> place_of_trades;  // the newest, and how many trades there were before it
  std::int64_t lost = 0;
  std::map<std::string, std::uint64_t> counts;
  std::string plain, logged;
};

/// A node and an edge; the broker between them loses what it is told to.
class NatsFollower : public testing::Test {
 protected:
  NatsFollower() {
    publication.begin_epoch("e1");
    publication.set_plain_exchange("acme");
    node.take_numbers(false);
    follow({});
  }
  void follow(Wanted wanted, bool may_ask = true) {
    follower = std::make_unique<Follower>(edge, "md", std::move(wanted), may_ask);
    follower->set_ask([this](std::string_view subjects) {
      std::set<std::string, std::less<>> asked;
      for (std::size_t from = 0; from < subjects.size();) {
        const auto to = std::min(subjects.find('\n', from), subjects.size());
        asked.emplace(subjects.substr(from, to - from));
        from = to + 1;
      }
      questions.push_back(std::move(asked));
    });
    follower->begin();
  }
  /// Each event is a microsecond later than the one before.
  void publish(Event event, bool lose = false) {
    ++now;
    node.apply(event, arena);
    const auto message = publication.publish(event);
    ++stream_seq;
    if (!lose) follower->event(message.subject, message.payload, false, stream_seq);
  }
  void trade(const char* price, bool lose = false) {
    const Trade one{dec(price), dec("1"), Side::buy, "t", kStart};
    publish(Event::of(btc, now, now, hold(Trades{{&one, 1}})), lose);
  }
  void book(BookAction action, const std::vector<Level>& bids, bool lose = false) {
    publish(Event::of(btc, now, now, hold(BookChange{action, FeedState::live, 0, bids, {}})), lose);
  }
  template <typename T>
  const T& hold(const T& body) {
    return *arena.make(body);
  }
  void answer() {
    while (!questions.empty()) {
      const auto asked = std::move(questions.front());
      questions.pop_front();
      publication.answer(asked, [this](std::string_view payload) { follower->answer(std::string(payload)); });
    }
  }
  /// All that an edge passes on is as it is at the node.
  void expect_same_state() {
    for (const market::InstrumentState* there : node.all()) {
      const Instrument& who = edge.instruments.get(there->instrument->exchange, there->instrument->symbol);
      const market::InstrumentState* here = edge.market.find(who.id);
      ASSERT_NE(here, nullptr) << who.symbol;
      EXPECT_EQ(here->trades_seq, there->trades_seq) << who.symbol;
      EXPECT_EQ(here->book_seq, there->book_seq) << who.symbol;
      EXPECT_EQ(here->ticker_seq, there->ticker_seq) << who.symbol;
      for (std::size_t i = 0; i < market::kDepthCount; ++i) {
        EXPECT_EQ(here->depth_seq[i], there->depth_seq[i]) << who.symbol << " book:" << market::kDepths[i];
      }
      EXPECT_TRUE(std::ranges::equal(here->book.bids().top(SIZE_MAX), there->book.bids().top(SIZE_MAX),
                                     [](const Level& a, const Level& b) {
                                       return a.price.to_string() == b.price.to_string() &&
                                              a.size.to_string() == b.size.to_string();
                                     }))
          << who.symbol;
    }
  }

  Instruments instruments;
  const Instrument& btc = instruments.get("acme", "BTCUSDT");
  const Instrument& eth = instruments.get("acme", "ETHUSDT");
  const Instrument& other = instruments.get("zeta", "BTCUSD");
  market::Market node;
  Arena arena;
  Publication publication{"md"};
  Edge edge;
  std::unique_ptr<Follower> follower;
  std::deque<std::set<std::string, std::less<>>> questions;
  Micros now = kStart;
  std::uint64_t stream_seq = 0;
};

TEST_F(NatsFollower, FromTheFirstMessageOnNothingHasToBeAsked) {
  questions.clear();
  book(BookAction::snapshot, levels({{"100", "1"}, {"99", "2"}}));
  trade("100.50");
  book(BookAction::update, levels({{"99", "0"}}));
  expect_same_state();
  EXPECT_TRUE(questions.empty());
  EXPECT_TRUE(edge.gaps.empty());
  EXPECT_EQ(edge.epochs, std::vector<std::string>{"e1"});
  EXPECT_EQ(edge.plain, "acme");
}

TEST_F(NatsFollower, WhoComesLateGetsTheStateAndGoesOnWithTheSameNumbers) {
  follower->pause();
  book(BookAction::snapshot, levels({{"100", "1"}, {"99", "2"}}));
  for (int i = 0; i < 20; ++i) trade("100");
  for (int i = 0; i < 9; ++i) book(BookAction::update, levels({{"98", "3"}}));
  questions.clear();
  follow({});
  trade("101");  // before the answer: it is contained in it
  answer();
  trade("102");
  book(BookAction::update, levels({{"100", "0"}}));
  expect_same_state();
  EXPECT_TRUE(edge.gaps.empty()) << edge.gaps.front();
  EXPECT_EQ(edge.trades, std::vector<std::uint64_t>{22}) << "nothing is told twice";
}

TEST_F(NatsFollower, AHoleInABookIsAGapAndTheWholeBook) {
  questions.clear();
  book(BookAction::snapshot, levels({{"100", "1"}}));
  book(BookAction::update, levels({{"99", "1"}}));
  book(BookAction::update, levels({{"98", "1"}}), true);
  book(BookAction::update, levels({{"97", "1"}}));
  EXPECT_TRUE(edge.gaps.empty()) << "it is told when it is known how much";
  ASSERT_TRUE(test::wait_until([&] {
    follower->look();
    return !questions.empty();
  })) << "a storm of holes is one question";
  EXPECT_TRUE(questions.front().contains("md.acme.BTCUSDT.book"));
  answer();
  ASSERT_EQ(edge.gaps.size(), 1U);
  EXPECT_EQ(edge.lost, 2);
  book(BookAction::update, levels({{"96", "1"}}));
  expect_same_state();
}

TEST_F(NatsFollower, MissedTradesAreCountedWithTheirNumbers) {
  questions.clear();
  trade("1");
  trade("2", true);
  trade("3", true);
  trade("4");
  EXPECT_EQ(edge.lost, 2);
  const auto gap = std::find_if(edge.kept.events().begin(), edge.kept.events().end(),
                                [](const Event& event) { return event.kind == Kind::gap; });
  ASSERT_NE(gap, edge.kept.events().end());
  EXPECT_EQ(gap->gap().channel, Channel::trades);
  EXPECT_EQ(gap->gap().from_seq, 2U);
  EXPECT_EQ(gap->gap().to_seq, 3U);
  EXPECT_EQ(std::next(gap)->seq, 4U) << "the gap stands where something is missing";
  expect_same_state();
}

TEST_F(NatsFollower, TradesMissedUpToAnAnswerHaveAllTheirNumbers) {
  questions.clear();
  trade("1");
  trade("2", true);
  trade("3", true);
  follower->disconnected("gone");
  follower->connected();
  answer();
  trade("4");
  const auto gap = std::find_if(edge.kept.events().begin(), edge.kept.events().end(),
                                [](const Event& event) { return event.kind == Kind::gap; });
  ASSERT_NE(gap, edge.kept.events().end());
  EXPECT_EQ(gap->gap().lost, 2);
  EXPECT_EQ(gap->gap().from_seq, 2U);
  EXPECT_EQ(gap->gap().to_seq, 3U);
  EXPECT_EQ(edge.kept.events().back().seq, 4U);
  expect_same_state();
}

TEST_F(NatsFollower, ALostConnectionIsNamedInItsGaps) {
  questions.clear();
  trade("1");
  follower->disconnected("broken pipe");
  trade("2", true);
  follower->connected();
  answer();
  EXPECT_EQ(edge.gaps, std::vector<std::string>{"the connection to the broker was lost: broken pipe"});
  EXPECT_EQ(edge.lost, 1);
  trade("3");
  EXPECT_EQ(edge.gaps.size(), 1U);
  expect_same_state();
}

TEST_F(NatsFollower, ANodeThatStartedAnewBeginsAnEpoch) {
  questions.clear();
  trade("1");
  publication.begin_epoch("e2");
  node.reset();
  trade("2");
  EXPECT_EQ(edge.epochs, (std::vector<std::string>{"e1", "e2"}));
  ASSERT_EQ(edge.gaps.size(), 1U);
  EXPECT_EQ(edge.gaps.front(), "the publishing node started anew");
  expect_same_state();
}

TEST_F(NatsFollower, SeveralNodesAreNumberedByTheEdge) {
  questions.clear();
  Publication second("md");
  second.begin_epoch("f9");
  const auto from_second = [&] {
    const Trade one{dec("7"), dec("1"), Side::sell, "z", kStart};
    const Trades body{{&one, 1}};
    const auto message = second.publish(Event::of(other, now, now, body));
    follower->event(message.subject, message.payload, false);
  };
  trade("1");
  from_second();
  trade("2");
  from_second();
  answer();
  second.answer({}, [&](std::string_view payload) { follower->answer(payload); });
  trade("3");
  from_second();
  EXPECT_EQ(edge.market.find(edge.instruments.get("acme", "BTCUSDT").id)->trades_seq, 3U);
  EXPECT_EQ(edge.epochs.back(), "") << "two epochs cannot be one";
  EXPECT_NE(edge.logged.find("several nodes"), std::string::npos);
  EXPECT_TRUE(edge.gaps.empty());
}

TEST_F(NatsFollower, OnlyWhatIsWantedIsTaken) {
  Wanted wanted;
  wanted.symbols = {"btc-usdt"};
  wanted.channels = 1U << static_cast<unsigned>(Channel::trades);
  follow(wanted);
  trade("1");
  book(BookAction::snapshot, levels({{"100", "1"}}));
  const Trade one{dec("7"), dec("1"), Side::sell, "z", kStart};
  publish(Event::of(eth, now, now, hold(Trades{{&one, 1}})));
  EXPECT_EQ(edge.kept.size(), 1U);
}

// A recording keeps the place with the events: one too early and they come twice, one too late and they never come.
TEST_F(NatsFollower, APlaceIsToldWithExactlyTheMessagesUpToIt) {
  using Told = std::pair<std::string, std::size_t>;
  follow({}, false);
  follower->read_behind({"MD", 7, 0});
  trade("1");
  trade("2");
  EXPECT_EQ(edge.place_of_trades, Told()) << "nothing was handed over";
  follower->disconnected("pulled");  // from another thread, it may be
  EXPECT_EQ(edge.place_of_trades, Told("MD:7:2", 0));
  EXPECT_EQ(edge.trades.size(), 2U);
  trade("3");
  publication.begin_epoch("e2");
  node.reset();
  trade("4");  // hands over what was before the epoch
  EXPECT_EQ(edge.place_of_trades, Told("MD:7:3", 2));
  EXPECT_EQ(edge.trades.size(), 3U);
  follower->lost("the stream was made anew", 0);
  follower->read_behind({"MD", 8, 0});
  EXPECT_EQ(edge.place_of_trades, Told("MD:8:0", 3));
  EXPECT_EQ(edge.trades.size(), 4U);
}

TEST_F(NatsFollower, WhereNoNodeAnswersItGoesOnAfterAWhile) {
  follower->pause();
  trade("1");
  follow({});
  trade("2");
  EXPECT_TRUE(edge.trades.empty());
  ASSERT_TRUE(test::wait_until([&] {
    follower->look();
    return edge.logged.find("no node answers") != std::string::npos;
  }));
  trade("3");
  EXPECT_EQ(edge.trades.size(), 1U);
}

TEST_F(NatsFollower, ANodeThatComesLaterIsAskedEvenIfItIsQuiet) {
  follower->pause();  // the node is not there for us yet
  book(BookAction::snapshot, levels({{"1", "1"}}));
  follow({});
  questions.clear();
  ASSERT_TRUE(test::wait_until([&] {
    follower->look();
    return questions.size() == 2;
  }));
  EXPECT_TRUE(questions.back().empty());  // about everything
  answer();
  expect_same_state();
  // And then no more: a question would be due every second.
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1'500);
  ASSERT_TRUE(test::wait_until([&] {
    follower->look();
    return std::chrono::steady_clock::now() > until;
  }));
  EXPECT_TRUE(questions.empty());
}

// Whatever is lost and whenever it asks: in the end the edge is where the node is, and each hole was told.
TEST_F(NatsFollower, RandomLossesNeverGoUntold) {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    std::mt19937 random(seed);
    const auto roll = [&](std::uint32_t sides) { return random() % sides; };
    questions.clear();
    std::uint64_t lost = 0;
    const std::int64_t told_before = edge.lost;
    const std::size_t trades_before = edge.trades.size();
    std::size_t trades_sent = 0;
    book(BookAction::snapshot, levels({{"100", "1"}, {"99", "1"}}));
    bool losing = false;
    for (int i = 0; i < 300; ++i) {
      if (roll(20) == 0) losing = !losing;
      const bool lose = losing && roll(2) == 0;
      lost += lose ? 1 : 0;
      if (roll(2) == 0) {
        trade("5", lose);
        ++trades_sent;
      } else {
        const std::string price = std::to_string(80 + roll(40));
        const std::string size = std::to_string(roll(3));
        book(BookAction::update, {Level{dec(price), dec(size)}}, lose);
      }
      if (roll(5) == 0) {
        follower->look();
        answer();
      }
    }
    follower->disconnected("end of a round");
    follower->connected();
    answer();
    trade("6");
    ++trades_sent;
    book(BookAction::update, levels({{"100", "9"}}));
    follower->look();
    answer();
    expect_same_state();
    const std::size_t got = edge.trades.size() - trades_before;
    EXPECT_GE(static_cast<std::size_t>(edge.lost - told_before) + got, trades_sent) << "seed " << seed;
    if (lost == 0) {
      EXPECT_EQ(got, trades_sent);
    }
  }
}

}  // namespace
}  // namespace bixws::nats
