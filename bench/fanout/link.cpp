// SPDX-License-Identifier: Apache-2.0
// Link: sockets and TLS without waiting.
#include "link.h"

#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace bixws::bench {

SSL_CTX* make_tls() {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  if (context != nullptr) SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
  return context;
}

Link::Link(Link&& other) noexcept : fd_(std::exchange(other.fd_, -1)), tls_(std::move(other.tls_)) {}

bool Link::open(const Target& target, std::uint32_t source, int receive_buffer) {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in from{};
  from.sin_family = AF_INET;
  from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + source);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) return false;
  const int outcome = ::connect(fd_, reinterpret_cast<const sockaddr*>(&target.address), sizeof target.address);
  if (outcome != 0 && errno != EINPROGRESS) return false;
  if (target.tls == nullptr) return true;
  tls_.reset(SSL_new(target.tls));
  if (tls_ == nullptr) return false;
  SSL_set_fd(tls_.get(), fd_);
  SSL_set_mode(tls_.get(), SSL_MODE_RELEASE_BUFFERS);
  return true;
}

void Link::close() {
  tls_.reset();
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Link::Io Link::secure() {
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return Io::ended;
  if (tls_ == nullptr) return Io::ok;
  const int outcome = SSL_connect(tls_.get());
  if (outcome == 1) return Io::ok;
  const int why = SSL_get_error(tls_.get(), outcome);
  return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE ? Io::again : Io::ended;
}

Link::Io Link::receive(std::span<char> into, std::size_t& bytes) {
  if (tls_ != nullptr) {
    const int outcome = SSL_read_ex(tls_.get(), into.data(), into.size(), &bytes);
    if (outcome == 1) return Io::ok;
    return SSL_get_error(tls_.get(), outcome) == SSL_ERROR_WANT_READ ? Io::again : Io::ended;
  }
  const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
  bytes = got > 0 ? static_cast<std::size_t>(got) : 0;
  if (got > 0) return Io::ok;
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Io::again : Io::ended;
}

Link::Io Link::send(std::string_view bytes) {
  if (tls_ != nullptr) {
    std::size_t written = 0;
    const int outcome = SSL_write_ex(tls_.get(), bytes.data(), bytes.size(), &written);
    return outcome == 1 ? Io::ok : Io::ended;
  }
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent == static_cast<ssize_t>(bytes.size()) ? Io::ok : Io::ended;
}

}  // namespace bixws::bench
