// SPDX-License-Identifier: Apache-2.0
// What the net tests share: a clock moved by hand, loops driven until something is true, a server on a free port.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "net/http_server.h"
#include "net/listener.h"
#include "net/loop.h"
#include "net/ws_peer.h"
#include "support/wait.h"

namespace bixws::net {

using namespace std::chrono_literals;

class ManualClock final : public MonotonicClock {
 public:
  Instant now() const noexcept override { return now_; }
  void advance(Duration by) { now_ += by; }

 private:
  Instant now_{1h};
};

// Turns the loop until the condition holds. A time limit in real time: only a failing test waits it out.
inline bool turn_until(Loop& loop, const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    loop.turn(1ms);
  }
  return true;
}

// Two connected, non-blocking sockets.
inline std::pair<int, int> socket_pair(int buffer = 0) {
  int fds[2] = {-1, -1};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  if (buffer > 0) {
    for (const int fd : fds) {
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
      ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    }
  }
  return {fds[0], fds[1]};
}

// Cuts bytes at random places and hands each piece on in memory of its own, so that no code can look beyond it.
template <typename Take>
void in_random_pieces(const std::string& bytes, std::mt19937& random, Take&& take) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const std::size_t most = random() % 4 == 0 ? 64 : 7;
    const std::size_t size = std::min<std::size_t>(1 + random() % most, bytes.size() - at);
    std::vector<char> piece(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                            bytes.begin() + static_cast<std::ptrdiff_t>(at + size));
    if (!take(std::span<char>(piece))) return;
    at += size;
  }
}

// An HTTP server on a free port of 127.0.0.1, on the loop it is given.
class TestSite : public HttpServer::Site {
 public:
  explicit TestSite(Loop& loop, HttpServerOptions options = {})
      : server(loop, std::move(options), *this),
        listener(loop, {.host = "127.0.0.1"}, [this](int fd, const Address& peer) { server.adopt(fd, peer); }) {}
  virtual ~TestSite() = default;

  void on_request(HttpSession& session) override {
    ++requests;
    if (answer) answer(session);
  }
  bool admit(const Address&) override {
    ++admitted;
    return admitting;
  }
  void released(const Address&) override { ++gone; }
  std::string url(const std::string& scheme, const std::string& target = "/") const {
    return scheme + "://127.0.0.1:" + std::to_string(listener.port()) + target;
  }

  std::function<void(HttpSession&)> answer;
  bool admitting = true;
  int requests = 0;
  int admitted = 0;
  int gone = 0;
  HttpServer server;
  Listener listener;
};

// Upgrades every request and keeps the peers; what they do is up to the test.
class WsSite final : public TestSite, public WsPeer::Owner {
 public:
  explicit WsSite(Loop& loop, HttpServerOptions options = {}, WsPeerOptions peer_options = {})
      : TestSite(loop, std::move(options)), peer_options_(peer_options), loop_(&loop) {
    answer = [this](HttpSession& session) {
      const WsOffer offer = read_ws_request(session.request(), deflate);
      if (offer.kind != WsOffer::Kind::websocket) {
        session.respond(offer.kind == WsOffer::Kind::refused ? offer.refusal : HttpResponse{.status = 404});
        return;
      }
      auto upgraded = session.upgrade(offer);
      if (!upgraded) return;
      peers.push_back(std::make_unique<WsPeer>(std::move(upgraded->connection), Role::server, peer_options_,
                                               upgraded->deflate, *this));
      peers.back()->start(std::move(upgraded->early));
      if (opened) opened(*peers.back());
    };
  }

  void on_message(WsPeer& peer, Opcode kind, std::string_view payload) override {
    if (message) {
      message(peer, kind, payload);
    } else {
      peer.send(kind, payload);
    }
  }
  void on_writable(WsPeer& peer) override {
    if (writable) writable(peer);
  }
  void on_closed(WsPeer& peer, const WsEnd& end) override {
    ends.push_back(end);
    for (auto& held : peers) {
      if (held.get() == &peer) {
        loop_->dispose(std::move(held));
        std::swap(held, peers.back());
        peers.pop_back();
        return;
      }
    }
  }

  bool deflate = true;
  std::function<void(WsPeer&)> opened;
  std::function<void(WsPeer&, Opcode, std::string_view)> message;
  std::function<void(WsPeer&)> writable;
  std::vector<std::unique_ptr<WsPeer>> peers;
  std::vector<WsEnd> ends;

 private:
  WsPeerOptions peer_options_;
  Loop* loop_;
};

// Runs a site on a thread of its own, for clients that block.
template <typename Site>
class Served {
 public:
  template <typename... Arguments>
  explicit Served(Arguments&&... arguments) {
    thread_.run_inside([&] { site_ = std::make_unique<Site>(thread_.loop(), std::forward<Arguments>(arguments)...); });
  }
  ~Served() {
    thread_.run_inside([&] { site_ = nullptr; });
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  Site* operator->() { return site_.get(); }
  Loop& loop() { return thread_.loop(); }
  void inside(const std::function<void(Site&)>& function) {
    thread_.run_inside([&] { function(*site_); });
  }
  // Asks on the site's thread, until the answer is yes.
  bool comes_to(const std::function<bool(Site&)>& condition) {
    return test::wait_until([&] {
      bool yes = false;
      inside([&](Site& site) { yes = condition(site); });
      return yes;
    });
  }

 private:
  LoopThread thread_;
  std::unique_ptr<Site> site_;
};

}  // namespace bixws::net
