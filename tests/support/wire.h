// SPDX-License-Identifier: Apache-2.0
// A TCP connection with TLS over it when asked, never blocking; and certificates for tests, good ones and bad ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "support/wait.h"

struct ssl_st;
struct ssl_ctx_st;

namespace bixws::test {

enum class CertificateKind { good, wrong_host, expired };

// A server's TLS side: a key pair and a self-signed certificate for localhost, 127.0.0.1 and ::1 (or deliberately not).
class TlsServer {
 public:
  explicit TlsServer(CertificateKind kind = CertificateKind::good);
  // What a client must trust to accept it; write it to a file and name that as the client's CA.
  const std::string& certificate_pem() const { return certificate_pem_; }
  const std::string& key_pem() const { return key_pem_; }
  ssl_ctx_st* context() const { return context_.get(); }

 private:
  std::shared_ptr<ssl_ctx_st> context_;
  std::string certificate_pem_;
  std::string key_pem_;
};

struct TlsTrust {
  std::string ca_file;    // PEM; empty: the system's
  bool insecure = false;  // accept anything
};

// One connection. Not for two threads at a time.
class Wire {
 public:
  enum class State { ok, would_block, end, error };  // end: the peer's FIN; error: reset and everything else
  struct Result {
    State state = State::ok;
    std::size_t count = 0;
  };

  Wire() = default;
  // Takes over a connected socket and makes it non-blocking.
  explicit Wire(int fd);
  ~Wire();
  Wire(Wire&& other) noexcept;
  Wire& operator=(Wire&& other) noexcept;

  // Throws std::runtime_error when the connection is not there in time; a name is tried with every address it has.
  static Wire connect(const std::string& host, std::uint16_t port, Milliseconds within);
  // Start TLS; the client's returns when the handshake is done and throws std::runtime_error when it fails.
  void start_tls_client(const std::string& host, const TlsTrust& trust, Milliseconds within);
  void start_tls_server(const TlsServer& tls);

  int fd() const { return fd_; }
  bool open() const { return fd_ >= 0; }

  Result read(char* buffer, std::size_t size);
  Result write(std::string_view bytes);
  // What poll() must wait for besides reading: TLS may want to write before it can read.
  bool wants_write() const { return wants_write_; }

  // Blocking forms for clients. False when it cannot be done in time.
  bool write_all(std::string_view bytes, Milliseconds within);
  // Waits until there is something to read (or the end); false at the deadline.
  bool wait_readable(SteadyTime deadline) const;

  void finish();  // FIN: no more from us, the peer may go on
  void reset();   // RST, and closed
  void close();

 private:
  Result outcome(int result);

  int fd_ = -1;
  ssl_st* ssl_ = nullptr;
  bool wants_write_ = false;
};

// A listening socket on 127.0.0.1; port 0 takes a free one. Throws std::runtime_error.
int listen_on_loopback(std::uint16_t port);
std::uint16_t port_of(int listening_fd);

}  // namespace bixws::test
