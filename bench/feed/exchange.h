// SPDX-License-Identifier: Apache-2.0
// An exchange that never stops: many products of very different liveliness, each message due at a fixed time and
// carrying, as a size, the time it was sent at.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <string>

namespace bixws::bench {

struct Load {
  unsigned symbols = 300;
  unsigned rate = 20'000;  ///< messages a second, over all of them
  double seconds = 60;
};

/// The first fifth of the symbols gets four fifths of the messages; the last third is quiet: about one message a second
/// each.
[[nodiscard]] unsigned busy_symbols(const Load& load);
[[nodiscard]] unsigned first_quiet_symbol(const Load& load);
/// "S007USD", and "S007-USD" on the wire.
[[nodiscard]] std::string symbol_name(unsigned symbol);

/// Microseconds since 1970, as in the messages.
[[nodiscard]] Micros wall_clock();

/// Speaks Coinbase Exchange's protocol on a free port, whose number it writes to `port_fd` as text. Returns when the
/// load is over or the client has gone; 0: all was sent.
int run_exchange(const Load& load, int port_fd);

}  // namespace bixws::bench
