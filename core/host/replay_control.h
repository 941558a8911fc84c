// SPDX-License-Identifier: Apache-2.0
// What clients may do to a replay over the protocol.
#pragma once

#include <string>

#include "recording/replayer.h"
#include "server/request.h"

namespace bixws::host {

/// Carries the request out; any thread. Empty: done, otherwise why not.
std::string control_replay(recording::Replayer& replayer, const server::ReplayRequest& request);

}  // namespace bixws::host
