// SPDX-License-Identifier: Apache-2.0
// Publisher: what is different at an edge, which passes on the numbers of another node. Its clients may come from
// another edge of that node, with numbers from there.
#include <algorithm>

#include "server/publisher.h"

namespace bixws::server {
namespace {

/// Edges are this much apart at the worst; whoever is ahead of an edge for longer has its numbers from elsewhere.
constexpr std::chrono::seconds kLongestWait{2};

}  // namespace

/// As if somebody listened to all that can be resumed: the client of another edge may come with any of its topics.
void Publisher::keep_everything(const market::Market& market) {
  if (!recent_.enabled() || std::exchange(keeps_everything_, true)) return;
  Selection everything;
  for (const char* channel : {"ticker", "trades", "book", "candles:1m"}) {
    everything.add(*parse_channel(channel), nullptr, Policy::lossless);
  }
  count(everything, 1, market);
}

bool Publisher::ahead(const SubscribeRequest& request, const market::Market& market) const {
  return std::any_of(request.last.begin(), request.last.end(), [&](const SubscribeRequest::Position& position) {
    const market::InstrumentState* state = market.find(position.instrument->id);
    switch (position.what.channel) {
      case Channel::ticker:
        return position.seq > market.ticker_count();
      case Channel::candle: {
        if (state == nullptr) return false;
        const auto own = state->candles.find(static_cast<std::int32_t>(position.what.param));
        return own != state->candles.end() && position.seq > own->second.seq;
      }
      default:
        return position.seq > seq_of(position.what, state);
    }
  });
}

/// True: it is answered when its numbers have come.
bool Publisher::wait_for_numbers(ClientKey client, const SubscribeRequest& request, const market::Market& market) {
  if (!market.takes_numbers() || !request.resume || request.epoch != hub_.epoch() || !ahead(request, market)) {
    return false;
  }
  early_.push_back({client, request, std::chrono::steady_clock::now() + kLongestWait});
  return true;
}

void Publisher::answer_waiting(ClientKey client, const market::Market& market) {
  const auto at =
      std::find_if(early_.begin(), early_.end(), [&](const Early& early) { return early.client == client; });
  if (at == early_.end()) return;
  const Early early = std::move(*at);
  early_.erase(at);
  select(early.client, early.request, market);
}

void Publisher::answer_waiting(const market::Market& market) {
  if (early_.empty()) return;
  const auto now = std::chrono::steady_clock::now();
  std::vector<Early> due;
  std::erase_if(early_, [&](Early& early) {
    const bool is_due = now >= early.until || early.request.epoch != hub_.epoch() || !ahead(early.request, market);
    if (is_due) due.push_back(std::move(early));
    return is_due;
  });
  for (const Early& early : due) select(early.client, early.request, market);
}

}  // namespace bixws::server
