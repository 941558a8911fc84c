// SPDX-License-Identifier: Apache-2.0
// Which feed is asked for which of the symbols on the command line.
#pragma once

#include <string>
#include <vector>

namespace bixws::host {

/// Asked for when the user names none.
std::vector<std::string> default_symbols();

/// A feed as far as symbols go.
struct SymbolTaker {
  std::string name;
  bool relays = false;  ///< it brings other exchanges' symbols too, and all it has when none is named
};

/// One list per feed, in the order given, each symbol once and in upper case. `kraken:BTCUSD` goes to the feed it
/// names, or else, as it stands, to those that relay; a plain symbol to all. Throws ConfigError for text that is no
/// symbol and for exchanges that are no feed here.
std::vector<std::vector<std::string>> assign_symbols(const std::vector<std::string>& symbols,
                                                     const std::vector<SymbolTaker>& feeds);

}  // namespace bixws::host
