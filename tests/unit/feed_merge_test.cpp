// SPDX-License-Identifier: Apache-2.0
// Trades and books put together from one and from two connections: nothing twice, nothing missing, and holes told.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "feed/backoff.h"
#include "feed/book_machine.h"
#include "feed/lag.h"
#include "feed/pacer.h"
#include "feed/trade_merge.h"

namespace bixws::feed {
namespace {

class TradeNotes final : public TradeMerge::Output {
 public:
  void trades_missing(std::uint64_t from, std::uint64_t to, std::int64_t lost) override {
    notes += "[" + std::to_string(from) + ".." + std::to_string(to) +
             (lost == kUnknown ? "" : " lost " + std::to_string(lost)) + "]";
  }
  void trades_ready(Micros, const Trades& trades) override {
    for (const Trade& trade : trades.list) notes += " " + std::string(trade.id);
  }
  std::string notes;
};

class Tape {
 public:
  explicit Tape(TradeIds ids) : merge_(ids) {}
  Tape& join(std::uint32_t connection) {
    merge_.join(connection);
    return *this;
  }
  Tape& leave(std::uint32_t connection) {
    merge_.leave(connection, notes_);
    return *this;
  }
  Tape& offer(std::uint32_t connection, std::vector<std::string> ids) {
    std::vector<Trade> list(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) list[i].id = ids[i];
    merge_.offer(connection, 1, {list}, notes_);
    return *this;
  }
  const std::string& notes() const { return notes_.notes; }

 private:
  TradeMerge merge_;
  TradeNotes notes_;
};

TEST(FeedTradeMerge, OneConnectionPassesThrough) {
  EXPECT_EQ(Tape(TradeIds::consecutive).join(1).offer(1, {"7", "8"}).offer(1, {"9"}).notes(), " 7 8 9");
  EXPECT_EQ(Tape(TradeIds::rising).join(1).offer(1, {"7", "12"}).offer(1, {"90"}).notes(), " 7 12 90");
  EXPECT_EQ(Tape(TradeIds::none).join(1).offer(1, {"x", "a"}).offer(1, {"x"}).notes(), " x a");
}

TEST(FeedTradeMerge, JumpOfConsecutiveIdsIsAGapWithItsCount) {
  EXPECT_EQ(Tape(TradeIds::consecutive).join(1).offer(1, {"7", "10", "11"}).notes(), " 7[7..10 lost 2] 10 11");
}

TEST(FeedTradeMerge, ReconnectTellsExactlyWhatIsMissing) {
  EXPECT_EQ(Tape(TradeIds::consecutive).join(1).offer(1, {"7"}).leave(1).join(2).offer(2, {"6", "7", "8"}).notes(),
            " 7 8");
  EXPECT_EQ(Tape(TradeIds::consecutive).join(1).offer(1, {"7"}).leave(1).join(2).offer(2, {"9"}).notes(),
            " 7[7..9 lost 1] 9");
  EXPECT_EQ(Tape(TradeIds::rising).join(1).offer(1, {"7"}).leave(1).join(2).offer(2, {"9"}).notes(), " 7[7..9] 9");
}

TEST(FeedTradeMerge, FirstArrivalWins) {
  EXPECT_EQ(Tape(TradeIds::consecutive)
                .join(1)
                .join(2)
                .offer(1, {"1", "2"})
                .offer(2, {"1", "2", "3"})
                .offer(1, {"3"})
                .notes(),
            " 1 2 3");
}

TEST(FeedTradeMerge, WhoJoinsAheadWaitsForWhoIsBehind) {
  Tape tape(TradeIds::rising);
  tape.join(1).offer(1, {"10"}).join(2).offer(2, {"14", "16"});
  EXPECT_EQ(tape.notes(), " 10") << "11 to 13 can still come";
  tape.offer(1, {"12"}).offer(1, {"14"});
  EXPECT_EQ(tape.notes(), " 10 12 14 16") << "14 connects them";
}

TEST(FeedTradeMerge, WhatNobodyCanBringAnyMoreIsAGap) {
  Tape tape(TradeIds::consecutive);
  tape.join(1).join(2).offer(1, {"1"}).offer(2, {"1", "4"});
  EXPECT_EQ(tape.notes(), " 1");
  tape.leave(1);
  EXPECT_EQ(tape.notes(), " 1[1..4 lost 2] 4");
}

// Two connections with their own delays over one tape, either of them dying again and again, never both at once.
TEST(FeedTradeMerge, TwoConnectionsLoseAndRepeatNothing) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    std::mt19937 random(seed);
    struct Connection {
      std::uint32_t number;
      std::size_t from;  // the first trade it can bring
      std::size_t at;
    };
    Tape merged(TradeIds::consecutive);
    Connection legs[2] = {{1, 0, 0}, {2, 0, 0}};
    merged.join(1).join(2);
    std::uint32_t next = 3;
    const std::size_t end = 300;
    std::size_t now = 0;
    std::size_t published = 0;
    while (published < end) {
      now = std::min(now + random() % 3, end);
      for (Connection& leg : legs) {
        while (leg.at < now && random() % 3 != 0) merged.offer(leg.number, {std::to_string(100 + leg.at++)});
      }
      for (int twice = 0; twice < 2; ++twice) {
        for (const Connection& leg : legs) {
          if (leg.from <= published) published = std::max(published, leg.at);
        }
      }
      const std::size_t dying = random() % 2;
      // Whoever stays must be able to bring all that is missing, else it is lost for good.
      if (published == 0 || random() % 20 != 0 || legs[1 - dying].from > published) continue;
      merged.leave(legs[dying].number);
      legs[dying] = {next++, now, now};
      merged.join(legs[dying].number);
    }
    std::string all;
    for (std::size_t i = 0; i < end; ++i) all += " " + std::to_string(100 + i);
    EXPECT_EQ(merged.notes(), all) << "seed " << seed;
  }
}

