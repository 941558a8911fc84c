// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange: connections, requests and what it tells the test.
#include "support/standin_exchange.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <limits>

#include "support/standin_impl.h"

namespace bixws::test {

using Impl = StandinExchange::Impl;

namespace {

constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();

}  // namespace

Impl::Impl(Capture capture, StandinOptions options)
    : options_(std::move(options)),
      venue_(make_venue(options_.venue, options_.dialect)),
      timeline_(make_timeline(std::move(capture), *venue_, options_.rename)),
      market_(timeline_.start),
      allowed_(options_.hold ? 0 : unlimited) {
  if (options_.tls) tls_ = std::make_unique<TlsServer>(*options_.tls);
  for (const auto& fault : options_.faults) script_.push_back({fault, fault.count});
  listening_ = listen_on_loopback(options_.port);
  port_ = port_of(listening_);
  accept_wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  acceptor_ = std::thread([this] { accept_connections(); });
  player_ = std::thread([this] {
    std::unique_lock lock(mutex_);
    play(lock);
  });
}

Impl::~Impl() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  wake_acceptor();
  acceptor_.join();
  player_.join();
  std::list<std::unique_ptr<Link>> links;
  {
    const std::scoped_lock lock(links_mutex_);
    links.swap(links_);
  }
  links.clear();
  if (listening_ >= 0) close(listening_);
  close(accept_wake_);
}

void Impl::wake_acceptor() const {
  const std::uint64_t one = 1;
  const ssize_t ignored = write(accept_wake_, &one, sizeof(one));
  static_cast<void>(ignored);
}

void Impl::accept_connections() {
  while (true) {
    pollfd fds[2] = {{accept_wake_, POLLIN, 0}, {-1, POLLIN, 0}};
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
      fds[1].fd = listening_;
    }
    // Dead links are cleared away now and then even when nobody connects.
    poll(fds, 2, 500);
    std::uint64_t count = 0;
    const ssize_t ignored = read(accept_wake_, &count, sizeof(count));
    static_cast<void>(ignored);
    reap_links();
    const std::scoped_lock lock(mutex_);
    if (stopping_) return;
    if (listening_ < 0 || listening_ != fds[1].fd || !(fds[1].revents & POLLIN)) continue;
    const int fd = accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const LinkOptions link_options{tls_.get(), options_.split_seed == 0 ? 0 : options_.split_seed + ++accepted_,
                                   options_.ping_every};
    const std::scoped_lock links_lock(links_mutex_);
    links_.push_back(std::make_unique<Link>(fd, *this, link_options));
  }
}

void Impl::reap_links() {
  std::list<std::unique_ptr<Link>> dead;
  const std::scoped_lock lock(links_mutex_);
  for (auto link = links_.begin(); link != links_.end();) {
    const auto next = std::next(link);
    if ((*link)->finished()) dead.splice(dead.end(), links_, link);
    link = next;
  }
}

bool Impl::take(Override& override) {
  if (override.left <= 0) return false;
  if (override.left != always) --override.left;
  return true;
}

LinkOwner::TimedReply Impl::on_request(const HttpRequest& request) {
  const std::scoped_lock lock(mutex_);
  TimedReply timed{{.status = 404, .body = R"({"code":-1,"msg":"no such path"})"}, rest_delay_};
  const auto forced = std::find_if(rest_overrides_.begin(), rest_overrides_.end(), [&](Override& override) {
    return request.target.find(override.target_part) != std::string::npos && take(override);
  });
  if (forced != rest_overrides_.end()) {
    timed.reply = forced->reply;
  } else {
    const auto first = [this](const std::string& symbol) { return first_snapshot(symbol); };
    if (auto reply = venue_->rest(request.target, market_, first)) timed.reply = *std::move(reply);
  }
  requests_.push_back({std::chrono::steady_clock::now(), request.target, timed.reply.status});
  changed_.notify_all();
  return timed;
}

