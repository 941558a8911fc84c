// SPDX-License-Identifier: Apache-2.0
// A capture as the raw session that `record --raw` would have made of it.
#pragma once

#include <filesystem>
#include <string>

#include "support/captures.h"

namespace bixws::test {

// Connects, sent and received frames and REST answers in the order of their times, so often one after the other;
// nothing but raw events.
void write_raw_session(const std::filesystem::path& file, const std::string& exchange, const Capture& capture,
                       int times = 1);

}  // namespace bixws::test
