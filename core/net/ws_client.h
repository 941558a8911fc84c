// SPDX-License-Identifier: Apache-2.0
// A WebSocket client on a loop: connects, checks the upgrade, then speaks through a WsPeer.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "net/connector.h"
#include "net/ws_peer.h"

namespace bixws::net {

struct WsClientOptions {
  ConnectOptions connect;
  WsPeerOptions peer{.max_message = std::size_t{16} * 1024 * 1024};
  Headers headers;                                      // e.g. Authorization
  bool deflate = false;                                 // offer permessage-deflate
  Duration upgrade_timeout = std::chrono::seconds(10);  // from the request to the 101
  std::size_t max_head = std::size_t{16} * 1024;        // bytes of the answer's head
};

/// One connection at a time. connect() may be called again after on_failed or on_closed, also from inside them.
/// Loop's thread only; not to be destroyed inside a callback (Loop::dispose).
class WsClient final : private WsPeer::Owner, private Connection::Owner {
 public:
  class Owner {
   public:
    virtual void on_open(WsClient& client) = 0;
    virtual void on_message(WsClient& client, Opcode kind, std::string_view payload) = 0;
    /// The attempt failed before it was open.
    virtual void on_failed(WsClient& client, const NetFailure& failure) = 0;
    /// It was open and is not any more.
    virtual void on_closed(WsClient& client, const WsEnd& end) = 0;
    /// What send() left waiting has gone out.
    virtual void on_writable(WsClient& client) { (void)client; }
    virtual void on_pong(WsClient& client, Duration round_trip) { (void)client, (void)round_trip; }

   protected:
    ~Owner() = default;
  };

  WsClient(Loop& loop, WsClientOptions options, Owner& owner);
  ~WsClient() { stop(); }
  WsClient(const WsClient&) = delete;
  WsClient& operator=(const WsClient&) = delete;

  /// Ends in on_open or on_failed, never inside this call. Throws std::runtime_error if `url` is not ws or wss.
  void connect(const Url& url);
  /// Replaces the extra headers of the next connect().
  void set_headers(Headers headers) { options_.headers = std::move(headers); }

  SendStatus send(Opcode kind, std::string_view payload);
  SendStatus send_text(std::string_view text) { return send(Opcode::text, text); }
  /// The closing handshake; ends in on_closed. Not open yet: the same as stop().
  void close(std::uint16_t code = close_code::normal, std::string_view reason = {});
  /// Ends everything at once; no callback follows.
  void stop() noexcept;

  bool open() const noexcept { return peer_ != nullptr && peer_->open(); }
  /// While open.
  WsPeer* peer() noexcept { return peer_.get(); }
  const Url& url() const noexcept { return url_; }
  Loop& loop() noexcept { return *loop_; }

 private:
  void on_connected(std::unique_ptr<Connection> connection, const NetFailure& failure);
  void send_request();
  void read_answer();
  void upgraded(const HttpResponseHead& head, std::string early);
  void collect_refusal(bool ended);
  void fail(NetFailure failure);
  void drop_attempt() noexcept;

  void on_readable() override;
  void on_writable() override;
  void on_message(WsPeer& peer, Opcode kind, std::string_view payload) override;
  void on_writable(WsPeer& peer) override;
  void on_pong(WsPeer& peer, Duration round_trip) override;
  void on_closed(WsPeer& peer, const WsEnd& end) override;

  Loop* loop_;
  WsClientOptions options_;
  Owner* owner_;
  Url url_;
  Connector connector_;
  std::unique_ptr<Connection> connection_;  // during the upgrade
  std::string key_;
  std::string request_;
  std::string answer_;
  std::size_t searched_ = 0;
  std::unique_ptr<HttpResponseHead> refusal_;  // not a 101: waits for a little of its body
  std::unique_ptr<WsPeer> peer_;
  Timer timer_;
};

}  // namespace bixws::net
