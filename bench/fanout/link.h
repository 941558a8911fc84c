// SPDX-License-Identifier: Apache-2.0
// Link: one non-blocking connection to the server, plain or TLS.
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace bixws::bench {

struct Target {
  sockaddr_in address{};
  SSL_CTX* tls = nullptr;  ///< nullptr: plain
  std::string path = "/";
};

/// The context of a client that trusts any certificate: the server is our own.
SSL_CTX* make_tls();

class Link {
 public:
  Link() = default;
  ~Link() { close(); }
  Link(Link&& other) noexcept;
  Link& operator=(Link&&) = delete;
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Starts to connect from 127.0.0.1 + `source`. False: see errno. `receive_buffer` 0: the system's.
  bool open(const Target& target, std::uint32_t source, int receive_buffer = 0);
  void close();
  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }

  enum class Io : std::uint8_t { ok, again, ended };
  /// After the socket became writable first: the connect, then TLS. ok: ready for reading and writing.
  Io secure();
  /// Bytes in `into`; ok with more than 0.
  Io receive(std::span<char> into, std::size_t& bytes);
  /// All of it or nothing is what a bench needs: its writes are small.
  Io send(std::string_view bytes);

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  int fd_ = -1;
  std::unique_ptr<SSL, FreeTls> tls_;
};

}  // namespace bixws::bench
