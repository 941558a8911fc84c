// SPDX-License-Identifier: Apache-2.0
// A sample alert through one sink, to see whether it arrives: `bixws alerts test`.
#pragma once

#include <string>

#include "host/log.h"
#include "host/registry.h"

namespace bixws::host {

struct Trial {
  std::string sink;  ///< its name
  bool delivered = false;
};

/// Opens the sink, hands it one alert that says `text`, and closes it. A sink that keeps undelivered alerts gets a
/// place in memory for them, so that nothing of the trial is sent later. Why it failed is in the log. Throws
/// ConfigError.
Trial try_alert(const std::string& spec, const std::string& text, Registry& registry, Log& log);

}  // namespace bixws::host
