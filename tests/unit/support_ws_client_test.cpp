// SPDX-License-Identifier: Apache-2.0
// The tests' WebSocket client against a server scripted byte by byte, so that a mistake in the shared frame code shows.
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "support/temp_dir.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

using namespace std::string_literals;

std::string read_until(Wire& wire, const std::function<bool(const std::string&)>& enough) {
  std::string text;
  const SteadyTime deadline = std::chrono::steady_clock::now() + patience;
  while (!enough(text) && wire.wait_readable(deadline)) {
    char buffer[4096];
    const Wire::Result result = wire.read(buffer, sizeof(buffer));
    if (result.state == Wire::State::ok) text.append(buffer, result.count);
    if (result.state == Wire::State::end || result.state == Wire::State::error) break;
  }
  return text;
}

std::string read_request(Wire& wire) {
  return read_until(wire, [](const std::string& text) { return text.find("\r\n\r\n") != std::string::npos; });
}

// Accepts one connection and hands it to the script.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::function<void(Wire&)> script, const TlsServer* tls = nullptr)
      : listening_(listen_on_loopback(0)), port_(port_of(listening_)) {
    thread_ = std::thread([this, script = std::move(script), tls] {
      Wire wire(accept(listening_, nullptr, nullptr));
      if (tls) wire.start_tls_server(*tls);
      script(wire);
    });
  }
  ~ScriptedServer() {
    thread_.join();
    ::close(listening_);
  }
  std::string url(const std::string& scheme = "ws") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + "/path?q=1";
  }

 private:
  int listening_;
  std::uint16_t port_;
  std::thread thread_;
};

std::string handshake(const std::string& request) {
  const auto head = parse_http_head(request);
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
         ws_accept(head ? head->header("sec-websocket-key") : "") + "\r\n\r\n";
}

std::function<void(Wire&)> after_handshake(std::function<void(Wire&)> script) {
  return [script = std::move(script)](Wire& wire) {
    wire.write_all(handshake(read_request(wire)), patience);
    script(wire);
  };
}

