// SPDX-License-Identifier: Apache-2.0
// Outgoing connections: name lookup off the loop, every address tried, proxy, TLS; each failure a value with its stage.
#include "net/connector.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

#include "net/text.h"

namespace bixws::net {
namespace {

constexpr int max_lookups = 64;  // threads that hang in getaddrinfo, over the whole process
constexpr std::size_t max_proxy_answer = 8192;

std::atomic<int>& running_lookups() {
  static std::atomic<int> count{0};
  return count;
}

std::string environment(const char* lower_name, const char* upper_name) {
  for (const char* name : {lower_name, upper_name}) {
    const char* value = name != nullptr ? std::getenv(name) : nullptr;
    if (value != nullptr && *value != '\0') return value;
  }
  return {};
}

// NO_PROXY: a list of hosts and domains ("localhost,.example.org,10.0.0.1"), or "*".
bool bypasses_proxy(const std::string& host) {
  const std::string list = environment("no_proxy", "NO_PROXY");
  for (std::string_view entry : split_list(list, ',')) {
    if (entry == "*") return true;
    if (entry.starts_with('.')) entry.remove_prefix(1);
    if (same_ignoring_case(entry, host)) return true;
    if (host.size() > entry.size() && host[host.size() - entry.size() - 1] == '.' &&
        same_ignoring_case(std::string_view(host).substr(host.size() - entry.size()), entry)) {
      return true;
    }
  }
  return false;
}

std::string base64(const std::string& text) {
  std::string out((text.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

std::string_view stage_name(Stage stage) noexcept {
  switch (stage) {
    case Stage::dns:
      return "dns";
    case Stage::connect:
      return "connect";
    case Stage::proxy:
      return "proxy";
    case Stage::tls:
      return "tls";
    case Stage::http:
      return "http";
    case Stage::protocol:
      return "protocol";
  }
  return "";
}

std::optional<Url> proxy_for(const Url& url) {
  const auto literal = Address::parse(url.host, 0);
  if (same_ignoring_case(url.host, "localhost") || (literal && literal->loopback()) || bypasses_proxy(url.host)) {
    return std::nullopt;
  }
  std::string proxy = url.tls() ? environment("https_proxy", "HTTPS_PROXY") : environment("http_proxy", "HTTP_PROXY");
  if (proxy.empty()) return std::nullopt;
  if (proxy.find("://") == std::string::npos) proxy.insert(0, "http://");
  Url parsed = parse_url(proxy);
  if (parsed.scheme != "http")
    throw std::runtime_error("proxy " + parsed.text() + ": only http:// proxies are supported");
  return parsed;
}

// Shared with the thread that looks a name up; that thread may outlive the attempt and the loop.
struct Connector::Lookup {
  std::mutex mutex;
  Loop* loop = nullptr;        // null once nobody waits any more
  Connector* owner = nullptr;  // loop's thread only
};

Connector::Connector(Loop& loop, ConnectOptions options)
    : loop_(&loop), options_(std::move(options)), timer_(loop, [this] { on_timeout(); }) {}

void Connector::start(const Url& url, Done done) {
  stop();
  url_ = url;
  done_ = std::move(done);
  addresses_.clear();
  next_address_ = 0;
  failures_.clear();
  proxy_answer_.clear();
  state_ = State::starting;
  timer_.start(Duration::zero());
}

void Connector::stop() noexcept {
  timer_.cancel();
  if (lookup_) {
    const std::lock_guard lock(lookup_->mutex);
    lookup_->loop = nullptr;
    lookup_->owner = nullptr;
  }
  lookup_ = nullptr;
  if (fd_ >= 0) {
    loop_->remove(fd_, *this);
    ::close(std::exchange(fd_, -1));
  }
  if (connection_) {
    connection_->set_owner(nullptr);
    connection_->close();
    loop_->dispose(std::move(connection_));
  }
  done_ = nullptr;
  state_ = State::idle;
}

std::string Connector::where() const { return url_.host + ":" + std::to_string(url_.port); }

void Connector::begin() {
  try {
    proxy_ = options_.use_proxy ? proxy_for(url_) : std::nullopt;
  } catch (const std::exception& error) {
    fail(Stage::proxy, std::string(error.what()) + "; correct HTTP_PROXY or HTTPS_PROXY");
    return;
  }
  const Url& target = proxy_ ? *proxy_ : url_;
  if (const auto literal = Address::parse(target.host, target.port)) {
    addresses_.push_back(*literal);
    try_next();
  } else {
    look_up(target.host, target.port);
  }
}

void Connector::look_up(const std::string& host, std::uint16_t port) {
  state_ = State::looking_up;
  timer_.start(options_.dns_timeout);
  if (running_lookups().fetch_add(1) >= max_lookups) {
    running_lookups().fetch_sub(1);
    fail(Stage::dns, "cannot look up " + host + ": too many name lookups hang already; check the name server");
    return;
  }
  lookup_ = std::make_shared<Lookup>();
  lookup_->loop = loop_;
  lookup_->owner = this;
  try {
    std::thread([lookup = lookup_, resolver = options_.resolver, host, port] {
      auto result = std::make_shared<Resolved>();
      try {
        *result = resolver ? resolver(host, port) : resolve(host, port);
      } catch (const std::exception& error) {
        result->error = error.what();
      }
      running_lookups().fetch_sub(1);
      const std::lock_guard lock(lookup->mutex);
      if (lookup->loop == nullptr) return;
      lookup->loop->post([lookup, result] {
        if (lookup->owner != nullptr) lookup->owner->resolved(std::move(*result));
      });
    }).detach();
  } catch (const std::system_error& error) {
    running_lookups().fetch_sub(1);
    lookup_ = nullptr;
    fail(Stage::dns, "cannot look up " + host + ": no thread for it: " + error.what());
  }
}

void Connector::resolved(Resolved result) {
  lookup_ = nullptr;
  timer_.cancel();
  if (result.addresses.empty()) {
    fail(Stage::dns, "cannot look up " + (proxy_ ? "the proxy " + proxy_->host : url_.host) + ": " + result.error +
                         "; check the name and this machine's network");
    return;
  }
  addresses_ = std::move(result.addresses);
  try_next();
}

void Connector::try_next() {
  while (next_address_ < addresses_.size()) {
    const Address& address = addresses_[next_address_++];
    state_ = State::connecting;
    fd_ = ::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) {
      address_failed(std::strerror(errno));
      continue;
    }
    tune_socket(fd_);
    if (::connect(fd_, address.raw(), address.raw_size()) == 0 || errno == EINPROGRESS) {
      loop_->add(fd_, *this, EPOLLOUT);
      timer_.start(options_.connect_timeout);
      return;
    }
    address_failed(std::strerror(errno));
  }
  fail(Stage::connect, "cannot connect to " + (proxy_ ? "the proxy " + proxy_->text() : where()) + ": " + failures_);
}

void Connector::address_failed(const std::string& why) {
  if (fd_ >= 0) {
    loop_->remove(fd_, *this);
    ::close(std::exchange(fd_, -1));
  }
  if (!failures_.empty()) failures_ += "; ";
  if (failures_.size() < 1000) failures_ += addresses_[next_address_ - 1].text() + " " + why;
}

void Connector::on_ready(std::uint32_t) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) {
    connected();
    return;
  }
  address_failed(std::strerror(error));
  try_next();
}

void Connector::connected() {
  loop_->remove(fd_, *this);
  connection_ = std::make_unique<Connection>(*loop_, Transport(std::exchange(fd_, -1)), addresses_[next_address_ - 1]);
  connection_->set_owner(this);
  if (!proxy_) {
    secure();
    return;
  }
  state_ = State::asking_proxy;
  timer_.start(options_.tls_timeout);
  const std::string target =
      (url_.host.find(':') == std::string::npos ? url_.host : "[" + url_.host + "]") + ":" + std::to_string(url_.port);
  std::string request = "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n";
  if (!proxy_->user.empty()) request += "Proxy-Authorization: Basic " + base64(proxy_->user) + "\r\n";
  request += "\r\n";
  const IoResult result = connection_->write(request);
  if (result.status != IoStatus::ok) fail(Stage::proxy, "proxy " + proxy_->text() + ": " + result.text());
}

void Connector::on_readable() {
  if (state_ == State::asking_proxy) read_proxy_answer();
}

// Byte by byte: what follows the proxy's head belongs to the conversation that comes after this one.
void Connector::read_proxy_answer() {
  while (proxy_answer_.size() < max_proxy_answer) {
    char byte = 0;
    const IoResult result = connection_->read({&byte, 1});
    if (result.status == IoStatus::again) return;
    if (result.status != IoStatus::ok) {
      fail(Stage::proxy, "proxy " + proxy_->text() + " hung up: " + result.text());
      return;
    }
    proxy_answer_ += byte;
    if (!proxy_answer_.ends_with("\r\n\r\n")) continue;
    const auto head = parse_response(proxy_answer_);
    if (head && head->status >= 200 && head->status < 300) {
      secure();
    } else if (head) {
      fail(Stage::proxy,
           "proxy " + proxy_->text() + " refused the way to " + where() + ": " + std::to_string(head->status) + " " +
               head->reason,
           head->status);
    } else {
      fail(Stage::proxy, "proxy " + proxy_->text() + " does not answer in HTTP");
    }
    return;
  }
  fail(Stage::proxy, "proxy " + proxy_->text() + ": its answer is too long");
}

void Connector::secure() {
  if (!url_.tls()) {
    succeed();
    return;
  }
  try {
    const auto context = options_.tls ? options_.tls : TlsClientContext::system();
    SslHandle ssl = context->session(url_.host);
    if (ssl == nullptr) {
      fail(Stage::tls, "no TLS session for " + where() + ": the host name cannot be checked");
      return;
    }
    state_ = State::securing;
    timer_.start(options_.tls_timeout);
    connection_->start_tls(std::move(ssl));
  } catch (const std::exception& error) {
    fail(Stage::tls, error.what());
  }
}

void Connector::on_secured(const IoResult& result) {
  if (result.status == IoStatus::ok) {
    succeed();
    return;
  }
  SSL* ssl = connection_->transport().ssl();
  std::string text = "TLS with " + where() + " failed: " + handshake_failure(ssl, result);
  if (ssl != nullptr && SSL_get_verify_result(ssl) != X509_V_OK) {
    text += "; if you trust this server, name its certificate authority with --ca";
  }
  fail(Stage::tls, std::move(text));
}

void Connector::on_timeout() {
  switch (state_) {
    case State::idle:
      return;
    case State::starting:
      begin();
      return;
    case State::looking_up:
      fail(Stage::dns, "cannot look up " + (proxy_ ? proxy_->host : url_.host) + ": the name server does not answer");
      return;
    case State::connecting:
      address_failed("no answer");
      try_next();
      return;
    case State::asking_proxy:
      fail(Stage::proxy, "proxy " + proxy_->text() + " does not answer");
      return;
    case State::securing:
      fail(Stage::tls, "TLS with " + where() + " failed: no answer to the handshake");
      return;
  }
}

void Connector::succeed() {
  auto connection = std::move(connection_);
  connection->set_owner(nullptr);
  const Done done = std::move(done_);
  stop();
  done(std::move(connection), {});
}

void Connector::fail(Stage stage, std::string text, int status, std::string body) {
  NetFailure failure{stage, status, std::move(body), std::nullopt, std::move(text)};
  const Done done = std::move(done_);
  stop();
  done(nullptr, failure);
}

}  // namespace bixws::net
