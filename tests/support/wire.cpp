// SPDX-License-Identifier: Apache-2.0
// Wire on POSIX sockets and OpenSSL.
#include "support/wire.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace bixws::test {

namespace {

// OpenSSL writes with write(), which knows no MSG_NOSIGNAL.
void ignore_sigpipe_once() {
  static std::once_flag done;
  std::call_once(done, [] { signal(SIGPIPE, SIG_IGN); });
}

std::string openssl_error(std::string_view what) {
  char text[256] = "";
  if (const auto code = ERR_get_error()) ERR_error_string_n(code, text, sizeof(text));
  ERR_clear_error();
  return std::string(what) + ": " + text;
}

void add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  if (!extension) throw std::runtime_error(openssl_error("certificate extension"));
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string pem(const std::shared_ptr<BIO>& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

std::shared_ptr<BIO> memory_bio() { return {BIO_new(BIO_s_mem()), BIO_free}; }

}  // namespace

TlsServer::TlsServer(CertificateKind kind) {
  const std::shared_ptr<EVP_PKEY> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::shared_ptr<X509> certificate(X509_new(), X509_free);
  if (!key || !certificate) throw std::runtime_error(openssl_error("key pair"));
  constexpr long day = 86'400;
  const bool expired = kind == CertificateKind::expired;
  const bool wrong_host = kind == CertificateKind::wrong_host;
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1 + static_cast<long>(kind));
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), expired ? -30 * day : -day);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), expired ? -day : 30 * day);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* name = X509_get_subject_name(certificate.get());
  const auto* host = reinterpret_cast<const unsigned char*>(wrong_host ? "elsewhere.example" : "localhost");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, host, -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_extension(certificate.get(), NID_subject_alt_name,
                wrong_host ? "DNS:elsewhere.example,IP:192.0.2.1" : "DNS:localhost,IP:127.0.0.1,IP:::1");
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) <= 0) throw std::runtime_error(openssl_error("sign"));

  const auto certificate_text = memory_bio();
  const auto key_text = memory_bio();
  PEM_write_bio_X509(certificate_text.get(), certificate.get());
  PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  certificate_pem_ = pem(certificate_text);
  key_pem_ = pem(key_text);

  context_ = {SSL_CTX_new(TLS_server_method()), SSL_CTX_free};
  if (!context_ || SSL_CTX_use_certificate(context_.get(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context_.get(), key.get()) != 1) {
    throw std::runtime_error(openssl_error("server context"));
  }
}

Wire::Wire(int fd) : fd_(fd) {
  ignore_sigpipe_once();
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

Wire::~Wire() { close(); }

Wire::Wire(Wire&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      ssl_(std::exchange(other.ssl_, nullptr)),
      wants_write_(std::exchange(other.wants_write_, false)) {}

Wire& Wire::operator=(Wire&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    ssl_ = std::exchange(other.ssl_, nullptr);
    wants_write_ = std::exchange(other.wants_write_, false);
  }
  return *this;
}

Wire Wire::connect(const std::string& host, std::uint16_t port, Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  const std::string where = host + ":" + std::to_string(port);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found)) {
    throw std::runtime_error(where + ": " + gai_strerror(error));
  }
  const std::shared_ptr<addrinfo> addresses(found, freeaddrinfo);
  std::string why = "no address";
  for (const addrinfo* address = found; address; address = address->ai_next) {
    Wire wire(socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(wire.fd_, address->ai_addr, address->ai_addrlen) == 0) return wire;
    int error = errno;
    if (error == EINPROGRESS) {
      pollfd writable{wire.fd_, POLLOUT, 0};
      error = ETIMEDOUT;
      if (poll(&writable, 1, static_cast<int>(time_left(deadline).count())) > 0) {
        socklen_t size = sizeof(error);
        getsockopt(wire.fd_, SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return wire;
    why = std::strerror(error);
  }
  throw std::runtime_error(where + ": " + why);
}

void Wire::start_tls_client(const std::string& host, const TlsTrust& trust, Milliseconds within) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  if (!trust.insecure) {
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    const bool loaded = trust.ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context.get()) == 1
                            : SSL_CTX_load_verify_locations(context.get(), trust.ca_file.c_str(), nullptr) == 1;
    if (!loaded) throw std::runtime_error(openssl_error("trust " + trust.ca_file));
  }
  ssl_ = SSL_new(context.get());
  SSL_set_fd(ssl_, fd_);
  SSL_set_tlsext_host_name(ssl_, host.c_str());
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str()) != 1) SSL_set1_host(ssl_, host.c_str());
  ERR_clear_error();
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (true) {
    const int result = SSL_connect(ssl_);
    if (result == 1) return;
    const int error = SSL_get_error(ssl_, result);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
      throw std::runtime_error(openssl_error("TLS handshake"));
    }
    pollfd ready{fd_, static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT), 0};
    if (poll(&ready, 1, static_cast<int>(time_left(deadline).count())) <= 0) {
      throw std::runtime_error("TLS handshake: timed out");
    }
  }
}

