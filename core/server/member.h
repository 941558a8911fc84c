// SPDX-License-Identifier: Apache-2.0
// Member: one client as the fan-out sees it, a position in its audience's log and, only while it needs them, things of
// its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/transport.h"
#include "server/audience.h"
#include "server/refresh.h"

namespace bixws::server {

/// The way out to a client.
class Outlet {
 public:
  /// One send(), nothing copied. `again`: only `bytes` were taken, and Fanout::writable() is to be called when there is
  /// room.
  virtual net::IoResult send_frames(std::string_view frames) = 0;
  /// A send_frames() comes soon: fetch what it will touch.
  virtual void prefetch() const {}
  /// The last send_frames() was cut between two frames, and nothing of it follows.
  virtual void frame_finished() = 0;
  /// It cannot follow, and its policy does not allow to leave anything out: close it with 1013.
  virtual void too_slow() = 0;

 protected:
  ~Outlet() = default;
};

struct Member {
  /// Bytes for this client alone, to be sent before the log goes on at `at`.
  struct Private {
    std::uint64_t at = 0;
    std::string bytes;
    std::size_t sent = 0;
    bool tail = false;  ///< begins in the middle of a frame, and is the rest of that one
  };
  /// Messages it lost, because the log could not wait for it.
  struct Loss {
    std::vector<Trimmed> before;  ///< per topic, what it had got when the loss began
    std::uint64_t tickers = 0;    ///< newest market_update it had got then
    std::uint64_t epochs = 0;     ///< trimmed epochs then
  };
  /// What only few clients have at any time.
  struct Extra {
    std::deque<Private> privates;
    std::unique_ptr<Loss> loss;
    std::vector<std::uint32_t> stale;  ///< ids of the topics a refresh is to replace, sorted
    bool stale_tickers = false;
    RefreshRequest asked;         ///< the refresh it waits for
    bool untold = false;          ///< the refresh has to tell it of an epoch, and then come
    std::string after_refresh;    ///< these messages, numbered in that epoch
    bool lost_meanwhile = false;  ///< while waiting for the refresh
    std::uint64_t token = 0;      ///< of the refresh it waits for; 0: none
    std::function<void()> drained;
    std::uint64_t drained_at = 0;
    void mark_stale(const RefreshRequest& request) {
      asked = request;
      stale_tickers = request.tickers;
      stale.clear();
      for (const RefreshRequest::Stale& one : request.topics) stale.push_back(one.topic->id);
      std::sort(stale.begin(), stale.end());
    }
    [[nodiscard]] bool idle() const { return privates.empty() && loss == nullptr && token == 0 && !drained; }
  };

  Outlet* outlet = nullptr;
  Audience* audience = nullptr;
  std::uint64_t position = 0;  ///< in the audience's log: all before it is out
  std::unique_ptr<Extra> extra;
  std::uint64_t number = 0;
  std::int32_t window = 0;  ///< of permessage-deflate, in bits; 0: everything goes to it plain
  std::uint32_t index = 0;  ///< in Audience::members
  bool behind = false;      ///< in Audience::laggards
  bool blocked = false;     ///< its socket is full
  bool hurried = false;
  bool gone = false;  ///< the connection broke, or everything was dropped on purpose

  [[nodiscard]] Extra& more() {
    if (!extra) extra = std::make_unique<Extra>();
    return *extra;
  }
  /// Bytes of its own that are not out yet.
  [[nodiscard]] std::size_t waiting() const {
    std::size_t bytes = 0;
    if (extra) {
      for (const Private& own : extra->privates) bytes += own.bytes.size() - own.sent;
    }
    return bytes;
  }
  [[nodiscard]] bool waits_for_refresh() const { return extra && extra->token != 0; }
};

}  // namespace bixws::server
