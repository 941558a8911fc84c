// SPDX-License-Identifier: Apache-2.0
// PrivateReplay: what the server needs of a replay that one client has for itself.
#pragma once

#include <functional>
#include <string>

#include "hub/hub.h"
#include "server/history_desk.h"
#include "server/request.h"

namespace bixws::server {

/// The hub is not started before the server has attached its listener. The destructor ends everything, at once.
class PrivateReplay {
 public:
  virtual ~PrivateReplay() = default;
  virtual hub::Hub& hub() = 0;
  /// Begins to play. `on_ended` is called once, on a thread of its own, when all of it is with the hub.
  virtual void play(std::function<void()> on_ended) = 0;
  /// What `history` reads, later and on another thread; nothing beyond HistoryQuery::now.
  [[nodiscard]] virtual HistorySource history() const = 0;
  /// As Options::replay.
  virtual std::string control(const ReplayRequest& request) = 0;
};

}  // namespace bixws::server