std::optional<HttpReply> Impl::on_upgrade(Link& link, const HttpRequest& request) {
  const std::scoped_lock lock(mutex_);
  std::optional<HttpReply> refusal;
  if (!venue_->serves(path_of(request.target))) refusal = HttpReply{.status = 404, .content_type = "text/plain"};
  if (take(upgrade_override_)) refusal = upgrade_override_.reply;
  upgrades_.push_back({std::chrono::steady_clock::now(), request.target, refusal ? refusal->status : 101});
  changed_.notify_all();
  if (refusal) return refusal;
  Client client;
  client.link = &link;
  client.session.target = request.target;
  client.ordinal = static_cast<int>(connections_.size());
  client.next_pulse = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  const auto& delays = options_.connection_delays;
  if (!delays.empty()) link.lag = delays[connections_.size() % delays.size()];
  clients_.push_back(std::move(client));
  ConnectionSeen seen;
  seen.target = request.target;
  seen.headers = request.head.headers;
  seen.opened = std::chrono::steady_clock::now();
  connections_.push_back(std::move(seen));
  return std::nullopt;
}

void Impl::on_open(Link& link) {
  const std::scoped_lock lock(mutex_);
  Client* client = client_of(link);
  if (!client) return;
  venue_->opened(client->session, market_);
  for (const auto& greeting : timeline_.greetings) send_payload(*client, greeting.payload);
  subscriptions_changed(*client, {});
}

void Impl::on_gone(Link& link) {
  const std::scoped_lock lock(mutex_);
  if (const Client* client = client_of(link)) {
    connections_[static_cast<std::size_t>(client->ordinal)].closed = std::chrono::steady_clock::now();
  }
  std::erase_if(clients_, [&](const Client& client) { return client.link == &link; });
  changed_.notify_all();
}

Impl::Client* Impl::client_of(const Link& link) {
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&](const Client& client) { return client.link == &link; });
  return found == clients_.end() ? nullptr : &*found;
}

bool Impl::too_talkative(Client& client) {
  if (options_.messages_per_second == 0) return false;
  const SteadyTime now = std::chrono::steady_clock::now();
  std::erase_if(client.heard_at, [&](SteadyTime at) { return now - at > std::chrono::seconds(1); });
  client.heard_at.push_back(now);
  return client.heard_at.size() > options_.messages_per_second;
}

void Impl::on_frame(Link& link, const WsFrame& frame) {
  const std::scoped_lock lock(mutex_);
  Client* client = client_of(link);
  if (!client) return;
  ConnectionSeen& seen = connections_[static_cast<std::size_t>(client->ordinal)];
  const SteadyTime now = std::chrono::steady_clock::now();
  if (!frame.masked) client_errors_.emplace_back("unmasked frame");
  if (too_talkative(*client)) {
    client_errors_.emplace_back("too many messages");
    link.send(ws_frame(WsOpcode::close, ws_close_payload(1008, "Too many requests")), {}, Link::After::finish);
    return;
  }
  switch (frame.opcode) {
    case WsOpcode::text:
      hear_text(*client, frame.payload);
      break;
    case WsOpcode::ping:
      ++seen.pings;
      link.send_frame(WsOpcode::pong, frame.payload, link.lag);
      break;
    case WsOpcode::pong:
      pongs_.push_back({now, client->ordinal, frame.payload, link.take_ping(frame.payload)});
      break;
    case WsOpcode::close:
      seen.close_code = ws_close_code(frame.payload);
      link.send(ws_frame(WsOpcode::close, frame.payload), {}, Link::After::finish);
      break;
    default:
      client_errors_.emplace_back("unexpected opcode");
  }
  changed_.notify_all();
}

