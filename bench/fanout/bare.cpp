// SPDX-License-Identifier: Apache-2.0
// fanout_bare: what the machine can do at most, to compare with. One thread, one epoll, one send() per client and
// message (or per tick), no protocol but the handshake, the close frame and messages of the form and length that
// `bixws serve --feed sim` sends.
//
// usage: fanout_bare PORT RATE CLIENTS [each | due | TICK_US]
//   Sends when CLIENTS are connected. Message i is due at start + i/RATE; RATE 0: always, negative: never.
//   each: one send per message; due: one send for all that are due; TICK_US: one send per tick for all that are due.
// Ends with SIGTERM, or by itself after 15 minutes.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "process.h"

namespace {

using bixws::bench::raise_file_limit;
using bixws::bench::wall_us;

constexpr std::size_t kBacklog = std::size_t{1} << 20;  // bytes a client may be behind; then it is cut
constexpr int kSendBuffer = 128 * 1024;                 // as bixws
constexpr int kMostPerTurn = 4096;                      // messages, so that clients are served in between
constexpr unsigned kLifetime = 900;                     // seconds

volatile std::sig_atomic_t stopping = 0;

struct Client {
  int fd = -1;
  std::size_t index = 0;
  bool upgraded = false;
  bool blocked = false;
  bool gone = false;
  std::string head;
  std::string backlog;
};

std::string accept_for(std::string_view head) {
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const std::size_t at = head.find(kKey);
  if (at == std::string_view::npos) return {};
  const std::string text = std::string(head.substr(at + kKey.size(), 24)) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::array<unsigned char, 32> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), SHA_DIGEST_LENGTH);
  return reinterpret_cast<const char*>(base64.data());
}

