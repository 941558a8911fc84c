// SPDX-License-Identifier: Apache-2.0
// feed_sim, as the plugin it is: repeatable to the byte, on time, and a market at every moment.
#include <bixws/stop_signal.h>
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "host/registry.h"
#include "host/spec.h"
#include "host_fakes.h"
#include "market/book.h"
#include "model/batch.h"
#include "model/config_error.h"

namespace bixws::host {
namespace {

using testing::HasSubstr;

constexpr Micros kStart = 1'795'381'200'000'000;  // 2026-11-22T21:00:00Z
const std::string kStartKey = ",start=2026-11-22T21:00:00Z";

class CollectingHost final : public Host {
 public:
  const Instrument& instrument(std::string_view symbol) noexcept override { return instruments.get("sim", symbol); }
  bool publish(const Event* events, std::size_t count) noexcept override {
    for (std::size_t i = 0; i < count; ++i) {
      batch.append(events[i]);
      published_at.push_back(now());
    }
    published.fetch_add(count);
    if (batch.size() >= stop_after) stop.set();
    return true;
  }
  void log(LogLevel, std::string_view) noexcept override {}
  [[nodiscard]] int stop_fd() const noexcept override { return stop.fd(); }
  [[nodiscard]] Micros now() const noexcept override { return clock.now(); }
  void count(std::string_view, std::uint64_t) noexcept override {}

  Instruments instruments;
  SystemClock clock;
  StopSignal stop;
  std::size_t stop_after = SIZE_MAX;
  EventBatch batch;
  std::vector<Micros> published_at;
  std::atomic<std::size_t> published{0};  // what other threads may look at while the source runs
};

struct Sim {
  explicit Sim(const std::string& keys, std::vector<std::string> symbols = {"BTCUSDT", "ETHUSDT"},
               std::uint32_t channels = UINT32_MAX) {
    static Registry registry({BIXWS_BUILD_DIR});
    const Descriptor& plugin = registry.load("feed", "sim");
    const SpecSettings settings(parse_spec("sim:" + keys),
                                {"feed sim", {plugin.options, plugin.option_count}, std::move(symbols), channels});
    source.reset(plugin.make_source(settings, error));
  }
  int run() { return source->run(host); }
  /// Canonical text of everything, status left out.
  [[nodiscard]] std::string text() {
    TextBuffer out;
    for (const Event& event : host.batch.events()) {
      const std::size_t before = out.size();
      append_canonical(out, event);
      if (out.size() > before) out.raw('\n');
    }
    return out.str();
  }
  /// Market events, without the status at the beginning.
  [[nodiscard]] std::span<const Event> events() const {
    const EventBatch& batch = host.batch;
    return batch.events().subspan(1);
  }

