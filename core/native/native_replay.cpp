// SPDX-License-Identifier: Apache-2.0
// NativeReplay: the thread that plays the timeline, and the loop that holds the sockets.
#include "native/native_replay.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <list>
#include <thread>

#include "model/config_error.h"
#include "model/time_text.h"
#include "native/native_client.h"
#include "native/reel.h"
#include "net/http_server.h"
#include "net/listener.h"
#include "net/ws_handshake.h"
#include "recording/pacing.h"

namespace bixws::native {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kSlice = 128;  // frames between two looks at who else wants the state
constexpr auto kPulse = std::chrono::seconds(1);
constexpr auto kFarewell = std::chrono::seconds(5);

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(SteadyClock::now().time_since_epoch()).count();
}

net::HttpResponse plain(int status, std::string text) {
  net::HttpResponse response;
  response.status = status;
  response.body = std::move(text) + "\n";
  return response;
}

class BodyText final : public TextOut {
 public:
  void append(Text text) noexcept override { text_ += text; }
  std::string text_;
};

}  // namespace

class NativeReplay::Impl final : public net::HttpServer::Site, public NativeClient::Owner {
 public:
  Impl(NativeOptions options, std::unique_ptr<Exchange> exchange);
  ~Impl() { stop(); }

  void start(std::function<void(const std::string&)> on_ended);
  void stop();
  std::uint16_t port() const { return port_; }

 private:
  // The loop's thread.
  void on_request(net::HttpSession& session) override;
  void on_heard(NativeClient& client, std::string_view text) override;
  void on_gone(NativeClient& client) override;
  void flush_all();
  void pulse();
  net::HttpResponse page(const net::HttpRequest& request);

  // Under the mutex.
  void on_room() override { changed_.notify_all(); }
  bool may_play();
  bool congested();
  const Event* next();
  void catch_up() noexcept;
  void deliver(const Topic& topic, const RawFrame& frame, Micros at);
  void send(NativeClient& client, const Topic& topic, std::string_view payload, Fate fate);
  void rewind();
  void note(std::string_view what, const Topic* topic, Micros at);

  void play();
  void study();
  void let_others(std::unique_lock<std::mutex>& lock);
  std::unique_lock<std::mutex> take_state() override;
  void say_farewell(std::unique_lock<std::mutex>& lock);
  void log(const std::string& text) const {
    if (options_.log) options_.log(text);
  }

  NativeOptions options_;
  std::unique_ptr<Exchange> exchange_;
  std::unique_ptr<Reel> reel_;   // what is played
  std::unique_ptr<Reel> books_;  // how far the exchange's books are
  Micros from_ = 0, to_ = INT64_MAX;
  Chaos chaos_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> claims_{0};  // of threads that wait for the mutex
  bool stopping_ = false;
  bool started_ = false;
  bool anchored_ = false;
  recording::Pacing pacing_;
  std::int64_t latest_due_ = 0;  // chaos delays keep the order
  std::uint64_t played_ = 0;
  std::string prepared_;
  std::list<std::unique_ptr<NativeClient>> clients_;
  std::int64_t waiting_since_ = 0;
  bool someone_waits_ = false;

  std::uint16_t port_ = 0;
  std::uint64_t next_number_ = 1;
  net::LoopThread loop_;
  std::unique_ptr<net::HttpServer> http_;
  std::unique_ptr<net::Listener> listener_;
  std::unique_ptr<net::Signal> signal_;
  std::unique_ptr<net::Timer> pulse_;

  std::function<void(const std::string&)> on_ended_;
  std::thread player_;
};

