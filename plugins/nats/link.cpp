// SPDX-License-Identifier: Apache-2.0
// Link: cnats behind callbacks that can be stopped.
#include "nats/link.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bixws::nats {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";
constexpr int kPingEveryMs = 2'000;    // a broker that is gone without a word is noticed after three of them
constexpr int kWriteWithinMs = 3'000;  // one that is there and does not read, after this
constexpr int kReconnectEveryMs = 250;
constexpr std::chrono::seconds kComplainEvery{60};
constexpr int kReconnectBuffer = 64 * 1024;  // what waits for a broker waits in the outbox, which knows what it drops

/// `text`, and in brackets why, where that is known.
std::string because(std::string text, std::string_view why) {
  if (!why.empty()) text.append(" (").append(why).append(")");
  return text;
}

std::string reason_of(natsConnection* connection) {
  const char* text = nullptr;
  if (connection != nullptr) natsConnection_GetLastError(connection, &text);
  return text != nullptr && *text != '\0' ? text : "";
}

}  // namespace

void check(natsStatus status, std::string_view doing) {
  if (status == NATS_OK) return;
  natsStatus last = NATS_OK;
  const char* more = nats_GetLastError(&last);
  throw std::runtime_error(
      because(std::string(doing) + ": " + natsStatus_GetText(status), more != nullptr && last == status ? more : ""));
}

Access::Access(const Settings& settings) : url_(settings.get("url")), prefix_(settings.get("prefix")) {
  const auto text = [&](const char* name) { return std::string(settings.get(name)); };
  if (prefix_.empty() || prefix_.find_first_of(" *>\"\\") != std::string::npos || prefix_.front() == '.' ||
      prefix_.back() == '.') {
    throw std::runtime_error("prefix must be a subject without * and >, such as md");
  }
  natsOptions* made = nullptr;
  check(natsOptions_Create(&made), "options");
  options_.reset(made);
  std::vector<std::string> urls;
  for (std::size_t from = 0; from <= url_.size();) {
    const auto to = std::min(url_.find('+', from), url_.size());
    urls.push_back(url_.substr(from, to - from));
    from = to + 1;
  }
  std::vector<const char*> servers;
  for (const std::string& url : urls) {
    if (!url.starts_with("nats://") && !url.starts_with("tls://")) {
      throw std::runtime_error("url \"" + url + "\" does not begin with nats:// or tls://");
    }
    if (url.find('@') != std::string::npos)
      throw std::runtime_error("user, password and token are options of their own");
    tls_ = tls_ || url.starts_with("tls://");
    servers.push_back(url.c_str());
  }
  check(natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())), url_);
  const std::string user = text("user"), token = text("token"), nkey = text("nkey"), seed = text("seed"),
                    creds = text("creds"), ca = text("ca"), cert = text("cert"), key = text("key");
  if (!user.empty()) check(natsOptions_SetUserInfo(made, user.c_str(), text("password").c_str()), "user");
  if (!token.empty()) check(natsOptions_SetToken(made, token.c_str()), "token");
  if (nkey.empty() != seed.empty()) throw std::runtime_error("nkey and seed go together");
  for (const std::string& file : {seed, creds, ca, cert, key}) {
    if (!file.empty() && ::access(file.c_str(), R_OK) != 0) throw std::runtime_error(file + ": cannot be read");
  }
  if (!nkey.empty()) check(natsOptions_SetNKeyFromSeed(made, nkey.c_str(), seed.c_str()), "nkey");
  if (!creds.empty()) check(natsOptions_SetUserCredentialsFromFiles(made, creds.c_str(), nullptr), creds);
  if (cert.empty() != key.empty()) throw std::runtime_error("cert and key go together");
  if (!ca.empty() || !cert.empty() || settings.boolean("insecure")) tls_ = true;
  if (tls_) {
    check(natsOptions_SetSecure(made, true), "TLS");
    if (settings.boolean("insecure")) {
      check(natsOptions_SkipServerVerification(made, true), "insecure");
    } else if (const char* file = ca.empty() ? kSystemAuthorities : ca.c_str(); ::access(file, R_OK) == 0) {
      check(natsOptions_LoadCATrustedCertificates(made, file), file);
    }
    if (!cert.empty()) check(natsOptions_LoadCertificatesChain(made, cert.c_str(), key.c_str()), cert);
  }
  check(natsOptions_SetName(made, "bixws"), "name");
  // One thread delivers the messages of all subscriptions, in the order in which they came.
  check(natsOptions_UseGlobalMessageDelivery(made, true), "delivery");
  check(natsOptions_SetMaxReconnect(made, -1), "reconnect");
  check(natsOptions_SetReconnectWait(made, kReconnectEveryMs), "reconnect");
  check(natsOptions_SetReconnectJitter(made, kReconnectEveryMs, kReconnectEveryMs), "reconnect");
  check(natsOptions_SetReconnectBufSize(made, kReconnectBuffer), "buffer");
  check(natsOptions_SetPingInterval(made, kPingEveryMs), "ping");
  check(natsOptions_SetMaxPingsOut(made, 2), "ping");
  check(natsOptions_SetWriteDeadline(made, kWriteWithinMs), "deadline");
}

struct Subscription::End {
  std::mutex mutex;
  std::condition_variable changed;
  bool complete = false;
};

