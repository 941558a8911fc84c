// SPDX-License-Identifier: Apache-2.0
// Indexer: adds to a finished recording what makes SQL faster or richer, and what recording itself should not pay for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bixws::recording {

struct IndexOptions {
  std::string path;
  bool books = false;
  std::int64_t session = 0;  ///< whose books; 0: all sessions'
};

/// SQL indexes by instrument and time on trades, tickers and candles; with `books` also a row for each level of each
/// book event of the sessions that lack them. Safe to interrupt and to repeat: each step is one transaction. Answers
/// the number of rows added. Throws RecordingError, also while a recorder is writing to the file; ConfigError if there
/// is no such session. `progress` as in export.
std::uint64_t index_recording(const IndexOptions& options, const std::function<bool(double, std::uint64_t)>& progress);

}  // namespace bixws::recording
