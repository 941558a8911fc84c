// SPDX-License-Identifier: Apache-2.0
// Where a chart's data comes from: a recording, or a running server.
#pragma once

#include <bixws/event.h>

#include <chrono>
#include <string>

#include "chart/data.h"
#include "feed/remote_feed.h"
#include "model/symbol.h"

namespace bixws::chart {

struct Wanted {
  SymbolQuery symbol;
  std::int32_t seconds = 60;
  std::int64_t session = 0;  ///< of a recording; 0: the latest
  std::string from, to;      ///< RFC 3339, or "+90s" from the session's start; empty: all
  int limit = 300;           ///< of a server: candles asked for
};

/// Throws RecordingError, ConfigError.
[[nodiscard]] Data read_recording(const std::string& path, const Wanted& wanted);

/// What the server remembers (`history`), or else the candle it has now. Throws ConfigError for what the server does
/// not know, std::runtime_error if it does not answer within `patience`.
[[nodiscard]] Data ask_server(const feed::RemoteOptions& server, const Wanted& wanted,
                              std::chrono::milliseconds patience);

}  // namespace bixws::chart