// ---- Books

class BookNotes final : public BookMachine::Output {
 public:
  void book_ready(Micros, const BookChange& change) override {
    notes += change.action == BookAction::snapshot ? " S" : " u";
    for (const Level& level : change.bids) notes += level.price.to_string();
  }
  std::string notes;
};

class FakeDialect final : public Dialect {
 public:
  Traits facts;
  const Traits& traits() const noexcept override { return facts; }
  Text path(Channel) const noexcept override { return "/"; }
  void request(const Request&, TextOut&) noexcept override {}
  void read(const Frame&, Out&) noexcept override {}
  std::uint32_t checksum(std::span<const Level> bids, std::span<const Level>) noexcept override {
    return static_cast<std::uint32_t>(bids.size());
  }
};

class Desk {
 public:
  Desk(Chain chain, SnapshotSource source, std::uint32_t checksum_levels = 0) {
    dialect_.facts.chain = chain;
    dialect_.facts.snapshots = source;
    dialect_.facts.checksum_levels = checksum_levels;
    machine.emplace(dialect_.facts, dialect_);
    machine->join(1);
  }
  static BookUpdate frame(std::uint64_t first, std::uint64_t last, const Level& level) {
    BookUpdate update;
    update.bids = {&level, 1};
    update.first = first;
    update.last = last;
    return update;
  }
  Level level(std::uint64_t price, std::int64_t size = 1) {
    return {Decimal::of(static_cast<std::int64_t>(price)), Decimal::of(size)};
  }
  // Update whose bid price is its last id.
  BookVerdict update(std::uint64_t first, std::uint64_t last, std::uint32_t connection = 1) {
    const Level one = level(last);
    return machine->offer(connection, 1, frame(first, last, one), notes);
  }
  BookVerdict snapshot(std::uint64_t last) {
    const Level one = level(last);
    BookUpdate update = frame(kNoId, last, one);
    update.action = BookAction::snapshot;
    return machine->snapshot(1, update, notes);
  }

  BookNotes notes;
  std::optional<BookMachine> machine;

 private:
  FakeDialect dialect_;
};

using Step = BookVerdict::Step;

TEST(FeedBookMachine, BinanceRuleJoinsUpdatesToTheSnapshot) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  EXPECT_EQ(desk.update(5, 7).step, Step::waiting);
  EXPECT_EQ(desk.update(8, 10).step, Step::waiting);
  EXPECT_EQ(desk.update(11, 11).step, Step::waiting);
  const BookVerdict verdict = desk.snapshot(9);  // inside 8..10
  EXPECT_EQ(verdict.step, Step::published);
  EXPECT_EQ(verdict.dropped, 1U);
  EXPECT_EQ(desk.notes.notes, " S9 u10 u11");
  EXPECT_EQ(desk.update(12, 15).step, Step::published);
  EXPECT_EQ(desk.update(14, 15).step, Step::ignored);
  EXPECT_EQ(desk.machine->integrity(), Integrity::sequence);
}

