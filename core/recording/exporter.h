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
  /// As to a client that subscribes there: what was true at `from` comes first, and messages are numbered from 1, each
  /// exchange, symbol and channel for itself. Otherwise an event's number is its place in the session.
  bool as_subscriber = false;
};

/// Hands over text in large pieces; false: no more is wanted (the reader closed the pipe).
using ExportWriter = std::function<bool(std::string_view)>;
/// How far it is, 0 to 1, and how many lines; false: stop, RecordingError "interrupted".
using ExportProgress = std::function<bool(double, std::uint64_t)>;

/// NDJSON lines are the messages of the protocol. Throws RecordingError, ConfigError; DamageError after everything
/// before the damage was written.
void export_session(const ExportOptions& options, const ExportWriter& write, const ExportProgress& progress);
/// The same in two steps: throws ConfigError and RecordingError for what cannot be had at all; the result writes.
std::function<void(const ExportWriter& write)> prepare_export(const ExportOptions& options);

}  // namespace bixws::recording
