// SPDX-License-Identifier: Apache-2.0
// Alert rules against events: when each fires, when it holds its tongue, and that a replay says the same.
#include <gmock/gmock.h>

#include "alerts/engine.h"
#include "alerts/extremes.h"
#include "host/alert_rules.h"
#include "hub/hub.h"
#include "model/batch.h"
#include "model/config_error.h"
#include "model/instruments.h"

namespace bixws::alerts {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr Micros kSecond = 1'000'000;
constexpr Micros kStart = 1'795'372'800 * kSecond;

Decimal decimal(std::string_view text) {
  Decimal value;
  EXPECT_EQ(parse_decimal(text, value), NumberError::none) << text;
  return value;
}

/// Feeds events to rules as the hub does, and notes what they say.
class Rules {
 public:
  explicit Rules(const std::vector<std::string>& rules) : engine(host::parse_alert_rules(rules)) {}

  void event(const Event& made) {
    EventBatch batch;
    Event& copy = batch.append(made);
    market.apply(copy, batch.arena());
    std::vector<Event> derived;
    engine.derive(copy, market, batch.arena(), derived);
    for (const Event& alert : derived) {
      EXPECT_EQ(alert.kind, Kind::alert);
      EXPECT_EQ(alert.recv_ts, made.recv_ts);
      texts.emplace_back(alert.mark().text);
      ids.emplace_back(alert.mark().id);
      prices.push_back(alert.mark().price.to_string());
    }
  }
  void trade(Micros seconds, std::string_view price, std::string_view size = "1", const char* symbol = "BTCUSDT") {
    const Trade made{decimal(price), decimal(size), Side::buy, "id", kStart + seconds * kSecond};
    event(Event::of(instruments.get("sim", symbol), kStart + seconds * kSecond, 0, Trades{{&made, 1}}));
  }
  void quote(Micros seconds, std::string_view bid, std::string_view ask) {
    Ticker ticker;
    ticker.bid = decimal(bid);
    ticker.ask = decimal(ask);
    event(Event::of(instruments.get("sim", "BTCUSDT"), kStart + seconds * kSecond, 0, ticker));
  }
  void gap(Micros seconds, Channel channel, bool client = false) {
    Gap made;
    made.channel = channel;
    made.reason = "sequence";
    made.lost = 12;
    made.client = client;
    event(Event::of(instruments.get("sim", "BTCUSDT"), kStart + seconds * kSecond, 0, made));
  }
  void status(Micros seconds) {
    Status made;
    made.state = FeedState::live;
    event(Event::of(instruments.get("sim", ""), kStart + seconds * kSecond, 0, made));
  }