class Server {
 public:
  Server(std::uint16_t port, double rate, std::size_t clients, std::int64_t tick, bool each)
      : rate_(rate), wanted_(clients), tick_(tick), each_(each), epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_, 4096) != 0 || ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      std::perror("fanout_bare");
      std::exit(1);
    }
    watch(listener_, nullptr, EPOLLIN, EPOLL_CTL_ADD);
    std::fprintf(stderr, "listening on ws://127.0.0.1:%d\n", ntohs(address.sin_port));
  }

  void run() {
    std::array<epoll_event, 512> events{};
    while (stopping == 0) {
      const std::int64_t wait = send_due();
      const timespec limit{wait / 1'000'000, wait % 1'000'000 * 1000};
      const int count =
          ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), wait < 0 ? nullptr : &limit, nullptr);
      for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.ptr == nullptr) {
          accept_all();
        } else {
          serve(*static_cast<Client*>(event.data.ptr), event.events);
        }
      }
      graveyard_.clear();
    }
  }

 private:
  [[nodiscard]] std::int64_t due() const {
    return rate_ > 0 ? start_ + static_cast<std::int64_t>(static_cast<double>(seq_) * 1e6 / rate_) : start_;
  }

  // Sends what is due; microseconds until something is again, negative: not before something happens.
  std::int64_t send_due() {
    if (start_ == 0) {
      if (rate_ < 0 || clients_.size() < wanted_) return -1;
      start_ = next_tick_ = wall_us();
    }
    if (clients_.empty()) return -1;
    const std::int64_t now = wall_us();
    const std::int64_t when = std::max(due(), tick_ > 0 ? next_tick_ : 0);
    if (when > now) return when - now;
    batch_.clear();
    int made = 0;
    do {
      if (each_) batch_.clear();
      append_message(rate_ > 0 ? due() : now);
      ++seq_;
      ++made;
      if (each_) broadcast();
    } while (rate_ > 0 && due() <= now && (tick_ > 0 || made < kMostPerTurn) && (!each_ || made < 16));
    if (!each_) broadcast();
    if (tick_ > 0) next_tick_ += ((now - next_tick_) / tick_ + 1) * tick_;
    return 0;
  }

  void append_message(std::int64_t time) {
    std::array<char, 512> text{};
    const int size = std::snprintf(
        text.data() + 4, text.size() - 4,
        "{\"type\":\"trades\",\"exchange\":\"sim\",\"symbol\":\"BTCUSDT\",\"seq\":%llu,\"data\":[{\"price\":%d.%02d,"
        "\"size\":0.%05d,\"side\":\"buy\",\"id\":\"%035llu\",\"ts\":%lld,\"recv_ts\":%lld}]}",
        static_cast<unsigned long long>(seq_ + 1), static_cast<int>(50000 + seq_ % 100), static_cast<int>(seq_ % 100),
        static_cast<int>(10000 + seq_ % 80000), static_cast<unsigned long long>(seq_ + 1),
        static_cast<long long>(time - 20'000), static_cast<long long>(time));
    text[0] = static_cast<char>(0x81);
    text[1] = 126;
    text[2] = static_cast<char>(size >> 8);
    text[3] = static_cast<char>(size);
    batch_.append(text.data(), static_cast<std::size_t>(size) + 4);
  }

  void broadcast() {
    for (std::size_t i = 0; i < clients_.size();) {
      Client& client = *clients_[i];
      send(client, batch_);
      if (!client.gone) ++i;
    }
  }

  void send(Client& client, std::string_view bytes) {
    if (!client.blocked) {
      const ssize_t sent = ::send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent == static_cast<ssize_t>(bytes.size())) return;
      if (sent < 0 && errno != EAGAIN) return end(client);
      bytes.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
      client.blocked = true;
      watch(client.fd, &client, EPOLLIN | EPOLLOUT, EPOLL_CTL_MOD);
    }
    if (client.backlog.size() + bytes.size() > kBacklog) return end(client);
    client.backlog += bytes;
  }

  void flush(Client& client) {
    const ssize_t sent = ::send(client.fd, client.backlog.data(), client.backlog.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN ? void() : end(client);
    client.backlog.erase(0, static_cast<std::size_t>(sent));
    if (!client.backlog.empty()) return;
    client.blocked = false;
    watch(client.fd, &client, EPOLLIN, EPOLL_CTL_MOD);
  }

  void accept_all() {
    for (int fd = -1; (fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      const int on = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
      auto* const client = new Client{.fd = fd};  // owned by clients_ or graveyard_ from its upgrade or end on
      watch(fd, client, EPOLLIN, EPOLL_CTL_ADD);
    }
  }

  void serve(Client& client, std::uint32_t events) {
    if (client.gone) return;
    if ((events & EPOLLOUT) != 0) flush(client);
    if (client.gone || (events & ~std::uint32_t{EPOLLOUT}) == 0) return;
    std::array<char, 8192> bytes{};
    const ssize_t got = ::recv(client.fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) return end(client);
    if (client.upgraded) {
      if ((static_cast<unsigned char>(bytes[0]) & 15U) != 8) return;
      constexpr char kBye[] = {static_cast<char>(0x88), 2, 3, static_cast<char>(0xe8)};
      if (::send(client.fd, kBye, sizeof kBye, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) ::shutdown(client.fd, SHUT_WR);
      return end(client);
    }
    client.head.append(bytes.data(), static_cast<std::size_t>(got));
    if (client.head.find("\r\n\r\n") == std::string::npos) return;
    const std::string accept = accept_for(client.head);
    const std::string response =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        accept + "\r\n\r\n";
    if (accept.empty() || ::send(client.fd, response.data(), response.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
      return end(client);
    }
    std::string().swap(client.head);
    client.upgraded = true;
    client.index = clients_.size();
    clients_.emplace_back(&client);
  }

  void end(Client& client) {
    client.gone = true;
    ::close(client.fd);
    if (!client.upgraded) {
      graveyard_.emplace_back(&client);
      return;
    }
    std::unique_ptr<Client>& place = clients_[client.index];
    graveyard_.push_back(std::move(place));
    if (client.index + 1 != clients_.size()) {
      place = std::move(clients_.back());
      place->index = client.index;
    }
    clients_.pop_back();
  }

  void watch(int fd, Client* client, std::uint32_t events, int operation) const {
    epoll_event event{};
    event.events = events;
    event.data.ptr = client;
    ::epoll_ctl(epoll_, operation, fd, &event);
  }

  double rate_;
  std::size_t wanted_;
  std::int64_t tick_;
  bool each_;
  int epoll_;
  int listener_ = -1;
  std::vector<std::unique_ptr<Client>> clients_;    // upgraded ones
  std::vector<std::unique_ptr<Client>> graveyard_;  // until the end of the turn
  std::string batch_;
  std::uint64_t seq_ = 0;
  std::int64_t start_ = 0;
  std::int64_t next_tick_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc == 5 ? argv[4] : "each";
  const std::int64_t tick = std::atoll(mode.c_str());
  if (argc < 4 || argc > 5 || (mode != "each" && mode != "due" && tick <= 0)) {
    std::fprintf(stderr, "usage: fanout_bare PORT RATE CLIENTS [each | due | TICK_US]\n");
    return 2;
  }
  std::signal(SIGTERM, [](int) { stopping = 1; });
  std::signal(SIGALRM, [](int) { stopping = 1; });
  ::alarm(kLifetime);
  ::prctl(PR_SET_TIMERSLACK, 1000);
  if (!raise_file_limit(65536)) std::fprintf(stderr, "fanout_bare: fewer than 65536 open files are allowed\n");
  Server server(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atof(argv[2]),
                static_cast<std::size_t>(std::atoll(argv[3])), tick, mode == "each");
  server.run();
  return 0;
}