void Wire::start_tls_server(const TlsServer& tls) {
  ssl_ = SSL_new(tls.context());
  SSL_set_fd(ssl_, fd_);
  SSL_set_accept_state(ssl_);
  SSL_set_mode(ssl_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

Wire::Result Wire::outcome(int result) {
  const int error = SSL_get_error(ssl_, result);
  wants_write_ = error == SSL_ERROR_WANT_WRITE;
  ERR_clear_error();
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return {State::would_block, 0};
  return {error == SSL_ERROR_ZERO_RETURN ? State::end : State::error, 0};
}

Wire::Result Wire::read(char* buffer, std::size_t size) {
  if (fd_ < 0) return {State::error, 0};
  if (ssl_) {
    ERR_clear_error();
    const int count = SSL_read(ssl_, buffer, static_cast<int>(size));
    if (count <= 0) return outcome(count);
    wants_write_ = false;
    return {State::ok, static_cast<std::size_t>(count)};
  }
  while (true) {
    const ssize_t count = recv(fd_, buffer, size, 0);
    if (count > 0) return {State::ok, static_cast<std::size_t>(count)};
    if (count == 0) return {State::end, 0};
    if (errno == EAGAIN) return {State::would_block, 0};
    if (errno != EINTR) return {State::error, 0};
  }
}

Wire::Result Wire::write(std::string_view bytes) {
  if (fd_ < 0) return {State::error, 0};
  if (bytes.empty()) return {State::ok, 0};
  if (ssl_) {
    ERR_clear_error();
    const int count = SSL_write(ssl_, bytes.data(), static_cast<int>(std::min<std::size_t>(bytes.size(), 1 << 20)));
    if (count <= 0) return outcome(count);
    wants_write_ = false;
    return {State::ok, static_cast<std::size_t>(count)};
  }
  while (true) {
    const ssize_t count = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count >= 0) return {State::ok, static_cast<std::size_t>(count)};
    if (errno == EAGAIN) return {State::would_block, 0};
    if (errno != EINTR) return {State::error, 0};
  }
}

bool Wire::write_all(std::string_view bytes, Milliseconds within) {
  const SteadyTime deadline = std::chrono::steady_clock::now() + within;
  while (!bytes.empty()) {
    const Result result = write(bytes);
    if (result.state == State::error || result.state == State::end) return false;
    bytes.remove_prefix(result.count);
    if (result.state != State::would_block) continue;
    pollfd ready{fd_, static_cast<short>(ssl_ && !wants_write_ ? POLLIN : POLLOUT), 0};
    if (poll(&ready, 1, static_cast<int>(time_left(deadline).count())) <= 0) return false;
  }
  return true;
}

bool Wire::wait_readable(SteadyTime deadline) const {
  if (ssl_ && SSL_pending(ssl_) > 0) return true;
  pollfd ready{fd_, static_cast<short>(wants_write_ ? POLLIN | POLLOUT : POLLIN), 0};
  int count = 0;
  do {
    count = poll(&ready, 1, static_cast<int>(time_left(deadline).count()));
  } while (count < 0 && errno == EINTR);
  return count > 0;
}

void Wire::finish() {
  if (fd_ < 0) return;
  if (ssl_) SSL_shutdown(ssl_);
  shutdown(fd_, SHUT_WR);
}

void Wire::reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close();
}

void Wire::close() {
  if (ssl_) SSL_free(ssl_);
  ssl_ = nullptr;
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  wants_write_ = false;
}

int listen_on_loopback(std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0 || listen(fd, 256) != 0) {
    const std::string why = std::strerror(errno);
    ::close(fd);
    throw std::runtime_error("cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + why);
  }
  return fd;
}

std::uint16_t port_of(int listening_fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  getsockname(listening_fd, reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

}  // namespace bixws::test