void Impl::hear_text(Client& client, const std::string& text) {
  texts_.push_back({std::chrono::steady_clock::now(), client.ordinal, text});
  const bool subscribes = asks_to_subscribe(text);
  if (subscribes) {
    ++subscribe_messages_;
    if (ignore_subscriptions_ > 0) {
      --ignore_subscriptions_;
      return;
    }
    if (refuse_subscriptions_ > 0) {
      --refuse_subscriptions_;
      send_payload(client, venue_->refusal(RawJson::parse_or_throw(text), refuse_why_));
      return;
    }
  }
  const std::set<Subscription> before = client.session.subscriptions;
  for (const auto& answer : venue_->heard(text, client.session, market_)) send_payload(client, answer);
  subscriptions_changed(client, before);
}

void Impl::subscriptions_changed(Client& client, const std::set<Subscription>& before) {
  connections_[static_cast<std::size_t>(client.ordinal)].subscriptions = client.session.subscriptions;
  const auto& now = client.session.subscriptions;
  const auto covered = [&](const std::string& symbol) {
    return std::any_of(now.begin(), now.end(), [&](const Subscription& subscription) {
      return subscription.symbol.empty() || subscription.symbol == symbol;
    });
  };
  for (const auto& symbol : market_.symbols) {
    if (covered(symbol)) {
      client.since.try_emplace(symbol, played_);
    } else {
      client.since.erase(symbol);
    }
  }
  for (const auto& subscription : now) {
    if (before.contains(subscription)) continue;
    for (const auto& owed : venue_->welcome(subscription, market_)) send_payload(client, owed);
  }
  changed_.notify_all();
}

bool Impl::first_snapshot(const std::string& symbol) {
  const auto change = timeline_.first_change.find(symbol);
  const auto in_time = std::count_if(clients_.begin(), clients_.end(), [&](const Client& client) {
    const auto since = client.since.find(symbol);
    if (since == client.since.end() || !client.listens()) return false;
    const std::uint64_t in_this_lap = since->second - laps_ * timeline_.frames.size();
    return change == timeline_.first_change.end() || in_this_lap < change->second;
  });
  if (first_given_[symbol] >= static_cast<std::uint64_t>(in_time)) return false;
  ++first_given_[symbol];
  return true;
}

void Impl::stop_listening() {
  if (listening_ >= 0) {
    // The acceptor may be polling it, which keeps it open beyond close(): refuse from now on, not from when it wakes.
    shutdown(listening_, SHUT_RDWR);
    close(listening_);
  }
  listening_ = -1;
  for (auto& client : clients_) client.link->send(std::string(), client.link->lag, Link::After::finish);
  wake_acceptor();
}

// ---- what tests see

StandinExchange::StandinExchange(Capture capture, StandinOptions options)
    : impl_(std::make_unique<Impl>(std::move(capture), std::move(options))) {}

StandinExchange::~StandinExchange() = default;

std::uint16_t StandinExchange::port() const { return impl_->port_; }

std::string StandinExchange::ws_url() const {
  return (impl_->tls_ ? "wss://127.0.0.1:" : "ws://127.0.0.1:") + std::to_string(impl_->port_);
}

std::string StandinExchange::rest_url() const {
  return (impl_->tls_ ? "https://127.0.0.1:" : "http://127.0.0.1:") + std::to_string(impl_->port_);
}

std::string StandinExchange::certificate_pem() const { return impl_->tls_ ? impl_->tls_->certificate_pem() : ""; }

const std::vector<TimelineFrame>& StandinExchange::frames() const { return impl_->timeline_.frames; }

const Timeline& StandinExchange::timeline() const { return impl_->timeline_; }

const Venue& StandinExchange::venue() const { return *impl_->venue_; }

std::uint64_t StandinExchange::played() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->played_;
}

std::uint64_t StandinExchange::laps() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->laps_;
}

bool StandinExchange::wait_played(std::uint64_t number, Milliseconds within) const {
  std::unique_lock lock(impl_->mutex_);
  return impl_->changed_.wait_for(lock, within, [&] { return impl_->played_ >= number; });
}