  Instruments instruments;
  market::Market market;
  Engine engine;
  std::vector<std::string> texts, ids, prices;
};

TEST(AlertPrice, FiresWhenALimitIsCrossedAndAgainOnlyAfterItCameBack) {
  Rules rules({"price:above=100,hysteresis=1,cooldown=0"});
  rules.trade(0, "99.5");
  rules.trade(1, "100.00");
  rules.trade(2, "99.50");  // within the hysteresis
  rules.trade(3, "101");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT at 100.00, above 100"));
  rules.trade(4, "98.99");
  rules.trade(5, "100.5");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT at 100.00, above 100", "BTCUSDT at 100.5, above 100"));
  EXPECT_THAT(rules.prices, ElementsAre("100.00", "100.5"));
}

TEST(AlertPrice, WhereItStandsAtTheBeginningIsNoCrossing) {
  Rules rules({"price:above=100,below=90,cooldown=0"});
  rules.trade(0, "120");
  rules.trade(1, "121");
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.trade(2, "89");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT at 89, below 90"));
}

TEST(AlertPrice, EachDirectionHasItsOwnCoolDown) {
  Rules rules({"price:above=100,below=100,hysteresis=0,cooldown=60s"});
  rules.trade(0, "99");
  rules.trade(1, "101");
  rules.trade(2, "99");
  rules.trade(3, "101");  // within a minute of the first
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT at 101, above 100", "BTCUSDT at 99, below 100"));
  EXPECT_EQ(rules.engine.counts().at(0).fired, 2U);
  EXPECT_EQ(rules.engine.counts().at(0).held_back, 1U);
  rules.trade(70, "99");
  rules.trade(71, "101");
  EXPECT_THAT(rules.texts, SizeIs(4));
}

TEST(AlertPrice, OnlyTheSymbolsItNamesAndTheTextItIsGiven) {
  Rules rules({"price:above=100,symbols=eth-usdt+sim:ADAUSDT,text={symbol} on {exchange}: {price} over {limit}!"});
  for (const char* symbol : {"BTCUSDT", "ETHUSDT", "ADAUSDT"}) {
    rules.trade(0, "1", "1", symbol);
    rules.trade(1, "100.10", "1", symbol);
  }
  EXPECT_THAT(rules.texts, ElementsAre("ETHUSDT on sim: 100.10 over 100!", "ADAUSDT on sim: 100.10 over 100!"));
}

TEST(AlertMove, LooksBackOneWindow) {
  Rules rules({"move:percent=2,window=60s,cooldown=0"});
  rules.trade(0, "100");
  rules.trade(30, "101.9");
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.trade(59, "102");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT moved +2% within 1m, to 102"));
  rules.trade(61, "103.5");  // 100 is forgotten, 101.9 is not: no new move, and the old one is not over
  EXPECT_THAT(rules.texts, SizeIs(1));
  rules.trade(200, "103.5");
  rules.trade(230, "101.3");
  EXPECT_THAT(rules.texts.back(), "BTCUSDT moved -2.13% within 1m, to 101.3");
}

TEST(AlertMove, OneDirectionOnRequest) {
  Rules rules({"move:percent=2,window=60s,direction=down"});
  rules.trade(0, "100");
  rules.trade(1, "110");
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.trade(2, "107");
  EXPECT_THAT(rules.texts, SizeIs(1));
}

TEST(AlertMove, HoldsBoundedMemoryAndStillFindsTheExtremes) {
  Extremes window(256'000);
  for (Micros i = 0; i < 1'000'000; ++i) window.add(i, static_cast<double>(i));
  EXPECT_EQ(window.highest(), 999'999);
  // The lowest is that of the window, to a 256th of its length.
  EXPECT_NEAR(window.lowest(), 999'999 - 256'000, 1'001);
}

TEST(AlertSpread, FiresWhenWideAndAgainAfterItWasNarrow) {
  Rules rules({"spread:above=1,cooldown=0"});
  rules.quote(0, "99.9", "100.1");
  rules.quote(1, "99", "101");
  rules.quote(2, "99.5", "100.4");  // 0.9 %: at the hysteresis
  rules.quote(3, "98", "102");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT spread 2%, above 1%: bid 99, ask 101"));
  rules.quote(4, "99.9", "100.1");
  rules.quote(5, "98", "102");
  EXPECT_THAT(rules.texts, SizeIs(2));
}

TEST(AlertVolume, ComparesAWindowWithTheMeanOfThoseBefore) {
  Rules rules({"volume:times=3,window=10s,over=2,cooldown=0"});
  rules.trade(0, "100", "1000");  // the window in which it began is no measure
  rules.trade(10, "100", "10");
  rules.trade(20, "100", "20");
  rules.trade(30, "100", "40");
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.trade(31, "100", "6");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT volume 46 in 10s, 3.1 times the usual 15"));
  rules.trade(32, "100", "500");
  EXPECT_THAT(rules.texts, SizeIs(1)) << "once a window";
}

TEST(AlertVolume, QuietWindowsCount) {
  Rules rules({"volume:times=3,window=10s,over=4,cooldown=0"});
  rules.trade(0, "100", "1");
  rules.trade(10, "100", "40");
  rules.trade(50, "100", "31");  // usual: (40 + 0 + 0 + 0) / 4
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT volume 31 in 10s, 3.1 times the usual 10"));
}

TEST(AlertStale, FiresOnAnyLaterEventAndOnceASilence) {
  Rules rules({"stale:after=30s,cooldown=0"});
  rules.trade(0, "100");
  rules.trade(10, "5", "1", "ETHUSDT");
  rules.trade(29, "5", "1", "ETHUSDT");
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.trade(31, "5", "1", "ETHUSDT");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT silent for 30s"));
  rules.trade(50, "5", "1", "ETHUSDT");
  EXPECT_THAT(rules.texts, SizeIs(1));
  rules.trade(55, "100");
  rules.status(86);  // nothing but a word of the feed: both are silent
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT silent for 30s", "BTCUSDT silent for 30s", "ETHUSDT silent for 30s"));
}

TEST(AlertStale, WhatEndsASilenceTellsOfIt) {
  Rules rules({"stale:after=30s"});
  rules.trade(0, "100");
  rules.trade(45, "100");
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT silent for 30s"));
  EXPECT_EQ(rules.engine.next_deadline(), kStart + 75 * kSecond);
}

TEST(AlertGap, TellsOfUpstreamGapsOfItsChannels) {
  Rules rules({"gap:channels=book,cooldown=0"});
  rules.gap(0, Channel::trades);
  rules.gap(1, Channel::book, true);
  EXPECT_THAT(rules.texts, IsEmpty());
  rules.gap(2, Channel::book);
  rules.gap(3, Channel::none);
  EXPECT_THAT(rules.texts, ElementsAre("BTCUSDT gap in book: sequence, 12 lost", "BTCUSDT gap: sequence, 12 lost"));
}

TEST(AlertEngine, TheSameEventsGiveTheSameIdsAndEachItsOwn) {
  for (int run = 0; run < 2; ++run) {
    Rules rules({"price:above=100,below=100,hysteresis=0,cooldown=0,name=line"});
    for (const char* price : {"99", "101", "99", "101"}) rules.trade(7, price);
    EXPECT_THAT(rules.ids, ElementsAre("line:sim:BTCUSDT:1795372807000000", "line:sim:BTCUSDT:1795372807000000-2",
                                       "line:sim:BTCUSDT:1795372807000000-3"));
  }
}

TEST(AlertEngine, ANewEpochBeginsFromNothing) {
  Rules rules({"price:above=100"});
  rules.trade(0, "99");
  rules.engine.reset();
  rules.trade(1, "101");
  EXPECT_THAT(rules.texts, IsEmpty());
}

class Listener final : public hub::Listener {
 public:
  void on_batch(const SharedBatch& batch, const market::Market&) override {
    for (const Event& event : batch->events()) kinds.push_back(event.kind);
  }
  void on_event(const Event& event, const market::Market&) override { seen.push_back(event.kind); }
  std::vector<Kind> kinds, seen;
};

TEST(AlertEngine, TheHubPutsAnAlertRightBehindItsCause) {
  Instruments instruments;
  hub::Hub hub;
  const auto listener = std::make_shared<Listener>();
  hub.attach(listener);
  hub.set_deriver(std::make_shared<Engine>(host::parse_alert_rules({"price:above=100"})));
  hub.start();
  auto batch = std::make_unique<EventBatch>();
  for (const char* price : {"99", "101", "102"}) {
    const Trade trade{decimal(price), decimal("1"), Side::buy, "id", kStart};
    batch->append(Event::of(instruments.get("sim", "BTCUSDT"), kStart, 0, Trades{{&trade, 1}}));
  }
  hub.publish(std::move(batch));
  hub.stop();
  EXPECT_THAT(listener->kinds, ElementsAre(Kind::trades, Kind::trades, Kind::alert, Kind::trades));
  EXPECT_EQ(listener->seen, listener->kinds);
}

std::string refusal(const std::vector<std::string>& texts) {
  try {
    host::parse_alert_rules(texts);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(AlertRules, AreRefusedWithWhatWasMeant) {
  EXPECT_EQ(refusal({"prise:above=1"}), "unknown rule prise; did you mean price?");
  EXPECT_EQ(refusal({"price:abvoe=1"}), "unknown key abvoe of alert price; did you mean above?");
  EXPECT_EQ(refusal({"price"}), "alert price needs above or below");
  EXPECT_EQ(refusal({"price:above=0"}), "above of alert price must be a number greater than 0, not 0");
  EXPECT_EQ(refusal({"move"}), "alert move needs percent=...: fires when the price moved so much within the window");
  EXPECT_EQ(refusal({"move:percent=1,direction=upp"}),
            "direction of alert move must be any, up or down, not upp; did you mean up?");
  EXPECT_EQ(refusal({"move:percent=1,window=5"}),
            "window of alert move must be a duration such as 250ms, 5s, 2m or 1h, not 5");
  EXPECT_EQ(refusal({"price:above=1,hysteresis=100"}),
            "hysteresis of alert price must be a percentage from 0 to less than 100, not 100");
  EXPECT_EQ(
      refusal({"price:above=1,text={prize}"}),
      "text of alert price has {prize}; what can be filled in is {symbol}, {exchange}, {price}, {value}, {limit}");
  EXPECT_EQ(refusal({"gap:name=a", "stale:name=a"}), "two alerts are called a; ids need different names");
  EXPECT_EQ(refusal({"gap:channels=bok"}),
            "channels of alert gap must be made of ticker, trades, book or candle, not bok; did you mean book?");
  EXPECT_EQ(refusal({"stale:after=10ms"}), "after of alert stale must be at least 1s");
}

}  // namespace
}  // namespace bixws::alerts
