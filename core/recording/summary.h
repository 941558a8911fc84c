// SPDX-License-Identifier: Apache-2.0
// Summary: what `sessions info` tells of a session, counted from its events.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "recording/recording.h"

namespace bixws::recording {

struct ChannelCount {
  std::string channel;  ///< "trades", "raw"
  std::uint64_t events = 0;
  std::uint64_t items = 0;  ///< trades, levels; otherwise as events
};

struct Summary {
  SessionRow session;
  std::vector<ChannelCount> channels;  ///< those that occur
  double coverage = 100;
  std::uint64_t gaps = 0;
  Micros longest_gap = 0;
  std::uint64_t chunk_bytes = 0;  ///< compressed
  std::uint64_t keyframes = 0;
  std::string damage;  ///< not empty: counted only up to here
};

/// Throws RecordingError, ConfigError. `progress` as in export.
[[nodiscard]] Summary summarize(const std::string& path, std::int64_t session,
                                const std::function<bool(double, std::uint64_t)>& progress);

}  // namespace bixws::recording
