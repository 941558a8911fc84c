// SPDX-License-Identifier: Apache-2.0
// `history`: what was, oldest first, in the channel's own shape, from memory and from a recording without a hole or a
// duplicate where the two meet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/history_ring.h"
#include "support/live_server.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr Micros kSecond = 1'000'000;

class Historian {
 public:
  explicit Historian(const LiveServer& live) {
    if (!client_.connect(live.url())) throw std::runtime_error("no connection");
  }
  RawJson ask(const std::string& fields) {
    client_.send_text(R"({"type":"history","id":"h1",)" + fields + "}");
    const auto answer = client_.next_text_that([](const std::string& text) {
      return text.starts_with(R"({"type":"history")") || text.starts_with(R"({"type":"error")");
    });
    return RawJson::parse_or_throw(answer.value_or("null"));
  }
  WsTestClient& client() { return client_; }

 private:
  WsTestClient client_;
};

std::vector<std::string> prices(const RawJson& answer) {
  std::vector<std::string> list;
  for (const RawJson& item : answer["data"].items()) list.emplace_back(item["price"].raw());
  return list;
}

TEST(ServerHistory, TradesOldestFirstInTheirOwnShapeThoughNobodyListened) {
  LiveServer live;
  live.trade(*live.btc, "50000.10", "0.0100", kT);
  live.trade(*live.eth, "9.0", "1", kT + 1);
  live.trade(*live.btc, "50000.20", "2", kT + 2);
  live.hub->drain();
  Historian historian(live);
  const RawJson answer = historian.ask(R"("symbol":"btc/usdt","channel":"trades")");
  EXPECT_EQ(answer.raw(),
            R"({"type":"history","id":"h1","exchange":"acme","symbol":"BTCUSDT","channel":"trades","data":[)"
            R"({"price":50000.10,"size":0.0100,"side":"buy","id":"t1","ts":1795372799999000,)"
            R"("recv_ts":1795372800000000},{"price":50000.20,"size":2,"side":"buy","id":"t1",)"
            R"("ts":1795372799999002,"recv_ts":1795372800000002}]})");
}

TEST(ServerHistory, TheLimitTakesTheLastOnesAndFromTheFirstOnes) {
  LiveServer live;
  for (int i = 0; i < 10; ++i) live.trade(*live.btc, std::to_string(i), "1", kT + i * kSecond);
  live.hub->drain();
  Historian historian(live);
  RawJson answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades","limit":3)");
  EXPECT_THAT(prices(answer), ElementsAre("7", "8", "9"));
  EXPECT_TRUE(answer["more"].is_true());
  const std::string from = std::to_string(kT + 2 * kSecond);
  const std::string to = std::to_string(kT + 5 * kSecond);
  answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades","limit":2,"from":)" + from);
  EXPECT_THAT(prices(answer), ElementsAre("2", "3"));
  EXPECT_TRUE(answer["more"].is_true());
  answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades","from":)" + from + R"(,"to":)" + to);
  EXPECT_THAT(prices(answer), ElementsAre("2", "3", "4"));
  EXPECT_FALSE(answer["more"].exists());
  answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades","limit":2,"to":)" + to);
  EXPECT_THAT(prices(answer), ElementsAre("3", "4"));
  answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades","from":"2026-11-22T18:40:08Z")");
  EXPECT_THAT(prices(answer), ElementsAre("8", "9"));
}

TEST(ServerHistory, CandlesOfEveryTimeframeFromTradesAndTheOneThatIsOpen) {
  LiveServer live;
  for (int second = 0; second < 600; second += 20) {
    live.trade(*live.btc, std::to_string(100 + second), "0.5", kT + second * kSecond + 1000);
  }
  live.hub->drain();
  Historian historian(live);
  const RawJson minutes = historian.ask(R"("symbol":"BTCUSDT","channel":"candles:1m")");
  ASSERT_EQ(minutes["data"].size(), 10U);
  EXPECT_EQ(minutes["channel"].text(), "candles:1m");
  EXPECT_EQ(minutes["data"][0].raw(), R"({"open_ts":1795372800000000,"open":100,"high":140,"low":100,"close":140,)"
                                      R"("volume":1.5,"closed":true,"recv_ts":1795372860001000})");
  EXPECT_EQ(minutes["data"][9]["closed"].raw(), "false");
  EXPECT_EQ(minutes["data"][9]["close"].raw(), "680");
  const RawJson fives = historian.ask(R"("symbol":"BTCUSDT","channel":"candles:5m")");
  ASSERT_EQ(fives["data"].size(), 2U);
  EXPECT_EQ(fives["data"][0]["open"].raw(), "100");
  EXPECT_EQ(fives["data"][0]["close"].raw(), "380");
  EXPECT_EQ(fives["data"][0]["volume"].raw(), "7.5");
}

