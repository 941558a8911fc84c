// SPDX-License-Identifier: Apache-2.0
// A hub with a server on a free port, fed by hand: what tests of the protocol talk to.
#pragma once

#include <bixws/event.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub.h"
#include "model/instruments.h"
#include "server/server.h"
#include "support/numbers.h"
#include "support/times.h"
#include "support/ws_test_client.h"

namespace bixws::test {

inline std::vector<Level> levels(std::initializer_list<std::pair<const char*, const char*>> list) {
  std::vector<Level> made;
  for (const auto& [price, size] : list) made.push_back({dec(price), dec(size)});
  return made;
}

/// What the client gets next, for an EXPECT_EQ.
inline std::string next(WsTestClient& client) { return client.next_text().value_or("<nothing>"); }

class LiveServer {
 public:
  // 0: a free port.
  explicit LiveServer(server::Options options = {}, std::uint16_t port = 0) {
    if (options.first_exchange.empty()) options.first_exchange = "acme";
    options.port = port;
    hub = std::make_unique<hub::Hub>();
    btc = &instruments.get("acme", "BTCUSDT");
    eth = &instruments.get("acme", "ETHUSDT");
    other = &instruments.get("zeta", "BTCUSD");
    feed = &instruments.get("acme", "");
    server = std::make_unique<server::Server>(*hub, instruments, std::move(options));
    hub->start();
    server->start();
  }
  ~LiveServer() {
    server->stop();
    hub->stop();
  }

  std::string url(std::string_view target = "/") const {
    return "ws://127.0.0.1:" + std::to_string(server->port()) + std::string(target);
  }
  std::string http(std::string_view target) const {
    return "http://127.0.0.1:" + std::to_string(server->port()) + std::string(target);
  }

  void publish(const Event& event) {
    auto batch = std::make_unique<EventBatch>();
    batch->append(event);
    hub->publish(std::move(batch));
  }
  void ticker(const Instrument& instrument, std::string_view price, Micros recv_ts) {
    Ticker body;
    body.price = dec(price);
    publish(Event::of(instrument, recv_ts, recv_ts - 1000, body));
  }
  void trade(const Instrument& instrument, std::string_view price, std::string_view size, Micros recv_ts) {
    const Trade one{dec(price), dec(size), Side::buy, "t1", recv_ts - 1000};
    publish(Event::of(instrument, recv_ts, recv_ts - 1000, Trades{{&one, 1}, false}));
  }
  void book(const Instrument& instrument, BookAction action, const std::vector<Level>& bids,
            const std::vector<Level>& asks, Micros recv_ts) {
    publish(Event::of(instrument, recv_ts, recv_ts - 1000, BookChange{action, FeedState::live, 0, bids, asks}));
  }
  void status(const Instrument& instrument, FeedState state, std::string_view reason, Micros recv_ts) {
    Status body;
    body.state = state;
    body.reason = reason;
    publish(Event::of(instrument, recv_ts, 0, body));
  }

  Instruments instruments;
  std::unique_ptr<hub::Hub> hub;
  std::unique_ptr<server::Server> server;
  const Instrument* btc = nullptr;
  const Instrument* eth = nullptr;
  const Instrument* other = nullptr;
  const Instrument* feed = nullptr;
};

}  // namespace bixws::test
