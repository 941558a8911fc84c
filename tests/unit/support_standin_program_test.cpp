// SPDX-License-Identifier: Apache-2.0
// The stand-in exchange as a program, and the lines of text it obeys.
#include <gtest/gtest.h>
#include <signal.h>

#include <stdexcept>

#include "support/process.h"
#include "support/standin_commands.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using Kind = Fault::Kind;

std::filesystem::path program() { return std::filesystem::path(BIXWS_BUILD_DIR) / "tests" / "standin_exchange"; }

constexpr const char* kFrames = R"({"stream":"aaabbb@trade","data":{"e":"trade","s":"AAABBB","t":1}})"
                                "\n"
                                R"({"stream":"aaabbb@trade","data":{"e":"trade","s":"AAABBB","t":2}})"
                                "\n";

TEST(SupportStandinCommands, FaultsFromText) {
  const Fault cut = parse_fault("cut at=7 bytes=13 connection=1 lose=4");
  EXPECT_EQ(cut.kind, Kind::cut);
  EXPECT_EQ(cut.at, 7U);
  EXPECT_EQ(cut.bytes, 13U);
  EXPECT_EQ(cut.connection, 1);
  EXPECT_EQ(cut.lose, 4U);
  const Fault skip = parse_fault("skip count=3 symbol=BTCUSDT channel=depth");
  EXPECT_EQ(skip.count, 3U);
  EXPECT_EQ(skip.symbol, "BTCUSDT");
  EXPECT_EQ(skip.channel, "depth");
  EXPECT_EQ(parse_fault(R"(inject_text at=2 {"a": "x=1"})").payload, R"({"a": "x=1"})");
  EXPECT_EQ(parse_fault("inject_text bad=html").payload, bad::html());
  EXPECT_EQ(parse_fault("inject_raw bad=announce").payload.size(), 10U);
  EXPECT_EQ(parse_fault("close").count, 1001U);
  EXPECT_EQ(parse_fault("close count=1012 going away").payload, "going away");
  EXPECT_THROW(parse_fault("explode"), std::runtime_error);
  EXPECT_THROW(parse_fault("drop at=soon"), std::runtime_error);
  EXPECT_THROW(parse_fault("inject_text bad=luck"), std::runtime_error);
}

TEST(SupportStandinCommands, ControlsFromText) {
  Capture capture;
  for (const auto& line : split_at(kFrames, '\n')) capture.frames.push_back({1000, line, 0});
  StandinExchange exchange(capture, {.hold = true});
  EXPECT_EQ(run_command(exchange, "upgrades 451 1"), "ok");
  WsTestClient client;
  EXPECT_FALSE(client.connect(exchange.ws_url() + "/ws/aaabbb@trade"));
  EXPECT_EQ(client.http_status(), 451);
  EXPECT_TRUE(client.connect(exchange.ws_url() + "/ws/aaabbb@trade"));
  EXPECT_EQ(run_command(exchange, "play 1"), "ok");
  EXPECT_TRUE(client.next());
  EXPECT_EQ(run_command(exchange, "rest 503 1 /ping"), "ok");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/ping").status, 503);
  EXPECT_EQ(run_command(exchange, "rest html"), "ok");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/ping").body, bad::html());
  EXPECT_EQ(run_command(exchange, "normal"), "ok");
  EXPECT_EQ(http_get(exchange.rest_url() + "/api/v3/ping").body, "{}");
  EXPECT_EQ(run_command(exchange, "status"),
            R"({"played":1,"frames":2,"laps":0,"connections":1,"open":1,"listeners":1,"upgrades":2,"rest":3,)"
            R"("subscribe_messages":0,"pongs":0,"client_errors":0})");
  EXPECT_EQ(run_command(exchange, "drop"), "ok");
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(run_command(exchange, "dance"), "error: no fault dance");
  EXPECT_EQ(run_command(exchange, "play many"), "error: not a number: many");
}

TEST(SupportStandinProgram, ListensObeysAndEnds) {
  const TempDir dir;
  ProcessOptions options;
  options.args = {"--venue", "binance", "--capture", dir.write("small.ndjson", kFrames).string(), "--hold"};
  Process process(program(), options);
  const auto ws = process.wait_for_line("^listening on (ws://127\\.0\\.0\\.1:[0-9]+)$");
  const auto rest = process.wait_for_line("^rest on (http://127\\.0\\.0\\.1:[0-9]+)$");
  ASSERT_TRUE(ws && rest) << process.err();
  WsTestClient client;
  ASSERT_TRUE(client.connect((*ws)[1] + "/stream?streams=aaabbb@trade"));
  process.write_stdin("inject_text hello\nplay 1\n");
  EXPECT_EQ(client.next_text(), "hello");
  EXPECT_EQ(client.next_text(), split_at(kFrames, '\n')[0]);
  EXPECT_EQ(http_get((*rest)[1] + "/api/v3/ping").body, "{}");
  process.write_stdin("status\n");
  EXPECT_TRUE(process.wait_for_line("\"played\":1,"));
  process.close_stdin();
  EXPECT_TRUE(client.open());
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait_exit(), (ExitStatus{0, 0}));
  EXPECT_TRUE(client.wait_closed());
}

TEST(SupportStandinProgram, TlsWritesTheCertificateToTrust) {
  const TempDir dir;
  ProcessOptions options;
  options.args = {"--capture", dir.write("small.ndjson", kFrames).string(), "--tls", (dir / "ca.pem").string(),
                  "--loop"};
  Process process(program(), options);
  const auto ws = process.wait_for_line("^listening on (wss://.*)$");
  ASSERT_TRUE(ws) << process.err();
  WsTestClient client;
  ClientOptions trusting;
  trusting.trust.ca_file = (dir / "ca.pem").string();
  ASSERT_TRUE(client.connect((*ws)[1] + "/ws/aaabbb@trade", trusting)) << client.refusal().error;
  EXPECT_TRUE(client.next());
  process.write_stdin("quit\n");
  EXPECT_EQ(process.wait_exit(), (ExitStatus{0, 0}));
}

TEST(SupportStandinProgram, WrongOptionsSaySo) {
  ProcessOptions options;
  options.args = {"--velocity", "9"};
  const Finished finished = run(program(), options);
  EXPECT_EQ(finished.exit.code, 2);
  EXPECT_NE(finished.err.find("unknown option --velocity"), std::string::npos) << finished.err;
  EXPECT_NE(run(program(), {.args = {"--help"}}).out.find("--capture FILE"), std::string::npos);
}

}  // namespace
}  // namespace bixws::test
