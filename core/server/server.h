// SPDX-License-Identifier: Apache-2.0
// Server: what `serve` and `replay` offer on one port, the WebSocket protocol of docs/protocol.md and a few pages.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "model/instruments.h"
#include "server/options.h"

namespace bixws::server {

class Publisher;
class ServerLoop;
struct Common;

/// Construct it before Hub::start(), for it attaches itself; stop it after the feeds and before Hub::stop().
class Server {
 public:
  /// Throws ConfigError for options that contradict each other and for token files that cannot be read, and
  /// std::runtime_error for certificates that cannot be used. `instruments` should hold what clients may ask for.
  Server(hub::Hub& hub, const Instruments& instruments, Options options);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Takes the port; who connects waits until start(). Throws std::runtime_error when it cannot, for example "cannot
  /// listen on 127.0.0.1:8765: the port is in use; ...".
  void listen();
  /// Serves; takes the port first if that was not done. What Options refers to must be there by now.
  void start();
  /// Where Options::first_exchange was not known yet: once, from any thread, before the first event of that exchange.
  void set_first_exchange(std::string exchange);
  /// After start(): the port, also when 0 was asked for.
  [[nodiscard]] std::uint16_t port() const;
  /// "ws://127.0.0.1:8765", with wss and the base path as they are.
  [[nodiscard]] std::string url() const;
  /// Something the user should know, or empty: listening beyond this machine without a token.
  [[nodiscard]] std::string warning() const;

  /// A stop is near: from now on a client that holds everybody back and takes nothing is cut after this long already,
  /// so that feeds can end. From any thread.
  void hurry(net::Duration patience = std::chrono::seconds(1));
  /// Sends what is due to every client and closes it with 1001; whoever has not ended at the deadline is cut.
  /// Idempotent.
  void stop(net::Duration deadline = std::chrono::seconds(3));
  /// The end of a replay, after the hub was drained: the same with 1000, but nobody is cut who still takes what is due,
  /// only when all have taken nothing for Options::hold_deadline.
  void finish();
  /// Tokens and certificate are read again (SIGHUP). Throws like the constructor and then keeps what it had.
  void reload();

  [[nodiscard]] std::size_t clients() const;
  /// With Options::on_ready: clients that will miss nothing of what comes. Each has subscribed, by message or URL; or
  /// it has got its initial_data, answered a ping sent behind it and then another one: who wants more than the default
  /// says so upon connecting or in answer to initial_data, and both come before the second pong.
  [[nodiscard]] std::size_t ready_clients() const;
  /// Waits until everything that has already arrived from clients is with the hub. Not from a server thread.
  void settle();
  /// Ends every client's connection behind what is due to it, without a close frame: a fault that was asked for. Waits
  /// until all are cut, at most Options::hold_deadline. Not from a server thread.
  void cut_clients();
  /// The text of /metrics.
  [[nodiscard]] std::string metrics() const;
  /// Why /healthz says 503; empty: it says 200.
  [[nodiscard]] std::vector<std::string> ailments() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace bixws::server
