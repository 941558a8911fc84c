// SPDX-License-Identifier: Apache-2.0
// Shard: the topics that share a connection, because the exchange takes only so many on one.
#pragma once

#include <bixws/dialect.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "feed/backoff.h"
#include "feed/link.h"
#include "net/loop.h"

namespace bixws::feed {

struct Topic {
  Symbol* symbol;
  Channel channel;
  friend bool operator==(const Topic&, const Topic&) = default;
};

/// One of the connections of a shard, through all its reconnects.
struct Slot {
  Slot(net::Loop& loop, const Backoff& pace, std::function<void(Slot&)> reconnect)
      : backoff(pace), retry(loop, [this, reconnect = std::move(reconnect)] { reconnect(*this); }) {}

  std::unique_ptr<Link> link;
  std::unique_ptr<Link> successor;  ///< connects before `link` is given up
  std::string successor_wanted;     ///< why; empty: not
  Micros successor_since = 0;
  Backoff backoff;
  net::Timer retry;
};

struct Shard {
  std::string path;
  std::vector<Topic> topics;
  std::uint32_t used = 0;  ///< of Limits::topics_per_connection
  std::vector<std::unique_ptr<Slot>> slots;
};

}  // namespace bixws::feed