TEST(ServerHistory, TickersAndNothingForASymbolThatHasNone) {
  LiveServer live;
  live.ticker(*live.btc, "1.50", kT);
  live.ticker(*live.btc, "1.60", kT + 1);
  live.hub->drain();
  Historian historian(live);
  EXPECT_THAT(prices(historian.ask(R"("symbol":"BTCUSDT","channel":"ticker")")), ElementsAre("1.50", "1.60"));
  const RawJson none = historian.ask(R"("symbol":"ETHUSDT","channel":"ticker")");
  EXPECT_EQ(none["data"].raw(), "[]");
  EXPECT_EQ(historian.ask(R"("symbol":"zeta:BTCUSD","channel":"alerts")")["symbol"].text(), "zeta:BTCUSD");
}

TEST(ServerHistory, MistakesAreAnsweredWithTheirCodeAndTheRequestsId) {
  LiveServer live;
  Historian historian(live);
  const auto refused = [&](const std::string& fields, const std::string& code, const std::string& what) {
    const RawJson answer = historian.ask(fields);
    EXPECT_EQ(answer["type"].text(), "error") << fields;
    EXPECT_EQ(answer["id"].text(), "h1");
    EXPECT_EQ(answer["code"].text(), code) << fields;
    EXPECT_THAT(answer["message"].text(), HasSubstr(what));
  };
  refused(R"("symbol":"NOPE","channel":"trades")", "unknown_symbol", "unknown symbol NOPE");
  refused(R"("symbol":"BTCUSDT","channel":"smoke")", "unknown_channel", "unknown channel smoke");
  refused(R"("symbol":"BTCUSDT","channel":"status")", "unknown_channel", "no history of status is kept");
  refused(R"("symbol":"BTCUSDT","channel":"book:25")", "unknown_channel",
          "no history of book:25 is kept; ask for book, which has every level");
  refused(R"("symbol":"BTCUSDT","channel":"book","limit":1001)", "too_many", "limit must be at most 1000");
  refused(R"("symbol":"BTCUSDT")", "bad_request", "channel is missing");
  refused(R"("channel":"trades")", "bad_request", "symbol is missing");
  refused(R"("symbol":"BTCUSDT","channel":"trades","limit":0)", "bad_request", "limit must be at least 1");
  refused(R"("symbol":"BTCUSDT","channel":"trades","limit":5001)", "too_many", "limit must be at most 5000");
  refused(R"("symbol":"BTCUSDT","channel":"trades","limit":"all")", "bad_request", "limit must be an integer");
  refused(R"("symbol":"BTCUSDT","channel":"trades","from":"noon")", "bad_request", "from: noon is no time");
  refused(R"("symbol":"BTCUSDT","channel":"trades","from":5,"to":5)", "bad_request", "from must be before to");
}

TEST(ServerHistory, OfABookMemoryHasTheOneThatIs) {
  LiveServer live;
  live.book(*live.btc, BookAction::snapshot, levels({{"10.00", "1"}, {"9", "2"}}), levels({{"11", "3.50"}}), kT);
  live.book(*live.btc, BookAction::update, levels({{"9", "0"}}), {}, kT + 1);
  live.hub->drain();
  Historian historian(live);
  const RawJson answer = historian.ask(R"("symbol":"BTCUSDT","channel":"book")");
  EXPECT_EQ(answer["channel"].text(), "book");
  EXPECT_EQ(answer["data"].raw(), R"([{"action":"snapshot","bids":[[10.00,1]],"asks":[[11,3.50]],)"
                                  R"("ts":1795372799999001,"recv_ts":1795372800000001,"state":"live"}])");
  EXPECT_EQ(historian.ask(R"("symbol":"ETHUSDT","channel":"book")")["data"].raw(), "[]");
  EXPECT_EQ(historian.ask(R"("symbol":"BTCUSDT","channel":"book","to":)" + std::to_string(kT + 1))["data"].raw(), "[]");
}

