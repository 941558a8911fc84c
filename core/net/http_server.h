// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 on a loop: reads heads under deadlines, lets a site answer with pages, streams or an upgrade.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "net/connection.h"
#include "net/http.h"
#include "net/tls.h"
#include "net/ws_handshake.h"

namespace bixws::net {

struct HttpServerOptions {
  std::size_t max_head = 8192;                         // bytes of a request's head
  Duration head_deadline = std::chrono::seconds(5);    // from the first moment to the complete head
  Duration tls_deadline = std::chrono::seconds(10);    // for the TLS handshake
  Duration keep_alive = std::chrono::seconds(15);      // idle between two requests
  Duration write_deadline = std::chrono::seconds(30);  // without the client taking a single byte
  int send_buffer = 65536;                             // SO_SNDBUF; 0 leaves the system's
  std::size_t max_sessions = 4096;                     // connections that are not upgraded (yet)
  std::shared_ptr<const TlsServerContext> tls;         // null: plain
};

class HttpServer;

/// A body that is made while it is sent.
class HttpBody {
 public:
  enum class Fill { more, wait, done, failed };
  virtual ~HttpBody() = default;
  /// Appends some tens of kilobytes to `out`, only when there is room on the wire. `wait`: nothing now; call
  /// HttpSession::resume() when there is. `failed`: the connection is cut, so that the client sees it is not whole.
  virtual Fill fill(std::string& out) = 0;
};

/// What an upgrade hands over. `early`: bytes that came after the head.
struct Upgraded {
  std::unique_ptr<Connection> connection;
  std::string early;
  DeflateAgreement deflate;
};

/// One HTTP connection. Lives until it is answered and closed, or upgraded; keep its id() and ask HttpServer::find
/// when the answer comes later. Loop's thread only.
class HttpSession final : private Connection::Owner {
 public:
  HttpSession(HttpServer& server, std::uint64_t id, std::unique_ptr<Connection> connection);
  ~HttpSession() = default;

  std::uint64_t id() const noexcept { return id_; }
  const HttpRequest& request() const noexcept { return request_; }
  const Address& peer() const noexcept { return connection_->peer(); }
  bool secure() const noexcept { return connection_->secure(); }

  /// Exactly one of these three answers each request, at once or later.
  void respond(const HttpResponse& response);
  void respond_with(const HttpResponse& head, std::unique_ptr<HttpBody> body);
  /// Sends 101 and gives the connection away; nothing if the client is gone. `offer` from read_ws_request.
  std::optional<Upgraded> upgrade(const WsOffer& offer);

  /// The body has something again.
  void resume();

 private:
  friend class HttpServer;
  enum class State : std::uint8_t { securing, reading, answering, closing, ended };

  void on_readable() override;
  void on_writable() override;
  void on_secured(const IoResult& result) override;
  void on_deadline();
  void read_requests();
  void refuse(int status, std::string_view text);
  void send_answer();
  void answered();
  void linger();
  void end();

  HttpServer* server_;
  std::uint64_t id_;
  std::unique_ptr<Connection> connection_;
  Timer deadline_;
  State state_ = State::reading;
  bool keep_alive_ = false;
  bool chunked_ = false;
  bool in_dispatch_ = false;
  std::string input_;  // head as far as it came, then what came after it
  std::size_t searched_ = 0;
  std::string output_;
  std::size_t output_at_ = 0;
  std::size_t discarded_ = 0;
  std::unique_ptr<HttpBody> body_;
  HttpRequest request_;
};

/// Serves the connections given to adopt(). Loop's thread only.
class HttpServer {
 public:
  class Site {
   public:
    /// A complete request. Answer it now or later.
    virtual void on_request(HttpSession& session) = 0;
    /// May this address connect? False closes it at once. Each true is followed by one released(), unless the
    /// connection was upgraded: then its new owner counts it out.
    virtual bool admit(const Address& peer) { return (void)peer, true; }
    virtual void released(const Address& peer) { (void)peer; }

   protected:
    ~Site() = default;
  };

  HttpServer(Loop& loop, HttpServerOptions options, Site& site);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Takes an accepted descriptor (Listener gives them).
  void adopt(int fd, const Address& peer);
  /// The session if it still waits for its answer.
  HttpSession* find(std::uint64_t id) noexcept;
  std::size_t sessions() const noexcept { return sessions_.size(); }
  Loop& loop() noexcept { return *loop_; }
  /// Cuts every session.
  void close_all();

  /// Connections refused by max_sessions, and those that failed their TLS handshake or missed a deadline.
  struct Counters {
    std::uint64_t refused = 0;
    std::uint64_t tls_failures = 0;
    std::uint64_t deadlines = 0;
  };
  const Counters& counters() const noexcept { return counters_; }

 private:
  friend class HttpSession;
  void remove(HttpSession& session, bool upgraded);

  Loop* loop_;
  HttpServerOptions options_;
  Site* site_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<HttpSession>> sessions_;
  Counters counters_;
};

}  // namespace bixws::net
