// SPDX-License-Identifier: Apache-2.0
// connections=2: two live connections at different points of the stream, one of them killed again and again in the
// middle of it. Nothing is missing and nothing comes twice, which is said by a run over one connection that never
// broke.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "support/dialect_run.h"
#include "support/feed_run.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

struct Pair {
  const char* name;
  const char* capture;
  const char* plugin;
  std::uint64_t chunk;  // frames between two kills
  std::size_t topics;   // of each symbol
};

using Series = std::map<std::string, std::vector<std::string>>;

// Of each symbol its trades as "id price size side", in the order they were published.
Series trades_of(const std::vector<const Event*>& events) {
  Series series;
  for (const Event* event : events) {
    if (event->kind != Kind::trades) continue;
    for (const Trade& trade : event->trades().list) {
      series[std::string(event->instrument->symbol)].push_back(std::string(trade.id) + " " + trade.price.to_string() +
                                                               " " + trade.size.to_string() + " " +
                                                               (trade.side == Side::buy ? "buy" : "sell"));
    }
  }
  return series;
}

std::size_t count(const Series& series) {
  std::size_t sum = 0;
  for (const auto& [symbol, list] : series) sum += list.size();
  return sum;
}

class FeedRedundancy : public testing::TestWithParam<Pair> {
 protected:
  void SetUp() override { BIXWS_REQUIRE_CAPTURES(); }

  // All that the capture holds, over one connection that never broke; known frame by frame.
  void read_all(const std::vector<TimelineFrame>& frames) {
    DialectRun oracle(load_dialect(GetParam().plugin), GetParam().plugin);
    const Capture capture = read_capture(capture_path(GetParam().capture));
    for (const auto& exchange : capture.rest) {
      if (exchange.url.find("exchangeInfo") != std::string::npos ||
          exchange.url.find("products") != std::string::npos) {
        oracle.list(exchange.body);
      }
    }
    std::set<std::string> ids;
    for (const auto& frame : frames) ids.insert(frame.meaning.symbol);
    for (const std::string& id : ids) {
      if (!id.empty()) symbols_.push_back(id);
    }
    oracle.want(symbols_);
    for (const auto& frame : frames) {
      oracle.frame(frame.payload, 1'700'000'000'000'000);
      trades_by_.push_back(oracle.intake().figures().trades.get());
    }
    expected_ = trades_of(oracle.events());
  }

  // How often each symbol was said to be live: once for each topic that a connection begins to bring.
  std::map<Text, std::size_t> said_live() const {
    std::map<Text, std::size_t> said;
    for (const Event* event : run_->events(Kind::status)) {
      if (event->status().state == FeedState::live) ++said[event->instrument->symbol];
    }
    return said;
  }
  // The connections that are open and have asked for everything, the oldest first.
  std::vector<int> listening() const {
    std::vector<int> found;
    const auto seen = standin_->connections();
    for (std::size_t i = 0; i < seen.size(); ++i) {
      if (!seen[i].closed && seen[i].subscriptions.size() >= GetParam().topics * symbols_.size()) {
        found.push_back(static_cast<int>(i));
      }
    }
    return found;
  }
  static std::string name_of(std::string id) {
    std::erase(id, '-');
    return id;
  }

  std::unique_ptr<StandinExchange> standin_;
  std::unique_ptr<FeedRun> run_;
  std::vector<std::string> symbols_;
  std::vector<std::uint64_t> trades_by_;  // after each frame
  Series expected_;
};

TEST_P(FeedRedundancy, KillingEitherLosesNothingAndRepeatsNothing) {
  StandinOptions options;
  options.venue = GetParam().name;
  options.hold = true;
  options.speed = 1000;
  options.start_connections = 2;
  options.connection_delays = {Milliseconds(0), Milliseconds(40), Milliseconds(15)};
  standin_ = standin_on(GetParam().capture, std::move(options));
  read_all(standin_->frames());
  ASSERT_GT(count(expected_), 0U);

  auto config = quick_config(GetParam().plugin, symbols_);
  config.connections = 2;
  run_ = std::make_unique<FeedRun>(GetParam().plugin, *standin_, std::move(config));
  run_->start();
  ASSERT_TRUE(wait_until([&] { return listening().size() == 2; }));

  const std::uint64_t total = standin_->frames().size();
  std::size_t kills = 0;
  for (std::uint64_t done = 0; done < total;) {
    const std::uint64_t next = std::min(total, done + GetParam().chunk);
    // Alternately the older and the younger of the two, in the middle of what is played now.
    const std::vector<int> open = listening();
    ASSERT_EQ(open.size(), 2U);
    // Not before both have brought something, and with it everything that they are subscribed to.
    const bool killing = done > 0 && next > done + 1;
    const auto before = said_live();
    if (killing) {
      Fault kill;
      kill.kind = kills % 3 == 0 ? Fault::Kind::reset : Fault::Kind::drop;
      kill.at = done + (next - done) / 2;
      kill.connection = open[kills % 2];
      standin_->add(kill);
      ++kills;
    }
    standin_->play(next - done);
    ASSERT_TRUE(standin_->wait_played(next));
    // The survivor has brought all of it, and the other is back with every topic.
    const auto back = [&] {
      if (listening().size() != 2) return false;
      const auto now = said_live();
      return std::all_of(symbols_.begin(), symbols_.end(), [&](const std::string& symbol) {
        const auto live = now.find(name_of(symbol));
        if (!killing) return live != now.end() && run_->figures().duplicates.get() > 0;
        return live->second > before.at(name_of(symbol)) + GetParam().topics;
      });
    };
    ASSERT_TRUE(wait_until([&] { return run_->figures().trades.get() >= trades_by_[next - 1] && back(); }))
        << run_->figures().trades.get() << " of " << trades_by_[next - 1] << " trades after frame " << next;
    done = next;
  }
  for (const std::string& symbol : symbols_) {
    EXPECT_TRUE(wait_until([&] {
      return difference(*standin_->book(symbol), run_->view(name_of(symbol)).book).empty();
    })) << symbol
        << ": " << difference(*standin_->book(symbol), run_->view(name_of(symbol)).book);
  }
  run_->stop();

  EXPECT_GT(kills, 4U);
  EXPECT_EQ(run_->figures().disconnects.get(), kills);
  EXPECT_GT(run_->figures().duplicates.get(), 0U) << "the second connection brought nothing";
  EXPECT_EQ(trades_of(run_->events()), expected_);
  for (const Event* event : run_->events(Kind::gap)) {
    ADD_FAILURE() << "a gap of " << event->instrument->symbol << ", channel " << static_cast<int>(event->gap().channel)
                  << ": " << event->gap().reason;
  }
  EXPECT_EQ(run_->figures().resyncs.get(), 0U);
}

INSTANTIATE_TEST_SUITE_P(FeedFault, FeedRedundancy,
                         testing::Values(Pair{"binance", "cryptofeed/BINANCE.ws.1.0", "binance", 40, 4},
                                         Pair{"coinbase", "cryptofeed/COINBASE.ws.28.0", "coinbase", 900, 3}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace bixws::test
