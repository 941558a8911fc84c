// SPDX-License-Identifier: Apache-2.0
// ServerLoop: doors, pages, upgrades, and the way of requests to the hub and of answers back.
#include "server/server_loop.h"

#include <vector>

#include "server/assets.h"

namespace bixws::server {
namespace {

net::HttpServerOptions http_options(const Common& common) {
  net::HttpServerOptions http;
  http.head_deadline = common.options.head_deadline;
  http.tls_deadline = common.options.tls_deadline;
  http.send_buffer = common.options.send_buffer;
  http.tls = common.tls;
  return http;
}

FanoutOptions fanout_options(const Options& options) {
  static const SystemClock clock;
  FanoutOptions fanout;
  fanout.cap = options.client_bytes;
  fanout.max_batch = options.max_batch;
  fanout.interval = options.interval;
  fanout.tick = options.tick;
  if (!options.replay) fanout.clock = &clock;  // what a replay sends was received long ago
  return fanout;
}

/// The request's path below the base path, with a leading slash; empty: outside of it.
std::string_view below(std::string_view path, std::string_view base) {
  if (base.empty() || base == "/") return path;
  if (!path.starts_with(base)) return {};
  path.remove_prefix(base.size());
  if (path.empty()) return "/";
  return path.front() == '/' ? path : std::string_view();
}

bool is_socket_path(std::string_view path) { return path == "/" || path == "/ws" || path.starts_with("/ws/"); }

net::HttpResponse plain(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

// The page's links are relative: under /bixws they would lead beside it, under /bixws/ below it.
net::HttpResponse to_slash(const net::HttpRequest& request) {
  net::HttpResponse response = plain(308, "moved");
  const std::size_t query = request.target.find('?');
  const std::string rest = query == std::string::npos ? std::string() : request.target.substr(query);
  response.headers.add("Location", request.path.substr(request.path.rfind('/') + 1) + "/" + rest);
  return response;
}

std::optional<std::string_view> value(const net::HttpRequest& request, std::string_view name) {
  const std::string* found = net::query_value(request.query, name);
  if (found == nullptr) return std::nullopt;
  return *found;
}

}  // namespace

ServerLoop::ServerLoop(const Common& common, std::uint32_t index)
    : common_(common),
      index_(index),
      signal_(loop_, [this] { take_runs(); }),
      inbox_(std::make_shared<Inbox>(signal_)),
      hold_(loop_, [this] { on_hold_deadline(); }),
      patience_(common_.options.hold_deadline),
      drain_deadline_(loop_, [this] { on_drain_deadline(); }),
      cut_deadline_(loop_, [this] { finish_cutting(); }) {
  fanout_ = std::make_unique<Fanout>(
      loop_, index, fanout_options(common.options), common.labels,
      [this](std::uint64_t number, const RefreshRequest& request) {
        const ClientKey key{index_, number};
        common_.hub.post([publisher = common_.publisher, key, request](market::Market& market) {
          publisher->refresh(key, request, market);
        });
      });
  http_ = std::make_unique<net::HttpServer>(loop_, http_options(common), *this);
  streams_ = std::make_unique<Streams>(loop_, *http_, common.options.log);
}

ServerLoop::~ServerLoop() { stop(); }

std::uint16_t ServerLoop::listen(std::uint16_t port, bool shared) {
  net::ListenOptions listening;
  listening.host = common_.options.host;
  listening.port = port;
  listening.reuse_port = shared;
  listener_ = std::make_unique<net::Listener>(loop_, listening, [this](int fd, const net::Address& peer) {
    http_->adopt(fd, peer);
    turned_away_.store(listener_->turned_away(), std::memory_order_relaxed);
  });
  return listener_->port();
}

void ServerLoop::start() {
  thread_ = std::thread([this] { loop_.run(); });
}

void ServerLoop::stop() {
  inbox_->close();
  if (thread_.joinable()) {
    loop_.stop();
    thread_.join();
  }
  streams_->stop();
  solos_.clear();
  sessions_.clear();
}

void ServerLoop::log(std::string_view text) const {
  if (common_.options.log) common_.options.log(text);
}

// ---- HTTP ---------------------------------------------------------------------------------------------------------

void ServerLoop::on_request(net::HttpSession& session) {
  counters_.requests.fetch_add(1, std::memory_order_relaxed);
  const net::HttpRequest& request = session.request();
  const std::string_view path = below(request.path, common_.options.base_path);
  if (path.empty()) return session.respond(plain(404, "not found"));
  const net::WsOffer offer = net::read_ws_request(request, common_.options.compress);
  const bool page = offer.kind == net::WsOffer::Kind::page;
  if (path != "/healthz" && !common_.doors.token_fits(request)) {
    return session.respond(page ? page_without_token(request, path) : without_token());
  }
  if (page && path == "/" && !request.path.ends_with('/')) return session.respond(to_slash(request));
  // A page cannot see why its WebSocket was refused; it asks the same address, with the Origin that a POST carries.
  if (page && path != "/" && is_socket_path(path) && !common_.doors.origin_fits(request, session.secure())) {
    return session.respond(plain(403, "this origin is not allowed; start the server with --allow-origin to let it in"));
  }
  if (page && stream(session, path)) return;
  if (page) return session.respond(common_.page(request, path));
  const bool alone = path == "/replay" && common_.options.private_replay;
  if (!alone && !is_socket_path(path)) return session.respond(plain(404, "not found; connect to / or /ws"));
  if (offer.kind == net::WsOffer::Kind::refused) return session.respond(offer.refusal);
  if (!common_.doors.origin_fits(request, session.secure())) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    return session.respond(plain(403, "this origin is not allowed; start the server with --allow-origin to let it in"));
  }
  upgrade(session, offer, alone);
}

bool ServerLoop::stream(net::HttpSession& session, std::string_view path) {
  if (!common_.options.stream) return false;
  const net::HttpRequest& request = session.request();
  if (request.method != "GET" && request.method != "HEAD") return false;
  auto planner = common_.options.stream(path, request.query);
  if (planner) streams_->answer(session, std::move(*planner));
  return planner.has_value();
}

net::HttpResponse ServerLoop::without_token() {
  counters_.refused.fetch_add(1, std::memory_order_relaxed);
  net::HttpResponse refusal = plain(401, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN");
  refusal.headers.add("WWW-Authenticate", "Bearer");
  return refusal;
}

// The dashboard asks its viewer for the token, so it must get there without one: its files hold no data. The page
// itself is the refusal's body.
net::HttpResponse ServerLoop::page_without_token(const net::HttpRequest& request, std::string_view path) {
  if (path.starts_with("/assets/")) {
    if (auto asset = common_.asset(request, path)) return *std::move(asset);
  }
  net::HttpResponse refusal = without_token();
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (path == "/" && reads && request.headers.lists("Accept", "text/html")) {
    if (auto whole = common_.asset({}, path)) {
      refusal.type = whole->type;
      refusal.body = std::move(whole->body);
      refusal.headers.add("Content-Security-Policy", std::string(kContentSecurityPolicy));
      refusal.headers.add("Cache-Control", "no-store");
    }
  }
  return refusal;
}

std::optional<net::Upgraded> ServerLoop::let_in(net::HttpSession& session, const net::WsOffer& offer,
                                                Doors::Origin& origin) {
  const auto refuse = [&](int status, const char* why) {
    counters_.refused.fetch_add(1, std::memory_order_relaxed);
    session.respond(plain(status, why));
    return std::nullopt;
  };
  switch (farewell_ ? Doors::Entry::full : common_.doors.enter(origin)) {
    case Doors::Entry::full:
      return refuse(503, farewell_ ? "the server is stopping" : "too many clients");
    case Doors::Entry::address_full:
      return refuse(429, "too many clients from this address");
    case Doors::Entry::ok:
      break;
  }
  auto upgraded = session.upgrade(offer);
  if (!upgraded) common_.doors.leave(origin);
  return upgraded;
}

void ServerLoop::begin_solo(net::HttpSession& session, const net::WsOffer& offer) {
  if (solos_.size() >= common_.options.max_private_replays) {
    return session.respond(plain(503, "too many clients with a replay of their own"));
  }
  StreamRefusal refusal;
  auto replay = common_.options.private_replay(session.request().query, refusal);
  if (!replay) return session.respond(plain(refusal.status, refusal.text));
  Doors::Origin origin = common_.doors.client_of(session.request(), session.peer());
  Joining joining = read_joining(session.request());
  auto upgraded = let_in(session, offer, origin);
  if (!upgraded) return;
  std::string early = std::move(upgraded->early);
  auto solo = std::make_unique<SoloSession>(
      *this, SoloSession::Place{loop_, common_.options, common_.shared_labels, common_.desk}, std::move(replay),
      std::move(*upgraded), std::move(origin));
  SoloSession& started = *solo;
  solos_.emplace(&started, std::move(solo));
  counters_.accepted.fetch_add(1, std::memory_order_relaxed);
  started.start(std::move(joining.subscribe), std::move(joining.error), std::move(early));
}

void ServerLoop::on_solo_ended(SoloSession& session) {
  common_.doors.leave(session.origin());
  auto node = solos_.extract(&session);
  loop_.dispose(std::move(node.mapped()));
  check_drained();
}

void ServerLoop::upgrade(net::HttpSession& session, const net::WsOffer& offer, bool alone) {
  if (alone) return begin_solo(session, offer);
  Doors::Origin origin = common_.doors.client_of(session.request(), session.peer());
  Joining joining = read_joining(session.request());
  auto upgraded = let_in(session, offer, origin);
  if (!upgraded) return;
  const std::uint64_t number = next_number_++;
  std::string early = std::move(upgraded->early);
  auto& slot = sessions_[number];
  slot = std::make_unique<ClientSession>(*this, number, std::move(*upgraded), std::move(origin));
  counters_.accepted.fetch_add(1, std::memory_order_relaxed);
  counters_.clients.store(sessions_.size(), std::memory_order_relaxed);
  join(number, std::move(joining));
  slot->start(std::move(early));
}

// The turn under way may have looked at the sockets already; the next one looks again.
void ServerLoop::after_a_turn(std::function<void()> function) {
  loop_.post([this, function = std::move(function)]() mutable { loop_.post(std::move(function)); });
}

void ServerLoop::call(std::uint64_t number) {
  common_.hub.post([publisher = common_.publisher, key = ClientKey{index_, number}](market::Market& market) {
    publisher->ping(key, market);
  });
}

void ServerLoop::became_ready() {
  counters_.ready.fetch_add(1, std::memory_order_release);
  common_.options.on_ready();
}

ServerLoop::Joining ServerLoop::read_joining(const net::HttpRequest& request) const {
  auto asked =
      parse_query(value(request, "symbols"), value(request, "channels"), value(request, "policy"), common_.labels);
  Joining joining;
  if (auto* wanted = std::get_if<SubscribeRequest>(&asked)) joining.subscribe = std::move(*wanted);
  if (auto* refused = std::get_if<RequestError>(&asked)) joining.error = std::move(*refused);
  return joining;
}

void ServerLoop::join(std::uint64_t number, Joining joining) {
  const bool subscribes = joining.subscribe.has_value();
  common_.hub.post([publisher = common_.publisher, key = ClientKey{index_, number}, joining = std::move(joining)](
                       market::Market& market) { publisher->join(key, joining.subscribe, joining.error, market); });
  if (!common_.options.on_ready) return;
  if (subscribes) {
    sessions_.at(number)->be_ready();
  } else {
    call(number);
  }
}

// ---- requests -----------------------------------------------------------------------------------------------------

void ServerLoop::handle(std::uint64_t number, Request request) {
  if (auto* replay = std::get_if<ReplayRequest>(&request)) {
    const std::string refusal =
        common_.options.replay ? common_.options.replay(*replay) : "this server plays no recording";
    if (refusal.empty()) return;
    request = RequestError{replay->id, ErrorCode::bad_request, refusal};
  }
  if (std::holds_alternative<RequestError>(request)) counters_.errors.fetch_add(1, std::memory_order_relaxed);
  common_.hub.post([publisher = common_.publisher, key = ClientKey{index_, number},
                    request = std::move(request)](market::Market& market) { publisher->answer(key, request, market); });
}

void ServerLoop::ended(ClientSession& session) {
  const std::uint64_t number = session.number();
  common_.doors.leave(session.origin());
  if (session.ready()) counters_.ready.fetch_sub(1, std::memory_order_release);
  session.leave();
  common_.hub.post([publisher = common_.publisher, key = ClientKey{index_, number}](market::Market& market) {
    publisher->leave(key, market);
  });
  auto node = sessions_.extract(number);
  counters_.clients.store(sessions_.size(), std::memory_order_relaxed);
  loop_.dispose(std::move(node.mapped()));
  if (cut_ && sessions_.empty()) finish_cutting();
  check_drained();
}

// ---- runs ---------------------------------------------------------------------------------------------------------

void ServerLoop::take_runs() {
  if (fanout_->unfinished()) return signal_.raise();  // in the next turn again
  if (!common_.options.hold_back) {
    SharedRun run;
    for (std::size_t bytes = 0; bytes < Inbox::kBytes && (run = inbox_->next()) != nullptr;
         bytes += run->bytes.size()) {
      fanout_->take(*run);
    }
    fanout_->finish_turn();
    if (run || fanout_->unfinished()) return signal_.raise();
    return all_taken();
  }
  // Whoever must get everything sets the pace: what waits in the inbox holds the hub back, and that the feeds. Clients
  // that keep up leave no reason to stop, so the clock gives one: there are others to be served.
  const net::Instant until = loop_.now() + Fanout::kTurn;
  while (fanout_->lossless_lag() <= common_.options.client_bytes / 2) {
    hold_.cancel();
    const SharedRun run = inbox_->next();
    if (!run) return all_taken();
    fanout_->take(*run);
    fanout_->finish_turn();
    if (fanout_->unfinished() || loop_.now() >= until) return signal_.raise();
  }
  if (!hold_.active()) hold_.start(patience_);
}

void ServerLoop::moved_on() {
  if (!common_.options.hold_back) return;
  hold_.cancel();
  take_runs();
}

void ServerLoop::on_hold_deadline() {
  fanout_->cut_slowest();
  take_runs();
}

void ServerLoop::hurry(net::Duration patience) {
  loop_.post([this, patience] {
    patience_ = std::min(patience_, patience);
    if (hold_.active()) hold_.start(patience_);
  });
}

// ---- the end ------------------------------------------------------------------------------------------------------

void ServerLoop::drain(const Farewell& farewell, std::function<void()> done) {
  loop_.post([this, farewell, done = std::move(done)]() mutable {
    farewell_ = farewell;
    drained_ = std::move(done);
    if (listener_) listener_->close();
    http_->close_all();
    drained_bytes_ = fanned().bytes.load(std::memory_order_relaxed);
    drain_deadline_.start(farewell.deadline);
    streams_->stop();
    for (const auto& [key, solo] : solos_) solo->close(farewell_->code, farewell_->reason);
    take_runs();
    check_drained();
  });
}

void ServerLoop::cut_later(std::uint64_t number) {
  loop_.post([this, number] {
    const auto found = sessions_.find(number);
    if (found != sessions_.end()) found->second->cut();
  });
}

// Once everything that was published is taken in: the close frame comes after it.
void ServerLoop::say_farewell() {
  if (!farewell_ || std::exchange(said_, true)) return;
  fanout_->finish_last_turn();
  for (const auto& [number, session] : sessions_) session->close_when_drained(farewell_->code, farewell_->reason);
  fanout_->finish_turn();
}

void ServerLoop::on_drain_deadline() {
  const std::uint64_t before = std::exchange(drained_bytes_, fanned().bytes.load(std::memory_order_relaxed));
  if (farewell_->patient && drained_bytes_ != before) return drain_deadline_.start(farewell_->deadline);
  cut_all();
}

void ServerLoop::cut_all() {
  std::vector<ClientSession*> left;
  for (const auto& [number, session] : sessions_) left.push_back(session.get());
  for (ClientSession* session : left) session->cut();
  std::vector<SoloSession*> alone;
  for (const auto& [key, solo] : solos_) alone.push_back(solo.get());
  for (SoloSession* solo : alone) solo->cut();
  check_drained();
}

void ServerLoop::cut_clients(std::function<void()> done) {
  loop_.post([this, done = std::move(done)]() mutable {
    cut_ = std::move(done);
    cutting_ = false;
    cut_deadline_.start(common_.options.hold_deadline);
    take_runs();
  });
}

// What was published before is taken in, the last of it perhaps not yet sent.
void ServerLoop::all_taken() {
  say_farewell();
  if (!cut_ || std::exchange(cutting_, true)) return;
  fanout_->finish_last_turn();
  for (const auto& [number, session] : sessions_) session->cut_when_drained();
  fanout_->finish_turn();
  if (sessions_.empty()) finish_cutting();
}

void ServerLoop::finish_cutting() {
  if (!cut_) return;
  cut_deadline_.cancel();
  std::vector<ClientSession*> left;
  for (const auto& [number, session] : sessions_) left.push_back(session.get());
  for (ClientSession* session : left) session->cut();
  const auto done = std::exchange(cut_, nullptr);
  done();
}

void ServerLoop::check_drained() {
  if (!farewell_ || !sessions_.empty() || !solos_.empty() || !drained_) return;
  drain_deadline_.cancel();
  const auto done = std::move(drained_);
  drained_ = nullptr;
  done();
}

}  // namespace bixws::server
