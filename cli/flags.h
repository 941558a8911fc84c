// SPDX-License-Identifier: Apache-2.0
// Flags that several verbs share, so that --feed means and says the same everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "host/flag.h"
#include "host/registry.h"
#include "recording/file_names.h"
#include "server/options.h"
#include "verb.h"

namespace bixws::cli {

host::Flag feed_flag();
host::Flag sink_flag();
host::Flag alerts_flag();
host::Flag symbols_flag();
host::Flag channels_flag();
host::Flag duration_flag();
/// Of recorders.
host::Flag raw_flag();
host::Flag rotate_flag();
std::optional<recording::Rotation> rotation_of(const host::Values& values);
host::Flag json_flag();
/// A recording, as the first argument of a verb of `sessions`.
host::Flag file_flag();

/// What `serve` and `replay` have in common: where to listen, for whom, how often.
std::vector<host::Flag> server_flags();
server::Options server_options(const host::Values& values);

/// The plugins of --plugin-dir and everywhere else.
host::Registry open_registry(const Call& call);

/// The values of --channels as a bit set of 1 << int(Channel).
std::uint32_t channel_bits(const std::vector<std::string>& names);

}  // namespace bixws::cli
