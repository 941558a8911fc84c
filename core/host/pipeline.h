// SPDX-License-Identifier: Apache-2.0
// Pipeline: every command is feeds, a hub and outputs; a verb says which, and this builds and runs them.
#pragma once

#include <bixws/event.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "feed/remote_feed.h"
#include "host/import_feed.h"
#include "host/log.h"
#include "host/registry.h"
#include "recording/file_names.h"
#include "recording/playback.h"
#include "recording/session_writer.h"
#include "server/options.h"

namespace bixws::host {

/// `record`, or `serve --record`.
struct RecordRequest {
  std::string path;           ///< may contain strftime's directives
  bool literal_path = false;  ///< it does not
  std::optional<recording::Rotation> rotation;
  std::uint32_t channels = 0;  ///< 1 << int(Channel); 0: all
  bool raw = false;
  bool sql_books = false;
  /// All or nothing: unless the feeds end by themselves and nothing failed, nothing is kept, and the exit code is 1.
  bool whole = false;
  /// On the recorder's thread; `file` is where it is.
  std::function<void(const recording::Committed&, const std::string& file)> on_commit;
};

/// `record --url`: another bixws server instead of feeds.
struct RemoteRequest {
  feed::RemoteOptions server;
  std::vector<std::string> channels;  ///< as in a subscribe
};

/// What a verb fills in.
struct PipelineOptions {
  std::vector<std::string> feeds;                    ///< specs; the first one's symbols have plain names on the wire
  std::vector<std::string> sinks;                    ///< specs
  std::vector<std::string> alerts;                   ///< rules, see alert_rules.h
  std::vector<std::string> symbols;                  ///< as typed; empty: the defaults
  std::uint32_t channels = 0;                        ///< 1 << int(Channel); 0: ticker, trades, book, candles
  Micros duration = 0;                               ///< stop after this long; 0: never
  std::string version;                               ///< of bixws, for recordings and pages
  std::optional<recording::PlaybackOptions> replay;  ///< instead of feeds
  std::optional<RemoteRequest> remote;               ///< likewise
  std::optional<ImportRequest> import;               ///< likewise; the feed, if any, says in which dialect
  std::optional<RecordRequest> record;
  std::optional<server::Options> server;  ///< the pipeline fills in what follows from the feeds
  std::size_t wait_clients = 0;           ///< feeds start once so many clients are connected
  /// `watch --feed`: the one this is all for. Runs on a thread of its own once the server listens at `url`, and must
  /// return soon after `stop_fd` is readable. When it returns, everything is stopped; its result is the exit code.
  std::function<int(const std::string& url, int stop_fd)> attend;
};

/// Runs until the feeds end, the duration is over or a signal comes, then drains every output. Returns the exit code:
/// 0, or 1 if something failed for good. Throws ConfigError for what cannot be had as asked, unknown symbols included.
int run_pipeline(const PipelineOptions& options, Registry& registry, Log& log);

}  // namespace bixws::host
