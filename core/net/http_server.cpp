// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 on a loop: reads heads under deadlines, lets a site answer with pages, streams or an upgrade.
#include "net/http_server.h"

#include <unistd.h>

#include <algorithm>
#include <system_error>
#include <utility>
#include <vector>

namespace bixws::net {
namespace {

constexpr std::size_t fill_below = 65536;  // bytes waiting below which a body is asked for more
constexpr int fills_per_turn = 16;         // so that one fast reader does not keep the loop
constexpr std::size_t discard_limit = 1024 * 1024;
constexpr auto linger_deadline = std::chrono::seconds(1);

}  // namespace

HttpSession::HttpSession(HttpServer& server, std::uint64_t id, std::unique_ptr<Connection> connection)
    : server_(&server),
      id_(id),
      connection_(std::move(connection)),
      deadline_(*server.loop_, [this] { on_deadline(); }) {
  connection_->set_owner(this);
  if (connection_->securing()) {
    state_ = State::securing;
    deadline_.start(server_->options_.tls_deadline);
  } else {
    deadline_.start(server_->options_.head_deadline);
  }
}

void HttpSession::on_secured(const IoResult& result) {
  if (result.status != IoStatus::ok) {
    ++server_->counters_.tls_failures;
    end();
    return;
  }
  state_ = State::reading;
  deadline_.start(server_->options_.head_deadline);
}

void HttpSession::on_deadline() {
  ++server_->counters_.deadlines;
  if (state_ == State::reading && !input_.empty()) {
    refuse(408, "the request head did not arrive in time");
  } else {
    end();
  }
}

void HttpSession::on_readable() {
  if (state_ == State::ended) return;
  if (state_ == State::closing) {
    for (;;) {
      const auto scratch = server_->loop_->scratch();
      const IoResult result = connection_->read(scratch);
      if (result.status == IoStatus::again) return;
      discarded_ += result.bytes;
      if (result.status != IoStatus::ok || discarded_ > discard_limit) return end();
    }
  }
  if (state_ != State::reading) return end();  // reading is paused: the client is gone
  // No more than a head is read: what comes after it stays in the kernel, where it is bounded and slows the sender.
  const std::size_t room = server_->options_.max_head - input_.size();
  const IoResult result = connection_->read(server_->loop_->scratch().first(room));
  if (result.status == IoStatus::again) return;
  if (result.status != IoStatus::ok) return end();
  const bool first = input_.empty() && keep_alive_;
  input_.append(server_->loop_->scratch().data(), result.bytes);
  if (first) deadline_.start_at(server_->loop_->now() + server_->options_.head_deadline);
  read_requests();
}

void HttpSession::read_requests() {
  while (state_ == State::reading && !input_.empty()) {
    const auto size = head_end(input_, searched_);
    if (!size) {
      if (input_.size() >= server_->options_.max_head) refuse(431, "the request head is too large");
      return;
    }
    HttpRefusal refusal;
    auto request = parse_request(std::string_view(input_).substr(0, *size), refusal);
    input_.erase(0, *size);
    searched_ = 0;
    if (!request) return refuse(refusal.status, refusal.text);
    request_ = std::move(*request);
    keep_alive_ = request_.keeps_alive() && !request_.has_body();
    state_ = State::answering;
    deadline_.cancel();
    in_dispatch_ = true;
    server_->site_->on_request(*this);
    in_dispatch_ = false;
  }
  // Most are answered by now, and are spared two calls to the kernel.
  if (state_ == State::answering) connection_->pause_reading(true);
}

void HttpSession::refuse(int status, std::string_view text) {
  state_ = State::answering;
  connection_->pause_reading(true);
  request_ = {};
  keep_alive_ = false;
  HttpResponse response;
  response.status = status;
  response.body = std::string(text) + "\n";
  respond(response);
}

void HttpSession::respond(const HttpResponse& response) {
  if (state_ != State::answering) return;
  append_response_head(output_, response, response.body.size(), keep_alive_, request_.minor);
  if (request_.method != "HEAD") output_ += response.body;
  send_answer();
}

void HttpSession::respond_with(const HttpResponse& head, std::unique_ptr<HttpBody> body) {
  if (state_ != State::answering) return;
  chunked_ = request_.minor >= 1;
  if (!chunked_) keep_alive_ = false;
  append_response_head(output_, head, std::nullopt, keep_alive_, request_.minor);
  if (request_.method != "HEAD") body_ = std::move(body);
  send_answer();
}

void HttpSession::resume() {
  if (state_ == State::answering && body_) send_answer();
}

void HttpSession::on_writable() {
  if (connection_->transport().unflushed()) {
    const IoResult result = connection_->transport().flush();
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) return end();
  }
  if (state_ == State::answering) send_answer();
  if (state_ == State::closing) linger();
}

