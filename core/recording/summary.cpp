// SPDX-License-Identifier: Apache-2.0
// Summary: one pass over the session's events.
#include "recording/summary.h"

#include <array>

#include "model/event_json.h"
#include "recording/coverage.h"
#include "recording/format.h"

namespace bixws::recording {
namespace {

std::string_view channel_name(Kind kind) {
  switch (kind) {
    case Kind::ticker:
      return "ticker";
    case Kind::trades:
      return "trades";
    case Kind::book:
      return "book";
    case Kind::candle:
      return "candles";
    case Kind::status:
      return "status";
    case Kind::gap:
      return "gaps";
    case Kind::alert:
      return "alerts";
    case Kind::annotation:
      return "annotations";
    case Kind::raw:
      return "frames";
  }
  return {};
}

std::uint64_t items_of(const Event& event) {
  if (event.kind == Kind::trades) return event.trades().list.size();
  if (event.kind == Kind::book) return event.book().bids.size() + event.book().asks.size();
  return 1;
}

}  // namespace

Summary summarize(const std::string& path, std::int64_t session,
                  const std::function<bool(double, std::uint64_t)>& progress) {
  Instruments instruments;
  SessionReader reader(path, session, instruments);
  Summary summary;
  summary.session = reader.session();
  std::array<ChannelCount, 16> counts;
  Coverage coverage;
  EventBatch batch;
  try {
    while (reader.next(batch, 4096)) {
      for (const Event& event : batch.events()) {
        ChannelCount& count = counts[static_cast<std::size_t>(event.kind)];
        ++count.events;
        count.items += items_of(event);
        coverage.add(event);
      }
      batch.clear();
      const double share = static_cast<double>(reader.next_seq()) / static_cast<double>(summary.session.events + 1);
      if (progress && !progress(share, reader.next_seq() - 1)) throw RecordingError("interrupted");
    }
  } catch (const DamageError& damage) {
    summary.damage = damage.what();
  }
  for (std::size_t kind = 0; kind < counts.size(); ++kind) {
    if (counts[kind].events == 0) continue;
    counts[kind].channel = channel_name(static_cast<Kind>(kind));
    summary.channels.push_back(std::move(counts[kind]));
  }
  summary.coverage = coverage.percent();
  summary.gaps = coverage.gaps();
  summary.longest_gap = coverage.longest_gap();
  Recording recording(path);
  const auto within = [&](std::string_view what) {
    Statement select = recording.database().prepare(std::string(what) + " WHERE id BETWEEN ?1 AND ?2");
    select.bind(1, chunk_id(summary.session.id, 0));
    select.bind(2, chunk_id(summary.session.id + 1, 0) - 1);
    return select.step() ? static_cast<std::uint64_t>(select.integer(0)) : 0;
  };
  try {
    summary.chunk_bytes = within("SELECT sum(length(data)) FROM chunks");
    summary.keyframes = within("SELECT count(*) FROM keyframes");
  } catch (const DatabaseError& error) {
    if (!error.is_corrupt()) throw;
    if (summary.damage.empty()) summary.damage = error.what();
  }
  return summary;
}

}  // namespace bixws::recording
