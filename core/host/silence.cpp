// SPDX-License-Identifier: Apache-2.0
// SilenceWatch: a clock beside the hub.
#include "host/silence.h"

#include <poll.h>

#include <algorithm>

#include "model/batch.h"
#include "model/time_text.h"

namespace bixws::host {
namespace {

constexpr Micros kLongestPause = 1'000'000;

}  // namespace

SilenceWatch::SilenceWatch(std::shared_ptr<const alerts::Engine> engine, std::string exchange,
                           const Surroundings& around)
    : engine_(std::move(engine)), exchange_(std::move(exchange)), around_(around) {}

void SilenceWatch::start() {
  if (engine_->patience() > 0) thread_ = std::thread([this] { run(); });
}

void SilenceWatch::stop() {
  stop_.set();
  if (thread_.joinable()) thread_.join();
}

void SilenceWatch::run() {
  const Micros wait = std::min(kLongestPause, engine_->patience() / 4);
  for (;;) {
    pollfd fd{stop_.fd(), POLLIN, 0};
    if (::poll(&fd, 1, static_cast<int>(wait / 1000)) > 0) return;
    // The engine lives on the hub's thread; so does the look at it.
    around_.hub.post([this](market::Market& market) { look(market); });
  }
}

void SilenceWatch::look(const market::Market& market) {
  const Micros now = around_.clock.now();
  if (now < engine_->next_deadline()) return;
  const Instrument& feed = around_.instruments.get(exchange_, "");
  const market::InstrumentState* known = market.find(feed.id);
  Status status;
  status.state = known != nullptr && known->has_status ? known->state : FeedState::live;
  const std::string reason = "no data since " + format_rfc3339(market.last_recv_ts());
  status.reason = reason;
  auto batch = std::make_unique<EventBatch>();
  batch->append(Event::of(feed, now, 0, status));
  around_.hub.inject(std::move(batch));
}

}  // namespace bixws::host
