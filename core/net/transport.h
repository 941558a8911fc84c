// SPDX-License-Identifier: Apache-2.0
// A non-blocking byte pipe over a connected socket, plain or TLS, whose reads and writes end in named results.
#pragma once

#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bixws::net {

enum class IoStatus : std::uint8_t {
  ok,      // read: `bytes` > 0 arrived; write: everything was taken
  again,   // read: nothing there now; write: `bytes` (perhaps 0) were taken, the socket is full
  closed,  // the other end is gone
  error,   // see IoResult::text()
};

/// Result of one read or write; costs nothing until somebody asks for its text.
struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;
  unsigned long code = 0;  // errno, or an OpenSSL error if `tls`
  bool tls = false;

  std::string text() const;
};

struct SslFree {
  void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
};
using SslHandle = std::unique_ptr<SSL, SslFree>;

/// Owns the descriptor and the TLS state. One thread. Bytes that write() reports as taken are out of the caller's
/// hands, also under TLS, so a queue may drop whatever was not taken.
class Transport {
 public:
  Transport() = default;
  /// Takes `fd`, which must be connected and non-blocking. With `ssl` (from tls.h) handshake() must be driven to ok
  /// before anything is read or written.
  explicit Transport(int fd, SslHandle ssl = nullptr) noexcept;
  ~Transport() { close(); }
  Transport(Transport&& other) noexcept;
  Transport& operator=(Transport&& other) noexcept;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  int fd() const noexcept { return fd_; }
  bool open() const noexcept { return fd_ >= 0; }
  SSL* ssl() const noexcept { return ssl_.get(); }

  /// Puts TLS on top of a plain socket (after a proxy's CONNECT).
  void start_tls(SslHandle ssl) noexcept;
  /// ok: done. again: wait for reading, or for writing if handshake_wants_write().
  IoResult handshake();
  bool handshake_wants_write() const noexcept { return wants_write_; }

  IoResult read(std::span<char> into);

  IoResult write(std::string_view bytes) {
    if (ssl_ != nullptr) return write_tls(bytes);
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent == static_cast<ssize_t>(bytes.size())) return {IoStatus::ok, bytes.size()};
    return short_send(sent);
  }

  /// Bytes already inside TLS that the kernel will not announce any more.
  bool buffered() const noexcept { return ssl_ != nullptr && SSL_has_pending(ssl_.get()) == 1; }
  /// Taken bytes that still wait inside TLS: flush() when the socket is writable.
  bool unflushed() const noexcept { return pending_ != nullptr; }
  IoResult flush();

  /// Sends what ends our direction (close_notify, FIN); reading goes on.
  void shutdown_write() noexcept;
  void close() noexcept;

 private:
  IoResult write_tls(std::string_view bytes);
  static IoResult short_send(ssize_t sent) noexcept;
  IoResult tls_failure(int outcome) noexcept;

  int fd_ = -1;
  bool wants_write_ = false;
  bool failed_ = false;  // TLS is broken: no close_notify may be sent
  SslHandle ssl_;
  std::unique_ptr<std::string> pending_;  // the record TLS wants to be given again
};

/// The socket options of every connection: non-blocking is the caller's, this sets TCP_NODELAY and, when given,
/// SO_SNDBUF (bytes; 0 leaves the system's, which lets megabytes go stale in the kernel).
void tune_socket(int fd, int send_buffer = 0) noexcept;

/// Raises the soft limit on open files to the hard one and returns it.
std::size_t raise_file_limit() noexcept;

}  // namespace bixws::net
