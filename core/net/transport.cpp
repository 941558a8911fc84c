// SPDX-License-Identifier: Apache-2.0
// A non-blocking byte pipe over a connected socket, plain or TLS, whose reads and writes end in named results.
#include "net/transport.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace bixws::net {
namespace {

// The most one TLS record carries (RFC 8446 section 5.1), and so the most SSL_write can hold back.
constexpr std::size_t record_size = 16384;

bool gone(int error) noexcept { return error == ECONNRESET || error == EPIPE || error == ENOTCONN; }

}  // namespace

std::string IoResult::text() const {
  if (status == IoStatus::closed && code == 0) return "connection closed";
  if (!tls) return std::strerror(static_cast<int>(code));
  const char* reason = ERR_reason_error_string(code);
  return reason != nullptr ? std::string("TLS: ") + reason : "TLS error " + std::to_string(code);
}

Transport::Transport(int fd, SslHandle ssl) noexcept : fd_(fd) {
  if (ssl != nullptr) start_tls(std::move(ssl));
}

Transport::Transport(Transport&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      wants_write_(other.wants_write_),
      failed_(other.failed_),
      ssl_(std::move(other.ssl_)),
      pending_(std::move(other.pending_)) {}

Transport& Transport::operator=(Transport&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    wants_write_ = other.wants_write_;
    failed_ = other.failed_;
    ssl_ = std::move(other.ssl_);
    pending_ = std::move(other.pending_);
  }
  return *this;
}

void Transport::start_tls(SslHandle ssl) noexcept {
  ssl_ = std::move(ssl);
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_mode(ssl_.get(),
               SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
}

IoResult Transport::tls_failure(int outcome) noexcept {
  const int saved = errno;
  switch (SSL_get_error(ssl_.get(), outcome)) {
    case SSL_ERROR_WANT_READ:
      wants_write_ = false;
      return {IoStatus::again};
    case SSL_ERROR_WANT_WRITE:
      wants_write_ = true;
      return {IoStatus::again};
    case SSL_ERROR_ZERO_RETURN:
      return {IoStatus::closed};
    case SSL_ERROR_SYSCALL:
      failed_ = true;
      if (saved == 0 || gone(saved)) return {IoStatus::closed, 0, static_cast<unsigned long>(saved)};
      return {IoStatus::error, 0, static_cast<unsigned long>(saved)};
    default: {
      failed_ = true;
      const unsigned long code = ERR_get_error();
      // A peer that vanishes without close_notify is an ordinary disconnect, not a TLS error.
      if (ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING) return {IoStatus::closed};
      return {IoStatus::error, 0, code, true};
    }
  }
}

IoResult Transport::handshake() {
  // OpenSSL's error queue belongs to the thread: what another connection left there must not be read as ours.
  ERR_clear_error();
  errno = 0;
  const int outcome = SSL_do_handshake(ssl_.get());
  if (outcome == 1) {
    wants_write_ = false;
    return {IoStatus::ok};
  }
  return tls_failure(outcome);
}

IoResult Transport::read(std::span<char> into) {
  if (ssl_ != nullptr) {
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    const int outcome = SSL_read_ex(ssl_.get(), into.data(), into.size(), &bytes);
    if (outcome == 1) return {IoStatus::ok, bytes};
    return tls_failure(outcome);
  }
  for (;;) {
    const ssize_t bytes = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
    if (bytes > 0) return {IoStatus::ok, static_cast<std::size_t>(bytes)};
    if (bytes == 0) return {IoStatus::closed};
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK) return {IoStatus::again};
    return {gone(errno) ? IoStatus::closed : IoStatus::error, 0, static_cast<unsigned long>(errno)};
  }
}

IoResult Transport::short_send(ssize_t sent) noexcept {
  if (sent >= 0) return {IoStatus::again, static_cast<std::size_t>(sent)};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR || errno == ENOBUFS) return {IoStatus::again};
  return {gone(errno) ? IoStatus::closed : IoStatus::error, 0, static_cast<unsigned long>(errno)};
}

IoResult Transport::flush() {
  if (pending_ == nullptr) return {IoStatus::ok};
  while (!pending_->empty()) {
    ERR_clear_error();
    errno = 0;
    std::size_t bytes = 0;
    const int outcome = SSL_write_ex(ssl_.get(), pending_->data(), pending_->size(), &bytes);
    if (outcome != 1) return tls_failure(outcome);
    pending_->erase(0, bytes);
  }
  pending_ = nullptr;
  return {IoStatus::ok};
}

IoResult Transport::write_tls(std::string_view bytes) {
  if (pending_ != nullptr) {
    const IoResult flushed = flush();
    if (flushed.status != IoStatus::ok) return flushed;
  }
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    ERR_clear_error();
    errno = 0;
    std::size_t written = 0;
    const int outcome = SSL_write_ex(ssl_.get(), bytes.data() + taken, bytes.size() - taken, &written);
    if (outcome == 1) {
      taken += written;
      continue;
    }
    IoResult result = tls_failure(outcome);
    if (result.status == IoStatus::again) {
      // SSL_write insists on being called again with the same bytes, since a record of them may be half sent. Keep
      // them here, so that the caller's queue stays free to drop what it likes.
      const std::size_t kept = std::min(record_size, bytes.size() - taken);
      pending_ = std::make_unique<std::string>(bytes.substr(taken, kept));
      taken += kept;
    }
    result.bytes = taken;
    return result;
  }
  return {IoStatus::ok, taken};
}

void Transport::shutdown_write() noexcept {
  if (fd_ < 0) return;
  if (ssl_ != nullptr && !failed_ && SSL_is_init_finished(ssl_.get())) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ::shutdown(fd_, SHUT_WR);
}

void Transport::close() noexcept {
  if (fd_ < 0) return;
  if (ssl_ != nullptr && !failed_ && SSL_is_init_finished(ssl_.get()) &&
      (SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) == 0) {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
  }
  ssl_ = nullptr;
  pending_ = nullptr;
  ::close(std::exchange(fd_, -1));
}

void tune_socket(int fd, int send_buffer) noexcept {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (send_buffer > 0) ::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
}

std::size_t raise_file_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    ::getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace bixws::net
