// SPDX-License-Identifier: Apache-2.0
// The server's way from events to clients' bytes without sockets and threads: a market, the publisher, one loop's
// fan-out, and clients whose sockets take as many bytes as a test allows. Everything happens when the test says so.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "hub/hub.h"
#include "market/market.h"
#include "model/batch.h"
#include "model/instruments.h"
#include "net/loop.h"
#include "server/fanout.h"
#include "server/publisher.h"
#include "support/raw_json.h"
#include "support/ws_frames.h"

namespace bixws::test {

/// A client that keeps books from what it is told and complains about every hole that nobody announced.
class RigClient final : public server::Outlet {
 public:
  explicit RigClient(std::uint64_t client_number) : number(client_number) {}

  net::IoResult send_frames(std::string_view frames) override {
    if (closed) return {net::IoStatus::closed};
    if (on_send) on_send();
    const std::size_t taken = std::min(room, frames.size());
    room -= taken;
    reader_.feed(frames.substr(0, taken));
    while (const auto frame = reader_.next()) message(frame->payload);
    return {taken == frames.size() ? net::IoStatus::ok : net::IoStatus::again, taken};
  }
  void frame_finished() override {
    if (reader_.pending() != 0) complain("a half-sent frame was given up");
  }
  void too_slow() override { slow = true; }
  std::function<void()> on_send;  // called at the beginning of each send

  const std::uint64_t number;
  std::size_t room = SIZE_MAX;
  bool closed = false;
  bool slow = false;
  server::Member* member = nullptr;

  std::vector<std::string> messages;
  std::vector<std::string> complaints;
  std::size_t gaps = 0;
  std::size_t conflated = 0;

  struct Topic {
    std::uint64_t seq = 0;
    bool started = false;
    bool restart = false;  ///< a snapshot may follow that stands on its own
    std::map<std::string, std::string> bids, asks;
    std::string candle;
  };
  std::map<std::string, Topic> topics;  // by "SYMBOL channel param"
  std::map<std::string, std::string> tickers;
  std::uint64_t ticker_seq = 0;
  std::string epoch;

 private:
  void complain(const std::string& what) { complaints.push_back(what); }

  void message(const std::string& text) {
    messages.push_back(text);
    const auto json = RawJson::parse(text);
    if (!json) return complain("not JSON: " + text);
    const std::string type = (*json)["type"].text();
    const std::uint64_t seq = static_cast<std::uint64_t>((*json)["seq"].integer().value_or(0));
    if (type == "initial_data") {
      if ((*json)["epoch"].text() != epoch) {
        topics.clear();
        tickers.clear();
        announced_.clear();
        ticker_seq = 0;
      }
      epoch = (*json)["epoch"].text();
      for (auto& [key, topic] : topics) {  // snapshots that stand on their own may follow
        if (!key.ends_with("trades")) topic.restart = true;
      }
      for (const auto& [symbol, ticker] : (*json)["data"].members()) tickers[symbol] = std::string(ticker.raw());
      ticker_seq = std::max(ticker_seq, seq);
    } else if (type == "market_update") {
      if (seq <= ticker_seq) complain("market_update is not newer: " + text);
      ticker_seq = seq;
      for (const auto& [symbol, ticker] : (*json)["data"].members()) tickers[symbol] = std::string(ticker.raw());
    } else if (type == "subscribed") {
      // A snapshot follows for each of these, whatever the client had.
      for (const RawJson& channel : (*json)["channels"].items()) {
        std::string name = channel.text();
        if (name.starts_with("candles:")) name = "candle " + name.substr(8);
        if (name.starts_with("book:")) name = "book " + name.substr(5);
        for (auto& [key, topic] : topics) {
          const std::string symbol = key.substr(0, key.find(' '));
          const bool named =
              !(*json)["symbols"].exists() || (*json)["symbols"].raw().find(symbol) != std::string_view::npos;
          if (named && key == symbol + " " + name && name != "trades") topic.restart = true;
        }
      }
    } else if (type == "gap") {
      ++gaps;
      const std::string key = key_of(*json, (*json)["channel"].text());
      announced_[key] = static_cast<std::uint64_t>((*json)["to_seq"].integer().value_or(0));
      const auto from = static_cast<std::uint64_t>((*json)["from_seq"].integer().value_or(0));
      Topic& topic = topics[key];
      if (topic.started && from != topic.seq + 1)
        complain("gap begins elsewhere than after " + std::to_string(topic.seq) + ": " + text);
      topic.seq = announced_[key];
    } else if (type == "trades" || type == "book" || type == "candle") {
      data(*json, type, seq, text);
    }
  }

