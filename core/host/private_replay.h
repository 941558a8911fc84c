// SPDX-License-Identifier: Apache-2.0
// What a replay offers besides its common clock: replays for single clients, and its events over HTTP.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "model/instruments.h"
#include "net/url.h"
#include "recording/playback.h"
#include "server/options.h"

namespace bixws::host {

/// A client at /replay?session=&speed=&from=&to=&loop=&paused=; what it leaves out is as in `served`. Null, and why in
/// `refusal`, for what cannot be had.
std::unique_ptr<server::PrivateReplay> private_replay(const recording::PlaybackOptions& served, const net::Query& query,
                                                      Instruments& instruments, server::StreamRefusal& refusal);

/// /recordings/NAME/events?from=&to=&channels=&symbols=&session=, and /frames for the exchange's own frames, as NDJSON.
/// Nothing: no such path.
std::optional<server::StreamPlanner> recording_stream(const recording::PlaybackOptions& served, std::string_view path,
                                                      const net::Query& query);

}  // namespace bixws::host
