// SPDX-License-Identifier: Apache-2.0
// SoloSession: a client of /replay, with a replay of its own: the same protocol and the same messages as on the common
// one, but its clock alone. Nothing is batched, conflated or dropped, since the replay waits for its only client.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http_server.h"
#include "net/ws_peer.h"
#include "server/allowance.h"
#include "server/doors.h"
#include "server/inbox.h"
#include "server/labels.h"
#include "server/options.h"
#include "server/publisher.h"

namespace bixws::server {

/// Loop's thread only.
class SoloSession final : private net::WsPeer::Owner {
 public:
  class Owner {
   public:
    virtual void on_solo_ended(SoloSession& session) = 0;

   protected:
    ~Owner() = default;
  };
  struct Place {
    net::Loop& loop;
    const Options& options;
    std::shared_ptr<const Labels> labels;
    std::shared_ptr<HistoryDesk> desk;  ///< stopped before the loop ends
  };

  SoloSession(Owner& owner, Place place, std::unique_ptr<PrivateReplay> replay, net::Upgraded upgraded,
              Doors::Origin origin);
  ~SoloSession();

  [[nodiscard]] const Doors::Origin& origin() const { return origin_; }
  /// `subscribe`, `error`: what its URL asks for, or what is wrong with that.
  void start(std::optional<SubscribeRequest> subscribe, std::optional<RequestError> error, std::string early);
  /// A close frame behind what is on its way already.
  void close(std::uint16_t code, const std::string& reason);
  void cut();

 private:
  void on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) override;
  void on_writable(net::WsPeer& peer) override;
  void on_pong(net::WsPeer& peer, net::Duration round_trip) override;
  void on_closed(net::WsPeer& peer, const net::WsEnd& end) override;

  void take_runs();
  void take(const Run& run);
  [[nodiscard]] bool wants(const Topic& topic);
  void handle(Request request);
  [[nodiscard]] bool ask_history(HistoryJob job) const;
  void ping();
  void play();

  Owner& owner_;
  Place place_;
  Doors::Origin origin_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  net::Signal signal_;
  std::shared_ptr<Inbox> inbox_;
  std::shared_ptr<Publisher> publisher_;
  std::unique_ptr<PrivateReplay> replay_;
  net::WsPeer peer_;
  Allowance allowance_;
  std::shared_ptr<const Selection> selection_;
  std::vector<std::uint8_t> wanted_;  // by topic id: 0 not asked yet, 1 no, 2 yes
  std::string output_;
  std::size_t sent_ = 0;
  bool blocked_ = false;
  bool playing_ = false, answered_ping_ = false;
  bool ended_ = false;  // everything there will be is in the inbox
  bool over_ = false;
};

}  // namespace bixws::server
