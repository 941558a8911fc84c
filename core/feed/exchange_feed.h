// SPDX-License-Identifier: Apache-2.0
// ExchangeFeed: drives a Dialect. Connects, subscribes within the exchange's limits, keeps books right, reconnects, and
// publishes what it learns, holes included, as batches of events.
#pragma once

#include <bixws/dialect.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "feed/figures.h"
#include "model/batch.h"
#include "model/clock.h"
#include "model/instruments.h"
#include "net/loop.h"
#include "net/tls.h"

namespace bixws::feed {

/// The channels a feed can have, as the bits of Traits::channels.
inline constexpr std::uint32_t kAllChannels = channel_bit(Channel::ticker) | channel_bit(Channel::trades) |
                                              channel_bit(Channel::book) | channel_bit(Channel::candle);

/// Times in microseconds.
struct FeedConfig {
  std::string exchange;              ///< the name in events: "binance"
  std::vector<std::string> symbols;  ///< as the user wrote them
  std::uint32_t channels = kAllChannels;
  bool symbols_must_exist = true;  ///< false (default symbols): those the exchange does not list are left out
  unsigned connections = 1;        ///< live connections per subscription
  bool raw = false;                ///< publish the exchange's own frames too, as Kind::raw
  std::uint64_t seed = 0;          ///< of the back-off's jitter; 0: different each time
  Micros backoff_least = 500'000, backoff_most = 30'000'000;
  Micros ping_interval = 10'000'000, pong_deadline = 10'000'000;
  Micros answer_timeout = 10'000'000;   ///< for a subscribe request
  Micros status_interval = 10'000'000;  ///< between two `live` statuses with lag and skew
  Micros connect_interval = 0;          ///< between two attempts to connect; 0: as the exchange says
  Micros connection_life = 0;           ///< 0: as the exchange says
  Micros linger = 30'000'000;           ///< a symbol that nobody wants any more is kept this long
  std::size_t max_frame = std::size_t{16} << 20;
  std::size_t max_rest_body = std::size_t{64} << 20;
  std::shared_ptr<const net::TlsClientContext> tls;  ///< null: the system's authorities
};

/// All called on the feed's thread.
struct FeedHooks {
  /// May wait while the consumer is behind; false: the consumer has stopped, and so does the feed.
  std::function<bool(std::unique_ptr<EventBatch>)> publish;
  std::function<void(LogLevel, std::string_view)> log;
  /// A symbol the exchange does not list: the sentence names the nearest it does. The feed goes on with the others.
  std::function<void(const std::string&)> refused;
  /// The instrument list is here and the symbols were looked up: names as they appear in events.
  std::function<void(const std::vector<std::string>& symbols)> resolved;
};

/// One thread. Every member function may be called from any thread but the feed's own.
class ExchangeFeed {
 public:
  /// `instruments` and `clock` must outlive it.
  ExchangeFeed(std::unique_ptr<Dialect> dialect, FeedConfig config, FeedHooks hooks, Instruments& instruments,
               const Clock& clock);
  ~ExchangeFeed();
  ExchangeFeed(const ExchangeFeed&) = delete;
  ExchangeFeed& operator=(const ExchangeFeed&) = delete;

  /// Throws std::runtime_error if an endpoint is no URL.
  void start();
  /// Ends at once: connections are dropped, holes still open are published. Idempotent.
  void stop();

  /// Counted: each subscribe needs its unsubscribe, and the last one takes effect after FeedConfig::linger.
  void subscribe(std::vector<std::string> symbols, std::uint32_t channels);
  void unsubscribe(std::vector<std::string> symbols, std::uint32_t channels);

  [[nodiscard]] const Figures& figures() const;
  [[nodiscard]] const std::string& exchange() const;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace bixws::feed
