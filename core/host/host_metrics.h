// SPDX-License-Identifier: Apache-2.0
// The host's part of /metrics: feeds, recorder, sinks, and what plugins count.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "alerts/engine.h"
#include "host/counters.h"
#include "host/feed.h"
#include "host/sink_host.h"
#include "recording/recorder.h"

namespace bixws::host {

/// Prometheus text. `recorder` and `alerts` may be null.
std::string host_metrics(const Counters& counters, const std::vector<std::unique_ptr<Feed>>& feeds,
                         const recording::Recorder* recorder, const std::vector<std::shared_ptr<SinkHost>>& sinks,
                         const alerts::Engine* alerts);

}  // namespace bixws::host