// The recording's page and the book in memory make one page that begins with a snapshot, whatever its limit.
TEST(ServerHistory, BooksOfTheRecordingEndInTheOneThatIs) {
  const Instrument* instrument = nullptr;
  std::vector<std::size_t> limits;
  server::Options options;
  options.history = [&](const HistoryQuery& query) {
    limits.push_back(query.limit);
    HistoryPage page;
    for (std::size_t i = 5 - std::min<std::size_t>(query.limit, 5); i < 5; ++i) {
      const BookAction action = page.events->empty() ? BookAction::snapshot : BookAction::update;
      const auto bids = levels({{"10", "1"}});
      const Micros at = kT + static_cast<Micros>(i);
      if (query.covers(at)) page.events->append(Event::of(*instrument, at, 0, BookChange{action, {}, 0, bids, {}}));
    }
    return page;
  };
  LiveServer live(std::move(options));
  instrument = live.btc;
  live.book(*live.btc, BookAction::snapshot, levels({{"10", "7"}}), {}, kT + 5);
  live.hub->drain();
  Historian historian(live);
  for (const std::size_t limit : {1U, 2U, 3U, 6U, 100U}) {
    const RawJson answer = historian.ask(R"("symbol":"BTCUSDT","channel":"book","limit":)" + std::to_string(limit));
    const auto items = answer["data"].items();
    ASSERT_EQ(items.size(), std::min<std::size_t>(limit, 6));
    EXPECT_EQ(items.front()["action"].text(), "snapshot");
    EXPECT_EQ(items.back()["bids"].raw(), "[[10,7]]");
    EXPECT_EQ(items.back()["recv_ts"].integer(), kT + 5);
  }
  EXPECT_THAT(limits, ElementsAre(1, 2, 5, 99)) << "for the first the recording is not even looked at";
}

// A recording that has every trade from the beginning, as the server would see it.
server::Options with_recording(const Instrument*& instrument, int trades) {
  server::Options options;
  options.history = [&instrument, trades](const HistoryQuery& query) {
    HistoryPage page;
    std::vector<Micros> times;
    for (int i = 0; i < trades; ++i) {
      if (query.covers(kT + i * kSecond)) times.push_back(kT + i * kSecond);
    }
    page.more = times.size() > query.limit;
    if (page.more && query.forward) times.resize(query.limit);
    if (page.more && !query.forward) times.erase(times.begin(), times.end() - static_cast<long>(query.limit));
    for (const Micros time : times) {
      const Trade trade{dec(std::to_string((time - kT) / kSecond)), dec("1"), Side::buy, "t1", time};
      append_items(*page.events, Event::of(*instrument, time, time, Trades{{&trade, 1}, false}));
    }
    return page;
  };
  return options;
}

TEST(ServerHistory, WhereMemoryEndsTheRecordingGoesOnWithoutHoleOrDuplicate) {
  constexpr int kAll = 2500;  // more than memory keeps
  const Instrument* instrument = nullptr;
  LiveServer live(with_recording(instrument, kAll));
  instrument = live.btc;
  // Memory has only what came after the server was started: the last 1,000 of these.
  for (int i = 1000; i < kAll; ++i) live.trade(*live.btc, std::to_string(i), "1", kT + i * kSecond);
  live.hub->drain();
  Historian historian(live);
  const auto expect = [&](const std::string& fields, int first, int last) {
    const RawJson answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades",)" + fields);
    std::vector<std::string> wanted;
    for (int i = first; i <= last; ++i) wanted.push_back(std::to_string(i));
    EXPECT_EQ(prices(answer), wanted) << fields;
  };
  const auto at = [](int i) { return std::to_string(kT + i * kSecond); };
  expect(R"("limit":10)", 2490, 2499);
  expect(R"("limit":2000)", 500, 2499);
  expect(R"("limit":5000)", 0, 2499);
  expect(R"("limit":5000,"from":)" + at(1400) + R"(,"to":)" + at(1600), 1400, 1599);
  expect(R"("limit":50,"from":)" + at(1490), 1490, 1539);
  expect(R"("limit":50,"to":)" + at(1510), 1460, 1509);
  expect(R"("limit":50,"to":)" + at(20), 0, 19);
}

