// SPDX-License-Identifier: Apache-2.0
// The WebSocket and HTTP clients: against our server, and against servers that answer anything but what they should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <mutex>
#include <thread>

#include "net/http_client.h"
#include "net/ws_client.h"
#include "support/temp_dir.h"
#include "support/wire.h"
#include "support/ws_frames.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a client told, and the loop it lives on.
struct Told final : WsClient::Owner {
  std::string seen;  // "open text:hello closed:1000"
  NetFailure failure;
  WsEnd end;
  bool over = false;
  void note(const std::string& what) { seen += seen.empty() ? what : " " + what; }
  void on_open(WsClient&) override { note("open"); }
  void on_message(WsClient&, Opcode kind, std::string_view payload) override {
    note((kind == Opcode::text ? "text:" : "binary:") + std::string(payload));
  }
  void on_failed(WsClient&, const NetFailure& what) override {
    failure = what;
    note("failed:" + std::string(stage_name(what.stage)));
    over = true;
  }
  void on_closed(WsClient&, const WsEnd& what) override {
    end = what;
    note("closed:" + std::to_string(what.code));
    over = true;
  }
};

// Accepts connections one after another and hands each to a function, on a thread of its own.
class Scripted {
 public:
  using Script = std::function<void(test::Wire&, const std::string& head)>;
  explicit Scripted(Script script)
      : listening_(test::listen_on_loopback(0)), port_(test::port_of(listening_)), thread_([this, script] {
          for (;;) {
            const int fd = ::accept(listening_, nullptr, nullptr);
            if (fd < 0) return;
            test::Wire wire(fd);
            script(wire, read_head(wire));
          }
        }) {}
  ~Scripted() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
  }
  std::uint16_t port() const { return port_; }
  std::string url(const std::string& scheme, const std::string& target = "/") const {
    return scheme + "://127.0.0.1:" + std::to_string(port_) + target;
  }
  static std::string read_head(test::Wire& wire) {
    std::string head;
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (!head.ends_with("\r\n\r\n")) {
      char c = 0;
      const auto result = wire.read(&c, 1);
      if (result.count == 1) {
        head += c;
      } else if (result.state != test::Wire::State::would_block || !wire.wait_readable(deadline)) {
        break;
      }
    }
    return head;
  }
  static std::string key_of(const std::string& head) {
    const std::size_t at = head.find("Sec-WebSocket-Key: ");
    return at == std::string::npos ? "" : head.substr(at + 19, 24);
  }
  // A right 101.
  static std::string upgrade(const std::string& head) {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
           "Sec-WebSocket-Accept: " +
           test::ws_accept(key_of(head)) + "\r\n\r\n";
  }

 private:
  int listening_;
  std::uint16_t port_;
  std::thread thread_;
};

class ClientTest : public ::testing::Test {
 protected:
  // Connects and waits for the end of the attempt or of the connection.
  void run(const std::string& url, WsClientOptions options = {}) {
    WsClient client(loop_, std::move(options), told_);
    client.connect(parse_url(url));
    EXPECT_TRUE(turn_until(loop_, [&] { return told_.over; })) << told_.seen;
    client.stop();
    loop_.turn(0s);
  }
  HttpReply fetch(HttpCall call, HttpClientOptions options = {}) {
    HttpClient client(loop_, std::move(options));
    std::optional<HttpReply> reply;
    client.start(std::move(call), [&](HttpReply answer) { reply = std::move(answer); });
    EXPECT_TRUE(turn_until(loop_, [&] { return reply.has_value(); }));
    loop_.turn(0s);
    return reply.value_or(HttpReply{});
  }
  HttpReply fetch(const std::string& url, HttpClientOptions options = {}) {
    return fetch(HttpCall{.url = parse_url(url)}, std::move(options));
  }

  Loop loop_;
  Told told_;
};

TEST_F(ClientTest, TalksToOurServer) {
  Served<WsSite> site;
  WsClient client(loop_, {}, told_);
  client.connect(parse_url(site->url("ws")));
  EXPECT_EQ(client.send_text("too early"), SendStatus::refused);
  ASSERT_TRUE(turn_until(loop_, [&] { return client.open(); }));
  EXPECT_EQ(client.send_text("hello"), SendStatus::sent);
  EXPECT_EQ(client.send(Opcode::binary, "\xff"), SendStatus::sent);
  ASSERT_TRUE(turn_until(loop_, [&] { return told_.seen == "open text:hello binary:\xff"; })) << told_.seen;
  client.close(1000, "done");
  ASSERT_TRUE(turn_until(loop_, [&] { return told_.over; }));
  EXPECT_TRUE(told_.end.clean);
  EXPECT_FALSE(told_.end.by_peer);
  ASSERT_TRUE(site.comes_to([](WsSite& s) { return s.ends.size() == 1; }));
  EXPECT_EQ(site->ends[0].reason, "done");
  // The same client may be used again.
  told_ = {};
  client.connect(parse_url(site->url("ws")));
  ASSERT_TRUE(turn_until(loop_, [&] { return client.open(); }));
}

