// SPDX-License-Identifier: Apache-2.0
// Chart data from a recording: every event of the session, once.
#include "chart/builder.h"
#include "chart/sources.h"
#include "model/config_error.h"
#include "model/time_text.h"
#include "recording/recording.h"

namespace bixws::chart {
namespace {

constexpr std::size_t kAtOnce = 4'096;

Micros time_of(const std::string& text, const char* name, Micros start, Micros fallback) {
  if (text.empty()) return fallback;
  const auto time = parse_time(text, start);
  if (!time) throw ConfigError(std::string(name) + " must be a time such as 2026-11-22T21:00:00Z or +90s, not " + text);
  return *time;
}

}  // namespace

Data read_recording(const std::string& path, const Wanted& wanted) {
  Instruments instruments;
  recording::SessionReader reader(path, wanted.session, instruments);
  const Micros start = reader.session().started_ts;
  const Micros from = time_of(wanted.from, "--from", start, 0);
  const Micros to = time_of(wanted.to, "--to", start, INT64_MAX);
  if (from > start) reader.seek_time(from, nullptr);
  Builder builder(wanted.symbol, wanted.seconds);
  EventBatch batch;
  for (bool more = true; more; batch.clear()) {
    more = reader.next(batch, kAtOnce);
    const EventBatch& read = batch;
    for (const Event& event : read.events()) {
      if (event.recv_ts < to) builder.add(event);
    }
    if (!read.empty() && read.events().back().recv_ts >= to) break;
  }
  return builder.take();
}

}  // namespace bixws::chart