  static std::string key_of(const RawJson& json, const std::string& channel) {
    std::string key = json["symbol"].text() + " " + channel;
    if (json["depth"].exists()) key += " " + std::string(json["depth"].raw());
    if (json["timeframe"].exists()) key += " " + json["timeframe"].text();
    return key;
  }

  void data(const RawJson& json, const std::string& type, std::uint64_t seq, const std::string& text) {
    const std::string key = key_of(json, type);
    Topic& topic = topics[key];
    const bool snapshot = json["action"].text() == "snapshot";
    const std::uint64_t from =
        static_cast<std::uint64_t>(json["from_seq"].integer().value_or(static_cast<std::int64_t>(seq)));
    const std::uint64_t announced = announced_.contains(key) ? announced_[key] : 0;
    if (topic.started) {
      const bool follows = from == topic.seq + 1 && seq >= from;
      const bool told = announced != 0 && seq >= announced && (snapshot || type == "candle");
      const bool anew = topic.restart && (snapshot || type == "candle");
      if (!follows && !told && !anew) {
        complain("hole or duplicate after " + std::to_string(topic.seq) + " in " + key + ": " + text.substr(0, 200));
      }
    } else if (type == "book" && !snapshot) {
      complain("a book begins without a snapshot: " + text.substr(0, 200));
    }
    if (json["from_seq"].exists()) ++conflated;
    announced_.erase(key);
    if (snapshot || type == "candle") topic.restart = false;
    topic.started = true;
    topic.seq = seq;
    if (type == "candle") topic.candle = text;
    if (type != "book") return;
    if (snapshot) {
      topic.bids.clear();
      topic.asks.clear();
    }
    const auto apply = [](std::map<std::string, std::string>& side, const RawJson& levels) {
      for (const RawJson& level : levels.items()) {
        const std::string price(level[0].raw());
        Decimal size;
        (void)parse_decimal(level[1].raw(), size);
        if (size.is_zero()) {
          side.erase(price);
        } else {
          side[price] = std::string(level[1].raw());
        }
      }
    };
    apply(topic.bids, json["bids"]);
    apply(topic.asks, json["asks"]);
  }

 private:
  WsFrameReader reader_;
  std::map<std::string, std::uint64_t> announced_;
};

class ManualClock final : public net::MonotonicClock {
 public:
  net::Instant now() const noexcept override { return now_; }
  void advance(net::Duration by) { now_ += by; }

 private:
  net::Instant now_{std::chrono::hours(1)};
};

class FanoutRig {
 public:
  explicit FanoutRig(server::FanoutOptions options = {.cap = 1 << 20, .interval = net::Duration::zero()},
                     std::size_t resume_bytes = server::Recent::kDefaultBytes)
      : loop(clock),
        labels(std::make_shared<server::Labels>(instruments, "acme")),
        publisher(hub, labels, resume_bytes),
        fanout(loop, 0, options, *labels, [this](std::uint64_t number, const server::RefreshRequest& request) {
          refreshes.emplace_back(number, request);
        }) {
    btc = &instruments.get("acme", "BTCUSDT");
    eth = &instruments.get("acme", "ETHUSDT");
    publisher.add_loop(taker_);
  }

  RigClient& connect(const std::string& request = {}) {
    auto& client = *clients.emplace_back(std::make_unique<RigClient>(++numbers_));
    client.member = &fanout.add(client, client.number);
    std::optional<server::SubscribeRequest> subscribe;
    if (!request.empty()) subscribe = std::get<server::SubscribeRequest>(server::parse_request(request, *labels));
    publisher.join({0, client.number}, subscribe, std::nullopt, market);
    take();
    return client;
  }
  void ask(RigClient& client, const std::string& request) {
    publisher.answer({0, client.number}, server::parse_request(request, *labels), market);
    take();
  }
  void disconnect(RigClient& client) {
    client.closed = true;
    fanout.remove(*client.member);
    client.member = nullptr;
    publisher.leave({0, client.number}, market);
    take();
  }

