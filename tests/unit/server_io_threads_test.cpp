// SPDX-License-Identifier: Apache-2.0
// Several loops serve the same clients from the same bytes: nobody can tell which loop has him.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "support/live_server.h"
#include "support/prometheus_text.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

constexpr int kTrades = 400;
constexpr int kClients = 24;

class ServerIoThreads : public testing::TestWithParam<unsigned> {
 protected:
  static server::Options options() {
    server::Options made;
    made.interval = net::Duration::zero();
    made.io_threads = GetParam();
    made.close_deadline = std::chrono::milliseconds(200);
    return made;
  }
};

// Reads up to the last trade; empty: all came once, in order.
std::string read_all(WsTestClient& client) {
  std::int64_t expected = 0;
  while (expected != kTrades) {
    const auto text = client.next_text();
    if (!text) return "ended after " + std::to_string(expected);
    if (!text->starts_with("{\"type\":\"trades\"")) continue;
    const auto seq = RawJson::parse_or_throw(*text)["seq"].integer();
    if (expected != 0 && seq != expected + 1) return "not after " + std::to_string(expected) + ": " + *text;
    expected = seq.value_or(-1);
  }
  return client.protocol_error();
}

TEST_P(ServerIoThreads, EveryClientGetsEverythingInOrderAndItIsEncodedOnce) {
  LiveServer live(options());
  std::vector<WsTestClient> clients(kClients);
  for (WsTestClient& client : clients) {
    ASSERT_TRUE(client.connect(live.url("/?channels=trades&policy=lossless")));
    ASSERT_TRUE(client.next_text());
  }
  std::thread feed([&] {
    for (int i = 0; i < kTrades; ++i) live.trade(*live.btc, "50000.00", "1", kT + i);
  });
  for (WsTestClient& client : clients) EXPECT_EQ(read_all(client), "");
  feed.join();
  const PrometheusText metrics(http_get(live.http("/metrics")).body);
  EXPECT_EQ(metrics.value("bixws_clients"), kClients);
  EXPECT_EQ(metrics.value("bixws_messages_sent_total"), kClients * kTrades);
  EXPECT_EQ(metrics.value("bixws_messages_encoded_total"), kTrades);
}

TEST_P(ServerIoThreads, ClientsComeAndGoUnderFullFlow) {
  LiveServer live(options());
  std::atomic<bool> enough{false};
  std::thread feed([&] {
    for (int i = 0; !enough; ++i) {
      live.trade(*live.btc, "50000.00", "1", kT + i);
      live.ticker(*live.btc, "50000.00", kT + i);
      live.hub->drain();
    }
  });
  std::vector<std::thread> crowd;
  std::atomic<int> served{0};
  for (int i = 0; i < 4; ++i) {
    crowd.emplace_back([&] {
      for (int round = 0; round < 6; ++round) {
        WsTestClient client;
        if (!client.connect(live.url("/?channels=ticker,trades"))) continue;
        std::int64_t last = 0;
        bool gapless = true;
        for (int messages = 0; messages < 30; ++messages) {
          const auto text = client.next_text();
          if (!text) break;
          if (!text->starts_with("{\"type\":\"trades\"")) continue;
          const auto seq = RawJson::parse_or_throw(*text)["seq"].integer().value_or(-1);
          gapless = gapless && (last == 0 || seq == last + 1);
          last = seq;
        }
        if (gapless && last > 0) ++served;
      }
    });
  }
  for (std::thread& one : crowd) one.join();
  enough = true;
  feed.join();
  EXPECT_EQ(served, 24);
}

TEST_P(ServerIoThreads, AStopReachesTheClientsOfAllLoops) {
  LiveServer live(options());
  std::vector<WsTestClient> clients(kClients);
  for (WsTestClient& client : clients) {
    ASSERT_TRUE(client.connect(live.url("/?channels=trades&policy=lossless")));
    ASSERT_TRUE(client.next_text());
  }
  for (int i = 0; i < kTrades; ++i) live.trade(*live.btc, "50000.00", "1", kT + i);
  live.hub->drain();
  std::thread stopping([&] { live.server->stop(); });
  for (WsTestClient& client : clients) {
    EXPECT_EQ(read_all(client), "");
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.close_code(), 1001);
  }
  stopping.join();
}

INSTANTIATE_TEST_SUITE_P(Loops, ServerIoThreads, testing::Values(1U, 2U, 4U));

}  // namespace
}  // namespace bixws::test
