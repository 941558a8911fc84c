// SPDX-License-Identifier: Apache-2.0
// Every exchange's connection, cut about every 200 messages at random points, some frames lost each time: no book is
// ever shown that the exchange did not have, each hole is told before the data goes on, and every book ends right.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "model/event_json.h"
#include "model/symbol.h"
#include "support/captures.h"
#include "support/feed_run.h"
#include "support/generated_market.h"

namespace bixws::test {
namespace {

struct Exchange {
  const char* name;
  const char* capture;   // empty: generated
  const char* expected;  // the oracle's lines for it, for the trades
  const char* integrity;
  std::map<std::string, std::string> options;
};

std::ostream& operator<<(std::ostream& out, const Exchange& exchange) { return out << exchange.name; }

// As users see it; derivatives keep their id.
std::string name_of_id(const std::string& id) {
  return std::count(id.begin(), id.end(), '-') > 1 ? id : symbol_key(id);
}

bool same_side(const std::map<std::string, StandinLevel, DecimalLess>& a,
               const std::map<std::string, StandinLevel, DecimalLess>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const auto& x, const auto& y) {
    return x.second.price == y.second.price && x.second.size == y.second.size;
  });
}

// Follows one symbol: its published events on one side, the exchange's own book and trades on the other.
class Judge {
 public:
  Judge(const StandinExchange& standin, std::string id, std::vector<std::string> trade_ids)
      : standin_(standin), id_(std::move(id)), trade_ids_(std::move(trade_ids)) {
    if (const StandinBook* start = standin_.timeline().start.book(id_)) theirs_ = *start;
  }

  void look(const Event& event) {
    switch (event.kind) {
      case Kind::status:
        live_ = event.status().state == FeedState::live;
        break;
      case Kind::gap:
        gap(event.gap());
        break;
      case Kind::book:
        book(event.book());
        break;
      case Kind::trades:
        trades(event.trades());
        break;
      default:
        break;
    }
  }

  std::size_t books = 0, book_gaps = 0;

 private:
  void gap(const Gap& gap) {
    EXPECT_FALSE(gap.reason.empty()) << id_;
    EXPECT_LE(gap.from_ts, gap.to_ts) << id_;
    if (gap.channel == Channel::trades) trades_told_ = true;
    if (gap.channel != Channel::book) return;
    EXPECT_FALSE(live_) << id_ << ": a hole in a book that is shown as live";
    book_told_ = true;
    in_step_ = 0;
    ++book_gaps;
  }

  void book(const BookChange& change) {
    ++books;
    if (change.action == BookAction::snapshot) ours_.clear();
    for (const bool bid : {true, false}) {
      for (const Level& level : bid ? change.bids : change.asks) {
        ours_.set(bid, {level.price.to_string(), level.size.to_string(), ""});
      }
    }
    if (change.depth != 0) ours_.truncate(change.depth);
    // The exchange's book goes on, frame by frame, until it is the one that is shown.
    std::size_t passed = 0;
    bool found = change.action == BookAction::snapshot && same();
    while (!found && next_ < standin_.frames().size()) {
      const Step step = advance();
      found = step != Step::none && same();
      const bool shown = found && change.action == BookAction::update;
      if (step == Step::update && !shown) ++passed;
    }
    ASSERT_TRUE(found) << id_ << ": book event " << books << " shows a book that the exchange never had";
    EXPECT_TRUE(passed == 0 || book_told_ || books == 1) << id_ << ": " << passed << " updates are missing, untold";
    // Orders that come and go bring older states back, so a snapshot may seem to be one of them, and the updates after
    // it too: what the gap before it has told holds until they have been in step for a while.
    in_step_ = passed == 0 ? in_step_ + 1 : 0;
    if (in_step_ >= kInStep) book_told_ = false;
  }

  bool same() const { return same_side(ours_.bids, theirs_.bids) && same_side(ours_.asks, theirs_.asks); }

  // One frame further: what it was to this book.
  enum class Step { none, update, snapshot };
  Step advance() {
    const TimelineFrame& frame = standin_.frames()[next_++];
    if (frame.meaning.symbol != id_ || !(frame.meaning.book_update || frame.meaning.book_snapshot)) return Step::none;
    const std::uint64_t before = theirs_.updates;
    standin_.venue().apply(frame, theirs_);
    if (frame.meaning.book_snapshot) return Step::snapshot;
    return theirs_.updates == before ? Step::none : Step::update;
  }

  void trades(const Trades& trades) {
    for (const Trade& trade : trades.list) {
      const auto from = trade_ids_.begin() + static_cast<std::ptrdiff_t>(next_trade_);
      const auto found = std::find(from, trade_ids_.end(), trade.id);
      ASSERT_NE(found, trade_ids_.end()) << id_ << ": trade " << trade.id << " twice, out of order, or never made";
      EXPECT_TRUE(found == from || trades_told_ || next_trade_ == 0)
          << id_ << ": trades before " << trade.id << " are missing, untold";
      next_trade_ = static_cast<std::size_t>(found - trade_ids_.begin()) + 1;
      trades_told_ = false;
    }
  }

  const StandinExchange& standin_;
  std::string id_;
  std::vector<std::string> trade_ids_;
  StandinBook ours_, theirs_;
  static constexpr std::size_t kInStep = 20;
  std::size_t next_ = 0, next_trade_ = 0, in_step_ = 0;
  bool live_ = false, book_told_ = false, trades_told_ = false;
};

