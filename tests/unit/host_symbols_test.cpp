// SPDX-License-Identifier: Apache-2.0
// Which feed is asked for which symbol.
#include <gmock/gmock.h>

#include "host/symbols.h"
#include "model/config_error.h"

namespace bixws::host {
namespace {

using testing::ElementsAre;

TEST(AssignSymbols, PlainOnesGoToAllFeedsNamedOnesToTheirs) {
  const auto lists = assign_symbols({"btc-usdt", "kraken:XBT/USD", "BTCUSDT", "eth/usdt"}, {{"binance"}, {"kraken"}});
  ASSERT_EQ(lists.size(), 2U);
  EXPECT_THAT(lists[0], ElementsAre("BTCUSDT", "ETHUSDT"));
  EXPECT_THAT(lists[1], ElementsAre("BTCUSDT", "BTCUSD", "ETHUSDT"));
}

TEST(AssignSymbols, WithoutAnyTheDefaultsAreMeant) {
  EXPECT_THAT(assign_symbols({}, {{"sim"}})[0], ElementsAre("BTCUSDT", "ETHUSDT", "SOLUSDT", "ADAUSDT"));
  EXPECT_EQ(assign_symbols({"kraken:BTCUSD"}, {{"sim"}, {"kraken"}})[0], default_symbols());
}

TEST(AssignSymbols, AFeedThatRelaysTakesOtherExchangesToo) {
  const SymbolTaker relay{"bixws", true};
  EXPECT_THAT(assign_symbols({}, {relay})[0], ElementsAre()) << "all that it has";
  const auto lists = assign_symbols({"ethusdt", "kraken:xbtusd", "sim:BTCUSDT"}, {relay, {"sim"}});
  EXPECT_THAT(lists[0], ElementsAre("ETHUSDT", "kraken:BTCUSD"));
  EXPECT_THAT(lists[1], ElementsAre("ETHUSDT", "BTCUSDT"));
}

TEST(AssignSymbols, RefusesFeedsThatAreNotThere) {
  try {
    assign_symbols({"karken:BTCUSD"}, {{"binance"}, {"kraken"}});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "symbol karken:BTCUSD names feed karken, which is not given with --feed; did you mean kraken?");
  }
}

}  // namespace
}  // namespace bixws::host
