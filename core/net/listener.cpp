// SPDX-License-Identifier: Apache-2.0
// Listening sockets on every address of a host name; accepts as fast as clients come and survives a full file table.
#include "net/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace bixws::net {
namespace {

constexpr int accepts_per_turn = 256;
constexpr auto pause_when_exhausted = std::chrono::milliseconds(100);

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

[[noreturn]] void refuse(const Address& address, int error) {
  const std::string where = "cannot listen on " + address.text() + ": ";
  switch (error) {
    case EADDRINUSE:
      throw std::runtime_error(where +
                               "the port is in use; stop the program that has it or choose another port (0: any)");
    case EACCES:
      throw std::runtime_error(where + "ports below 1024 need privileges; choose a higher port");
    case EADDRNOTAVAIL:
      throw std::runtime_error(where + "this machine has no such address; choose one of its own (see `ip address`)");
    default:
      throw std::runtime_error(where + std::strerror(error));
  }
}

// A descriptor, or minus the error.
int open_listening(const Address& address, const ListenOptions& options) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (options.reuse_port) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.family() == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, address.raw(), address.raw_size()) != 0 || ::listen(fd, options.backlog) != 0) {
    const int error = errno;
    ::close(fd);
    return -error;
  }
  return fd;
}

}  // namespace

class Listener::Socket final : public Pollable {
 public:
  Socket(Listener& listener, int fd) : listener_(&listener), fd_(fd) { listener_->loop_->add(fd_, *this); }
  ~Socket() {
    listener_->loop_->remove(fd_, *this);
    ::close(fd_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void on_ready(std::uint32_t) override { listener_->accept_from(fd_); }
  void watch(bool watched) { listener_->loop_->modify(fd_, *this, watched ? std::uint32_t{EPOLLIN} : 0U); }

 private:
  Listener* listener_;
  int fd_;
};

Listener::Listener(Loop& loop, const ListenOptions& options, Accepted accepted)
    : loop_(&loop), accepted_(std::move(accepted)), spare_fd_(-1), resume_(loop, [this] {
        for (const auto& socket : sockets_) socket->watch(true);
      }) {
  const Resolved resolved = resolve(options.host, options.port, true);
  if (resolved.addresses.empty()) {
    throw std::runtime_error("cannot listen on host \"" + options.host + "\": " + resolved.error +
                             "; use an address such as 127.0.0.1");
  }
  std::uint16_t port = options.port;
  int last_error = 0;
  for (int attempt = 0; sockets_.empty(); ++attempt) {
    for (Address address : resolved.addresses) {
      address.set_port(port);
      const int fd = open_listening(address, options);
      if (fd >= 0) {
        sockets_.push_back(std::make_unique<Socket>(*this, fd));
        addresses_.push_back(Address::of_socket(fd));
        port = addresses_.back().port();
        continue;
      }
      last_error = -fd;
      // A name may have an address of a family that this machine does without; the others will do.
      const bool absent = last_error == EADDRNOTAVAIL || last_error == EAFNOSUPPORT;
      if (absent && resolved.addresses.size() > 1) continue;
      const bool unlucky = last_error == EADDRINUSE && options.port == 0 && attempt < 16;
      if (!unlucky) refuse(address, last_error);
      sockets_.clear();
      addresses_.clear();
      port = 0;
      break;
    }
    if (sockets_.empty() && last_error != EADDRINUSE) refuse(resolved.addresses.front(), last_error);
  }
  spare_fd_ = open_spare();
}

Listener::~Listener() { close(); }

void Listener::close() {
  resume_.cancel();
  sockets_.clear();
  if (spare_fd_ >= 0) ::close(std::exchange(spare_fd_, -1));
}

void Listener::accept_from(int fd) {
  for (int i = 0; i < accepts_per_turn; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const int accepted = ::accept4(fd, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
      accepted_(accepted, Address(reinterpret_cast<const sockaddr*>(&storage)));
      if (sockets_.empty()) return;  // closed by the callback
      continue;
    }
    switch (errno) {
      case EINTR:
      case ECONNABORTED:
      case EPROTO:
        continue;
      case EMFILE:
      case ENFILE:
        if (shed_one(fd)) continue;
        pause();
        return;
      case ENOBUFS:
      case ENOMEM:
        pause();
        return;
      default:
        return;  // EAGAIN: nobody else is waiting
    }
  }
}

// Without a free descriptor a waiting client can be neither served nor refused, and epoll would report it for ever.
// The spare one is given up for the moment it takes to close the door on that client.
bool Listener::shed_one(int fd) {
  if (spare_fd_ < 0) spare_fd_ = open_spare();
  if (spare_fd_ < 0) return false;
  ::close(spare_fd_);
  const int accepted = ::accept4(fd, nullptr, nullptr, SOCK_CLOEXEC);
  if (accepted >= 0) {
    ::close(accepted);
    ++turned_away_;
  }
  spare_fd_ = open_spare();
  return accepted >= 0 && spare_fd_ >= 0;
}

void Listener::pause() {
  for (const auto& socket : sockets_) socket->watch(false);
  resume_.start(pause_when_exhausted);
}

}  // namespace bixws::net