NativeReplay::Impl::Impl(NativeOptions options, std::unique_ptr<Exchange> exchange)
    : options_(std::move(options)), exchange_(std::move(exchange)), chaos_(options_.chaos) {
  const recording::PlaybackOptions& playback = options_.playback;
  // The same reading of --from and --to, with the same refusals, as in a replay of events.
  Instruments instruments;
  const recording::Playback checked(playback, instruments);
  from_ = playback.from.empty() ? 0 : checked.from();
  to_ = checked.to();
  reel_ = std::make_unique<Reel>(playback, options_.exchange);
  books_ = std::make_unique<Reel>(playback, options_.exchange);
  exchange_->set_catch_up([this] { catch_up(); });
  study();
  loop_.run_inside([this] {
    net::HttpServerOptions http;
    http.send_buffer = 256 * 1024;
    http.tls = options_.tls;
    http_ = std::make_unique<net::HttpServer>(loop_.loop(), http, *this);
    signal_ = std::make_unique<net::Signal>(loop_.loop(), [this] { flush_all(); });
    pulse_ = std::make_unique<net::Timer>(loop_.loop(), [this] { pulse(); });
    pulse_->start(kPulse);
  });
  std::string problem;
  loop_.run_inside([this, &problem] {
    try {
      net::ListenOptions listening;
      listening.host = options_.host;
      listening.port = options_.port;
      listener_ = std::make_unique<net::Listener>(loop_.loop(), listening,
                                                  [this](int fd, const net::Address& peer) { http_->adopt(fd, peer); });
      port_ = listener_->port();
    } catch (const std::runtime_error& e) {
      problem = e.what();
    }
  });
  if (!problem.empty()) {
    stop();
    throw std::runtime_error(problem);
  }
}

void NativeReplay::Impl::study() {
  // What comes before damage can be played, and then it is told.
  for (; const Event* event = reel_->peek(); reel_->advance()) exchange_->study(event->raw(), event->recv_ts);
  exchange_->studied();
  if (exchange_->frames() == 0) {
    throw ConfigError(options_.playback.path + ": session " + std::to_string(reel_->session().id) +
                      " has no frame of " + options_.exchange + " that could be played");
  }
  rewind();
}

void NativeReplay::Impl::rewind() {
  reel_->rewind();
  books_->rewind();
  exchange_->rewind();
  started_ = false;
  anchored_ = false;
}

void NativeReplay::Impl::start(std::function<void(const std::string&)> on_ended) {
  on_ended_ = std::move(on_ended);
  player_ = std::thread([this] { play(); });
}

void NativeReplay::Impl::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    stopping_ = true;
    for (const auto& client : clients_) client->leave(net::close_code::going_away, "server is stopping");
  }
  changed_.notify_all();
  if (player_.joinable()) player_.join();
  loop_.run_inside([this] {
    flush_all();
    listener_.reset();
    http_.reset();
    pulse_.reset();
    signal_.reset();
    const std::lock_guard lock(mutex_);
    clients_.clear();
  });
  loop_.stop();
}

// ---- the timeline -------------------------------------------------------------------------------------------------

bool NativeReplay::Impl::may_play() {
  std::size_t listening = 0;
  std::size_t topics = 0;
  for (const auto& client : clients_) {
    if (client->listens()) ++listening;
    topics += client->topics();
  }
  if (!started_ && listening >= options_.wait_clients && topics >= options_.wait_topics) started_ = true;
  return started_ && listening > 0;
}

bool NativeReplay::Impl::congested() {
  const bool waits = std::any_of(clients_.begin(), clients_.end(), [this](const auto& client) {
    return client->listens() && client->waiting() > options_.client_bytes;
  });
  if (waits && !someone_waits_) waiting_since_ = now_ns();
  someone_waits_ = waits;
  if (!waits) return false;
  const std::int64_t patience = std::chrono::nanoseconds(options_.client_deadline).count();
  if (now_ns() - waiting_since_ > patience) {
    for (const auto& client : clients_) {
      if (client->waiting() <= options_.client_bytes) continue;
      log("client " + std::to_string(client->number()) + " takes nothing, closing it");
      client->leave(net::close_code::try_again_later, "slow_consumer");
    }
  }
  return true;
}

/// The next frame that may be due; nullptr: it is over.
const Event* NativeReplay::Impl::next() {
  for (;; reel_->advance()) {
    const Event* const event = reel_->peek();
    if (event == nullptr || event->recv_ts >= to_) return nullptr;
    if (event->recv_ts >= from_) return event;
    exchange_->play(event->raw(), event->recv_ts);  // nobody was there yet
  }
}

