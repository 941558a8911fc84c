// SPDX-License-Identifier: Apache-2.0
// Exporter: a session as NDJSON or CSV, event by event.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "model/instruments.h"

namespace bixws::recording {

struct ExportOptions {
  enum class Format : std::uint8_t { ndjson, csv };

  std::string path;
  std::int64_t session = 0;  ///< 0: the latest
  Format format = Format::ndjson;
  /// ticker, trades, book, candles, candles:5m, status, gaps, alerts, annotations; empty: everything but frames. CSV
  /// has one channel at a time. Candles that were not recorded are built from the trades.
  std::vector<std::string> channels;
  std::vector<std::string> symbols;  ///< as typed, with or without exchange; empty: all
  std::string from, to;              ///< RFC 3339, or "+90s" from the session's start; events at `to` are out
  bool frames = false;               ///< the exchange's own frames instead of events; NDJSON only
};

/// Hands over text in large pieces; false: no more is wanted (the reader closed the pipe).
using ExportWriter = std::function<bool(std::string_view)>;
/// How far it is, 0 to 1, and how many lines; false: stop, RecordingError "interrupted".
using ExportProgress = std::function<bool(double, std::uint64_t)>;

/// NDJSON lines are the messages of the protocol, with the event's place in the session as seq. Throws RecordingError,
/// ConfigError; DamageError after everything before the damage was written.
void export_session(const ExportOptions& options, const ExportWriter& write, const ExportProgress& progress);

}  // namespace bixws::recording