  Error error{};
  CollectingHost host;
  std::unique_ptr<FeedSource> source;
};

std::string made(const std::string& keys) {
  Sim sim(keys);
  EXPECT_NE(sim.source, nullptr) << sim.error.text;
  EXPECT_EQ(sim.run(), 0);
  return sim.text();
}

TEST(Sim, SameSeedAndStartGiveTheSameBytes) {
  const std::string keys = "rate=0,count=5000,seed=7" + kStartKey;
  const std::string text = made(keys);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 5000);
  EXPECT_EQ(text, made(keys));
  EXPECT_NE(text, made("rate=0,count=5000,seed=8" + kStartKey));
}

TEST(Sim, DigitsAreTheSameOnEveryMachine) {
  // Integers only: whoever changes this line changes every recorded digest of sim sessions.
  Sim sim("rate=0,count=1,seed=7,channels=ticker" + kStartKey, {"BTCUSDT"});
  sim.run();
  EXPECT_EQ(sim.text(), R"({"data":{"BTCUSDT":{"ask":64232.64,"ask_size":0.02591,"bid":64230.69,"bid_size":0.02933,)"
                        R"("change_24h":-1.657,"exchange":"sim","high_24h":66347.96,"low_24h":63677.85,)"
                        R"("open_24h":65314.39,"price":64231.50,"quote_volume_24h":60317600.8767175,)"
                        R"("recv_ts":1795381200000000,"ts":1795381199988588,"volume_24h":926.81250}},)"
                        R"("ts":1795381200000000,"type":"market_update"})"
                        "\n");
}

TEST(Sim, EveryEventIsStampedWithTheTimeItIsDue) {
  Sim sim("rate=3000,count=300,seed=1" + kStartKey);
  ASSERT_EQ(sim.run(), 0);
  ASSERT_EQ(sim.events().size(), 300U);
  for (std::size_t i = 0; i < 300; ++i) {
    EXPECT_EQ(sim.events()[i].recv_ts, kStart + static_cast<Micros>(i) * 1'000'000 / 3000);
    EXPECT_LT(sim.events()[i].ts, sim.events()[i].recv_ts);
  }
}

TEST(Sim, IsNeverEarlyAndSleepsInBetween) {
  Sim sim("rate=1000,count=400");
  rusage before{};
  rusage after{};
  const Micros begin = sim.host.now();
  ::getrusage(RUSAGE_THREAD, &before);
  ASSERT_EQ(sim.run(), 0);
  ::getrusage(RUSAGE_THREAD, &after);
  const Micros took = sim.host.now() - begin;
  for (std::size_t i = 0; i < sim.events().size(); ++i) {
    EXPECT_GE(sim.host.published_at[i + 1], sim.events()[i].recv_ts);
  }
  const auto cpu = [](const rusage& r) {
    return Micros{r.ru_utime.tv_sec + r.ru_stime.tv_sec} * 1'000'000 + r.ru_utime.tv_usec + r.ru_stime.tv_usec;
  };
  EXPECT_GE(took, 399'000);
  EXPECT_LT(cpu(after) - cpu(before), took / 2);
}

TEST(Sim, StopsWhenAskedWhileWaiting) {
  Sim sim("rate=0.001");
  std::thread stopper([&] {
    EXPECT_TRUE(test::wait_until([&] { return sim.host.published > 0; }));
    sim.host.stop.set();
  });
  EXPECT_EQ(sim.run(), 0);
  stopper.join();
}

TEST(Sim, StopsWhenAskedWhileRacing) {
  Sim sim("rate=0");
  sim.host.stop_after = 10'000;
  EXPECT_EQ(sim.run(), 0);
  EXPECT_LT(sim.host.batch.size(), 11'000U);
}

TEST(Sim, EndsAfterItsOwnTime) {
  Sim sim("rate=0,duration=2s" + kStartKey);
  ASSERT_EQ(sim.run(), 0);
  EXPECT_EQ(sim.events().size(), 2000U);  // rate=0 counts as if it were 1,000 a second
  EXPECT_TRUE(sim.source->held_back());
  EXPECT_FALSE(Sim("rate=5").source->held_back());
}

TEST(Sim, BooksBeginWithASnapshotAndAreAlwaysAMarket) {
  Sim sim("rate=0,count=20000,seed=3,channels=book+trades+ticker,depth=15" + kStartKey,
          {"BTCUSDT", "DOGEUSDT", "PEPEEUR"});
  ASSERT_EQ(sim.run(), 0);
  std::map<std::string_view, market::Book> books;
  std::size_t updates = 0;
  for (const Event& event : sim.events()) {
    const auto symbol = event.instrument->symbol;
    if (event.kind == Kind::book) {
      const BookChange& change = event.book();
      EXPECT_EQ(change.action == BookAction::snapshot, !books.contains(symbol));
      market::Book& book = books[symbol];
      for (const auto* side : {&change.bids, &change.asks}) {
        for (const Level& level : *side) EXPECT_GT(level.price, Decimal::of(0));
      }
      book.apply(change);
      ++updates;
      ASSERT_FALSE(book.crossed());
      ASSERT_EQ(book.bids().size(), 15U);
      ASSERT_EQ(book.asks().size(), 15U);
    } else if (event.kind == Kind::trades) {
      const market::Book& book = books.at(symbol);
      for (const Trade& trade : event.trades().list) {
        EXPECT_GT(trade.size, Decimal::of(0));
        EXPECT_GE(trade.price, trade.side == Side::buy ? book.asks()[0].price : trade.price);
        EXPECT_LE(trade.price, trade.side == Side::sell ? book.bids()[0].price : trade.price);
      }
    } else if (event.kind == Kind::ticker) {
      const market::Book& book = books.at(symbol);
      EXPECT_TRUE(identical(event.ticker().bid, book.bids()[0].price));
      EXPECT_TRUE(identical(event.ticker().ask_size, book.asks()[0].size));
    }
  }
  EXPECT_EQ(books.size(), 3U);
  EXPECT_GT(updates, 5000U);
}

TEST(Sim, TickersAreWholeAndPlausible) {
  Sim sim("rate=0,count=3000,channels=ticker" + kStartKey, {"BTCUSDT"});
  ASSERT_EQ(sim.run(), 0);
  for (const Event& event : sim.events()) {
    const Ticker& t = event.ticker();
    for (const Decimal* field : {&t.price, &t.bid, &t.ask, &t.bid_size, &t.ask_size, &t.open_24h, &t.high_24h,
                                 &t.low_24h, &t.volume_24h, &t.quote_volume_24h, &t.change_24h}) {
      ASSERT_TRUE(field->has_value());
    }
    EXPECT_LT(t.bid, t.ask);
    EXPECT_LE(t.low_24h, t.price);
    EXPECT_GE(t.high_24h, t.price);
    EXPECT_GT(t.price.to_double(), 50'000);
    EXPECT_LT(t.price.to_double(), 80'000);
    EXPECT_NEAR(t.quote_volume_24h.to_double() / t.volume_24h.to_double(), t.price.to_double(), 10'000);
    EXPECT_NEAR(t.change_24h.to_double(), (t.price.to_double() / t.open_24h.to_double() - 1) * 100, 0.001);
  }
}

TEST(Sim, CandlesAreWhatTheTradesSay) {
  Sim full("rate=0,duration=10m,channels=trades+candles" + kStartKey, {"BTCUSDT", "ETHUSDT"});
  ASSERT_EQ(full.run(), 0);
  struct Bar {
    Decimal open, high, low, close;
    double volume = 0;
  };
  std::map<std::pair<std::string_view, Micros>, Bar> bars;
  std::map<std::string_view, Micros> last_closed;
  std::size_t closed = 0;
  for (const Event& event : full.events()) {
    const auto symbol = event.instrument->symbol;
    if (event.kind == Kind::trades) {
      for (const Trade& trade : event.trades().list) {
        Bar& bar = bars[{symbol, event.recv_ts / 60'000'000 * 60'000'000}];
        if (!bar.open.has_value()) bar = {trade.price, trade.price, trade.price, trade.price, 0};
        bar.high = std::max(bar.high, trade.price);
        bar.low = std::min(bar.low, trade.price);
        bar.close = trade.price;
        bar.volume += trade.size.to_double();
      }
      continue;
    }
    const Candle& candle = event.candle();
    EXPECT_EQ(candle.seconds, 60);
    EXPECT_GT(candle.open_ts, last_closed[symbol]);
    const Bar& bar = bars.at({symbol, candle.open_ts});
    EXPECT_EQ(candle.open, bar.open);
    EXPECT_EQ(candle.high, bar.high);
    EXPECT_EQ(candle.low, bar.low);
    EXPECT_EQ(candle.close, bar.close);
    EXPECT_NEAR(candle.volume.to_double(), bar.volume, 1e-6);
    if (candle.closed) {
      last_closed[symbol] = candle.open_ts;
      ++closed;
    }
  }
  EXPECT_EQ(closed, 18U);
}

TEST(Sim, MakesOnlyTheChannelsAskedFor) {
  Sim keys("rate=0,count=500,channels=trades+ticker" + kStartKey);
  keys.run();
  for (const Event& event : keys.events()) EXPECT_TRUE(event.kind == Kind::trades || event.kind == Kind::ticker);
  Sim asked("rate=0,count=500" + kStartKey, {"BTCUSDT"}, 1U << static_cast<unsigned>(Channel::book));
  asked.run();
  for (const Event& event : asked.events()) EXPECT_EQ(event.kind, Kind::book);
}

TEST(Sim, RefusesWhatItCannotMake) {
  EXPECT_STREQ(Sim("rate=5", {"BTCUSDX"}).error.text, "unknown symbol BTCUSDX; did you mean BTCUSDT?");
  EXPECT_STREQ(Sim("rate=-1").error.text, "rate must be from 0 to 1000000 events per second");
  EXPECT_STREQ(Sim("rate=2000000").error.text, "rate must be from 0 to 1000000 events per second");
  EXPECT_STREQ(Sim("count=-1").error.text, "count must not be negative");
  EXPECT_STREQ(Sim("depth=0").error.text, "depth must be from 1 to 5000");
  EXPECT_STREQ(Sim("start=yesterday").error.text, "start must be a time such as 2026-11-22T00:00:00Z, not yesterday");
  EXPECT_STREQ(Sim("rate=1", {}).error.text, "no symbols are asked for");
  EXPECT_THROW(Sim("channels=trade"), ConfigError);
}

TEST(Sim, TwoSpellingsOfASymbolAreOneMarket) {
  Sim sim("rate=0,count=2,channels=ticker" + kStartKey, {"btc-usdt", "XBTUSDT"});
  EXPECT_STREQ(sim.error.text, "");
  sim.run();
  EXPECT_EQ(sim.events()[0].instrument, sim.events()[1].instrument);
}

}  // namespace
}  // namespace bixws::host
