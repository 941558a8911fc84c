// SPDX-License-Identifier: Apache-2.0
// Flags that several verbs share, so that --feed means and says the same everywhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/flag.h"
#include "host/registry.h"
#include "verb.h"

namespace bixws::cli {

host::Flag feed_flag();
host::Flag sink_flag();
host::Flag symbols_flag();
host::Flag channels_flag();
host::Flag duration_flag();
host::Flag json_flag();

/// The plugins of --plugin-dir and everywhere else.
host::Registry open_registry(const Call& call);

/// The values of --channels as a bit set of 1 << int(Channel).
std::uint32_t channel_bits(const std::vector<std::string>& names);

}  // namespace bixws::cli
