// SPDX-License-Identifier: Apache-2.0
// Symbols as people type them: BTCUSDT, btc-usdt, XBT/USD, kraken:BTCUSD.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bixws {

/// What two spellings of one symbol have in common: upper case, without '-' and '/', XBT written BTC.
std::string symbol_key(std::string_view text);

struct SymbolQuery {
  std::string exchange;  ///< lower case; empty: not named
  std::string key;       ///< symbol_key() of the rest
};

/// Throws ConfigError if the text cannot be a symbol at all (empty, other characters).
SymbolQuery parse_symbol(std::string_view text);

struct SymbolMatch {
  std::string symbol;  ///< the one known symbol that was meant; empty: none
  std::string error;   ///< then: "unknown symbol BTCUSDX; did you mean BTCUSDT?"
};

/// Looks `text` (without exchange) up among the known symbols in whatever spelling.
SymbolMatch match_symbol(std::string_view text, std::span<const std::string> known);

}  // namespace bixws
