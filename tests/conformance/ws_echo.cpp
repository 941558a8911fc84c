// SPDX-License-Identifier: Apache-2.0
// ws_echo PORT: echoes text and binary messages of up to 16 MiB on the server's WebSocket layer, with deflate.
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/http_server.h"
#include "net/listener.h"
#include "net/ws_peer.h"

namespace {

using namespace bixws::net;

class Echo final : public HttpServer::Site, public WsPeer::Owner {
 public:
  Echo(Loop& loop, std::uint16_t port)
      : loop_(&loop),
        server_(loop, {}, *this),
        listener_(loop, {.port = port}, [this](int fd, const Address& peer) { server_.adopt(fd, peer); }) {}

  std::string address() const { return listener_.addresses().front().text(); }

  void on_request(HttpSession& session) override {
    const WsOffer offer = read_ws_request(session.request(), true);
    if (offer.kind != WsOffer::Kind::websocket) {
      session.respond(offer.kind == WsOffer::Kind::refused ? offer.refusal
                                                           : HttpResponse{.body = "a WebSocket echo server\n"});
      return;
    }
    auto upgraded = session.upgrade(offer);
    if (!upgraded) return;
    WsPeerOptions options;
    options.max_message = std::size_t{16} * 1024 * 1024;
    options.max_queued = 2 * options.max_message;
    auto peer =
        std::make_unique<WsPeer>(std::move(upgraded->connection), Role::server, options, upgraded->deflate, *this);
    peer->start(std::move(upgraded->early));
    WsPeer* key = peer.get();
    peers_.emplace(key, std::move(peer));
  }

  void on_message(WsPeer& peer, Opcode kind, std::string_view payload) override {
    // A client that sends faster than it reads is not read from until it has caught up.
    switch (peer.send(kind, payload)) {
      case SendStatus::sent:
        return;
      case SendStatus::queued:
        return peer.pause_reading(true);
      case SendStatus::refused:
        return peer.close(close_code::policy, "too much in one go");
    }
  }
  void on_writable(WsPeer& peer) override { peer.pause_reading(false); }
  void on_closed(WsPeer& peer, const WsEnd&) override {
    const auto found = peers_.find(&peer);
    loop_->dispose(std::move(found->second));
    peers_.erase(found);
  }

 private:
  Loop* loop_;
  std::unordered_map<WsPeer*, std::unique_ptr<WsPeer>> peers_;
  HttpServer server_;
  Listener listener_;
};

}  // namespace

int main(int count, char** arguments) {
  try {
    const int port = count == 2 ? std::stoi(arguments[1]) : -1;
    if (port < 0 || port > 65535) {
      std::fputs("usage: ws_echo PORT (0: any free one)\n", stderr);
      return 2;
    }
    raise_file_limit();
    Loop loop;
    const Echo echo(loop, static_cast<std::uint16_t>(port));
    std::fprintf(stderr, "listening on ws://%s\n", echo.address().c_str());
    loop.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "ws_echo: %s\n", error.what());
    return 1;
  }
}
