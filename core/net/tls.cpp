// SPDX-License-Identifier: Apache-2.0
// TLS contexts of both roles: TLS 1.2 or newer, certificate and host name checked, a server certificate that can be
// exchanged while running.
#include "net/tls.h"

#include <Poco/Exception.h>
#include <Poco/Net/Context.h>
#include <Poco/Net/SSLManager.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "model/config_error.h"
#include "net/address.h"

namespace bixws::net {
namespace {

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown OpenSSL error";
}

void check_readable(const std::string& file, const char* what) {
  if (::access(file.c_str(), R_OK) != 0) {
    throw ConfigError(std::string("cannot read the ") + what + " " + file + ": " + std::strerror(errno));
  }
}

void initialize() {
  static const bool once = [] {
    Poco::Net::initializeSSL();
    // OpenSSL writes to sockets with write(): a peer that went away must be an error, not the end of the process.
    std::signal(SIGPIPE, SIG_IGN);
    return true;
  }();
  (void)once;
}

// An encrypted key has nobody to ask for its passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

Poco::Net::Context::Ptr make_context(Poco::Net::Context::Usage usage, const std::string& ca_file, bool default_ca) {
  initialize();
  try {
    Poco::Net::Context::Ptr context =
        new Poco::Net::Context(usage, "", "", ca_file, Poco::Net::Context::VERIFY_NONE, 9, default_ca);
    context->requireMinimumProtocol(Poco::Net::Context::PROTO_TLSV1_2);
    return context;
  } catch (const Poco::Exception& error) {
    ERR_clear_error();
    throw ConfigError("TLS set-up failed" + (ca_file.empty() ? "" : " with the CA file " + ca_file) + ": " +
                      error.displayText());
  }
}

}  // namespace

struct TlsServerContext::Loaded {
  Poco::Net::Context::Ptr context;

  Loaded(const std::string& certificate_file, const std::string& key_file)
      : context(make_context(Poco::Net::Context::TLS_SERVER_USE, "", false)) {
    check_readable(certificate_file, "TLS certificate");
    check_readable(key_file, "TLS key");
    SSL_CTX* ssl = context->sslContext();
    SSL_CTX_set_default_passwd_cb(ssl, no_passphrase);
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate_file.c_str()) != 1) {
      throw ConfigError("the TLS certificate " + certificate_file + " is not usable: " + openssl_reason());
    }
    if (SSL_CTX_use_PrivateKey_file(ssl, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
      throw ConfigError("the TLS key " + key_file + " is not usable (it must be PEM without a passphrase, and " +
                        "belong to the certificate): " + openssl_reason());
    }
    if (SSL_CTX_check_private_key(ssl) != 1) {
      throw ConfigError("the TLS key " + key_file + " does not belong to the certificate " + certificate_file + ": " +
                        openssl_reason());
    }
    // No state per finished session: resumption works by tickets alone.
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  }
};

TlsServerContext::TlsServerContext(std::string certificate_file, std::string key_file)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      loaded_(std::make_shared<Loaded>(certificate_file_, key_file_)) {}

TlsServerContext::~TlsServerContext() = default;

SslHandle TlsServerContext::session() const {
  std::shared_ptr<const Loaded> loaded;
  {
    const std::lock_guard lock(mutex_);
    loaded = loaded_;
  }
  SslHandle ssl(SSL_new(loaded->context->sslContext()));
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return ssl;
}

void TlsServerContext::reload() {
  auto fresh = std::make_shared<const Loaded>(certificate_file_, key_file_);
  const std::lock_guard lock(mutex_);
  loaded_ = std::move(fresh);
}

struct TlsClientContext::Loaded {
  Poco::Net::Context::Ptr context;
  bool insecure;
};

TlsClientContext::TlsClientContext(const TlsClientOptions& options) {
  if (!options.ca_file.empty()) check_readable(options.ca_file, "CA file");
  loaded_ = std::make_unique<Loaded>(Loaded{
      make_context(Poco::Net::Context::TLS_CLIENT_USE, options.ca_file, options.ca_file.empty() && !options.insecure),
      options.insecure});
}

TlsClientContext::~TlsClientContext() = default;

SslHandle TlsClientContext::session(const std::string& host) const {
  SslHandle ssl(SSL_new(loaded_->context->sslContext()));
  if (ssl == nullptr) return ssl;
  SSL_set_connect_state(ssl.get());
  const bool digits = Address::parse(host, 0).has_value();
  if (!digits) SSL_set_tlsext_host_name(ssl.get(), host.c_str());
  if (loaded_->insecure) {
    SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
    return ssl;
  }
  SSL_set_verify(ssl.get(), SSL_VERIFY_PEER, nullptr);
  SSL_set_hostflags(ssl.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const int named = digits ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), host.c_str())
                           : SSL_set1_host(ssl.get(), host.c_str());
  if (named != 1) return nullptr;  // unchecked is worse than unconnected
  return ssl;
}

std::shared_ptr<const TlsClientContext> TlsClientContext::system() {
  static const auto shared = std::make_shared<const TlsClientContext>();
  return shared;
}

std::string handshake_failure(SSL* ssl, const IoResult& result) {
  const long verdict = ssl != nullptr ? SSL_get_verify_result(ssl) : X509_V_OK;
  if (verdict != X509_V_OK) {
    return std::string("certificate refused: ") + X509_verify_cert_error_string(verdict);
  }
  if (result.tls && ERR_GET_REASON(result.code) == SSL_R_WRONG_VERSION_NUMBER) {
    return "the other side does not speak TLS on this port";
  }
  if (result.status == IoStatus::closed) return "connection closed during the TLS handshake";
  return result.text();
}

}  // namespace bixws::net
