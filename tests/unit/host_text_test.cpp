// SPDX-License-Identifier: Apache-2.0
// What people type: names nearly right, symbols in any spelling, durations and times.
#include <gmock/gmock.h>

#include "model/config_error.h"
#include "model/nearest.h"
#include "model/symbol.h"
#include "model/time_text.h"

namespace bixws {
namespace {

using testing::Eq;
using testing::Optional;

TEST(Nearest, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("", "abc"), 3U);
  EXPECT_EQ(edit_distance("port", "port"), 0U);
  EXPECT_EQ(edit_distance("prot", "port"), 1U);
  EXPECT_EQ(edit_distance("PORT", "port"), 0U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
}

TEST(Nearest, NamesWhatWasProbablyMeantAndNothingElse) {
  const std::vector<std::string> known{"binance", "sim", "kraken"};
  EXPECT_EQ(nearest("binanc", known), "binance");
  EXPECT_EQ(nearest("Karken", known), "kraken");
  EXPECT_EQ(nearest("xyz", known), "");
  EXPECT_EQ(did_you_mean("simm", known), "; did you mean sim?");
  EXPECT_EQ(did_you_mean("postgres", known), "; known: binance, sim, kraken");
  EXPECT_EQ(did_you_mean("x", {}), "");
}

TEST(Symbol, AllSpellingsMeetInOneKey) {
  for (const char* text : {"BTCUSDT", "btcusdt", "BTC-USDT", "btc/usdt", "XBTUSDT", "xbt/usdt"}) {
    EXPECT_EQ(symbol_key(text), "BTCUSDT") << text;
  }
  EXPECT_EQ(symbol_key("ETHXBT"), "ETHBTC");
  EXPECT_EQ(symbol_key("XBT"), "BTC");
}

TEST(Symbol, MayNameItsExchange) {
  const SymbolQuery query = parse_symbol("Kraken:xbt-usd");
  EXPECT_EQ(query.exchange, "kraken");
  EXPECT_EQ(query.key, "BTCUSD");
  EXPECT_EQ(parse_symbol("BTCUSD").exchange, "");
  for (const char* bad : {"", ":", "kraken:", ":BTCUSD", "BTC USD", "--", "BTC\n"}) {
    EXPECT_THROW((void)parse_symbol(bad), ConfigError) << bad;
  }
}

TEST(Symbol, IsRefusedWithCandidates) {
  const std::vector<std::string> known{"BTCUSDT", "BTCUSD", "ETHUSDT", "BTC-PERPETUAL"};
  EXPECT_EQ(match_symbol("btc-usd", known).symbol, "BTCUSD");
  EXPECT_EQ(match_symbol("BTCPERPETUAL", known).symbol, "BTC-PERPETUAL");
  EXPECT_EQ(match_symbol("BTCUSDX", known).error, "unknown symbol BTCUSDX; did you mean BTCUSDT?");
  EXPECT_EQ(match_symbol("BTC", known).error, "unknown symbol BTC; did you mean BTCUSDT, BTCUSD or BTC-PERPETUAL?");
  const std::vector<std::string> twins{"A-BC", "AB-C"};
  EXPECT_EQ(match_symbol("abc", twins).error, "ambiguous symbol abc; did you mean A-BC or AB-C?");
  EXPECT_EQ(match_symbol("AB-C", twins).symbol, "AB-C");
}

TEST(Duration, ReadsUnitsAndRefusesBareNumbers) {
  EXPECT_THAT(parse_duration("250ms"), Optional(Eq(250'000)));
  EXPECT_THAT(parse_duration("5s"), Optional(Eq(5'000'000)));
  EXPECT_THAT(parse_duration("2m"), Optional(Eq(120'000'000)));
  EXPECT_THAT(parse_duration("1h30m"), Optional(Eq(5'400'000'000)));
  EXPECT_THAT(parse_duration("1.5s"), Optional(Eq(1'500'000)));
  EXPECT_THAT(parse_duration("0"), Optional(Eq(0)));
  for (const char* bad : {"", "5", "s", "5x", "-5s", "5s ", "1.s", "999999999999999999999s", "40000d", "1h-5m"}) {
    EXPECT_EQ(parse_duration(bad), std::nullopt) << bad;
  }
}

TEST(Duration, IsWrittenAsItIsRead) {
  for (const char* text : {"250ms", "5s", "2m", "1h30m", "1d", "1s500ms", "7us"}) {
    EXPECT_EQ(format_duration(parse_duration(text).value()), text);
  }
  EXPECT_EQ(format_duration(0), "0s");
}

TEST(Time, ReadsRfc3339) {
  EXPECT_THAT(parse_rfc3339("1970-01-01T00:00:00Z"), Optional(Eq(0)));
  EXPECT_THAT(parse_rfc3339("2026-11-22T21:00:00.123456789Z"), Optional(Eq(1795381200123456)));
  EXPECT_THAT(parse_rfc3339("2026-11-22T22:30:00+01:30"), Optional(Eq(1795381200000000)));
  EXPECT_THAT(parse_rfc3339("1969-12-31t23:59:59.5z"), Optional(Eq(-500'000)));
  for (const char* bad : {"", "2026-11-22", "2026-02-30T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T00:00:00",
                          "2026-11-22T00:00:00Zx", "2026-11-22T00:00:00.Z", "26-11-22T00:00:00Z"}) {
    EXPECT_EQ(parse_rfc3339(bad), std::nullopt) << bad;
  }
}

TEST(Time, IsWrittenAsItIsRead) {
  for (const char* text : {"2026-11-22T21:00:00Z", "2026-11-22T21:00:00.5Z", "1969-12-31T23:59:59.000001Z"}) {
    EXPECT_EQ(format_rfc3339(parse_rfc3339(text).value()), text);
  }
  EXPECT_THAT(parse_time("+90s", 1'000'000), Optional(Eq(91'000'000)));
  EXPECT_THAT(parse_time("1970-01-01T00:00:01Z", 5), Optional(Eq(1'000'000)));
  EXPECT_EQ(parse_time("90s", 0), std::nullopt);
}

}  // namespace
}  // namespace bixws
