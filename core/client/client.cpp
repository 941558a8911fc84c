// SPDX-License-Identifier: Apache-2.0
// Client: a RemoteFeed whose newest values and messages are kept under one lock.
#include <bixws/client.h>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "feed/remote_feed.h"
#include "model/instruments.h"

namespace bixws {

struct Client::State final : feed::RemoteFeed::Listener {
  explicit State(ClientOptions given) : options(std::move(given)) {
    remote.url = (options.tls ? "wss://" : "ws://") + bracketed(options.host) + ":" + std::to_string(options.port) +
                 options.path;
    remote.token = options.token;
    remote.ca_file = options.ca_file;
    remote.insecure = options.insecure;
    remote.reconnect = options.auto_reconnect;
    remote.reconnect_delay = options.reconnect_delay;
    asks.push_back({{}, {"ticker", "status"}, {}});
    feed = make_feed();  // here, so that a bad address is an error of the constructor
  }

  static std::string bracketed(const std::string& host) {
    return host.find(':') != std::string::npos && host.front() != '[' ? "[" + host + "]" : host;
  }

  std::shared_ptr<feed::RemoteFeed> make_feed() {
    return std::make_shared<feed::RemoteFeed>(remote, instruments, *this);
  }

  void on_message(std::string_view text, const ParsedMessage& message, EventBatch& batch, std::size_t first) override {
    if (message.type == MessageType::subscribed || message.type == MessageType::unsubscribed) return;
    std::vector<MarketData> changed;
    MessageCallback tell;
    DataCallback tell_data;
    {
      const std::lock_guard lock(mutex);
      if (!running) return;
      for (const Event& event : batch.events().subspan(first)) {
        if (event.kind != Kind::ticker) continue;
        MarketData data = data_of(event);
        if (data_callback) changed.push_back(data);
        latest.insert_or_assign(data.symbol, std::move(data));
      }
      if (options.queue_limit > 0) {
        if (queue.size() >= options.queue_limit) {
          queue.pop_front();
          ++dropped;
        }
        queue.emplace_back(text);
      }
      tell = message_callback;
      tell_data = data_callback;
    }
    arrived.notify_all();
    if (tell) tell(text);
    for (const MarketData& data : changed) tell_data(data);
  }

  void on_events(std::unique_ptr<EventBatch>& batch) override { batch.reset(); }

  void on_link(const feed::RemoteLink& link) override {
    const bool up = link.state == feed::RemoteLink::State::up;
    ConnectionCallback tell;
    {
      const std::lock_guard lock(mutex);
      thread = std::this_thread::get_id();
      if (!running) return;
      if (link.state == feed::RemoteLink::State::failed || link.state == feed::RemoteLink::State::ended) over = true;
      error = up ? std::string() : link.reason;
      if (connected != up) tell = connection_callback;
      connected = up;
    }
    arrived.notify_all();
    if (tell) tell(up, link.reason);
  }

  MarketData data_of(const Event& event) const {
    MarketData data;
    data.exchange = event.instrument->exchange;
    if (event.instrument->exchange != feed->plain_exchange()) data.symbol = data.exchange + ":";
    data.symbol += event.instrument->symbol;
    data.ticker = event.ticker();
    data.ts = event.ts;
    data.recv_ts = event.recv_ts;
    return data;
  }

  ClientOptions options;
  feed::RemoteOptions remote;
  Instruments instruments;

  std::mutex control;  // held by start() and disconnect() while the feed's thread begins or ends; never by callbacks
  bool fresh = true;   // never started

