// SPDX-License-Identifier: Apache-2.0
// Abuse of the real server from outside: broken frames, endless heads, silence, haste, a full file table. Each gets the
// answer it deserves, and another client is served all the while.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <string>
#include <vector>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/serving.h"
#include "support/temp_dir.h"
#include "support/wait.h"
#include "support/wire.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

constexpr Milliseconds kLong{30'000};  // for what the server does by its own clock

class ServerAbuse : public testing::Test {
 protected:
  // The close code and reason that the server answers these bytes with.
  std::string end_of(const std::string& bytes) {
    WsTestClient client;
    if (!client.connect(server_.ws())) return "no connection";
    client.send_raw_bytes(bytes);
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.protocol_error(), "");
    return std::to_string(client.close_code()) + " " + client.close_reason();
  }

  // The error that one text message is answered with; the connection stays.
  RawJson error_for(WsTestClient& client, const std::string& text) {
    client.send_text(text);
    const auto answer =
        client.next_text_that([](const std::string& message) { return message.starts_with(R"({"type":"error")"); });
    return RawJson::parse_or_throw(answer.value_or("null"));
  }

  Wire connect() const { return Wire::connect("127.0.0.1", server_.port(), patience); }

  // All that comes until the server ends the connection.
  static std::string rest_of(Wire& wire) {
    std::string text;
    const SteadyTime deadline = std::chrono::steady_clock::now() + kLong;
    char buffer[4096];
    for (;;) {
      const Wire::Result result = wire.read(buffer, sizeof buffer);
      if (result.state == Wire::State::ok) {
        text.append(buffer, result.count);
      } else if (result.state != Wire::State::would_block || !wire.wait_readable(deadline)) {
        EXPECT_NE(result.state, Wire::State::would_block) << "the server does not end it";
        return text;
      }
    }
  }

  Serving server_{BIXWS_BINARY};
};

// Nobody sees a server that is half made.
TEST(ServerStart, WhoComesTooEarlyWaitsForTheWholeOfIt) {
  const TempDir folder;
  std::string port;
  {
    const Serving before(BIXWS_BINARY);  // it leaves a port that is free
    port = std::to_string(before.port());
  }
  ProcessOptions options;
  options.args = {"serve",    "--demo",
                  "--port",   port,
                  "--record", (folder / "a.db").string(),
                  "--sink",   "csv:dir=" + (folder / "csv").string()};
  Process process(BIXWS_BINARY, options);
  HttpAnswer first;
  ASSERT_TRUE(wait_until([&] {
    first = http_get("http://127.0.0.1:" + port + "/metrics");
    return first.status == 200;
  })) << process.err();
  EXPECT_THAT(first.body, HasSubstr("bixws_recorder_queue_bytes"));
  process.send_signal(SIGTERM);
  EXPECT_EQ(process.wait_exit(kLong), ExitStatus{}) << process.err();
}

TEST_F(ServerAbuse, BrokenFramesEndWithTheCodeOfTheStandard) {
  const WsFrameShape masked{.masked = true};
  EXPECT_EQ(end_of(ws_frame(WsOpcode::text, "{}")), "1002 unmasked frame from a client");
  EXPECT_EQ(end_of(ws_frame(WsOpcode::text, "{}", {.rsv = 4, .masked = true})),
            "1002 compressed frame, but no compression was agreed");
  EXPECT_EQ(end_of(ws_frame(WsOpcode(3), "{}", masked)), "1002 unknown opcode");
  EXPECT_EQ(end_of(ws_frame(WsOpcode::ping, std::string(126, 'x'), masked)),
            "1002 control frame of more than 125 bytes");
  EXPECT_EQ(end_of(ws_frame(WsOpcode::continuation, "{}", masked)), "1002 continuation without a message");
  EXPECT_EQ(end_of(std::string(64, '\xff')), "1002 reserved bits set");
  EXPECT_EQ(end_of(ws_frame(WsOpcode::text, "\xc3\x28", masked)), "1007 text is not UTF-8");
  EXPECT_TRUE(server_.serves_another());
}