TEST(FeedBookMachine, SnapshotOlderThanTheFirstUpdateIsRefused) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  desk.update(11, 12);
  EXPECT_EQ(desk.snapshot(9).step, Step::too_old);
  EXPECT_FALSE(desk.machine->live());
  EXPECT_EQ(desk.snapshot(10).step, Step::published);  // equal to U - 1 continues
  EXPECT_EQ(desk.notes.notes, " S10 u12");
}

TEST(FeedBookMachine, GapBreaksAndTheNextSnapshotRepairs) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  desk.snapshot(10);
  const BookVerdict verdict = desk.update(13, 14);
  EXPECT_EQ(verdict.step, Step::broken);
  EXPECT_EQ(verdict.from, 10U);
  EXPECT_EQ(verdict.to, 13U);
  EXPECT_FALSE(desk.machine->live());
  EXPECT_EQ(desk.update(15, 15).step, Step::waiting);
  EXPECT_EQ(desk.snapshot(11).step, Step::too_old);
  EXPECT_EQ(desk.snapshot(14).step, Step::published);
  EXPECT_EQ(desk.notes.notes, " S10 S14 u15");
}

TEST(FeedBookMachine, SecondConnectionFillsTheHoleOfTheFirst) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  desk.machine->join(2);
  desk.snapshot(10);
  desk.update(11, 11, 2);
  EXPECT_EQ(desk.update(13, 13, 1).step, Step::waiting) << "2 may bring 12";
  EXPECT_EQ(desk.update(12, 12, 2).step, Step::published);
  EXPECT_EQ(desk.notes.notes, " S10 u11 u12 u13");
  EXPECT_EQ(desk.update(15, 15, 1).step, Step::waiting);
  EXPECT_EQ(desk.update(16, 16, 2).step, Step::broken) << "now nobody can bring 14";
}

TEST(FeedBookMachine, LinkedIdsMayRestartAndStandStill) {
  Desk desk(Chain::linked, SnapshotSource::subscription);
  const Level one = desk.level(1);
  BookUpdate frame = Desk::frame(kNoId, 100, one);
  frame.action = BookAction::snapshot;
  EXPECT_EQ(desk.machine->offer(1, 1, frame, desk.notes).step, Step::published);
  const auto offer = [&](std::uint64_t previous, std::uint64_t last) {
    BookUpdate update = Desk::frame(kNoId, last, one);
    update.previous = previous;
    return desk.machine->offer(1, 1, update, desk.notes).step;
  };
  EXPECT_EQ(offer(100, 120), Step::published);
  EXPECT_EQ(offer(120, 120), Step::ignored) << "keep-alive";
  EXPECT_EQ(offer(120, 3), Step::published) << "after maintenance";
  EXPECT_EQ(offer(3, 4), Step::published);
  EXPECT_EQ(offer(5, 6), Step::broken);
}

TEST(FeedBookMachine, ChecksumIsComparedAndDepthIsCut) {
  Desk desk(Chain::none, SnapshotSource::subscription, 10);
  const Level one = desk.level(1);
  BookUpdate frame = Desk::frame(kNoId, kNoId, one);
  EXPECT_EQ(desk.machine->offer(1, 1, frame, desk.notes).step, Step::ignored) << "no snapshot yet";
  frame.action = BookAction::snapshot;
  frame.depth = 2;
  frame.has_checksum = true;
  frame.checksum = 1;
  EXPECT_EQ(desk.machine->offer(1, 1, frame, desk.notes).step, Step::published);
  frame.action = BookAction::update;
  Level next;
  for (int price = 2; price <= 5; ++price) {
    next = desk.level(static_cast<std::uint64_t>(price));
    frame.bids = {&next, 1};
    frame.checksum = 2;
    EXPECT_EQ(desk.machine->offer(1, 1, frame, desk.notes).step, Step::published) << price;
  }
  EXPECT_EQ(desk.machine->integrity(), Integrity::checksum);
  EXPECT_EQ(desk.machine->checksums_ok(), 5U);
  frame.checksum = 3;
  const BookVerdict verdict = desk.machine->offer(1, 1, frame, desk.notes);
  EXPECT_EQ(verdict.step, Step::broken);
  EXPECT_STREQ(verdict.reason, "checksum");
}