bool StandinExchange::wait_ended(Milliseconds within) const {
  return wait_until(
      [&] {
        const std::scoped_lock lock(impl_->mutex_);
        return impl_->ended_ && std::all_of(impl_->clients_.begin(), impl_->clients_.end(),
                                            [](const auto& client) { return client.link->queued_bytes() == 0; });
      },
      within);
}

void StandinExchange::hold() {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->allowed_ = impl_->played_;
}

void StandinExchange::play(std::uint64_t frames) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->allowed_ = (impl_->allowed_ == unlimited ? impl_->played_ : impl_->allowed_) + frames;
  impl_->changed_.notify_all();
}

void StandinExchange::release() {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->allowed_ = unlimited;
  impl_->changed_.notify_all();
}

void StandinExchange::set_speed(double speed) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->options_.speed = speed;
  impl_->anchored_ = false;
  impl_->changed_.notify_all();
}

std::optional<StandinBook> StandinExchange::book(const std::string& symbol) const {
  const std::scoped_lock lock(impl_->mutex_);
  const StandinBook* book = impl_->market_.book(symbol);
  return book ? std::optional(*book) : std::nullopt;
}

void StandinExchange::add(const Fault& fault) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->add(fault);
}

void StandinExchange::answer_upgrades(const HttpReply& reply, int count) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->upgrade_override_ = {reply, count, ""};
}

void StandinExchange::answer_rest(const HttpReply& reply, int count, const std::string& target_part) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->rest_overrides_.push_back({reply, count, target_part});
}

void StandinExchange::answer_normally() {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->upgrade_override_.left = 0;
  impl_->rest_overrides_.clear();
  impl_->rest_delay_ = Milliseconds(0);
  impl_->refuse_subscriptions_ = impl_->ignore_subscriptions_ = 0;
}

void StandinExchange::delay_rest(Milliseconds delay) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->rest_delay_ = delay;
}

void StandinExchange::refuse_subscriptions(int count, const std::string& why) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->refuse_subscriptions_ = count;
  impl_->refuse_why_ = why;
}

void StandinExchange::ignore_subscriptions(int count) {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->ignore_subscriptions_ = count;
}

void StandinExchange::stop_listening() {
  const std::scoped_lock lock(impl_->mutex_);
  impl_->stop_listening();
}

void StandinExchange::listen_again() {
  const std::scoped_lock lock(impl_->mutex_);
  if (impl_->listening_ < 0) impl_->listening_ = listen_on_loopback(impl_->port_);
  impl_->wake_acceptor();
}

std::vector<ConnectionSeen> StandinExchange::connections() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->connections_;
}

std::size_t StandinExchange::open_connections() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->clients_.size();
}

std::size_t StandinExchange::listeners() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->count_listeners();
}

std::vector<RequestSeen> StandinExchange::upgrades() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->upgrades_;
}

std::vector<RequestSeen> StandinExchange::requests() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->requests_;
}

std::size_t StandinExchange::requests_for(const std::string& target_part) const {
  const std::scoped_lock lock(impl_->mutex_);
  return static_cast<std::size_t>(
      std::count_if(impl_->requests_.begin(), impl_->requests_.end(),
                    [&](const RequestSeen& seen) { return seen.target.find(target_part) != std::string::npos; }));
}

std::vector<TextSeen> StandinExchange::texts() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->texts_;
}

std::size_t StandinExchange::subscribe_messages() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->subscribe_messages_;
}

std::vector<PongSeen> StandinExchange::pongs() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->pongs_;
}

std::vector<std::string> StandinExchange::client_errors() const {
  const std::scoped_lock lock(impl_->mutex_);
  return impl_->client_errors_;
}

std::unique_ptr<StandinExchange> standin_on(std::string_view capture, StandinOptions options) {
  return std::make_unique<StandinExchange>(read_capture(capture_path(capture)), std::move(options));
}

}  // namespace bixws::test