TEST_F(ClientTest, CompressesBothWaysWhenAsked) {
  Served<WsSite> site(HttpServerOptions{}, WsPeerOptions{.max_message = 100'000});
  WsClientOptions options;
  options.deflate = true;
  WsClient client(loop_, options, told_);
  client.connect(parse_url(site->url("ws")));
  ASSERT_TRUE(turn_until(loop_, [&] { return client.open(); }));
  EXPECT_TRUE(client.peer()->deflate().agreed);
  EXPECT_FALSE(client.peer()->deflate().peer_keeps_context);
  const std::string text(50'000, 'z');
  for (int i = 0; i < 3; ++i) client.send_text(text);
  ASSERT_TRUE(turn_until(loop_, [&] { return told_.seen.size() > 150'000; }));
  EXPECT_EQ(told_.seen, "open text:" + text + " text:" + text + " text:" + text);
}

TEST_F(ClientTest, SendsItsHeadersAndReadsBytesThatCameWithTheHandshake) {
  std::string head;
  Scripted server([&](test::Wire& wire, const std::string& asked) {
    head = asked;
    wire.write_all(Scripted::upgrade(asked) + test::ws_frame(test::WsOpcode::text, "early") +
                       test::ws_frame(test::WsOpcode::close, test::ws_close_payload(4000, "bye")),
                   test::patience);
    char buffer[100];
    while (wire.wait_readable(std::chrono::steady_clock::now() + test::patience)) {
      if (wire.read(buffer, sizeof buffer).state == test::Wire::State::ok) break;  // the echo of our close frame
    }
  });
  WsClientOptions options;
  options.headers.add("Authorization", "Bearer T");
  run(server.url("ws", "/ws?x=1"), options);
  EXPECT_EQ(told_.seen, "open text:early closed:4000");
  EXPECT_TRUE(told_.end.clean && told_.end.by_peer);
  EXPECT_EQ(told_.end.reason, "bye");
  EXPECT_THAT(head, StartsWith("GET /ws?x=1 HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n"));
  EXPECT_THAT(head, HasSubstr("Authorization: Bearer T\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("Extensions")));
}

TEST_F(ClientTest, ARefusalIsReportedWithItsBodyAndRetryAfter) {
  Scripted server([](test::Wire& wire, const std::string&) {
    const std::string body = "Rate limited\n" + std::string(1000, 'x');
    wire.write_all("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: " +
                       std::to_string(body.size()) + "\r\n\r\n" + body,
                   test::patience);
    wire.finish();
  });
  run(server.url("ws", "/x?token=secret"));
  EXPECT_EQ(told_.seen, "failed:http");
  EXPECT_EQ(told_.failure.status, 429);
  EXPECT_EQ(told_.failure.retry_after, 30s);
  EXPECT_EQ(told_.failure.body.size(), 200U);
  EXPECT_THAT(told_.failure.text, HasSubstr("/x answered HTTP 429 Too Many Requests: Rate limited x"));
  EXPECT_THAT(told_.failure.text, Not(HasSubstr("secret")));
}

TEST_F(ClientTest, AnswersThatAreNoUpgrade) {
  const auto outcome = [&](const std::string& bytes) {
    Scripted server([&](test::Wire& wire, const std::string&) {
      wire.write_all(bytes, test::patience);
      wire.finish();
    });
    told_ = {};
    run(server.url("ws"));
    return told_.seen + " " + told_.failure.text.substr(told_.failure.text.find("/ ") + 1);
  };
  EXPECT_THAT(outcome("<html>hello</html>"), HasSubstr("failed:http  does not answer in HTTP"));
  EXPECT_THAT(outcome("HTTP/1.1 200 OK\r\n\r\n<html>"), HasSubstr("failed:http  answered HTTP 200 OK: <html>"));
  EXPECT_THAT(outcome("HTTP/1.1 302 Found\r\nLocation: http://x/\r\n\r\n"),
              HasSubstr("redirects are not followed; it points to http://x/"));
  EXPECT_THAT(outcome(""), HasSubstr("failed:http  hung up instead of answering"));
  EXPECT_THAT(outcome("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Accept: wrong\r\n\r\n"),
              HasSubstr("failed:protocol"));
  EXPECT_THAT(outcome("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x')), HasSubstr("its answer is too long"));
}

TEST_F(ClientTest, ASilentServerTimesOut) {
  Scripted server([](test::Wire& wire, const std::string&) {
    char c = 0;
    while (wire.wait_readable(std::chrono::steady_clock::now() + test::patience)) {
      if (wire.read(&c, 1).state != test::Wire::State::would_block) break;
    }
  });
  WsClientOptions options;
  options.upgrade_timeout = 20ms;
  run(server.url("ws"), options);
  EXPECT_THAT(told_.failure.text, EndsWith("does not answer the upgrade request"));
}

TEST_F(ClientTest, AMaskedOrOversizedFrameFromAServerFailsTheConnection) {
  std::string frame;
  Scripted server([&](test::Wire& wire, const std::string& head) {
    wire.write_all(Scripted::upgrade(head) + frame, test::patience);
    char buffer[100];
    while (wire.wait_readable(std::chrono::steady_clock::now() + test::patience)) {
      if (wire.read(buffer, sizeof buffer).state != test::Wire::State::would_block) break;
    }
  });
  frame = test::ws_frame(test::WsOpcode::text, "x", {.masked = true});
  run(server.url("ws"));
  EXPECT_EQ(told_.seen, "open closed:1002");
  told_ = {};
  frame = test::ws_frame_header(test::WsOpcode::binary, 100'000'000);
  run(server.url("ws"));
  EXPECT_EQ(told_.seen, "open closed:1009");
}

TEST_F(ClientTest, EveryAddressOfANameIsTried) {
  Served<WsSite> site;
  WsClientOptions options;
  options.connect.resolver = [](const std::string& host, std::uint16_t port) {
    EXPECT_EQ(host, "feed.example");
    return Resolved{{*Address::parse("127.0.0.1", 1), *Address::parse("::1", 1), *Address::parse("127.0.0.1", port)},
                    ""};
  };
  WsClient client(loop_, options, told_);
  client.connect(parse_url("ws://feed.example:" + std::to_string(site->listener.port()) + "/"));
  EXPECT_TRUE(turn_until(loop_, [&] { return client.open(); })) << told_.failure.text;
}

TEST_F(ClientTest, FailuresToConnectNameEveryAddress) {
  WsClientOptions options;
  options.connect.resolver = [](const std::string&, std::uint16_t) {
    return Resolved{{*Address::parse("127.0.0.1", 1), *Address::parse("127.0.0.2", 1)}, ""};
  };
  run("ws://feed.example/", options);
  EXPECT_EQ(told_.failure.stage, Stage::connect);
  EXPECT_EQ(told_.failure.text,
            "cannot connect to feed.example:80: 127.0.0.1:1 Connection refused; 127.0.0.2:1 Connection refused");
}

TEST_F(ClientTest, NamesThatCannotBeLookedUp) {
  WsClientOptions options;
  options.connect.resolver = [](const std::string&, std::uint16_t) {
    return Resolved{{}, "Name or service not known"};
  };
  run("ws://feed.example/", options);
  EXPECT_EQ(told_.seen, "failed:dns");
  EXPECT_EQ(told_.failure.text,
            "cannot look up feed.example: Name or service not known; check the name and this machine's network");
}

TEST_F(ClientTest, AHangingLookUpIsAbandoned) {
  std::promise<void> release;
  auto released = release.get_future().share();
  WsClientOptions options;
  options.connect.dns_timeout = 10ms;
  options.connect.resolver = [released](const std::string&, std::uint16_t) {
    released.wait();
    return Resolved{{*Address::parse("127.0.0.1", 1)}, ""};
  };
  run("ws://feed.example/", options);
  EXPECT_THAT(told_.failure.text, HasSubstr("the name server does not answer"));
  told_ = {};
  {
    options.connect.dns_timeout = 1h;
    WsClient client(loop_, options, told_);
    client.connect(parse_url("ws://feed.example/"));
    loop_.turn(1ms);
    client.stop();  // at once, although the look-up still hangs
  }
  release.set_value();
  for (int i = 0; i < 10; ++i) loop_.turn(1ms);
  EXPECT_EQ(told_.seen, "");
}

TEST_F(ClientTest, ChecksTheServersCertificate) {
  const test::TlsServer certificate;
  const test::TempDir dir;
  const std::string cert = dir.write("c.pem", certificate.certificate_pem()).string();
  HttpServerOptions options;
  options.tls = std::make_shared<TlsServerContext>(cert, dir.write("k.pem", certificate.key_pem()).string());
  Served<WsSite> site(options);
  run(site->url("wss"));
  EXPECT_EQ(told_.seen, "failed:tls");
  EXPECT_THAT(told_.failure.text, HasSubstr("certificate refused: self-signed certificate"));
  EXPECT_THAT(told_.failure.text, HasSubstr("--ca"));

  told_ = {};
  WsClientOptions trusting;
  trusting.connect.tls = std::make_shared<TlsClientContext>(TlsClientOptions{.ca_file = cert});
  trusting.connect.resolver = [](const std::string&, std::uint16_t port) {
    return Resolved{{*Address::parse("127.0.0.1", port)}, ""};
  };
  run("wss://other.example:" + std::to_string(site->listener.port()) + "/", trusting);
  EXPECT_THAT(told_.failure.text, HasSubstr("hostname mismatch"));

  told_ = {};
  WsClient client(loop_, trusting, told_);
  client.connect(parse_url(site->url("wss")));
  ASSERT_TRUE(turn_until(loop_, [&] { return client.open(); })) << told_.failure.text;
  client.send_text(std::string(50'000, 'x'));
  EXPECT_TRUE(turn_until(loop_, [&] { return told_.seen.size() > 50'000; }));

  told_ = {};
  Scripted plain(
      [](test::Wire& wire, const std::string&) { wire.write_all("HTTP/1.1 400 no\r\n\r\n", test::patience); });
  WsClientOptions hasty;
  hasty.connect.tls_timeout = 5s;
  WsClient second(loop_, hasty, told_);
  second.connect(parse_url(site->url("ws")));  // plain words to a TLS server
  ASSERT_TRUE(turn_until(loop_, [&] { return told_.over; }));
  EXPECT_EQ(told_.seen, "failed:http");
}

// HTTP(S)_PROXY for the length of a test.
class ProxySetting {
 public:
  explicit ProxySetting(const std::string& url) {
    ::setenv("http_proxy", url.c_str(), 1);
    ::setenv("no_proxy", "direct.example,.inside.example", 1);
  }
  ~ProxySetting() {
    ::unsetenv("http_proxy");
    ::unsetenv("no_proxy");
  }
};

TEST_F(ClientTest, GoesThroughAProxyWhereTheEnvironmentNamesOne) {
  std::string asked;
  Scripted proxy([&](test::Wire& wire, const std::string& head) {
    asked = head;
    if (head.find("CONNECT far.example:80") == 0) {
      wire.write_all("HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n", test::patience);
      const std::string inner = Scripted::read_head(wire);
      wire.write_all(Scripted::upgrade(inner) + test::ws_frame(test::WsOpcode::close, ""), test::patience);
      char buffer[100];
      while (wire.wait_readable(std::chrono::steady_clock::now() + test::patience)) {
        if (wire.read(buffer, sizeof buffer).state == test::Wire::State::ok) break;
      }
    } else {
      wire.write_all("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", test::patience);
    }
  });
  const ProxySetting setting("http://user:pass@127.0.0.1:" + std::to_string(proxy.port()));
  EXPECT_FALSE(proxy_for(parse_url("ws://localhost:1/")));
  EXPECT_FALSE(proxy_for(parse_url("ws://direct.example/")));
  EXPECT_FALSE(proxy_for(parse_url("ws://x.inside.example/")));
  EXPECT_FALSE(proxy_for(parse_url("wss://far.example/"))) << "that would be https_proxy";
  run("ws://far.example/");
  EXPECT_EQ(told_.seen, "open closed:1005") << told_.failure.text;
  EXPECT_THAT(asked, HasSubstr("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"));
  told_ = {};
  run("ws://forbidden.example/");
  EXPECT_EQ(told_.seen, "failed:proxy");
  EXPECT_THAT(told_.failure.text, HasSubstr("refused the way to forbidden.example:80: 407"));
  EXPECT_THAT(told_.failure.text, Not(HasSubstr("pass@")));
}

TEST_F(ClientTest, FetchesWithLengthChunksAndToTheEnd) {
  std::mutex mutex;  // the client has its answer before the server's thread is done with it
  std::string answer;
  std::string head;
  Scripted server([&](test::Wire& wire, const std::string& asked) {
    std::unique_lock lock(mutex);
    head = asked;
    const std::string bytes = answer;
    lock.unlock();
    wire.write_all(bytes, test::patience);
    wire.finish();
  });
  const auto body_of = [&](std::string bytes, HttpClientOptions options = {}) {
    {
      const std::lock_guard lock(mutex);
      answer = std::move(bytes);
    }
    const HttpReply reply = fetch(server.url("http", "/api?x=1"), options);
    return std::to_string(reply.status) + " " + (reply.failure ? reply.failure->text : reply.body);
  };
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more"), "200 hello");
  {
    const std::lock_guard lock(mutex);
    EXPECT_THAT(head, StartsWith("GET /api?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
  }
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            "200 abcde");
  EXPECT_EQ(body_of("HTTP/1.1 200 OK\r\n\r\nto the end"), "200 to the end");
  EXPECT_EQ(body_of("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"), "204 ");
  EXPECT_EQ(body_of("HTTP/1.1 301 Moved\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"), "301 ");
  EXPECT_EQ(body_of("HTTP/1.1 451 Unavailable\r\nContent-Length: 2\r\n\r\nno"), "451 no");
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"), HasSubstr("ended inside the answer"));
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), HasSubstr("invalid Content-Length"));
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
              HasSubstr("chunked body is broken"));
  EXPECT_THAT(body_of("<html>"), HasSubstr("hung up without an answer"));
  EXPECT_THAT(body_of("<html>\r\n\r\n"), HasSubstr("not HTTP"));
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')), HasSubstr("too long"));
  HttpClientOptions small;
  small.max_body = 10;
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", small), HasSubstr("too large"));
  EXPECT_THAT(body_of("HTTP/1.1 200 OK\r\n\r\n" + std::string(11, 'x'), small), HasSubstr("too large"));
}

TEST_F(ClientTest, PostsAndTimesOut) {
  std::string body;
  bool silent = false;
  Scripted server([&](test::Wire& wire, const std::string&) {
    char buffer[1000];
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (body.size() < 3 && wire.wait_readable(deadline)) body.append(buffer, wire.read(buffer, 1000).count);
    if (!silent) {
      wire.write_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", test::patience);
      return;
    }
    while (wire.wait_readable(deadline) && wire.read(buffer, 1000).state == test::Wire::State::ok) {
    }
  });
  HttpCall call{.url = parse_url(server.url("http")), .method = "POST", .body = "{1}"};
  call.headers.add("X-Key", "k");
  EXPECT_EQ(fetch(call).body, "ok");
  EXPECT_EQ(body, "{1}");
  silent = true;
  HttpClientOptions hasty;
  hasty.timeout = 30ms;
  EXPECT_THAT(fetch(call, hasty).text(), HasSubstr("no complete answer in time"));
}

TEST_F(ClientTest, FetchesThroughTlsFromOurServer) {
  const test::TlsServer certificate;
  const test::TempDir dir;
  const std::string cert = dir.write("c.pem", certificate.certificate_pem()).string();
  HttpServerOptions options;
  options.tls = std::make_shared<TlsServerContext>(cert, dir.write("k.pem", certificate.key_pem()).string());
  Served<TestSite> site(options);
  site->answer = [](HttpSession& session) { session.respond({.body = std::string(3'000'000, 'x')}); };
  HttpClientOptions trusting;
  trusting.connect.tls = std::make_shared<TlsClientContext>(TlsClientOptions{.ca_file = cert});
  const HttpReply reply = fetch(site->url("https"), trusting);
  EXPECT_TRUE(reply.ok()) << reply.text();
  EXPECT_EQ(reply.body.size(), 3'000'000U);
  EXPECT_THAT(fetch(site->url("https")).text(), HasSubstr("certificate refused"));
}

TEST_F(ClientTest, WrongSchemesAreSaidAtOnce) {
  WsClient client(loop_, {}, told_);
  EXPECT_THROW(client.connect(parse_url("http://h/")), std::runtime_error);
  HttpClient http(loop_, {});
  EXPECT_THROW(http.start({.url = parse_url("ws://h/")}, [](HttpReply) {}), std::runtime_error);
}

}  // namespace
}  // namespace bixws::net
