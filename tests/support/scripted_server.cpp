// SPDX-License-Identifier: Apache-2.0
// ScriptedServer: accept, upgrade, and frames in both directions, all with deadlines.
#include "support/scripted_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

namespace bixws::test {
namespace {

bool wait_for(int fd, short events, SteadyTime deadline) {
  pollfd ready{fd, events, 0};
  return ::poll(&ready, 1, static_cast<int>(time_left(deadline).count())) > 0;
}

// Reads some bytes into `into`; false at the deadline and at the end.
bool read_some(Wire& wire, std::string& into, SteadyTime deadline) {
  std::array<char, 16384> buffer{};
  for (;;) {
    const Wire::Result result = wire.read(buffer.data(), buffer.size());
    if (result.state == Wire::State::ok) {
      into.append(buffer.data(), result.count);
      return true;
    }
    if (result.state != Wire::State::would_block) return false;
    const short events = static_cast<short>(POLLIN | (wire.wants_write() ? POLLOUT : 0));
    if (!wait_for(wire.fd(), events, deadline)) return false;
  }
}

}  // namespace

ScriptedLink::ScriptedLink(Wire wire, HttpHead head, std::string early)
    : wire_(std::move(wire)), head_(std::move(head)) {
  reader_.feed(early);
}

bool ScriptedLink::send_text(std::string_view text) {
  return wire_.write_all(ws_frame(WsOpcode::text, text), patience);
}

bool ScriptedLink::close(std::uint16_t code, std::string_view reason) {
  wire_.write_all(ws_frame(WsOpcode::close, ws_close_payload(code, reason)), patience);
  const bool answered = wait_close().has_value();
  wire_.close();
  return answered;
}

std::optional<WsFrame> ScriptedLink::next_frame(SteadyTime deadline) {
  for (;;) {
    if (auto frame = reader_.next()) {
      if (frame->opcode != WsOpcode::ping) return frame;
      wire_.write_all(ws_frame(WsOpcode::pong, frame->payload), patience);
      continue;
    }
    std::string bytes;
    if (!wire_.open() || !read_some(wire_, bytes, deadline)) return std::nullopt;
    reader_.feed(bytes);
  }
}

std::optional<std::string> ScriptedLink::next_text(Milliseconds within) {
  const auto frame = next_frame(std::chrono::steady_clock::now() + within);
  if (!frame || frame->opcode != WsOpcode::text) return std::nullopt;
  return frame->payload;
}

std::optional<std::uint16_t> ScriptedLink::wait_close(Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (auto frame = next_frame(deadline)) {
    if (frame->opcode == WsOpcode::close) return ws_close_code(frame->payload);
  }
  return std::nullopt;
}

ScriptedServer::ScriptedServer(std::uint16_t port, const TlsServer* tls)
    : fd_(listen_on_loopback(port)), port_(port_of(fd_)), tls_(tls) {}

void ScriptedServer::stop() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::string ScriptedServer::url() const {
  return (tls_ != nullptr ? "wss://localhost:" : "ws://127.0.0.1:") + std::to_string(port_);
}

std::optional<ScriptedServer::Request> ScriptedServer::next_request(Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  for (;;) {
    if (!wait_for(fd_, POLLIN, deadline)) return std::nullopt;
    Request request{Wire(::accept(fd_, nullptr, nullptr)), {}, {}};
    if (tls_ != nullptr) request.wire.start_tls_server(*tls_);
    std::string text;
    std::size_t end = std::string::npos;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!read_some(request.wire, text, deadline)) break;
    }
    if (end == std::string::npos && tls_ != nullptr) return std::nullopt;  // it did not like our certificate
    if (end == std::string::npos) continue;                                // it has gone again
    const auto head = parse_http_head(std::string_view(text).substr(0, end + 4));
    if (!head) continue;
    request.head = *head;
    request.rest = text.substr(end + 4);
    return request;
  }
}

std::unique_ptr<ScriptedLink> ScriptedServer::accept(Milliseconds within) {
  auto request = next_request(within);
  if (!request) return nullptr;
  const std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
      ws_accept(request->head.header("sec-websocket-key")) + "\r\n\r\n";
  request->wire.write_all(answer, patience);
  return std::make_unique<ScriptedLink>(std::move(request->wire), request->head, request->rest);
}

bool ScriptedServer::refuse(int status, std::string_view body, Milliseconds within) {
  auto request = next_request(within);
  if (!request) return false;
  request->wire.write_all("HTTP/1.1 " + std::to_string(status) + " No\r\nContent-Length: " +
                              std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body),
                          patience);
  request->wire.finish();
  return true;
}

}  // namespace bixws::test