class FeedCuts : public testing::TestWithParam<Exchange> {
 protected:
  void SetUp() override {
    if (*GetParam().capture == '\0') {
      GeneratedTraffic traffic = generate_traffic(GetParam().name, 11, 1500);
      capture_ = std::move(traffic.capture);
      expected_ = std::move(traffic.expected);
    } else {
      BIXWS_REQUIRE_CAPTURES();
      capture_ = read_capture(capture_path(GetParam().capture));
      expected_ = read_expected(GetParam().expected);
    }
  }

  void begin(StandinOptions options, feed::FeedConfig config) {
    options.venue = GetParam().name;
    options.hold = true;
    standin_ = std::make_unique<StandinExchange>(capture_, std::move(options));
    for (const auto& frame : standin_->frames()) {
      if (!frame.meaning.symbol.empty()) ids_.insert(frame.meaning.symbol);
    }
    for (const std::string& id : ids_) config.symbols.push_back(name_of_id(id));
    run_ = std::make_unique<FeedRun>(GetParam().name, *standin_, std::move(config), GetParam().options);
    run_->start();
    ASSERT_TRUE(wait_until([&] { return run_->state() == FeedState::live; })) << run_->reason();
    standin_->release();
    ASSERT_TRUE(standin_->wait_ended());
  }

  std::vector<std::string> trades_of(const std::string& id) const {
    std::vector<std::string> ids;
    for (const RawJson& line : expected_) {
      const std::string symbol = line["symbol"].text();
      if (line["kind"].text() == "trade" && name_of_id(symbol) == name_of_id(id)) ids.push_back(line["id"].text());
    }
    return ids;
  }

  bool right(const std::string& id) const {
    const auto theirs = standin_->book(id);
    const auto ours = run_->view(name_of_id(id));
    return !theirs || (ours.state == FeedState::live && difference(*theirs, ours.book).empty());
  }

  Capture capture_;
  std::vector<RawJson> expected_;
  std::set<std::string> ids_;
  std::unique_ptr<StandinExchange> standin_;
  std::unique_ptr<FeedRun> run_;
};

TEST_P(FeedCuts, NoBookLiesAndEveryHoleIsTold) {
  StandinOptions options;
  options.faults = random_drops(200, capture_.frames.size(), 5, 6);
  const std::size_t cuts = options.faults.size();
  begin(std::move(options), quick_config(GetParam().name, {}));
  EXPECT_TRUE(
      wait_until([&] { return std::all_of(ids_.begin(), ids_.end(), [&](const auto& id) { return right(id); }); }));
  run_->stop();
  for (const std::string& id : ids_) EXPECT_TRUE(right(id)) << id << " ends wrong";

  ASSERT_GE(cuts, 1U);
  EXPECT_GE(run_->figures().disconnects.get(), cuts * 3 / 4);
  for (const auto& fault : run_->figures().faults) EXPECT_EQ(fault.get(), 0U) << "half a frame must never be read";
  std::size_t gaps = 0;
  const auto events = run_->events();
  for (const std::string& id : ids_) {
    Judge judge(*standin_, id, trades_of(id));
    for (const Event* event : events) {
      if (event->instrument->symbol == name_of_id(id)) judge.look(*event);
    }
    EXPECT_EQ(judge.books > 0, standin_->book(id).has_value()) << id;
    gaps += judge.book_gaps;
  }
  EXPECT_GE(gaps, cuts / 2) << "a cut leaves holes";
  // Whoever looks at a live book is told what it rests on.
  for (const std::string& id : ids_) {
    if (!standin_->book(id)) continue;
    const Status* last = nullptr;
    for (const Event* event : run_->events(Kind::status)) {
      if (event->instrument->symbol == name_of_id(id)) last = &event->status();
    }
    ASSERT_NE(last, nullptr) << id;
    EXPECT_EQ(name_of(last->integrity), GetParam().integrity) << id;
  }
}

// With the back-off that users have, not the tests' own.
TEST_P(FeedCuts, IsBackWithinTwoSecondsOfTheExchange) {
  Fault cut;
  cut.kind = Fault::Kind::drop;
  cut.at = capture_.frames.size() / 2;
  cut.lose = 5;
  StandinOptions options;
  options.faults = {cut};
  auto config = quick_config(GetParam().name, {});
  config.backoff_least = feed::FeedConfig().backoff_least;
  config.backoff_most = feed::FeedConfig().backoff_most;
  begin(std::move(options), std::move(config));
  ASSERT_TRUE(
      wait_until([&] { return std::all_of(ids_.begin(), ids_.end(), [&](const auto& id) { return right(id); }); }));
  run_->stop();
  std::size_t gaps = 0;
  for (const Event* event : run_->events(Kind::gap)) {
    if (event->gap().channel != Channel::book) continue;
    ++gaps;
    EXPECT_LT(event->gap().to_ts - event->gap().from_ts, 2'000'000) << event->instrument->symbol;
  }
  EXPECT_GE(gaps, 1U);
}

INSTANTIATE_TEST_SUITE_P(
    FeedFault, FeedCuts,
    testing::Values(Exchange{"binance", "cryptofeed/BINANCE.ws.1.0", "BINANCE", "sequence", {}},
                    Exchange{"coinbase", "cryptofeed/COINBASE.ws.28.0", "COINBASE", "snapshot", {}},
                    Exchange{"kraken",
                             "kraken_btcusd_sample.cbcap",
                             "kraken-v2-book.crossbook-btcusd_sample",
                             "checksum",
                             {{"depth", "25"}}},
                    Exchange{"okx", "cryptofeed/OKX.ws.1.0", "OKX", "checksum", {{"types", "SPOT+SWAP+FUTURES"}}},
                    Exchange{"bybit", "", "", "sequence", {}}, Exchange{"bitstamp", "", "", "snapshot", {}}),
    [](const auto& exchange) { return std::string(exchange.param.name); });

}  // namespace
}  // namespace bixws::test