// 64 KiB in one frame or in many; refused as soon as a header announces more, before any of it is stored.
TEST_F(ServerAbuse, AMessageBeyond64KiBEndsWith1009) {
  const WsFrameShape masked{.masked = true};
  const std::string too_big = "1009 message too big";
  EXPECT_EQ(end_of(ws_frame_header(WsOpcode::text, (1 << 16) + 1, masked)), too_big);
  EXPECT_EQ(end_of(ws_frame_header(WsOpcode::text, std::uint64_t{1} << 62, masked)), too_big);
  const std::string part(40'000, ' ');
  EXPECT_EQ(end_of(ws_frame(WsOpcode::text, part, {.fin = false, .masked = true}) +
                   ws_frame_header(WsOpcode::continuation, 40'000, masked)),
            too_big);
  EXPECT_TRUE(server_.serves_another());
}

TEST_F(ServerAbuse, ABadMessageIsAnErrorAndNoDisconnect) {
  WsTestClient client;
  ASSERT_TRUE(client.connect(server_.ws()));
  EXPECT_EQ(error_for(client, "{not json")["code"].text(), "bad_json");
  EXPECT_EQ(error_for(client, R"({"type":"dance","id":7})")["code"].text(), "unknown_type");
  EXPECT_EQ(error_for(client, R"({"type":"subscribe","symbols":["NOPE"]})")["code"].text(), "unknown_symbol");
  EXPECT_EQ(error_for(client, R"({"type":"subscribe","channels":["smoke"]})")["code"].text(), "unknown_channel");
  const std::string whole = R"({"type":"ping","id":")" + std::string(65536 - 23, 'x') + "\"}";
  ASSERT_EQ(whole.size(), 65536U);
  client.send_text(whole);  // exactly 64 KiB is no frame to end a connection for
  client.send_text(R"({"type":"ping","id":9})");
  EXPECT_TRUE(client.next_text_that([](const std::string& text) {
    return text.find("\"pong\"") != std::string::npos && text.find("\"id\":9") != std::string::npos;
  }));
}

TEST_F(ServerAbuse, HasteIsAnsweredAndThenEndedWith1008) {
  WsTestClient client;
  ASSERT_TRUE(client.connect(server_.ws()));
  std::string many;
  for (int i = 0; i < 2000; ++i) many += ws_frame(WsOpcode::text, R"({"type":"ping"})", {.masked = true});
  client.send_raw_bytes(many);
  const auto error =
      client.next_text_that([](const std::string& text) { return text.find("rate_limited") != std::string::npos; });
  ASSERT_TRUE(error);
  EXPECT_THAT(*error, HasSubstr("more than 50 messages a second"));
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1008);
  EXPECT_EQ(client.close_reason(), "too many messages");
  EXPECT_TRUE(server_.serves_another());
}

TEST_F(ServerAbuse, AHeadIsSmallAndComesSoon) {
  const auto answers = [](Wire& wire, const std::string& status, const std::string& body) {
    const std::string all = rest_of(wire);
    EXPECT_THAT(all, testing::StartsWith("HTTP/1.1 " + status + "\r\n"));
    EXPECT_THAT(all, testing::EndsWith("\r\n\r\n" + body + "\n"));
  };
  // 8 KiB are read, the next byte is one too many.
  const std::string start = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ";
  const std::string end = "\r\n\r\n";
  Wire fits = connect();
  ASSERT_TRUE(fits.write_all(start + std::string(8192 - start.size() - end.size(), 'x') + end, patience));
  char buffer[64];
  ASSERT_TRUE(fits.wait_readable(std::chrono::steady_clock::now() + patience));
  ASSERT_EQ(fits.read(buffer, sizeof buffer).state, Wire::State::ok);
  EXPECT_THAT(std::string(buffer, 9), "HTTP/1.1 ");
  EXPECT_NE(std::string(buffer + 9, 3), "431");
  Wire large = connect();
  ASSERT_TRUE(large.write_all(start + std::string(8193 - start.size() - end.size(), 'x') + end, patience));
  answers(large, "431 Request Header Fields Too Large", "the request head is too large");

  const auto began = std::chrono::steady_clock::now();
  Wire late = connect();
  Wire silent = connect();
  ASSERT_TRUE(late.write_all("GET / HTTP/1.1\r\nHost:", patience));
  answers(late, "408 Request Timeout", "the request head did not arrive in time");
  EXPECT_GE(std::chrono::steady_clock::now() - began, Milliseconds(5000)) << "it has five seconds";
  EXPECT_EQ(rest_of(silent), "");

  Wire garbage = connect();
  ASSERT_TRUE(garbage.write_all("\x16\x03\x01 what is this\r\n\r\n", patience));
  answers(garbage, "400 Bad Request", "the request head is not made of lines \"name: value\"");
}

TEST_F(ServerAbuse, HalfOpenAndDrippingConnectionsKeepNobodyWaiting) {
  std::vector<Wire> half_open;
  for (int i = 0; i < 500; ++i) {
    half_open.push_back(connect());
    ASSERT_TRUE(half_open.back().write_all("GET / HTTP/1.1\r\n", patience));
  }
  std::vector<Wire> dripping;
  for (int i = 0; i < 200; ++i) dripping.push_back(connect());
  WsTestClient resident;
  ASSERT_TRUE(resident.connect(server_.ws()));
  const std::string head = "GET / HTTP/1.1\r\nHost: example.org\r\n";
  for (std::size_t at = 0; at < 4; ++at) {
    for (Wire& wire : dripping) wire.write(std::string_view(head).substr(at, 1));
    EXPECT_TRUE(resident.next_text());
    EXPECT_TRUE(server_.serves_another());
    EXPECT_NE(http_get(server_.http("/healthz")).status, 0);
  }
  // Those who never finish their heads are shown out.
  EXPECT_THAT(rest_of(half_open.front()), testing::StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(rest_of(dripping.front()), testing::StartsWith("HTTP/1.1 408 "));
}

TEST_F(ServerAbuse, AFullFileTableIsSurvived) {
  rlimit limit{};
  ASSERT_EQ(::prlimit(server_.process.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
  limit.rlim_cur = 64;
  ASSERT_EQ(::prlimit(server_.process.pid(), RLIMIT_NOFILE, &limit, nullptr), 0);
  WsTestClient resident;
  ASSERT_TRUE(resident.connect(server_.ws()));
  {
    std::vector<Wire> crowd;
    for (int i = 0; i < 120; ++i) crowd.push_back(connect());
    EXPECT_EQ(rest_of(crowd.back()), "");  // turned away at once instead of waiting for ever
    EXPECT_TRUE(resident.next_text());
  }
  EXPECT_TRUE(wait_until([&] { return server_.serves_another(); }, kLong));
  EXPECT_THAT(http_get(server_.http("/metrics")).body, testing::ContainsRegex("bixws_turned_away_total [1-9]"));
}

TEST_F(ServerAbuse, AStopEndsEverybodyWith1001AndWaitsForNobodyLong) {
  WsTestClient polite;
  WsTestClient deaf;
  ASSERT_TRUE(polite.connect(server_.ws()));
  ASSERT_TRUE(deaf.connect(server_.ws()));  // reads nothing and answers no close frame
  ASSERT_TRUE(polite.next_text());
  server_.process.send_signal(SIGTERM);
  EXPECT_TRUE(polite.wait_closed());
  EXPECT_EQ(polite.close_code(), 1001);
  EXPECT_EQ(polite.close_reason(), "server is stopping");
  EXPECT_EQ(server_.process.wait_exit(kLong), ExitStatus{});
}

TEST(ServerAbuseTls, AHandshakeThatNeverComesIsEnded) {
  const TempDir folder;
  const TlsServer identity;
  const Serving server(BIXWS_BINARY, {"--tls-cert", folder.write("cert.pem", identity.certificate_pem()).string(),
                                      "--tls-key", folder.write("key.pem", identity.key_pem()).string()});
  const auto began = std::chrono::steady_clock::now();
  Wire silent = Wire::connect("127.0.0.1", server.port(), patience);
  Wire plain = Wire::connect("127.0.0.1", server.port(), patience);
  ASSERT_TRUE(plain.write_all("GET / HTTP/1.1\r\n\r\n", patience));
  const auto ended = [](Wire& wire) {
    char buffer[512];
    const auto state = wire.read(buffer, sizeof buffer).state;
    return state == Wire::State::end || state == Wire::State::error;
  };
  EXPECT_TRUE(wait_until([&] { return ended(plain); }, kLong));
  EXPECT_TRUE(wait_until([&] { return ended(silent); }, kLong));
  EXPECT_GE(std::chrono::steady_clock::now() - began, Milliseconds(10'000)) << "it has ten seconds";
  ClientOptions trusting;
  trusting.trust.insecure = true;
  WsTestClient client;
  EXPECT_TRUE(client.connect(server.ws(), trusting));
}

}  // namespace
}  // namespace bixws::test