Subscription::Subscription(natsSubscription* subscription)
    : subscription_(subscription), end_(std::make_shared<End>()) {
  const auto complete = [](void* closure) {
    const std::unique_ptr<std::shared_ptr<End>> end(static_cast<std::shared_ptr<End>*>(closure));
    const std::lock_guard lock((*end)->mutex);
    (*end)->complete = true;
    (*end)->changed.notify_all();
  };
  auto closure = std::make_unique<std::shared_ptr<End>>(end_);
  check(natsSubscription_SetOnCompleteCB(subscription, complete, closure.get()), "subscribe");
  static_cast<void>(closure.release());  // the callback's now
}

Subscription::~Subscription() {
  natsSubscription_Unsubscribe(subscription_.get());
  std::unique_lock lock(end_->mutex);
  end_->changed.wait(lock, [this] { return end_->complete; });
}

/// The library says last that a connection is closed; only then no callback comes any more.
struct Link::Ended {
  std::mutex mutex;
  std::condition_variable changed;
  bool closed = false;
  bool stopping = false;
};

struct Link::Complaints {
  struct Kind {
    Clock::time_point next{};
    std::uint64_t unsaid = 0;
  };
  std::mutex mutex;
  std::map<natsStatus, Kind> kinds;
};

Link::Link(const Access& access, WhenLost when_lost, Callbacks callbacks)
    : callbacks_(std::move(callbacks)), ended_(std::make_unique<Ended>()), complaints_(std::make_unique<Complaints>()) {
  natsOptions* options = access.options();
  check(natsOptions_SetAllowReconnect(options, when_lost == WhenLost::comes_back), "options");
  check(natsOptions_SetReconnectedCB(options, &Link::on_up, this), "options");
  check(natsOptions_SetDisconnectedCB(options, &Link::on_down, this), "options");
  check(natsOptions_SetClosedCB(options, &Link::on_over, this), "options");
  check(natsOptions_SetErrorHandler(options, &Link::on_error, this), "options");
  const natsStatus status = natsConnection_Connect(&connection_, options);
  if (status == NATS_OK) return;
  natsStatus last = NATS_OK;
  const char* more = nats_GetLastError(&last);
  std::string text = because(access.url() + ": " + natsStatus_GetText(status), more != nullptr ? more : "");
  // With TLS 1.3 a broker looks at our certificate only after we believe to be in, and then hangs up.
  if (status == NATS_PROTOCOL_ERROR && access.tls())
    text += "; it hung up: is a certificate of ours missing or unknown (cert=, key=)?";
  throw LinkError(text, status == NATS_CONNECTION_AUTH_FAILED || status == NATS_SSL_ERROR);
}

Link::~Link() { stop(); }

void Link::stop() {
  if (connection_ == nullptr) return;
  {
    std::unique_lock lock(ended_->mutex);
    ended_->stopping = true;
    if (!ended_->closed) {
      lock.unlock();
      natsConnection_Close(connection_);
      lock.lock();
      ended_->changed.wait(lock, [this] { return ended_->closed; });
    }
  }
  natsConnection_Destroy(std::exchange(connection_, nullptr));
}

SubscriptionPtr Link::subscribe(const std::string& subject, natsMsgHandler handler, void* closure,
                                int most_bytes) const {
  natsSubscription* made = nullptr;
  check(natsConnection_Subscribe(&made, connection_, subject.c_str(), handler, closure), "subscribe " + subject);
  auto subscription = std::make_unique<Subscription>(made);
  check(natsSubscription_SetPendingLimits(made, -1, most_bytes), "limits");
  return subscription;
}

void Link::on_up(natsConnection*, void* self) { static_cast<Link*>(self)->callbacks_.up(); }

void Link::on_down(natsConnection* connection, void* self) {
  auto& link = *static_cast<Link*>(self);
  {
    const std::lock_guard lock(link.ended_->mutex);
    if (link.ended_->stopping) return;
  }
  link.callbacks_.down(reason_of(connection));
}

void Link::on_over(natsConnection* connection, void* self) {
  auto& link = *static_cast<Link*>(self);
  const std::string why = reason_of(connection);
  {
    const std::lock_guard lock(link.ended_->mutex);
    if (!link.ended_->stopping) link.callbacks_.over(why);
    link.ended_->closed = true;
    link.ended_->changed.notify_all();
  }
}

void Link::on_error(natsConnection* connection, natsSubscription*, natsStatus status, void* self) {
  auto& link = *static_cast<Link*>(self);
  // Which subject it is that may not be published, say.
  std::string text = because(natsStatus_GetText(status), reason_of(connection));
  if (status == NATS_NOT_PERMITTED) text += "; the broker has to grant this user that right, see docs/nats.md";
  {
    const std::lock_guard lock(link.complaints_->mutex);
    Complaints::Kind& kind = link.complaints_->kinds[status];
    const auto now = Clock::now();
    if (now < kind.next) {
      ++kind.unsaid;
      return;
    }
    kind.next = now + kComplainEvery;
    if (kind.unsaid != 0)
      text += "; " + std::to_string(std::exchange(kind.unsaid, 0)) + " more of the kind since the last";
  }
  link.callbacks_.trouble(text);
}

}  // namespace bixws::nats
