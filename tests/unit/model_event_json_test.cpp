// SPDX-License-Identifier: Apache-2.0
// Events as protocol messages: the contract's own examples to the byte, and back into events without loss.
#include <gtest/gtest.h>

#include "model/batch.h"
#include "model/event_json.h"
#include "model/event_parse.h"
#include "model/instruments.h"
#include "support/numbers.h"

namespace bixws {
namespace {

using test::dec;

class EventJson : public ::testing::Test {
 protected:
  Instruments instruments;
  const Instrument& btc = instruments.get("binance", "BTCUSDT");

  std::string message(const Event& event, std::string_view label = "BTCUSDT") {
    TextBuffer out;
    append_message(out, event, label);
    return out.str();
  }
  std::string canonical(const Event& event) {
    TextBuffer out;
    append_canonical(out, event);
    return out.str();
  }
  /// Parses the text and writes what came out again.
  std::string again(const std::string& text) {
    MessageParser parser(instruments);
    EventBatch batch;
    const ParsedMessage parsed = parser.parse(text, batch);
    EXPECT_EQ(parsed.problem, "") << text;
    EXPECT_EQ(batch.size(), 1U) << text;
    if (batch.empty()) return {};
    EXPECT_EQ(batch.events()[0].instrument, &btc);
    return message(batch.events()[0]);
  }
};

constexpr const char* kTrades =
    R"({"type":"trades","exchange":"binance","symbol":"BTCUSDT","seq":1207,"data":[{"price":50000.10,"size":0.00420,"side":"buy","id":"4398231","ts":1795372800121000,"recv_ts":1795372800123456}]})";
constexpr const char* kBook =
    R"({"type":"book","exchange":"binance","symbol":"BTCUSDT","seq":88,"action":"update","bids":[[49999.90,0.5120],[49998.00,0]],"asks":[],"ts":1795372800122000,"recv_ts":1795372800124001,"state":"live"})";
constexpr const char* kUpdate =
    R"({"type":"market_update","seq":41,"ts":1795372800123456,"data":{"BTCUSDT":{"price":50000.00,"bid":49999.90,"ask":50000.10,"bid_size":0.5120,"ask_size":1.2000,"open_24h":48780.00,"high_24h":50210.00,"low_24h":48500.00,"volume_24h":18234.11200,"quote_volume_24h":902345678.10,"change_24h":2.501,"exchange":"binance","ts":1795372800120000,"recv_ts":1795372800123456}}})";

TEST_F(EventJson, WritesTheContractsExamples) {
  const Trade trade{dec("50000.10"), dec("0.00420"), Side::buy, "4398231", 1795372800121000};
  const Trades trades{{&trade, 1}};
  Event event = Event::of(btc, 1795372800123456, trade.ts, trades);
  event.seq = 1207;
  EXPECT_EQ(message(event), kTrades);

  const Level bids[] = {{dec("49999.90"), dec("0.5120")}, {dec("49998.00"), dec("0")}};
  const BookChange book{BookAction::update, FeedState::live, 0, bids, {}};
  event = Event::of(btc, 1795372800124001, 1795372800122000, book);
  event.seq = 88;
  EXPECT_EQ(message(event), kBook);
}

TEST_F(EventJson, EveryMessageReadsBackToItself) {
  for (
      const char* text :
      {kTrades, kBook, kUpdate,
       R"({"type":"candle","exchange":"binance","symbol":"BTCUSDT","timeframe":"1m","seq":3,"open_ts":1795372800000000,"open":1.0,"high":2.50,"low":0.5,"close":2,"volume":10.000,"closed":true,"recv_ts":5})",
       R"({"type":"status","exchange":"binance","symbol":"BTCUSDT","state":"live","integrity":"sequence","lag_us":1500,"skew_us":-20,"reason":"back","ts":7})",
       R"({"type":"gap","exchange":"binance","symbol":"BTCUSDT","channel":"book","reason":"sequence","from_ts":1,"to_ts":2,"from_seq":3,"to_seq":4,"lost":2,"ts":9})",
       R"({"type":"gap","exchange":"binance","symbol":"BTCUSDT","channel":"trades","reason":"slow","lost":2,"scope":"client","ts":9})",
       R"({"type":"alert","exchange":"binance","symbol":"BTCUSDT","id":"a\"1","ts":8,"price":1.50,"text":"crossed\n\u0001","kind":"price","color":"red","recv_ts":9})",
       R"({"type":"annotation","exchange":"binance","symbol":"BTCUSDT","id":"n1","ts":8,"points":[[1,2.50],[3,4.0]],"deleted":true,"recv_ts":9})"}) {
    EXPECT_EQ(again(text), text);
  }
}

