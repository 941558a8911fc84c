// SPDX-License-Identifier: Apache-2.0
// Outgoing connections: name lookup off the loop, every address tried, proxy, TLS; each failure a value with its stage.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/address.h"
#include "net/connection.h"
#include "net/http.h"
#include "net/tls.h"
#include "net/url.h"

namespace bixws::net {

/// How far an attempt came.
enum class Stage : std::uint8_t { dns, connect, proxy, tls, http, protocol };
std::string_view stage_name(Stage stage) noexcept;

struct NetFailure {
  Stage stage = Stage::connect;
  int status = 0;    // HTTP status, at stage http and proxy
  std::string body;  // what came with it, at most 200 bytes
  std::optional<std::chrono::seconds> retry_after;
  std::string text;  // for a human: what, where, what to do
};

struct ConnectOptions {
  Duration dns_timeout = std::chrono::seconds(10);
  Duration connect_timeout = std::chrono::seconds(3);  // for each address
  Duration tls_timeout = std::chrono::seconds(10);     // also for a proxy's answer
  std::shared_ptr<const TlsClientContext> tls;         // null: the system's authorities
  bool use_proxy = true;                               // obey HTTP_PROXY, HTTPS_PROXY, NO_PROXY
  /// Replaces the system's resolver; runs on a thread of its own and may block.
  std::function<Resolved(const std::string& host, std::uint16_t port)> resolver;
};

/// The proxy that the environment names for `url`, if any. Throws std::runtime_error if its URL is broken.
std::optional<Url> proxy_for(const Url& url);

/// One attempt at a time; stop() and the destructor end it at once, without a callback. Loop's thread only.
class Connector final : private Pollable, private Connection::Owner {
 public:
  /// Either a connection ready for use (TLS done), or the failure. Called from the loop, never inside start().
  using Done = std::function<void(std::unique_ptr<Connection> connection, const NetFailure& failure)>;

  Connector(Loop& loop, ConnectOptions options);
  ~Connector() { stop(); }
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  void start(const Url& url, Done done);
  void stop() noexcept;

 private:
  struct Lookup;

  void begin();
  void look_up(const std::string& host, std::uint16_t port);
  void resolved(Resolved result);
  void try_next();
  void address_failed(const std::string& why);
  void connected();
  void read_proxy_answer();
  void secure();
  void succeed();
  void fail(Stage stage, std::string text, int status = 0, std::string body = {});
  void on_timeout();
  std::string where() const;

  void on_ready(std::uint32_t events) override;  // while connecting
  void on_readable() override;                   // the proxy's answer
  void on_writable() override {}
  void on_secured(const IoResult& result) override;

  Loop* loop_;
  ConnectOptions options_;
  Done done_;
  Url url_;
  std::optional<Url> proxy_;
  std::shared_ptr<Lookup> lookup_;
  std::vector<Address> addresses_;
  std::size_t next_address_ = 0;
  std::string failures_;  // what became of the addresses so far
  int fd_ = -1;
  std::unique_ptr<Connection> connection_;
  std::string proxy_answer_;
  enum class State { idle, starting, looking_up, connecting, asking_proxy, securing } state_ = State::idle;
  Timer timer_;
};

}  // namespace bixws::net