TEST(FeedBookMachine, WithoutConnectionsItWaitsForASnapshot) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  desk.snapshot(10);
  desk.machine->leave(1);
  EXPECT_FALSE(desk.machine->live());
}

TEST(FeedBookMachine, WhatItKeepsIsBounded) {
  Desk desk(Chain::contiguous, SnapshotSource::rest);
  Step step = Step::waiting;
  std::uint64_t id = 1;
  for (; step == Step::waiting && id < 200'000; ++id) step = desk.update(id, id).step;
  EXPECT_EQ(step, Step::broken);
  EXPECT_LT(id, 70'000U);
}

// ---- Pace

TEST(FeedBackoff, DoublesUpToTheCapWithJitterAndTheSameSeedRepeats) {
  Backoff a(500'000, 30'000'000, 1);
  Backoff b(500'000, 30'000'000, 1);
  Micros least = 500'000;
  for (int i = 0; i < 12; ++i) {
    const Micros delay = a.next();
    EXPECT_EQ(delay, b.next());
    EXPECT_LE(delay, 30'000'000);
    EXPECT_GE(delay, std::min<Micros>(least, 22'000'000));
    least *= 2;
  }
  a.reset();
  EXPECT_LE(a.next(), 750'000);
}

net::Instant at(std::int64_t milliseconds) { return net::Instant(std::chrono::milliseconds(milliseconds)); }
constexpr net::Duration kNow{};

TEST(FeedWindow, NoStretchOfTheSpanHoldsMoreThanAllowed) {
  Window window(4, std::chrono::seconds(1));
  std::vector<std::int64_t> taken;
  for (std::int64_t now = 5'000; now < 9'000; now += 7) {
    if (window.wait(at(now)) != kNow) continue;
    window.take(at(now));
    taken.push_back(now);
  }
  ASSERT_GE(taken.size(), 15U) << "and no less";
  for (std::size_t i = 4; i < taken.size(); ++i) EXPECT_GE(taken[i] - taken[i - 4], 1'000);
  window.take(at(20'000));
  EXPECT_EQ(window.wait(at(20'000)), kNow);
  EXPECT_EQ(Window(0, std::chrono::seconds(1)).wait(at(1)), kNow) << "no limit";
}

TEST(FeedWindow, CountsWhatEachCosts) {
  Window window(100, std::chrono::seconds(1));
  window.take(at(0), 60);
  window.take(at(200), 30);
  EXPECT_EQ(window.wait(at(300), 10), kNow);
  EXPECT_EQ(window.wait(at(300), 11), std::chrono::milliseconds(700)) << "until the first is a second old";
  EXPECT_EQ(window.wait(at(300), 71), std::chrono::milliseconds(900)) << "until the second is";
  EXPECT_EQ(window.wait(at(300), 1000), std::chrono::milliseconds(900)) << "more than all of it: all of it";
  EXPECT_EQ(window.wait(at(1000), 70), kNow);
}

// ---- Time

TEST(FeedLag, TheFastestFrameIsTheZeroAndAMeasuredClockReplacesTheGuess) {
  LagMeter meter;
  EXPECT_EQ(meter.lag(), kUnknown);
  EXPECT_EQ(meter.skew(), kUnknown);
  // Their clock is 2 s ahead of ours; frames take 30 ms, one of them 250 ms.
  const auto frame = [&](Micros sent, Micros took) { meter.sample(sent + took, sent + 2'000'000); };
  Micros now = 1'000'000'000;
  for (int i = 0; i < 100; ++i) frame(now += 10'000, 30'000);
  EXPECT_EQ(meter.lag(), 0);
  EXPECT_EQ(meter.skew(), 1'970'000) << "the least that explains frames from the future";
  frame(now += 10'000, 250'000);
  EXPECT_EQ(meter.lag(), 220'000);
  meter.measured(now, now + 40'000, now + 2'020'000);
  EXPECT_EQ(meter.skew(), 2'000'000);
  // Clocks that drift apart do not add up to a lag: the zero is that of the last minutes.
  for (int i = 0; i < 40'000; ++i) frame(now += 10'000, 30'000 + i);
  EXPECT_LT(meter.lag(), 15'000);
}

}  // namespace
}  // namespace bixws::feed
