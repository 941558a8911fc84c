// SPDX-License-Identifier: Apache-2.0
// What dialects read with: JSON in any order and cut at every byte, times, exact arithmetic.
#include <bixws/decimal_math.h>
#include <bixws/time_text.h>
#include <gtest/gtest.h>

#include "support/dialect_run.h"

namespace bixws {
namespace {

Decimal number(std::string_view text) {
  Decimal d;
  EXPECT_EQ(parse_decimal(text, d), NumberError::none) << text;
  return d;
}

TEST(FeedDecimalMath, AddsAndSubtractsExactly) {
  EXPECT_EQ(add(number("0.1"), number("0.02")).to_string(), "0.12");
  EXPECT_EQ(subtract(number("108359.8"), number("-2679.9")).to_string(), "111039.7");
  EXPECT_EQ(subtract(number("1"), number("1.000")).to_string(), "0.000");
  EXPECT_FALSE(add(Decimal{}, number("1")).has_value());
  EXPECT_FALSE(add(number("7922816251426433759354395033"), number("0.0000000001")).has_value()) << "would not fit";
}

TEST(FeedDecimalMath, PercentChangeRoundsAtSixDecimals) {
  EXPECT_EQ(percent_change(number("0.959"), number("0.912")).to_string(), "5.153509");
  EXPECT_EQ(percent_change(number("9380.55"), number("9450.81")).to_string(), "-0.743428");
  EXPECT_EQ(percent_change(number("0.0025"), number("0.0010")).to_string(), "150");
  EXPECT_FALSE(percent_change(number("1"), number("0")).has_value());
}

TEST(FeedDecimalMath, ShiftMovesThePoint) { EXPECT_EQ(shift(number("0.017103"), 2).to_string(), "1.7103"); }

TEST(FeedTimeText, Rfc3339) {
  EXPECT_EQ(rfc3339_micros("2021-04-17T16:43:37.089723Z"), 1618677817089723);
  EXPECT_EQ(rfc3339_micros("2023-10-04T16:26:30.524394914Z"), 1696436790524394);
  EXPECT_EQ(rfc3339_micros("2019-08-14T20:42:27.265Z"), 1565815347265000);
  EXPECT_EQ(rfc3339_micros("2024-02-29T00:00:00Z"), 1709164800000000);
  EXPECT_EQ(rfc3339_micros("2021-04-17T18:43:37+02:00"), 1618677817000000);
  for (const char* bad : {"", "0001-01-01T00:00:00.000000Z", "2021-04-17", "2021-04-17T16:43:37",
                          "2021-13-17T16:43:37Z", "2021-04-17T16:43:37.Z", "2021-04-17T16:43:37Zx"}) {
    EXPECT_EQ(rfc3339_micros(bad), 0) << bad;
  }
}

// Every truncation of every kind of frame: told as broken, never an event, never a crash.
TEST(FeedReading, EveryTruncationIsTroubleAndNothingElse) {
  const std::string frames[] = {
      R"({"stream":"nkn@depth@100ms","data":{"e":"depthUpdate","E":1633998512068,"s":"NKN","U":1,"u":2,"b":[["0.3","6.0"],["0.2","6"]],"a":[]}})",
      R"({"stream":"nkn@ticker","data":{"e":"24hrTicker","E":1,"s":"NKN","P":"2.0","c":"1","b":"1","B":"1","a":"1","A":"1","o":"1"}})",
      R"({"stream":"nkn@kline_1m","data":{"e":"kline","E":1,"s":"NKN","k":{"t":60000,"i":"1m","o":"1","c":"1","h":"1","l":"1","v":"1","x":false}}})",
      R"({"stream":"nkn@trade","data":{"e":"trade","E":1,"s":"NKN","t":1,"p":"1","q":"1","T":1,"m":true}})",
  };
  test::DialectRun run(test::load_dialect("binance"));
  run.want({"NKN"});
  std::uint64_t expected = 0;
  for (const std::string& frame : frames) {
    for (std::size_t size = 0; size < frame.size(); ++size, ++expected) run.frame(frame.substr(0, size), 1);
  }
  const auto& faults = run.intake().figures().faults;
  EXPECT_EQ(faults[static_cast<std::size_t>(Fault::truncated)].get() +
                faults[static_cast<std::size_t>(Fault::not_json)].get(),
            expected);
  for (const Event* event : run.events()) EXPECT_EQ(event->kind, Kind::gap);
}

TEST(FeedReading, FieldsComeInAnyOrder) {
  test::DialectRun run(test::load_dialect("binance"));
  run.want({"NKN"});
  run.frame(
      R"({"data":{"m":false,"q":"2.50","T":5,"p":"1.10","t":77,"s":"NKN","e":"trade","E":5},"stream":"nkn@trade"})", 9);
  const auto trades = run.events(Kind::trades);
  ASSERT_EQ(trades.size(), 1U);
  const Trade& trade = trades[0]->trades().list[0];
  EXPECT_EQ(trade.price.to_string(), "1.10");
  EXPECT_EQ(trade.size.to_string(), "2.50");
  EXPECT_EQ(trade.id, "77");
  EXPECT_EQ(trade.side, Side::buy);
  EXPECT_EQ(trade.ts, 5000);
}

TEST(FeedReading, RequestsAreWhatTheExchangeDocuments) {
  test::DialectRun run(test::load_dialect("binance", {{"best", "true"}}));
  EXPECT_EQ(run.request(true, Channel::book, {"BTCUSDT", "ETHUSDT"}, 3),
            R"({"method":"SUBSCRIBE","params":["btcusdt@depth@100ms","ethusdt@depth@100ms"],"id":3})");
  EXPECT_EQ(run.request(false, Channel::ticker, {"BTCUSDT"}, 4),
            R"({"method":"UNSUBSCRIBE","params":["btcusdt@ticker","btcusdt@bookTicker"],"id":4})");
  EXPECT_EQ(run.snapshot_path("BTCUSDT"), "/api/v3/depth?symbol=BTCUSDT&limit=1000");
}

}  // namespace
}  // namespace bixws
