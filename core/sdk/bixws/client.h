// SPDX-License-Identifier: Apache-2.0
// Client: a bixws server's market in a C++ program. It runs in the background, comes back by itself when the
// connection breaks, and always has the newest prices.
#pragma once

#include <bixws/event.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#define BIXWS_CLIENT_EXPORT __attribute__((visibility("default")))

namespace bixws {

struct ClientOptions {
  std::string host = "localhost";  ///< every address of the name is tried
  std::uint16_t port = 8765;
  std::string path;       ///< where a proxy has put the server: "/market/"
  bool tls = false;       ///< wss instead of ws
  std::string ca_file;    ///< trust this CA (PEM) besides the system's
  bool insecure = false;  ///< do not check the certificate
  std::string token;
  bool auto_reconnect = true;
  std::chrono::milliseconds reconnect_delay{5000};
  std::size_t queue_limit = 100;  ///< messages kept for get_message(); beyond it the oldest are dropped and counted
};

/// The newest of one symbol. Numbers keep the exchange's digits: ticker.price.to_string(), ticker.price.to_double().
struct MarketData {
  std::string symbol;  ///< as the server calls it: "BTCUSDT", "kraken:BTCUSD"
  std::string exchange;
  Ticker ticker;
  Micros ts = 0;       ///< exchange's clock
  Micros recv_ts = 0;  ///< when the server's feed received it
};

/// Every call is safe from any thread. Callbacks come one at a time from the client's own thread and may call all of
/// it; those set later than start() miss what came before.
class BIXWS_CLIENT_EXPORT Client {
 public:
  using MessageCallback = std::function<void(std::string_view json)>;
  using DataCallback = std::function<void(const MarketData& data)>;
  using ConnectionCallback = std::function<void(bool connected, std::string_view reason)>;

  /// Throws std::runtime_error if host, port or path are no address.
  explicit Client(ClientOptions options = {});
  /// Stops.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Runs in the background; returns at once. Nothing if it runs already.
  void start();
  /// start(), then waits. False: not connected in time (with auto_reconnect it goes on trying), or refused.
  bool connect(std::chrono::milliseconds timeout = std::chrono::seconds(10));
  /// No callback begins after this. What was received stays. Inside a callback the connection itself ends with the next
  /// call from outside.
  void disconnect();
  /// The same as disconnect().
  void stop() { disconnect(); }
  [[nodiscard]] bool is_connected() const;
  /// Why it is not connected; empty if it is.
  [[nodiscard]] std::string last_error() const;

  void on_message(MessageCallback callback);
  void on_data(DataCallback callback);
  void on_connection(ConnectionCallback callback);

  /// More than prices: channels "trades", "book:25", "candles:1m", ... of `symbols` (empty: all), now and after each
  /// reconnect. They arrive as messages.
  void subscribe(std::vector<std::string> symbols, std::vector<std::string> channels);

  [[nodiscard]] std::optional<Decimal> get_latest_price(std::string_view symbol) const;
  [[nodiscard]] std::optional<MarketData> get_latest_data(std::string_view symbol) const;
  [[nodiscard]] std::map<std::string, Decimal, std::less<>> get_all_prices() const;

  /// The oldest message not yet taken, as JSON; waits for one up to `timeout`.
  std::optional<std::string> get_message(std::chrono::milliseconds timeout = std::chrono::milliseconds(0));
  /// Messages that did not fit into the queue.
  [[nodiscard]] std::uint64_t dropped_messages() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bixws