void NativeReplay::Impl::catch_up() noexcept try {
  for (; books_->place() < reel_->place(); books_->advance()) {
    const Event* const event = books_->peek();
    if (event == nullptr) return;
    exchange_->keep_books(event->raw(), event->recv_ts);
  }
} catch (const std::exception& e) {
  log(std::string("books are not up to date: ") + e.what());
}

void NativeReplay::Impl::let_others(std::unique_lock<std::mutex>& lock) {
  lock.unlock();
  signal_->raise();
  while (claims_.load(std::memory_order_acquire) > 0) std::this_thread::yield();
  lock.lock();
}

std::unique_lock<std::mutex> NativeReplay::Impl::take_state() {
  claims_.fetch_add(1, std::memory_order_release);
  std::unique_lock lock(mutex_);
  claims_.fetch_sub(1, std::memory_order_release);
  return lock;
}

void NativeReplay::Impl::play() {
  std::unique_lock lock(mutex_);
  int slice = 0;
  while (!stopping_) {
    if (!may_play()) {
      anchored_ = false;
      signal_->raise();
      changed_.wait(lock);
      continue;
    }
    const Event* const event = next();
    if (event == nullptr) {
      if (!options_.playback.loop || !reel_->error().empty()) break;
      note("the recording begins again", nullptr, exchange_->now());
      for (const auto& client : clients_) client->leave(0, {});
      rewind();
      continue;
    }
    if (stopping_) break;
    const std::int64_t now = now_ns();
    if (!anchored_) {
      pacing_.anchor(event->recv_ts, now, options_.playback.speed);
      anchored_ = true;
      latest_due_ = 0;
    }
    latest_due_ = std::max(latest_due_, pacing_.due_ns(event->recv_ts) + 1000 * chaos_.delay(played_ + 1));
    if (latest_due_ > now) {
      signal_->raise();
      catch_up();  // there is time for it
      changed_.wait_until(lock, SteadyClock::time_point(std::chrono::nanoseconds(latest_due_)));
      continue;
    }
    if (congested()) {
      signal_->raise();
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      continue;
    }
    if (const Topic* topic = exchange_->play(event->raw(), event->recv_ts)) {
      deliver(*topic, event->raw(), event->recv_ts);
    }
    reel_->advance();
    if (++slice % kSlice == 0) let_others(lock);
  }
  if (stopping_) return;
  say_farewell(lock);
  if (stopping_) return;
  lock.unlock();
  on_ended_(reel_->error());
}

void NativeReplay::Impl::deliver(const Topic& topic, const RawFrame& frame, Micros at) {
  const std::uint64_t number = ++played_;
  const Fate fate = chaos_.options().any() ? chaos_.fate(number) : Fate::pass;
  if (fate != Fate::pass) note(name_of(fate), &topic, at);
  if (const Micros late = chaos_.delay(number); late > 0) note("delay " + format_duration(late), &topic, at);
  for (const auto& client : clients_) {
    if (!client->listens()) continue;
    const bool gets_it = topic.kind == FrameTopic::Kind::heartbeat || client->wants(topic);
    if (gets_it) send(*client, topic, frame.bytes, fate);
  }
  if (!chaos_.disconnects(number, at)) return;
  note("disconnect", nullptr, at);
  for (const auto& client : clients_) client->leave(0, {});
  started_ = false;
}

void NativeReplay::Impl::send(NativeClient& client, const Topic& topic, std::string_view payload, Fate fate) {
  if (fate == Fate::drop) return;
  const Text text = client.session().dressed(topic.view(), payload);
  if (fate == Fate::reorder) return client.hold(topic, std::string(text));
  client.send(text);
  if (fate == Fate::dup) client.send(text);
  client.release(topic);
}

void NativeReplay::Impl::note(std::string_view what, const Topic* topic, Micros at) {
  std::string text = "chaos: " + std::string(what) + " at frame " + std::to_string(played_) + ", " + format_rfc3339(at);
  if (topic != nullptr) text += ", " + topic->channel + " " + topic->symbol;
  log(text);
}

void NativeReplay::Impl::say_farewell(std::unique_lock<std::mutex>& lock) {
  for (const auto& client : clients_) client->leave(net::close_code::normal, "ended");
  signal_->raise();
  changed_.wait_for(lock, kFarewell, [this] { return stopping_ || clients_.empty(); });
}

