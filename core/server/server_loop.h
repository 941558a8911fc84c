// SPDX-License-Identifier: Apache-2.0
// ServerLoop: one thread of the server: its listener, its HTTP sessions, its clients and their fan-out.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "hub/hub.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "server/client_session.h"
#include "server/doors.h"
#include "server/fanout.h"
#include "server/inbox.h"
#include "server/options.h"
#include "server/publisher.h"
#include "server/solo_session.h"
#include "server/stream.h"

namespace bixws::server {

/// What all loops of a server share; outlives them.
struct Common {
  const Options& options;
  hub::Hub& hub;
  const Labels& labels;
  std::shared_ptr<const Labels> shared_labels;
  Doors& doors;
  std::shared_ptr<Publisher> publisher;
  std::shared_ptr<HistoryDesk> desk;
  std::shared_ptr<const net::TlsServerContext> tls;
  std::function<net::HttpResponse(const net::HttpRequest& request, std::string_view path)> page;
  /// A file of the dashboard; nothing if `path` is none.
  std::function<std::optional<net::HttpResponse>(const net::HttpRequest& request, std::string_view path)> asset;
};

/// Written on the loop's thread, read anywhere.
struct LoopCounters {
  using Counter = std::atomic<std::uint64_t>;
  Counter accepted{0};  ///< WebSocket clients so far
  Counter clients{0};   ///< now
  Counter ready{0};     ///< of them: see Server::ready_clients
  Counter received{0};  ///< messages from clients
  Counter errors{0};    ///< error messages sent
  Counter refused{0};   ///< upgrades refused: token, origin, caps
  Counter requests{0};  ///< HTTP requests
};

/// How a server ends: the close frame, and for how long clients are waited for; a patient one waits anew as long as
/// they take something.
struct Farewell {
  std::uint16_t code = 1001;
  std::string reason;
  net::Duration deadline{};
  bool patient = false;
};

class ServerLoop final : public net::HttpServer::Site, public SoloSession::Owner {
 public:
  ServerLoop(const Common& common, std::uint32_t index);
  ~ServerLoop();

  /// Before start(): the port it listens on. Throws std::runtime_error when it cannot.
  std::uint16_t listen(std::uint16_t port, bool shared);
  void start();
  /// Any thread: ends every client's connection behind what is due to it, without a close frame; then `done`, once.
  void cut_clients(std::function<void()> done);
  /// Any thread: calls `function` on the loop's thread after a turn that began later than this call.
  void after_a_turn(std::function<void()> function);
  /// Any thread: no new clients; each one gets what is due and the close frame; then `done`, once. What has not ended
  /// by itself at the deadline is cut; a patient one begins anew as long as clients take something.
  void drain(const Farewell& farewell, std::function<void()> done);
  /// Any thread: waits for a client that takes nothing at most this long from now on.
  void hurry(net::Duration patience);
  void stop();

  [[nodiscard]] std::shared_ptr<RunTaker> inbox() { return inbox_; }

  // For sessions, on the loop's thread.
  [[nodiscard]] net::Loop& loop() { return loop_; }
  [[nodiscard]] Fanout& fanout() { return *fanout_; }
  [[nodiscard]] const Options& options() const { return common_.options; }
  [[nodiscard]] const Labels& labels() const { return common_.labels; }
  [[nodiscard]] LoopCounters& counters() { return counters_; }
  void log(std::string_view text) const;
  /// Everything is answered by the hub's thread, so that answers come in the order of the requests.
  void handle(std::uint64_t number, Request request);
  void ended(ClientSession& session);
  /// A ping that goes out behind everything the hub has for this client by now.
  void call(std::uint64_t number);
  void became_ready();
  void cut_later(std::uint64_t number);
  /// Takes in what waits and sends it.
  void take_runs();
  /// A client's socket took something.
  void moved_on();

  // Any thread.
  [[nodiscard]] const LoopCounters& counted() const { return counters_; }
  [[nodiscard]] const FanoutCounters& fanned() const { return fanout_->counters(); }
  [[nodiscard]] std::size_t queued_bytes() const { return inbox_->bytes(); }
  [[nodiscard]] std::uint64_t turned_away() const { return turned_away_.load(std::memory_order_relaxed); }

 private:
  void on_request(net::HttpSession& session) override;
  net::HttpResponse without_token();
  net::HttpResponse page_without_token(const net::HttpRequest& request, std::string_view path);
  bool stream(net::HttpSession& session, std::string_view path);
  void upgrade(net::HttpSession& session, const net::WsOffer& offer, bool alone);
  /// Lets a client in, or answers why not.
  std::optional<net::Upgraded> let_in(net::HttpSession& session, const net::WsOffer& offer, Doors::Origin& origin);
  void begin_solo(net::HttpSession& session, const net::WsOffer& offer);
  void on_solo_ended(SoloSession& session) override;
  /// What the URL of a new client asks for.
  struct Joining {
    std::optional<SubscribeRequest> subscribe;
    std::optional<RequestError> error;
  };
  [[nodiscard]] Joining read_joining(const net::HttpRequest& request) const;
  void join(std::uint64_t number, Joining joining);
  void on_hold_deadline();
  void on_drain_deadline();
  void say_farewell();
  void cut_all();
  void all_taken();
  void finish_cutting();
  void check_drained();

  const Common& common_;
  std::uint32_t index_;
  net::Loop loop_;
  net::Signal signal_;
  std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<Fanout> fanout_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<Streams> streams_;
  std::unordered_map<std::uint64_t, std::unique_ptr<ClientSession>> sessions_;
  std::unordered_map<const SoloSession*, std::unique_ptr<SoloSession>> solos_;
  std::uint64_t next_number_ = 1;
  LoopCounters counters_;
  std::atomic<std::uint64_t> turned_away_{0};

  net::Timer hold_;
  net::Duration patience_;            // with a client that holds everybody back
  std::optional<Farewell> farewell_;  // set while draining
  bool said_ = false;                 // it is behind what is due to each
  net::Timer drain_deadline_;
  std::uint64_t drained_bytes_ = 0;  // that clients had taken when it began
  std::function<void()> cut_;        // set while clients are being cut
  bool cutting_ = false;             // each knows by now
  net::Timer cut_deadline_;
  std::function<void()> drained_;
  std::thread thread_;
};

}  // namespace bixws::server