TEST_F(EventJson, StatusOfAReplayCarriesItsPosition) {
  const ReplayPosition position{3, 1795372800000000, 2.5, "playing", 1795372700000000, 1795372900000000};
  Status status;
  status.state = FeedState::live;
  status.replay = &position;
  EXPECT_EQ(
      message(Event::of(btc, 7, 0, status), ""),
      R"({"type":"status","exchange":"binance","state":"live","ts":7,"replay":{"session":3,"position":1795372800000000,"speed":2.5,"state":"playing","from":1795372700000000,"to":1795372900000000}})");
}

TEST_F(EventJson, TheStatusOfAWholeReplayIsOfNoExchange) {
  Status status;
  status.state = FeedState::ended;
  const std::string text = message(Event::of(instruments.get("", ""), 7, 0, status), "");
  EXPECT_EQ(text, R"({"type":"status","state":"ended","ts":7})");
  MessageParser parser(instruments);
  EventBatch batch;
  EXPECT_EQ(parser.parse(text, batch).problem, "");
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.events()[0].status().state, FeedState::ended);
}

TEST_F(EventJson, CanonicalFormHasSortedKeysAndNoSeqOrState) {
  const Trade trade{dec("1.10"), dec("2.0"), Side::sell, "9", 5};
  const Trades trades{{&trade, 1}};
  EXPECT_EQ(
      canonical(Event::of(btc, 6, 5, trades)),
      R"({"data":[{"id":"9","price":1.10,"recv_ts":6,"side":"sell","size":2.0,"ts":5}],"exchange":"binance","symbol":"BTCUSDT","type":"trades"})");
  const Level bid{dec("1"), dec("2")};
  const BookChange book{BookAction::snapshot, FeedState::resyncing, 10, {&bid, 1}, {}};
  EXPECT_EQ(
      canonical(Event::of(btc, 6, 5, book)),
      R"({"action":"snapshot","asks":[],"bids":[[1,2]],"depth":10,"exchange":"binance","recv_ts":6,"symbol":"BTCUSDT","ts":5,"type":"book"})");
  Ticker ticker;
  ticker.price = dec("3.0");
  EXPECT_EQ(
      canonical(Event::of(btc, 6, 5, ticker)),
      R"({"data":{"BTCUSDT":{"exchange":"binance","price":3.0,"recv_ts":6,"ts":5}},"ts":6,"type":"market_update"})");
  Gap gap;
  gap.client = true;
  EXPECT_EQ(canonical(Event::of(btc, 6, 5, gap)), "");
}

TEST_F(EventJson, ParserSaysWhatIsWrong) {
  MessageParser parser(instruments);
  EventBatch batch;
  EXPECT_NE(parser.parse("<html>", batch).problem, "");
  EXPECT_NE(parser.parse(R"({"type":"trades","exchange":"x","symbol":"A","data":[{"price":1)", batch).problem, "");
  EXPECT_NE(parser.parse(R"({"type":"trades","symbol":"A","data":[]})", batch).problem, "");
  const auto problem =
      parser
          .parse(
              R"({"type":"trades","exchange":"x","symbol":"A","data":[{"price":1234567890123456789012345678901234567890,"size":1}]})",
              batch)
          .problem;
  EXPECT_NE(problem.find("more digits than fit"), std::string::npos) << problem;
  // The first ticker is good, the second is not: none is kept.
  EXPECT_NE(
      parser
          .parse(R"({"type":"market_update","seq":1,"data":{"A":{"price":1,"exchange":"x"},"B":{"price":"x"}}})", batch)
          .problem,
      "");
  EXPECT_TRUE(batch.empty());
}

TEST_F(EventJson, ParserIgnoresOrderAndUnknownFields) {
  MessageParser parser(instruments);
  EventBatch batch;
  const auto parsed = parser.parse(
      R"({"data":[{"new":{"a":[1]},"size":2,"price":1.0}],"later":null,"symbol":"kraken:XYZ","exchange":"kraken","type":"trades","seq":4})",
      batch);
  EXPECT_EQ(parsed.problem, "");
  EXPECT_EQ(parsed.type, MessageType::trades);
  ASSERT_EQ(batch.size(), 1U);
  EXPECT_EQ(batch.events()[0].instrument->symbol, "XYZ");
  EXPECT_EQ(batch.events()[0].seq, 4U);
  const auto error = parser.parse(R"({"type":"error","id":7,"code":"bad_json","message":"no"})", batch);
  EXPECT_EQ(error.type, MessageType::error);
  EXPECT_EQ(error.id, "7");
  EXPECT_EQ(error.code, "bad_json");
}

TEST(Timeframe, BothWays) {
  for (const char* text : {"1s", "30s", "1m", "5m", "15m", "1h", "4h", "1d", "1w"}) {
    TextBuffer out;
    append_timeframe(out, parse_timeframe(text));
    EXPECT_EQ(out.str(), text);
  }
  for (const char* text : {"", "m", "0m", "-1m", "1x", "1", "99999999999m", "1.5m"})
    EXPECT_EQ(parse_timeframe(text), 0);
}

}  // namespace
}  // namespace bixws