// ---- the sockets --------------------------------------------------------------------------------------------------

void NativeReplay::Impl::flush_all() {
  std::vector<NativeClient*> all;
  {
    const auto lock = take_state();
    for (const auto& client : clients_) all.push_back(client.get());
  }
  for (NativeClient* client : all) client->flush();  // one that ends here is destroyed when this turn is over
}

void NativeReplay::Impl::pulse() {
  {
    const auto lock = take_state();
    for (const auto& client : clients_) client->session().pulse(!client->take_activity(), *exchange_, *client);
  }
  flush_all();
  pulse_->start(kPulse);
}

net::HttpResponse NativeReplay::Impl::page(const net::HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return plain(405, "only GET and HEAD");
  const auto lock = take_state();
  net::HttpResponse response;
  response.type = "application/json";
  BodyText body;
  response.status = exchange_->venue().rest(request.target, *exchange_, body);
  response.body = std::move(body.text_);
  if (response.status != 0) return response;
  const std::string* recorded = exchange_->recorded_at(request.target);
  if (recorded == nullptr) return plain(404, "the recording has no answer to " + request.target);
  response.status = 200;
  response.body = *recorded;
  return response;
}

void NativeReplay::Impl::on_request(net::HttpSession& session) {
  const net::HttpRequest request = session.request();
  const net::WsOffer offer = net::read_ws_request(request, false);
  if (offer.kind == net::WsOffer::Kind::page) return session.respond(page(request));
  if (offer.kind == net::WsOffer::Kind::refused) return session.respond(offer.refusal);
  std::unique_ptr<VenueSession> venue_session;
  {
    const auto lock = take_state();
    if (!exchange_->venue().serves(request.path)) return session.respond(plain(404, "no WebSocket at " + request.path));
    if (clients_.size() >= options_.max_clients) return session.respond(plain(503, "too many clients"));
    venue_session.reset(exchange_->venue().connect(request.target));
  }
  if (!venue_session) return session.respond(plain(503, "no memory"));
  auto upgraded = session.upgrade(offer);
  if (!upgraded) return;
  std::string early = std::move(upgraded->early);
  auto made = std::make_unique<NativeClient>(*this, next_number_++, std::move(venue_session), std::move(*upgraded));
  NativeClient& client = *made;
  log("client " + std::to_string(client.number()) + " connected to " + request.path);
  {
    const auto lock = take_state();
    clients_.push_back(std::move(made));
    for (const std::string& greeting : exchange_->greetings()) client.send(greeting);
    client.session().opened(*exchange_, client);
    client.asked();
  }
  changed_.notify_all();
  client.start(std::move(early));
  client.flush();
}

void NativeReplay::Impl::on_heard(NativeClient& client, std::string_view text) {
  {
    const auto lock = take_state();
    // Padded, as dialects and venues may read it with simdjson.
    prepared_.assign(text);
    prepared_.append(kFramePadding, '\0');
    client.session().heard({{prepared_.data(), text.size()}, 0}, *exchange_, client);
    client.asked();
  }
  changed_.notify_all();
  client.flush();
}

void NativeReplay::Impl::on_gone(NativeClient& client) {
  log("client " + std::to_string(client.number()) + " is gone");
  const auto lock = take_state();
  const auto found =
      std::find_if(clients_.begin(), clients_.end(), [&](const auto& one) { return one.get() == &client; });
  if (found == clients_.end()) return;
  loop_.loop().dispose(std::move(*found));
  clients_.erase(found);
  changed_.notify_all();
}

// ---- the door -----------------------------------------------------------------------------------------------------

NativeReplay::NativeReplay(NativeOptions options, std::unique_ptr<Exchange> exchange)
    : impl_(std::make_unique<Impl>(std::move(options), std::move(exchange))) {}

NativeReplay::~NativeReplay() = default;

std::uint16_t NativeReplay::port() const { return impl_->port(); }

void NativeReplay::start(std::function<void(const std::string&)> on_ended) { impl_->start(std::move(on_ended)); }

void NativeReplay::stop() { impl_->stop(); }

}  // namespace bixws::native
