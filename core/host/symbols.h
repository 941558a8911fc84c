// SPDX-License-Identifier: Apache-2.0
// Which feed is asked for which of the symbols on the command line.
#pragma once

#include <string>
#include <vector>

namespace bixws::host {

/// Asked for when the user names none.
std::vector<std::string> default_symbols();

/// One list per feed, in the order given, each symbol once and in upper case. `kraken:BTCUSD` goes to the feed it
/// names, a plain symbol to all. Throws ConfigError for text that is no symbol and for exchanges that are no feed here.
std::vector<std::vector<std::string>> assign_symbols(const std::vector<std::string>& symbols,
                                                     const std::vector<std::string>& feeds);

}  // namespace bixws::host
