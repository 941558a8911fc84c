// SPDX-License-Identifier: Apache-2.0
// bixws::Client against a real server: newest prices, messages with counted drops, coming back, ending.
#include <bixws/client.h>
#include <gmock/gmock.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "support/live_server.h"
#include "support/wait.h"

namespace bixws {
namespace {

using test::dec;
using test::LiveServer;
using test::wait_until;
using testing::HasSubstr;

constexpr Micros kT = 1'795'381'200'000'000;

ClientOptions to(std::uint16_t port) {
  ClientOptions options;
  options.host = "127.0.0.1";
  options.port = port;
  options.reconnect_delay = std::chrono::milliseconds(10);
  return options;
}
ClientOptions to(const LiveServer& live) { return to(live.server->port()); }

TEST(Client, HoldsTheNewestOfEachSymbol) {
  LiveServer live;
  live.ticker(*live.btc, "50000.10", kT);
  live.ticker(*live.other, "49999.0", kT + 5);
  Client client(to(live));
  ASSERT_TRUE(client.connect()) << client.last_error();
  EXPECT_TRUE(client.is_connected());
  EXPECT_EQ(client.last_error(), "");
  ASSERT_TRUE(wait_until([&] { return client.get_all_prices().size() == 2; }));
  EXPECT_EQ(client.get_latest_price("BTCUSDT").value().to_string(), "50000.10") << "the exchange's digits";
  EXPECT_EQ(client.get_latest_price("zeta:BTCUSD").value().to_string(), "49999.0");
  EXPECT_EQ(client.get_latest_price("NOSUCH"), std::nullopt);
  live.ticker(*live.btc, "50000.20", kT + 9);
  ASSERT_TRUE(wait_until([&] { return client.get_latest_price("BTCUSDT") == dec("50000.20"); }));
  const auto data = client.get_latest_data("BTCUSDT").value();
  EXPECT_EQ(data.exchange, "acme");
  EXPECT_EQ(data.recv_ts, kT + 9);
  EXPECT_EQ(data.ts, kT + 9 - 1000);
}

TEST(Client, KeepsTheNewestHundredMessagesAndCountsTheOthers) {
  LiveServer live;
  Client client(to(live));
  std::atomic<bool> last_came{false};
  client.on_message([&](std::string_view text) {
    if (text.find("\"price\":3") != std::string_view::npos) last_came = true;
  });
  client.subscribe({"BTCUSDT"}, {"trades"});
  ASSERT_TRUE(client.connect());
  // Until the subscription is in force trades are not for us: send until one has come, then 150 more.
  ASSERT_TRUE(wait_until([&] {
    live.trade(*live.btc, "1", "1", kT);
    while (const auto message = client.get_message())
      if (message->find("\"trades\"") != std::string::npos) return true;
    return false;
  }));
  for (int i = 0; i < 150; ++i) live.trade(*live.btc, "2", "1", kT + 1 + i);
  live.trade(*live.btc, "3", "1", kT + 500);
  std::string last;
  ASSERT_TRUE(wait_until([&] { return last_came.load(); }));
  std::size_t kept = 0;
  while (auto message = client.get_message()) {
    last = std::move(*message);
    ++kept;
  }
  EXPECT_LE(kept, 100U);
  EXPECT_GT(client.dropped_messages(), 0U);
  EXPECT_THAT(last, HasSubstr("\"price\":3")) << "the newest stay";
}

TEST(Client, TellsWhatHappens) {
  LiveServer live;
  live.ticker(*live.btc, "7", kT);
  Client client(to(live));
  std::mutex mutex;
  std::vector<std::string> seen;
  client.on_connection([&](bool connected, std::string_view) {
    const std::lock_guard lock(mutex);
    seen.emplace_back(connected ? "up" : "down");
  });
  client.on_data([&](const MarketData& data) {
    const std::lock_guard lock(mutex);
    seen.push_back(data.symbol + " " + data.ticker.price.to_string());
    seen.push_back(client.get_latest_price(data.symbol).value().to_string());  // callbacks may call back
  });
  ASSERT_TRUE(client.connect());
  ASSERT_TRUE(wait_until([&] {
    const std::lock_guard lock(mutex);
    return seen.size() >= 3;
  }));
  client.disconnect();
  EXPECT_FALSE(client.is_connected());
  EXPECT_EQ(client.last_error(), "disconnected");
  EXPECT_EQ(client.get_latest_price("BTCUSDT").value().to_string(), "7") << "what was received stays";
  EXPECT_THAT(seen, testing::ElementsAre("up", "BTCUSDT 7", "7", "down"));
  client.disconnect();
  EXPECT_EQ(seen.size(), 4U);
}

TEST(Client, ComesBackByItself) {
  auto live = std::make_unique<LiveServer>();
  const std::uint16_t port = live->server->port();
  Client client(to(port));
  ASSERT_TRUE(client.connect());
  live.reset();
  ASSERT_TRUE(wait_until([&] { return !client.is_connected(); }));
  EXPECT_NE(client.last_error(), "");
  live = std::make_unique<LiveServer>(server::Options{}, port);
  live->ticker(*live->btc, "8", kT);
  EXPECT_TRUE(wait_until([&] { return client.get_latest_price("BTCUSDT").has_value(); }));
  EXPECT_TRUE(client.is_connected());
}

TEST(Client, WithoutReconnectItEndsAndCanBeStartedAgain) {
  std::uint16_t port = 0;
  {
    const LiveServer gone;
    port = gone.server->port();
  }
  ClientOptions options = to(port);
  options.auto_reconnect = false;
  Client client(options);
  EXPECT_FALSE(client.connect());
  EXPECT_THAT(client.last_error(), HasSubstr(std::to_string(port)));
  LiveServer live({}, port);
  EXPECT_TRUE(client.connect()) << client.last_error();
  client.stop();
  EXPECT_TRUE(client.connect()) << client.last_error();
}

TEST(Client, MayBeDisconnectedInsideItsCallback) {
  LiveServer live;
  live.ticker(*live.btc, "7", kT);
  Client client(to(live));
  std::atomic<int> told{0};
  client.on_data([&](const MarketData&) {
    ++told;
    client.disconnect();
  });
  client.start();
  ASSERT_TRUE(wait_until([&] { return told == 1 && !client.is_connected(); }));
}

TEST(Client, ManyThreadsMayUseIt) {
  LiveServer live;
  Client client(to(live));
  ASSERT_TRUE(client.connect());
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 100; ++round) {
        EXPECT_LE(client.get_all_prices().size(), 1U);
        client.get_message();
        client.on_message([](std::string_view) {});
        if (i == 0) {
          client.disconnect();
          client.start();
        }
      }
    });
  }
  for (int i = 1; i <= 200; ++i) live.ticker(*live.btc, std::to_string(i), kT + i);
  for (std::thread& thread : threads) thread.join();
  // The last of its restarts is over: it connects, and has the newest.
  EXPECT_TRUE(wait_until([&] { return client.get_latest_price("BTCUSDT") == dec("200"); }));
}

TEST(Client, RefusesWhatIsNoAddress) { EXPECT_ANY_THROW(Client({.host = "no such host/"})); }

}  // namespace
}  // namespace bixws
