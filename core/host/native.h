// SPDX-License-Identifier: Apache-2.0
// run_native: `replay --native`, from the plugin that speaks the exchange's language to the exit code.
#pragma once

#include <string>

#include "host/log.h"
#include "host/registry.h"
#include "native/native_replay.h"

namespace bixws::host {

struct NativeRequest {
  native::NativeOptions options;  ///< `exchange` empty: the only one that has frames in the recording
  std::string tls_cert, tls_key;
};

/// Runs until the recording is over or a signal comes. Returns the exit code; throws ConfigError, RecordingError,
/// std::runtime_error.
int run_native(NativeRequest request, Registry& registry, Log& log);

}  // namespace bixws::host
