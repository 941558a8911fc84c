// SPDX-License-Identifier: Apache-2.0
// ReplayFeed: what a session row tells about its instruments, and the end of a replay.
#include "host/replay_feed.h"

#include <algorithm>

#include "host/flag.h"
#include "model/batch.h"
#include "recording/recording.h"

namespace bixws::host {
namespace {

constexpr std::size_t kPeek = 1000;

/// `feeds` begins with the first feed's spec. What was recorded from another server has its URL there instead; then it
/// is the exchange of the first event.
std::string first_exchange_of(const recording::PlaybackOptions& options) {
  Instruments scratch;
  recording::SessionReader reader(options.path, options.session, scratch);
  const std::string& feeds = reader.session().feeds;
  const std::string first = feeds.substr(0, feeds.find(' '));
  if (!first.empty() && first.find("://") == std::string::npos) return first.substr(0, first.find(':'));
  try {
    EventBatch batch;
    reader.next(batch, kPeek);
    const EventBatch& peeked = batch;
    for (const Event& event : peeked.events()) {
      if (!event.instrument->exchange.empty() && !event.instrument->symbol.empty()) {
        return std::string(event.instrument->exchange);
      }
    }
  } catch (const recording::DamageError&) {
    // The replay itself will say where.
  }
  return {};
}

}  // namespace

bool ReplayFeed::Target::publish(std::unique_ptr<EventBatch> batch) {
  if (!with_alerts_) {
    const auto events = batch->events();
    const auto kept =
        std::remove_if(events.begin(), events.end(), [](const Event& e) { return e.kind == Kind::alert; });
    batch->truncate(static_cast<std::size_t>(kept - events.begin()));
  }
  return hub_.publish(std::move(batch));
}

std::string know_instruments(const recording::PlaybackOptions& options, Instruments& instruments) {
  std::string first_exchange = first_exchange_of(options);
  recording::Recording file(options.path);
  for (const std::string& label : split(file.session(options.session).symbols, ",")) {
    const auto colon = label.find(':');
    if (colon == std::string::npos) {
      instruments.get(first_exchange, label);
    } else {
      instruments.get(label.substr(0, colon), label.substr(colon + 1));
    }
  }
  return first_exchange;
}

ReplayFeed::ReplayFeed(const recording::PlaybackOptions& options, const Surroundings& around, bool with_alerts,
                       std::function<void()> on_disconnect)
    : first_exchange_(know_instruments(options, around.instruments)),
      target_(around.hub, with_alerts, std::move(on_disconnect)),
      replayer_(options, around.instruments, target_) {}

void ReplayFeed::start(OnEnd on_end) {
  replayer_.start([this, on_end = std::move(on_end)] {
    const std::string error = replayer_.position().error;
    on_end({.failed = !error.empty(), .refused = false, .reason = error});
  });
}

}  // namespace bixws::host
