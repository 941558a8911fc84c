// SPDX-License-Identifier: Apache-2.0
// /metrics and /healthz of the whole program, with several feeds, a recording and a sink.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/prometheus_text.h"
#include "support/serving.h"
#include "support/temp_dir.h"
#include "support/wait.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

TEST(Metrics, EverythingThatRunsIsCountedInValidText) {
  const TempDir dir;
  const std::string nowhere = ":url=ws://127.0.0.1:1,rest=http://127.0.0.1:1";
  Serving server(BIXWS_BINARY,
                 {"--feed", "binance" + nowhere, "--feed", "coinbase" + nowhere, "--io-threads", "3", "--interval", "0",
                  "--record", (dir.path() / "day.db").string(), "--sink", "csv:dir=" + (dir.path() / "csv").string()});
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws("/?channels=trades")));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.next_text());
  const auto read = [&] { return PrometheusText(http_get(server.http("/metrics")).body); };
  ASSERT_TRUE(wait_until([&] { return read().value("bixws_recorder_events_total") > 0; }));

  const PrometheusText metrics = read();
  EXPECT_THAT(metrics.complaints(), IsEmpty());
  EXPECT_EQ(metrics.value("bixws_clients"), 1);
  EXPECT_GT(metrics.value("bixws_recv_to_send_seconds_count"), 0);
  for (const char* feed : {"binance", "coinbase"}) {
    const std::string label = std::string("{feed=\"") + feed + "\"}";
    EXPECT_EQ(metrics.value("bixws_feed_frames_total" + label), 0);
    EXPECT_EQ(metrics.value("bixws_feed_gaps_total" + label), 0);
    EXPECT_EQ(metrics.value("bixws_feed_resyncs_total" + label), 0);
  }
  EXPECT_EQ(metrics.value("bixws_sink_dropped_total{sink=\"csv\"}"), 0);
  EXPECT_GT(metrics.value("bixws_hub_events_total"), 0);
}

TEST(Metrics, HealthNamesEachFeedThatIsNotLiveAndWhy) {
  const std::string nowhere = ":url=ws://127.0.0.1:1,rest=http://127.0.0.1:1";
  Serving server(BIXWS_BINARY, {"--feed", "binance" + nowhere});
  ASSERT_TRUE(
      wait_until([&] { return http_get(server.http("/healthz")).body.find("binance is down") != std::string::npos; }));
  const HttpAnswer answer = http_get(server.http("/healthz"));
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(answer.body, HasSubstr("\"status\":\"unhealthy\""));
  EXPECT_THAT(answer.body, HasSubstr("Connection refused"));
}

}  // namespace
}  // namespace bixws::test
