// SPDX-License-Identifier: Apache-2.0
// Indexer: adds to a finished recording what makes SQL faster or richer, and what recording itself should not pay for.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace bixws::recording {

/// SQL indexes by instrument and time on trades, tickers and candles; with `books` also a row for each level of each
/// book event of every session that lacks them. Safe to interrupt and to repeat: each step is one transaction. Throws
/// RecordingError, also while a recorder is writing to the file. `progress` as in export.
void index_recording(const std::string& path, bool books, const std::function<bool(double, std::uint64_t)>& progress);

}  // namespace bixws::recording