  void apply(const Event& event) {
    auto batch = std::make_shared<EventBatch>();
    Event& copy = batch->append(event);
    market.apply(copy, batch->arena());
    publisher.on_event(copy, market);
    publisher.on_batch(batch, market);
    take();
  }
  void new_epoch() {
    market.reset();
    hub.set_epoch("epoch" + std::to_string(++epochs_));
    publisher.on_epoch(hub.epoch(), market);
    take();
  }
  /// One turn of the loop.
  void turn() { fanout.finish_turn(); }
  /// The hub answers the oldest refresh, if there is one.
  bool answer_refresh() {
    if (refreshes.empty()) return false;
    const auto [number, request] = refreshes.front();
    refreshes.pop_front();
    publisher.refresh({0, number}, request, market);
    take();
    return true;
  }
  /// The client's socket takes this many bytes more.
  void read(RigClient& client, std::size_t bytes) {
    if (client.member == nullptr) return;
    const bool was_full = client.room == 0;
    client.room = bytes == SIZE_MAX ? SIZE_MAX : client.room + bytes;
    if (was_full || client.member->blocked) fanout.writable(*client.member);
  }
  /// Until everybody who is not stuck has everything.
  void settle() {
    for (auto& client : clients) {
      if (client->member != nullptr) read(*client, SIZE_MAX);
    }
    for (int i = 0; i < 100; ++i) {
      turn();
      for (auto& client : clients) {
        if (client->member != nullptr && client->member->blocked) fanout.writable(*client->member);
      }
      if (!answer_refresh() && i > 3) break;
    }
    turn();
  }

  ManualClock clock;
  net::Loop loop;
  Instruments instruments;
  hub::Hub hub;
  market::Market market;
  std::shared_ptr<server::Labels> labels;
  server::Publisher publisher;
  server::Fanout fanout;
  std::deque<std::pair<std::uint64_t, server::RefreshRequest>> refreshes;
  std::vector<std::unique_ptr<RigClient>> clients;
  const Instrument* btc = nullptr;
  const Instrument* eth = nullptr;

 private:
  struct Taker final : server::RunTaker {
    void take(server::SharedRun run) override { runs.push_back(std::move(run)); }
    std::vector<server::SharedRun> runs;
  };
  void take() {
    for (const server::SharedRun& run : taker_->runs) fanout.take(*run);
    taker_->runs.clear();
  }
  std::shared_ptr<Taker> taker_ = std::make_shared<Taker>();
  std::uint64_t numbers_ = 0;
  int epochs_ = 0;
};

/// Events of a small lively market, the same ones for the same seed.
class RandomMarket {
 public:
  RandomMarket(const Instrument& first, const Instrument& second, unsigned seed)
      : list_{&first, &second}, random_(seed) {}

  template <typename Use>
  void next(Use&& use) {
    now_ += 1 + static_cast<Micros>(random_() % 3'000'000);
    const std::size_t which = random_() % 2;
    const Instrument& instrument = *list_[which];
    const unsigned roll = random_() % 100;
    if (!begun_[which] || roll < 2) {
      begun_[which] = true;
      std::vector<Level> bids;
      std::vector<Level> asks;
      for (int i = 0; i < 30; ++i) {
        bids.push_back({price(5000 - i * 2), size()});
        asks.push_back({price(5001 + i * 2), size()});
      }
      use(Event::of(instrument, now_, now_ - 500, BookChange{BookAction::snapshot, FeedState::live, 0, bids, asks}));
    } else if (roll < 60) {
      std::vector<Level> bids;
      std::vector<Level> asks;
      for (unsigned i = 0; i < 1 + random_() % 3; ++i)
        bids.push_back({price(5000 - static_cast<int>(random_() % 60)), size()});
      for (unsigned i = 0; i < random_() % 3; ++i)
        asks.push_back({price(5001 + static_cast<int>(random_() % 60)), size()});
      use(Event::of(instrument, now_, now_ - 500, BookChange{BookAction::update, FeedState::live, 0, bids, asks}));
    } else if (roll < 85) {
      std::vector<Trade> list;
      for (unsigned i = 0; i < 1 + random_() % 3; ++i) {
        list.push_back({price(5000 + static_cast<int>(random_() % 40) - 20), Decimal::of(1 + random_() % 900, -3),
                        Side::buy, "7", now_ - 500});
      }
      use(Event::of(instrument, now_, now_ - 500, Trades{list, false}));
    } else {
      Ticker ticker;
      ticker.price = price(5000 + static_cast<int>(random_() % 40) - 20);
      use(Event::of(instrument, now_, now_ - 500, ticker));
    }
  }
  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }

 private:
  Decimal price(int tenths) { return Decimal::of(tenths, -1); }
  Decimal size() {
    return random_() % 4 == 0 ? Decimal::of(0) : Decimal::of(static_cast<std::int64_t>(random_() % 1000) * 10, -2);
  }

  const Instrument* list_[2];
  bool begun_[2] = {false, false};
  std::mt19937 random_;
  Micros now_ = 1'795'372'800'000'000;
};

/// What a client got of its topics, without the answers and tickers around them.
inline std::vector<std::string> data_of(const RigClient& client) {
  std::vector<std::string> list;
  for (const std::string& text : client.messages) {
    for (const char* type : {"trades", "book", "candle", "gap"}) {
      if (text.starts_with(std::string(R"({"type":")") + type + '"')) list.push_back(text);
    }
  }
  return list;
}

}  // namespace bixws::test