void HttpSession::send_answer() {
  std::string piece;
  for (int fills = 0;;) {
    bool waiting = false;
    while (body_ && !waiting && output_.size() - output_at_ < fill_below && fills < fills_per_turn) {
      ++fills;
      piece.clear();
      const HttpBody::Fill fill = body_->fill(piece);
      if (fill == HttpBody::Fill::failed) return end();
      if (!piece.empty()) {
        if (chunked_) {
          append_chunk(output_, piece);
        } else {
          output_ += piece;
        }
      }
      if (fill == HttpBody::Fill::done) {
        if (chunked_) append_chunk(output_, {});
        body_ = nullptr;
      }
      waiting = fill == HttpBody::Fill::wait;
    }
    if (output_at_ < output_.size()) {
      const IoResult result = connection_->write(std::string_view(output_).substr(output_at_));
      if (result.status != IoStatus::ok && result.status != IoStatus::again) return end();
      output_at_ += result.bytes;
      if (result.bytes > 0 || !deadline_.active()) deadline_.start(server_->options_.write_deadline);
      if (result.status == IoStatus::again) {
        connection_->want_write(true);
        return;
      }
    }
    output_.clear();
    output_at_ = 0;
    if (!body_) return answered();
    if (waiting) {  // nothing is owed, so the client cannot be late
      deadline_.cancel();
      connection_->want_write(false);
      return;
    }
    if (fills >= fills_per_turn) {
      connection_->want_write(true);
      return;
    }
  }
}

void HttpSession::answered() {
  connection_->want_write(false);
  if (!keep_alive_) return linger();
  std::string().swap(output_);
  request_ = {};
  state_ = State::reading;
  deadline_.start(input_.empty() ? server_->options_.keep_alive : server_->options_.head_deadline);
  connection_->pause_reading(false);
  if (!in_dispatch_) read_requests();  // a pipelined one has come already
}

// Unread bytes at close() would make the kernel answer with a reset, which can overtake the response: end our
// direction, read what still comes, and only then close.
void HttpSession::linger() {
  state_ = State::closing;
  deadline_.start(linger_deadline);
  connection_->want_write(connection_->transport().unflushed());
  if (connection_->transport().unflushed()) return;
  connection_->shutdown_write();
  connection_->pause_reading(false);
}

std::optional<Upgraded> HttpSession::upgrade(const WsOffer& offer) {
  if (state_ != State::answering) return std::nullopt;
  // Nothing has been sent on this connection or it has all been taken: a few hundred bytes always fit.
  const std::string response = ws_response(offer);
  if (!connection_->open() || connection_->write(response).status != IoStatus::ok) {
    end();
    return std::nullopt;
  }
  deadline_.cancel();
  state_ = State::ended;
  connection_->set_owner(nullptr);
  connection_->want_write(false);
  connection_->pause_reading(false);
  Upgraded upgraded{std::move(connection_), std::move(input_), offer.deflate.agreement};
  server_->remove(*this, true);
  return upgraded;
}

void HttpSession::end() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  deadline_.cancel();
  body_ = nullptr;
  connection_->close();
  server_->remove(*this, false);
}

HttpServer::HttpServer(Loop& loop, HttpServerOptions options, Site& site)
    : loop_(&loop), options_(std::move(options)), site_(&site) {
  options_.max_head = std::min(options_.max_head, loop.scratch().size());
}

HttpServer::~HttpServer() { close_all(); }

void HttpServer::adopt(int fd, const Address& peer) {
  if (sessions_.size() >= options_.max_sessions || !site_->admit(peer)) {
    ++counters_.refused;
    ::close(fd);
    return;
  }
  tune_socket(fd, options_.send_buffer);
  Transport transport(fd);  // owns it from here on
  try {
    if (options_.tls) {
      SslHandle ssl = options_.tls->session();
      if (ssl == nullptr) throw std::bad_alloc();
      transport.start_tls(std::move(ssl));
    }
    auto connection = std::make_unique<Connection>(*loop_, std::move(transport), peer);
    const std::uint64_t id = next_id_++;
    sessions_.emplace(id, std::make_unique<HttpSession>(*this, id, std::move(connection)));
  } catch (const std::exception&) {  // the kernel or OpenSSL is at its limits: this client cannot be served
    ++counters_.refused;
    site_->released(peer);
  }
}

HttpSession* HttpServer::find(std::uint64_t id) noexcept {
  const auto found = sessions_.find(id);
  return found != sessions_.end() && found->second->state_ == HttpSession::State::answering ? found->second.get()
                                                                                            : nullptr;
}

void HttpServer::remove(HttpSession& session, bool upgraded) {
  auto node = sessions_.extract(session.id_);
  if (node.empty()) return;
  if (!upgraded) site_->released(session.peer());
  loop_->dispose(std::move(node.mapped()));
}

void HttpServer::close_all() {
  std::vector<std::uint64_t> ids;
  ids.reserve(sessions_.size());
  for (const auto& [id, session] : sessions_) ids.push_back(id);
  for (const std::uint64_t id : ids) {
    const auto found = sessions_.find(id);
    if (found != sessions_.end()) found->second->end();
  }
}

}  // namespace bixws::net
