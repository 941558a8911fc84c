// SPDX-License-Identifier: Apache-2.0
// RemoteSource: another bixws server as a feed for a hub, losing nothing it can help, and saying what it lost: what
// `record --url` runs on.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "feed/remote_feed.h"

namespace bixws::feed {

class RemoteSource final : private RemoteFeed::Listener {
 public:
  /// How it ended by itself.
  struct End {
    bool failed = false;
    bool refused = false;  ///< the server knows no such symbol or channel
    std::string reason;
  };
  struct Callbacks {
    /// Events in the server's order, e.g. into Hub::publish; may wait, which holds the server back. False: stop.
    std::function<bool(std::unique_ptr<EventBatch>)> publish;
    /// Once, if it ends by itself: the replay is over, or it failed for good.
    std::function<void(const End&)> end;
    /// Connections made and lost, for the log.
    std::function<void(std::string_view)> note;
    /// May be empty: there is no connection now, for this reason, and it is tried again.
    std::function<void(const std::string&)> lost;
  };

  /// `symbols` empty: all that the server has. `channels` as in a subscribe. Throws ConfigError for a bad URL.
  RemoteSource(RemoteOptions options, std::vector<std::string> symbols, std::vector<std::string> channels,
               Instruments& instruments);
  ~RemoteSource() { stop(); }

  /// All callbacks come from the feed's thread and none may call stop().
  void start(Callbacks callbacks);
  /// What came before is published when this returns. Idempotent.
  void stop();
  [[nodiscard]] const std::string& name() const { return feed_->name(); }
  /// In callbacks only: the exchange whose symbols have plain names there, as far as known.
  [[nodiscard]] std::string_view plain_exchange() const { return feed_->plain_exchange(); }

 private:
  void on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch, std::size_t first) override;
  void on_events(std::unique_ptr<EventBatch>& batch) override;
  void on_link(const RemoteLink& link) override;
  void on_new_epoch(Micros resumed_at, EventBatch& batch, std::size_t first);
  void drop_known_tickers(EventBatch& batch, std::size_t first);
  void note_event(Event& event);
  void finish(const End& end);

  std::vector<RemoteAsk> asks_;
  Instruments& instruments_;
  Callbacks callbacks_;
  // The feed's thread only.
  std::string epoch_;
  std::string lost_because_;                           // of the last connection; empty: none was lost since
  std::set<std::string, std::less<>> exchanges_;       // that events came from
  std::unordered_map<std::uint32_t, Micros> tickers_;  // newest recv_ts by instrument
  Micros newest_ = 0;                                  // recv_ts of all
  bool finished_ = false;
  std::unique_ptr<RemoteFeed> feed_;
};

}  // namespace bixws::feed
