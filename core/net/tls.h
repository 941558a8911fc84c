// SPDX-License-Identifier: Apache-2.0
// TLS contexts of both roles: TLS 1.2 or newer, certificate and host name checked, a server certificate that can be
// exchanged while running.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "net/transport.h"

namespace Poco::Net {
class Context;
}

namespace bixws::net {

/// The server's certificate and key. All calls from any thread.
class TlsServerContext {
 public:
  /// PEM files; the certificate file holds the chain. Throws ConfigError that names the file and the reason.
  TlsServerContext(std::string certificate_file, std::string key_file);
  ~TlsServerContext();

  /// TLS state for one accepted connection; null when OpenSSL has no memory.
  SslHandle session() const;
  /// Reads both files again. Throws like the constructor and then keeps what it had. Open connections keep theirs.
  void reload();

 private:
  struct Loaded;
  std::string certificate_file_;
  std::string key_file_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Loaded> loaded_;
};

struct TlsClientOptions {
  std::string ca_file;    // PEM of who is trusted instead of the system's authorities
  bool insecure = false;  // accept any certificate: only for a server one has just set up oneself
};

/// Whom a client trusts. Reading the system's authorities takes milliseconds: make one and share it. Any thread.
class TlsClientContext {
 public:
  /// Throws ConfigError when the CA file cannot be read.
  explicit TlsClientContext(const TlsClientOptions& options = {});
  ~TlsClientContext();

  /// TLS state for a connection to `host` (a name, sent as SNI, or an address in digits), whose certificate must be
  /// valid for exactly that.
  SslHandle session(const std::string& host) const;
  /// One for the whole process with the system's authorities.
  static std::shared_ptr<const TlsClientContext> system();

 private:
  struct Loaded;
  std::unique_ptr<Loaded> loaded_;
};

/// Why a handshake failed, for a human: the certificate's fault where there is one.
std::string handshake_failure(SSL* ssl, const IoResult& result);

}  // namespace bixws::net
