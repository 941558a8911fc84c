// SPDX-License-Identifier: Apache-2.0
// Pipeline: every command is feeds, a hub and outputs; a verb says which, and this builds and runs them.
#pragma once

#include <bixws/event.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/log.h"
#include "host/registry.h"
#include "host/spec.h"

namespace bixws::host {

/// What a verb fills in.
struct PipelineOptions {
  std::vector<std::string> feeds;    ///< specs; the first one's symbols have plain names on the wire
  std::vector<std::string> sinks;    ///< specs
  std::vector<std::string> symbols;  ///< as typed; empty: the defaults
  std::uint32_t channels = 0;        ///< 1 << int(Channel); 0: ticker, trades, book, candles
  Micros duration = 0;               ///< stop after this long; 0: never
};

/// Runs until the feeds end, the duration is over or a signal comes, then drains every output. Returns the exit code:
/// 0, or 1 if something failed for good. Throws ConfigError for what cannot be built as asked.
int run_pipeline(const PipelineOptions& options, Registry& registry, Log& log);

}  // namespace bixws::host