TEST(SupportWsFrames, TheKeyOfTheStandard) {
  EXPECT_EQ(ws_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(SupportWsFrames, TheExamplesOfTheStandard) {  // RFC 6455 section 5.7
  EXPECT_EQ(ws_frame(WsOpcode::text, "Hello"), "\x81\x05Hello"s);
  EXPECT_EQ(ws_frame(WsOpcode::text, "Hello", {.masked = true, .mask = 0x37fa213d}),
            "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"s);
  EXPECT_EQ(ws_frame(WsOpcode::text, "Hel", {.fin = false}), "\x01\x03Hel"s);
  EXPECT_EQ(ws_frame(WsOpcode::continuation, "lo"), "\x80\x02lo"s);
  EXPECT_EQ(ws_frame_header(WsOpcode::binary, 256), "\x82\x7E\x01\x00"s);
  EXPECT_EQ(ws_frame_header(WsOpcode::binary, 65536), "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"s);
  EXPECT_EQ(ws_frame_header(WsOpcode::text, std::uint64_t{1} << 62), "\x81\x7F\x40\x00\x00\x00\x00\x00\x00\x00"s);
}

TEST(SupportWsFrames, ReadsFramesFedByteByByte) {
  std::string bytes = ws_frame(WsOpcode::ping, "p", {.masked = true});
  bytes += ws_frame(WsOpcode::text, std::string(70'000, 'x'), {.fin = false, .rsv = 4});
  WsFrameReader reader;
  std::vector<WsFrame> frames;
  for (const char byte : bytes) {
    reader.feed({&byte, 1});
    while (auto frame = reader.next()) frames.push_back(*std::move(frame));
  }
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].opcode, WsOpcode::ping);
  EXPECT_TRUE(frames[0].masked);
  EXPECT_EQ(frames[0].payload, "p");
  EXPECT_EQ(frames[1].payload, std::string(70'000, 'x'));
  EXPECT_EQ(frames[1].rsv, 4);
  EXPECT_FALSE(frames[1].fin);
  EXPECT_EQ(reader.pending(), 0U);
}

TEST(SupportWsClient, HandshakeMessagesAndClose) {
  std::string request;
  std::string sent;
  WsTestClient client;
  {
    const ScriptedServer server([&](Wire& wire) {
      request = read_request(wire);
      // The first message in the same segment as the answer.
      wire.write_all(handshake(request) + "\x81\x05hello", patience);
      sent = read_until(wire, [](const std::string& text) { return text.size() >= 8; });
      wire.write_all("\x01\x03one\x89\x01p\x80\x03two", patience);
      wire.write_all("\x88\x06\x03\xE9"s + "gone", patience);
      read_until(wire, [](const std::string& text) { return text.size() >= 19; });
    });
    ASSERT_TRUE(client.connect(server.url(), {.headers = {{"X-Test", "1"}}}));
    EXPECT_EQ(client.http_status(), 101);
    EXPECT_EQ(client.next_text(), "hello");
    client.send_raw_bytes(ws_frame(WsOpcode::text, "ok", {.masked = true, .mask = 0}));
    EXPECT_EQ(client.next_text(), "onetwo");
    EXPECT_EQ(client.next_text(), std::nullopt);
    EXPECT_TRUE(client.wait_closed());
  }
  EXPECT_EQ(client.pings(), std::vector<std::string>{"p"});
  EXPECT_EQ(client.close_code(), 1001);
  EXPECT_EQ(client.close_reason(), "gone");
  EXPECT_EQ(client.end(), WsTestClient::End::fin);
  EXPECT_EQ(client.protocol_error(), "");
  EXPECT_TRUE(request.starts_with("GET /path?q=1 HTTP/1.1\r\n")) << request;
  EXPECT_NE(request.find("X-Test: 1\r\n"), std::string::npos);
  EXPECT_EQ(sent, "\x81\x82\0\0\0\0ok"s);
}

TEST(SupportWsClient, APingIsAnsweredWithItsPayload) {
  std::string answer;
  {
    const ScriptedServer server(after_handshake([&](Wire& wire) {
      wire.write_all(
          "\x89\x03"
          "123\x81\x01x",
          patience);
      answer = read_until(wire, [](const std::string& text) { return text.size() >= 9; });
    }));
    WsTestClient client;
    ASSERT_TRUE(client.connect(server.url()));
    EXPECT_EQ(client.next_text(), "x");
  }
  WsFrameReader reader;
  reader.feed(answer);
  const auto frame = reader.next();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->opcode, WsOpcode::pong);
  EXPECT_TRUE(frame->masked);
  EXPECT_EQ(frame->payload, "123");
}

TEST(SupportWsClient, ARefusalIsReported) {
  const ScriptedServer server([](Wire& wire) {
    read_request(wire);
    wire.write_all("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nslow", patience);
  });
  WsTestClient client;
  EXPECT_FALSE(client.connect(server.url()));
  EXPECT_EQ(client.http_status(), 429);
  EXPECT_EQ(client.refusal().headers.at("retry-after"), "7");
  EXPECT_EQ(client.refusal().body, "slow");
}

TEST(SupportWsClient, AWrongAcceptIsNoHandshake) {
  const ScriptedServer server([](Wire& wire) {
    read_request(wire);
    wire.write_all(handshake("GET / HTTP/1.1\r\nSec-WebSocket-Key: other\r\n\r\n"), patience);
  });
  WsTestClient client;
  EXPECT_FALSE(client.connect(server.url()));
}

TEST(SupportWsClient, ServerMistakesAreNamed) {
  for (const auto& [bytes, complaint] : std::vector<std::pair<std::string, std::string>>{
           {ws_frame(WsOpcode::text, "x", {.masked = true}), "masked frame from a server"},
           {ws_frame(WsOpcode::text, "x", {.rsv = 4}), "reserved bits without an extension"},
           {ws_frame(WsOpcode::continuation, "x"), "continuation of nothing"},
           {ws_frame(WsOpcode::text, "x", {.fin = false}) + ws_frame(WsOpcode::text, "y"),
            "a new message inside a fragmented one"}}) {
    WsTestClient client;
    const ScriptedServer server(after_handshake([text = bytes](Wire& wire) { wire.write_all(text, patience); }));
    ASSERT_TRUE(client.connect(server.url()));
    client.wait_closed();
    EXPECT_EQ(client.protocol_error(), complaint);
  }
}

TEST(SupportWsClient, TellsFinFromResetAndACutFrame) {
  WsTestClient cut;
  {
    const ScriptedServer server(after_handshake([](Wire& wire) {
      wire.write_all("\x81\x05hel", patience);
      wire.finish();
    }));
    ASSERT_TRUE(cut.connect(server.url()));
    EXPECT_TRUE(cut.wait_closed());
  }
  EXPECT_EQ(cut.end(), WsTestClient::End::fin);
  EXPECT_EQ(cut.close_code(), 0);
  EXPECT_EQ(cut.pending_bytes(), 5U);

  WsTestClient client;
  const ScriptedServer server(after_handshake([](Wire& wire) { wire.reset(); }));
  ASSERT_TRUE(client.connect(server.url()));
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.end(), WsTestClient::End::reset);
}

TEST(SupportWsClient, AnUnreachableServerIsAnErrorNotAnException) {
  const int fd = listen_on_loopback(0);
  const std::string address = "127.0.0.1:" + std::to_string(port_of(fd));
  ::close(fd);
  WsTestClient client;
  EXPECT_FALSE(client.connect("ws://" + address));
  EXPECT_NE(client.refusal().error.find("refused"), std::string::npos) << client.refusal().error;
  EXPECT_EQ(http_get("http://" + address).status, 0);
}

TEST(SupportHttpGet, LengthChunksAndEndOfConnection) {
  for (const std::string text :
       {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nhello"}) {
    const ScriptedServer server([&](Wire& wire) {
      read_request(wire);
      wire.write_all(text, patience);
    });
    const HttpAnswer answer = http_get(server.url("http"));
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body, "hello") << text;
    EXPECT_EQ(answer.error, "");
  }
  const ScriptedServer server([&](Wire& wire) {
    read_request(wire);
    wire.write_all("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", patience);
  });
  EXPECT_EQ(http_get(server.url("http")).error, "the body was cut short");
}

TEST(SupportTls, GoodCertificatesPassBadOnesDoNot) {
  const TempDir dir;
  const auto attempt = [&](CertificateKind kind, bool trust_it, bool insecure) {
    const TlsServer tls(kind);
    const auto ca = dir.write("ca.pem", trust_it ? tls.certificate_pem() : TlsServer().certificate_pem());
    const ScriptedServer server(
        [](Wire& wire) {
          if (read_request(wire).empty()) return;
          wire.write_all("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret", patience);
        },
        &tls);
    return http_get(server.url("https"), {.trust = {.ca_file = ca.string(), .insecure = insecure}}).body;
  };
  EXPECT_EQ(attempt(CertificateKind::good, true, false), "secret");
  EXPECT_EQ(attempt(CertificateKind::good, false, false), "");
  EXPECT_EQ(attempt(CertificateKind::wrong_host, true, false), "");
  EXPECT_EQ(attempt(CertificateKind::expired, true, false), "");
  EXPECT_EQ(attempt(CertificateKind::expired, false, true), "secret");
}

TEST(SupportUrl, Parts) {
  const Url url = Url::parse("wss://[::1]:9443/ws?x=1");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 9443);
  EXPECT_EQ(url.target, "/ws?x=1");
  EXPECT_TRUE(url.secure());
  EXPECT_EQ(Url::parse("ws://localhost").port, 80);
  EXPECT_EQ(Url::parse("http://h:1?q").target, "/?q");
  EXPECT_THROW(Url::parse("localhost:80"), std::runtime_error);
  EXPECT_THROW(Url::parse("ws://h:99999"), std::runtime_error);
}

}  // namespace
}  // namespace bixws::test