TEST(ServerHistory, ARecordingThatCannotBeReadLeavesWhatMemoryHasAndIsLogged) {
  server::Options options;
  options.history = [](const HistoryQuery&) -> HistoryPage { throw std::runtime_error("the disk is gone"); };
  std::mutex mutex;
  std::string log;
  options.log = [&](std::string_view text) {
    const std::lock_guard lock(mutex);
    log += text;
  };
  LiveServer live(std::move(options));
  live.trade(*live.btc, "5", "1", kT);
  live.hub->drain();
  Historian historian(live);
  const RawJson answer = historian.ask(R"("symbol":"BTCUSDT","channel":"trades")");
  EXPECT_THAT(prices(answer), ElementsAre("5"));
  EXPECT_TRUE(answer["more"].is_true());
  const std::lock_guard lock(mutex);
  EXPECT_THAT(log, HasSubstr("history: the disk is gone"));
}

TEST(ServerHistory, AClientThatAsksAndAsksLetsOthersHaveTheirTurn) {
  std::atomic<bool> go{false};
  server::Options options;
  options.messages_per_second = 1000;
  options.history = [&](const HistoryQuery& query) {
    wait_until([&] { return go.load() || query.over(); });
    return HistoryPage();
  };
  LiveServer live(std::move(options));
  Historian greedy(live);
  for (int i = 0; i < 40; ++i) {
    greedy.client().send_text(R"({"type":"history","id":)" + std::to_string(i) +
                              R"(,"symbol":"BTCUSDT","channel":"trades"})");
  }
  const auto error = greedy.client().next_text_that(
      [](const std::string& text) { return text.find("rate_limited") != std::string::npos; });
  ASSERT_TRUE(error);
  EXPECT_THAT(*error, HasSubstr("too many history requests wait; ask again later"));
  Historian modest(live);
  go = true;
  EXPECT_EQ(modest.ask(R"("symbol":"BTCUSDT","channel":"trades")")["type"].text(), "history");
}

TEST(ServerHistory, MemoryIsBoundedHoweverManySymbolsThereAre) {
  Instruments instruments;
  market::Market market;
  server::HistoryRing ring;
  Arena arena;
  std::vector<const Instrument*> list;
  for (int i = 0; i < 400; ++i) list.push_back(&instruments.get("acme", "S" + std::to_string(i) + "USDT"));
  for (int round = 0; round < 600; ++round) {
    for (const Instrument* instrument : list) {
      const Trade trade{dec("1"), dec("1"), Side::buy, "x", kT + round};
      const Trades trades{{&trade, 1}, false};
      Event event = Event::of(*instrument, kT + round, kT + round, trades);
      market.apply(event, arena);
      ring.note(event, *market.find(instrument->id));
    }
  }
  HistoryQuery query;
  query.instrument = list.front();
  query.channel = Channel::trades;
  query.limit = 5000;
  const auto answer = ring.page(query, nullptr);
  EXPECT_EQ(answer.page.size(), 500U);  // 200,000 of all
  EXPECT_EQ(answer.floor, kT + 99);
  ring.clear();
  EXPECT_EQ(ring.page(query, nullptr).page.size(), 0U);
}

TEST(ServerHistory, ANewEpochBeginsWithNone) {
  LiveServer live;
  live.trade(*live.btc, "5", "1", kT);
  live.hub->new_epoch();
  live.hub->drain();
  Historian historian(live);
  EXPECT_EQ(historian.ask(R"("symbol":"BTCUSDT","channel":"trades")")["data"].size(), 0U);
}

}  // namespace
}  // namespace bixws::test
