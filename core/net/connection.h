// SPDX-License-Identifier: Apache-2.0
// A transport that a loop watches for whoever owns the conversation at the moment: HTTP first, WebSocket after it.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include "net/address.h"
#include "net/loop.h"
#include "net/transport.h"

namespace bixws::net {

/// Loop's thread only. The owner may change during its life; it must not be destroyed while it calls its owner, use
/// Loop::dispose.
class Connection final : private Pollable {
 public:
  /// What the owner is told. Level-triggered: on_readable comes again as long as bytes wait.
  class Owner {
   public:
    /// Bytes, the end, or an error wait: read() tells which. Also while reading is paused, if the peer is gone.
    virtual void on_readable() = 0;
    /// After want_write(true): there is room.
    virtual void on_writable() = 0;
    /// The TLS handshake ended, well or with `result` telling why not.
    virtual void on_secured(const IoResult& result) { (void)result; }

   protected:
    ~Owner() = default;
  };

  /// Watches `transport` from now on. A transport with TLS does its handshake first; nobody reads before on_secured.
  Connection(Loop& loop, Transport transport, const Address& peer);
  ~Connection() { close(); }

  Loop& loop() noexcept { return *loop_; }
  const Address& peer() const noexcept { return peer_; }
  bool open() const noexcept { return transport_.open(); }
  bool secure() const noexcept { return transport_.ssl() != nullptr; }
  Transport& transport() noexcept { return transport_; }

  void set_owner(Owner* owner) noexcept { owner_ = owner; }

  /// Puts TLS on top (a proxy's tunnel); ends in on_secured.
  void start_tls(SslHandle ssl);
  bool securing() const noexcept { return securing_; }

  IoResult read(std::span<char> into) { return transport_.read(into); }
  /// Plain sockets: one send(), nothing allocated. After `again` say want_write(true).
  IoResult write(std::string_view bytes) { return transport_.write(bytes); }

  void want_write(bool wanted);
  /// No on_readable while paused: backpressure on the peer.
  void pause_reading(bool paused);
  bool paused() const noexcept { return paused_; }
  /// One more on_readable next turn, for bytes that epoll does not see (inside TLS) or that nobody has asked for yet.
  void read_again();

  void shutdown_write() noexcept { transport_.shutdown_write(); }
  void close() noexcept;

 private:
  void on_ready(std::uint32_t events) override;
  void continue_handshake();
  void update();

  Loop* loop_;
  Owner* owner_ = nullptr;
  Transport transport_;
  Address peer_;
  std::uint32_t watched_ = EPOLLIN;
  bool wants_write_ = false;
  bool paused_ = false;
  bool securing_ = false;
};

}  // namespace bixws::net
