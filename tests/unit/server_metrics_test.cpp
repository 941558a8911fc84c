// SPDX-License-Identifier: Apache-2.0
// /metrics: valid Prometheus text whose figures are those of what happened.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/metrics.h"
#include "support/fanout_rig.h"
#include "support/live_server.h"
#include "support/prometheus_text.h"

namespace bixws::test {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(PrometheusTextOfTheTests, ComplainsAboutWhatIsNotValid) {
  const auto complaints = [](const char* text) { return PrometheusText(text).complaints(); };
  const std::string good = "# HELP a Help.\n# TYPE a counter\na 1\n";
  EXPECT_THAT(complaints(good.c_str()), IsEmpty());
  EXPECT_THAT(complaints("# HELP a H.\n# TYPE a gauge\na{b=\"c\\\\d\\\"e\\nf\",g=\"\"} -1.5e3\n"), IsEmpty());
  EXPECT_THAT(complaints((good + good).c_str()), Not(IsEmpty()));
  for (const char* bad :
       {"", "a 1\n", "# HELP a H.\na 1\n", "# HELP a H.\n# TYPE a odd\na 1\n", "# HELP a H.\n# TYPE a counter\na 1",
        "# HELP a H.\n# TYPE a counter\n", "# HELP a H.\n# TYPE a counter\nb 1\n",
        "# HELP a H.\n# TYPE a counter\na 1\na 2\n", "# HELP a H.\n# TYPE a counter\na{x} 1\n",
        "# HELP a H.\n# TYPE a counter\na{x=\"\"y\"} 1\n", "# HELP a H.\n# TYPE a counter\na one\n",
        "# HELP a H.\n# TYPE a counter\na -1\n",
        "# HELP a H.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
        "# HELP a H.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# HELP a H.\n# TYPE a histogram\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 1\n"}) {
    EXPECT_THAT(complaints(bad), Not(IsEmpty())) << bad;
  }
}

TEST(ServerMetrics, WhatClientsGotIsCountedInValidText) {
  server::Options options;
  options.interval = net::Duration::zero();
  LiveServer live(options);
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url("/?channels=trades")));
  ASSERT_TRUE(client.next_text());
  const Micros now = SystemClock().now();
  for (int i = 0; i < 20; ++i) live.trade(*live.btc, "50000.00", "1", now);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(client.next_text());
  client.send_text(R"({"type":"subscribe","symbols":["NOSUCH"]})");
  ASSERT_TRUE(client.next_text());

  const PrometheusText metrics(http_get(live.http("/metrics")).body);
  EXPECT_THAT(metrics.complaints(), IsEmpty());
  EXPECT_EQ(metrics.value("bixws_clients"), 1);
  EXPECT_EQ(metrics.value("bixws_clients_accepted_total"), 1);
  EXPECT_EQ(metrics.value("bixws_messages_sent_total"), 20);
  EXPECT_EQ(metrics.value("bixws_messages_encoded_total"), 20);
  EXPECT_EQ(metrics.value("bixws_messages_received_total"), 1);
  EXPECT_EQ(metrics.value("bixws_errors_sent_total"), 1);
  EXPECT_EQ(metrics.value("bixws_hub_events_total"), 20);
  EXPECT_GT(metrics.value("bixws_sends_total"), 0);
  EXPECT_GT(metrics.value("bixws_bytes_sent_total"), 20 * 100);
  EXPECT_EQ(metrics.value("bixws_recv_to_send_seconds_count"), 20);
  EXPECT_LT(metrics.value("bixws_recv_to_send_seconds_sum"), 20 * 60);
  for (const char* idle : {"bixws_hub_queue_bytes", "bixws_loop_queue_bytes", "bixws_client_backlog_bytes",
                           "bixws_clients_behind", "bixws_drops_total{policy=\"conflate\"}",
                           "bixws_drops_total{policy=\"drop_oldest\"}", "bixws_drops_total{policy=\"lossless\"}"}) {
    // The client may have its message before the sweep that sent it is over.
    EXPECT_TRUE(wait_until([&] { return PrometheusText(http_get(live.http("/metrics")).body).value(idle) == 0; }))
        << idle;
  }
  EXPECT_GT(metrics.value("process_resident_memory_bytes"), 1 << 20);
  EXPECT_GT(metrics.value("process_open_fds"), 3);
  EXPECT_GE(metrics.value("process_max_fds"), metrics.value("process_open_fds"));
}

TEST(ServerMetrics, AHistogramCountsEachDelayInItsBucket) {
  server::Histogram histogram;
  for (const std::int64_t micros : {0, 50, 51, 100, 7'000'000}) histogram.observe(micros);
  histogram.observe(3000, 10);
  server::Histogram sum;
  sum.add(histogram);
  server::MetricsText out;
  sum.write(out, "x_seconds", "Help.");
  const PrometheusText text(out.take());
  EXPECT_THAT(text.complaints(), IsEmpty());
  EXPECT_EQ(text.value("x_seconds_bucket{le=\"0.00005\"}"), 2);
  EXPECT_EQ(text.value("x_seconds_bucket{le=\"0.0001\"}"), 4);
  EXPECT_EQ(text.value("x_seconds_bucket{le=\"0.0032\"}"), 14);
  EXPECT_EQ(text.value("x_seconds_count"), 15);
  EXPECT_NEAR(text.value("x_seconds_sum"), 7.030201, 1e-9);
}

class StoppedClock final : public Clock {
 public:
  [[nodiscard]] Micros now() const noexcept override { return at; }
  Micros at = kT;
};

TEST(ServerMetrics, DelaysAreMeasuredFromReceiptToTheEndOfTheSweepOncePerClient) {
  StoppedClock clock;
  FanoutRig rig({.cap = 1 << 20, .interval = net::Duration::zero(), .clock = &clock});
  for (int i = 0; i < 3; ++i) rig.connect(R"({"type":"subscribe","channels":["trades"]})");
  rig.turn();
  const Trade one{dec("1.5"), dec("2"), Side::buy, "t", kT - 500};
  clock.at = kT + 300;
  rig.apply(Event::of(*rig.btc, kT, kT - 500, Trades{{&one, 1}, false}));
  rig.turn();
  server::MetricsText out;
  rig.fanout.counters().delay.write(out, "d", "Delay.");
  const PrometheusText text(out.take());
  EXPECT_EQ(text.value("d_bucket{le=\"0.0002\"}"), 0);
  EXPECT_EQ(text.value("d_bucket{le=\"0.0004\"}"), 3);
  EXPECT_NEAR(text.value("d_sum"), 3 * 0.0003, 1e-9);
}

TEST(ServerMetrics, WhoIsBehindIsCountedAndWhatTheyAreBehind) {
  FanoutRig rig;
  RigClient& slow = rig.connect(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})");
  rig.connect(R"({"type":"subscribe","channels":["trades"],"policy":"lossless"})");
  rig.turn();
  slow.room = 10;
  const Trade one{dec("1.5"), dec("2"), Side::buy, "t", kT - 500};
  for (int i = 0; i < 5; ++i) rig.apply(Event::of(*rig.btc, kT, kT - 500, Trades{{&one, 1}, false}));
  rig.turn();
  EXPECT_EQ(rig.fanout.counters().laggards.load(), 1U);
  EXPECT_GT(rig.fanout.counters().backlog.load(), 500U);
  rig.read(slow, SIZE_MAX);
  EXPECT_EQ(rig.fanout.counters().laggards.load(), 0U);
  EXPECT_EQ(rig.fanout.counters().backlog.load(), 0U);
}

}  // namespace
}  // namespace bixws::test
