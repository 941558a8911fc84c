// SPDX-License-Identifier: Apache-2.0
// Data on stdout: whole texts and tables.
#pragma once

#include <string>
#include <vector>

namespace bixws::cli {

/// Writes to stdout. Returns the exit code: 0 also when the reader has closed the pipe, 1 when it cannot be written.
int print(const std::string& text);

/// Columns wide enough for their cells, two spaces between; the last column is not padded.
std::string table(const std::vector<std::vector<std::string>>& rows);

}  // namespace bixws::cli
