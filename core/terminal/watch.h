// SPDX-License-Identifier: Apache-2.0
// Watch: a running server in the terminal: as protocol messages line by line, as a live screen, or as plain lines where
// a terminal can do no more.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "feed/remote_feed.h"
#include "terminal/outcome.h"
#include "terminal/painter.h"
#include "terminal/view.h"

namespace bixws::terminal {

struct WatchOptions {
  feed::RemoteOptions remote;
  std::vector<std::string> symbols;  ///< as typed; empty: all that the server has
  std::vector<View> views;           ///< what was asked for; empty: the usual
  bool once = false;                 ///< the first initial_data, then the end
  std::size_t once_symbols = 0;      ///< for `once`: of a snapshot with so many symbols, or all that came in 5 s
  std::uint64_t count = 0;           ///< this many messages, then the end; 0: no end
  Micros duration = 0;               ///< this long, then the end; 0: no end
  /// Connections lost and made, for a log; from any thread.
  std::function<void(std::string_view)> note;
  /// While a screen is drawn, log lines go to the function given; an empty one ends that.
  std::function<void(std::function<void(std::string_view)>)> divert_log;
  std::function<Micros()> clock;  ///< microseconds since the epoch
};

/// Each protocol message as it came, one a line, on `out`. Ends when asked to, when the reader has gone, when
/// `stop_fd` is readable, with the end of a replay, and with exit code 1 if the server cannot be reached and nothing
/// was to be tried again; 2 if it does not know a symbol.
WatchEnd watch_lines(const WatchOptions& options, int out, int stop_fd);

/// The live screen on a terminal.
WatchEnd watch_screen(const WatchOptions& options, const Capabilities& capabilities, int in, int out, int stop_fd);

/// A line per changed symbol and second on a terminal that can only print.
WatchEnd watch_plain(const WatchOptions& options, int out, int stop_fd);

/// Channels in the names of the protocol: what a view needs.
std::vector<std::string> channels_of(const std::vector<View>& views);

/// Waits until the outcome is set, `stop_fd` is readable, `out` has lost its reader or the duration is over.
WatchEnd wait_for_end(const Outcome& outcome, const WatchOptions& options, int out, int stop_fd);

}  // namespace bixws::terminal