  mutable std::mutex mutex;  // all below
  std::condition_variable arrived;
  std::shared_ptr<feed::RemoteFeed> feed;
  std::thread::id thread;
  bool running = false;
  bool connected = false;
  bool over = false;  // it does not try any more
  std::string error = "not started";
  std::vector<feed::RemoteAsk> asks;
  std::map<std::string, MarketData, std::less<>> latest;
  std::deque<std::string> queue;
  std::uint64_t dropped = 0;
  MessageCallback message_callback;
  DataCallback data_callback;
  ConnectionCallback connection_callback;
};

Client::Client(ClientOptions options) : state_(std::make_unique<State>(std::move(options))) {}

Client::~Client() { disconnect(); }

void Client::start() {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->running && !state_->over) return;
    if (std::this_thread::get_id() == state_->thread) return;  // a callback cannot begin anew what it runs in
  }
  const std::lock_guard control(state_->control);
  if (!state_->fresh) state_->feed->stop();
  std::shared_ptr<feed::RemoteFeed> feed = state_->fresh ? state_->feed : state_->make_feed();
  state_->fresh = false;
  {
    const std::lock_guard lock(state_->mutex);
    state_->feed = feed;
    state_->running = true;
    state_->over = false;
    state_->error = "connecting";
    feed->ask(state_->asks);
  }
  feed->start();
}

bool Client::connect(std::chrono::milliseconds timeout) {
  start();
  std::unique_lock lock(state_->mutex);
  state_->arrived.wait_for(lock, timeout, [this] { return state_->connected || state_->over || !state_->running; });
  return state_->connected;
}

void Client::disconnect() {
  ConnectionCallback tell;
  {
    const std::lock_guard lock(state_->mutex);
    state_->running = false;
    if (state_->connected) tell = state_->connection_callback;
    state_->connected = false;
    state_->error = "disconnected";
  }
  state_->arrived.notify_all();
  if (tell) tell(false, "disconnected");
  {
    const std::lock_guard lock(state_->mutex);
    if (std::this_thread::get_id() == state_->thread) return;
  }
  const std::lock_guard control(state_->control);
  if (state_->fresh) return;
  state_->feed->stop();
  const std::lock_guard lock(state_->mutex);
  state_->thread = {};
}

bool Client::is_connected() const {
  const std::lock_guard lock(state_->mutex);
  return state_->connected;
}

std::string Client::last_error() const {
  const std::lock_guard lock(state_->mutex);
  return state_->error;
}

void Client::on_message(MessageCallback callback) {
  const std::lock_guard lock(state_->mutex);
  state_->message_callback = std::move(callback);
}

void Client::on_data(DataCallback callback) {
  const std::lock_guard lock(state_->mutex);
  state_->data_callback = std::move(callback);
}

void Client::on_connection(ConnectionCallback callback) {
  const std::lock_guard lock(state_->mutex);
  state_->connection_callback = std::move(callback);
}

void Client::subscribe(std::vector<std::string> symbols, std::vector<std::string> channels) {
  const std::lock_guard lock(state_->mutex);
  state_->asks.push_back({std::move(symbols), std::move(channels), {}});
  state_->feed->ask(state_->asks);
}

std::optional<Decimal> Client::get_latest_price(std::string_view symbol) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->latest.find(symbol);
  if (found == state_->latest.end() || !found->second.ticker.price.has_value()) return std::nullopt;
  return found->second.ticker.price;
}

std::optional<MarketData> Client::get_latest_data(std::string_view symbol) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->latest.find(symbol);
  if (found == state_->latest.end()) return std::nullopt;
  return found->second;
}

std::map<std::string, Decimal, std::less<>> Client::get_all_prices() const {
  std::map<std::string, Decimal, std::less<>> prices;
  const std::lock_guard lock(state_->mutex);
  for (const auto& [symbol, data] : state_->latest) {
    if (data.ticker.price.has_value()) prices.emplace(symbol, data.ticker.price);
  }
  return prices;
}

std::optional<std::string> Client::get_message(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  state_->arrived.wait_for(lock, timeout, [this] { return !state_->queue.empty(); });
  if (state_->queue.empty()) return std::nullopt;
  std::string text = std::move(state_->queue.front());
  state_->queue.pop_front();
  return text;
}

std::uint64_t Client::dropped_messages() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace bixws
