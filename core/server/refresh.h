// SPDX-License-Identifier: Apache-2.0
// RefreshRequest: what a loop asks the hub's thread for, to bring a client that fell behind up to date.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "server/topic.h"

namespace bixws::server {

/// What a client that had fallen behind needs to be up to date again.
struct RefreshRequest {
  struct Stale {
    const Topic* topic = nullptr;
    std::uint64_t from_seq = 0;  ///< the first number it did not get; 0: not known
  };
  std::vector<Stale> topics;
  bool new_epoch = false;  ///< it has not been told of the current one: everything anew
  bool tickers = false;
  std::uint64_t tickers_after = 0;  ///< it has every ticker up to this number
  std::uint64_t epochs = 0;         ///< how many epochs had begun when the numbers above were noted
  std::uint64_t token = 0;          ///< comes back with the answer

  /// Takes in what `later` asks for besides; where both name a topic, the earlier loss stands.
  void merge(const RefreshRequest& later) {
    for (const Stale& stale : later.topics) {
      const bool known =
          std::any_of(topics.begin(), topics.end(), [&](const Stale& mine) { return mine.topic == stale.topic; });
      if (!known) topics.push_back(stale);
    }
    if (!tickers) tickers_after = later.tickers_after;
    tickers = tickers || later.tickers;
    new_epoch = new_epoch || later.new_epoch;
  }
  [[nodiscard]] bool empty() const { return topics.empty() && !tickers && !new_epoch; }
};

}  // namespace bixws::server
