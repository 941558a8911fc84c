// SPDX-License-Identifier: Apache-2.0
// Traffic: as much of an exchange's traffic as wanted, made from a short capture of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"

namespace bixws::bench {

struct TrafficOptions {
  std::vector<std::string> capture;  ///< files of one cryptofeed dump
  std::string feed;                  ///< "coinbase"
  std::string plugin_directory;
  std::size_t messages = 0;
  bool trades_only = false;
  std::uint64_t seed = 1;
};

/// The capture over and over. Each time the last digits of sizes and times are drawn anew, trade ids go on, and receive
/// times follow at the capture's pace: what repeats byte for byte would compress too well.
struct Traffic {
  std::vector<std::string> frames;           ///< as the exchange would send them
  std::vector<std::int64_t> times;           ///< when each was received
  std::vector<std::string> start;            ///< frames to send before, once: acknowledgements and book snapshots
  std::vector<SharedBatch> batches;          ///< the events of `frames`, of about a hundred frames each
  std::vector<SharedBatch> with_frames;      ///< the same with the frames themselves as raw events
  std::unique_ptr<Instruments> instruments;  ///< of the events
  std::size_t events = 0;                    ///< in `batches`
  std::size_t bytes = 0;                     ///< of all frames
};

[[nodiscard]] Traffic make_traffic(const TrafficOptions& options);

}  // namespace bixws::bench
