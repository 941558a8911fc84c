// SPDX-License-Identifier: Apache-2.0
// ClientSession: one WebSocket client, from its upgrade to its end: what it asks, and the way out for what it gets.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "net/ws_peer.h"
#include "server/allowance.h"
#include "server/doors.h"
#include "server/fanout.h"
#include "server/request.h"

namespace bixws::server {

class ServerLoop;

/// Loop's thread only.
class ClientSession final : public Outlet, private net::WsPeer::Owner {
 public:
  ClientSession(ServerLoop& loop, std::uint64_t number, net::Upgraded upgraded, Doors::Origin origin);
  ~ClientSession();

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] const Doors::Origin& origin() const { return origin_; }

  /// It will miss nothing of what comes: see Server::ready_clients.
  [[nodiscard]] bool ready() const { return ready_; }
  void be_ready();

  /// Starts reading; `early` is what came with the handshake.
  void start(std::string early);
  /// One protocol message for this client alone, after what is on its way.
  void send(std::string_view payload);
  void send_error(const RequestError& error);
  /// Ends it now: the rest of a half-sent message goes out, then the close frame.
  void close(std::uint16_t code, std::string_view reason);
  /// Ends it at once, without a close frame.
  void cut();
  /// Likewise, without a close frame.
  void cut_when_drained();
  /// To be called once it has ended: the fan-out forgets it.
  void leave();
  /// Ends it once everything due has gone out.
  void close_when_drained(std::uint16_t code, std::string_view reason);

 private:
  net::IoResult send_frames(std::string_view frames) override;
  void prefetch() const override;
  void frame_finished() override;
  void too_slow() override;

  void on_message(net::WsPeer& peer, net::Opcode kind, std::string_view payload) override;
  void on_writable(net::WsPeer& peer) override;
  void on_pong(net::WsPeer& peer, net::Duration round_trip) override;
  void on_closed(net::WsPeer& peer, const net::WsEnd& end) override;

  net::WsPeer peer_;  // first: what a send touches lies in one or two cache lines
  ServerLoop& loop_;
  std::uint64_t number_;
  Doors::Origin origin_;
  Member* member_;
  Allowance allowance_;
  bool answered_ping_ = false;
  bool ready_ = false;
};

}  // namespace bixws::server
