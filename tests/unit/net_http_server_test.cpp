// SPDX-License-Identifier: Apache-2.0
// The HTTP server from outside: pages, streams, deadlines, limits, and clients that do not behave.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <thread>

#include "net/http_server.h"
#include "support/temp_dir.h"
#include "support/wire.h"
#include "support/ws_test_client.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using test::http_get;
using test::Wire;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

void answer_hello(HttpSession& session) { session.respond({.body = "hello " + session.request().path}); }

// A raw conversation: what the server says until it hangs up, or until `until` has come.
class Talk {
 public:
  explicit Talk(std::uint16_t port) : wire_(Wire::connect("127.0.0.1", port, test::patience)) {}
  Talk& say(std::string_view bytes) {
    EXPECT_TRUE(wire_.write_all(bytes, test::patience));
    return *this;
  }
  std::string hear(const std::string& until = "") {
    std::string heard;
    const auto deadline = std::chrono::steady_clock::now() + test::patience;
    while (until.empty() || heard.find(until) == std::string::npos) {
      char buffer[65536];
      const auto result = wire_.read(buffer, sizeof buffer);
      heard.append(buffer, result.count);
      if (result.state == Wire::State::end || result.state == Wire::State::error) break;
      if (result.state == Wire::State::would_block && !wire_.wait_readable(deadline)) return heard + " (timeout)";
    }
    return heard;
  }
  Wire& wire() { return wire_; }

 private:
  Wire wire_;
};

std::string get(const std::string& path, const std::string& more = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: h\r\n" + more + "\r\n";
}

TEST(HttpServer, AnswersPagesOnOneConnection) {
  Served<TestSite> site;
  site->answer = answer_hello;
  Talk talk(site->listener.port());
  talk.say(get("/a"));
  EXPECT_THAT(talk.hear("/a"), StartsWith("HTTP/1.1 200 OK\r\n"));
  talk.say(get("/b") + get("/c"));
  EXPECT_THAT(talk.hear("hello /c"), HasSubstr("hello /b"));
  talk.say("HEAD /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  const std::string head = talk.hear();
  EXPECT_THAT(head, HasSubstr("Content-Length: 8\r\n"));
  EXPECT_THAT(head, EndsWith("Connection: close\r\n\r\n"));
  talk.wire().close();
  EXPECT_TRUE(site.comes_to([](TestSite& s) { return s.gone == 1 && s.server.sessions() == 0; }));
}

TEST(HttpServer, AnswersHttp10AndClosesAfterABody) {
  Served<TestSite> site;
  site->answer = answer_hello;
  EXPECT_THAT(Talk(site->listener.port()).say("GET /x HTTP/1.0\r\n\r\n").hear(), EndsWith("hello /x"));
  const std::string post =
      Talk(site->listener.port())
          .say("POST /y HTTP/1.1\r\nHost: h\r\nContent-Length: 500000\r\n\r\n" + std::string(500000, 'x'))
          .hear();
  EXPECT_THAT(post, EndsWith("hello /y")) << "the body is not waited for, and does not reset the answer away";
}

TEST(HttpServer, AHeadMayComeInSingleBytes) {
  Served<TestSite> site;
  site->answer = answer_hello;
  Talk talk(site->listener.port());
  for (const char c : get("/slow")) talk.say({&c, 1});
  EXPECT_THAT(talk.hear("hello"), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(HttpServer, RefusesWhatIsNotARequest) {
  Served<TestSite> site;
  site->answer = answer_hello;
  const auto first_line = [&](const std::string& bytes) {
    const std::string all = Talk(site->listener.port()).say(bytes).hear();
    return all.substr(0, all.find('\r'));
  };
  EXPECT_EQ(first_line("\x16\x03\x01 tls?\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line("GET / HTTP/1.1\r\n\r\n"), "HTTP/1.1 400 Bad Request");
  EXPECT_EQ(first_line(get("/", "X: " + std::string(9000, 'x') + "\r\n")),
            "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(first_line(std::string(100'000, 'x')), "HTTP/1.1 431 Request Header Fields Too Large");
  EXPECT_EQ(site->requests, 0);
}

TEST(HttpServer, DeadlinesEndSilentAndSlowClients) {
  ManualClock clock;
  Loop loop(clock);
  TestSite site(loop);
  site.answer = answer_hello;
  Talk silent(site.listener.port());
  Talk dripping(site.listener.port());
  dripping.say("GET / HT");
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 2; }));
  for (int second = 1; second < 5; ++second) {
    dripping.say("x");
    clock.advance(1s);
    loop.turn(1ms);
    EXPECT_EQ(site.server.sessions(), 2U);
  }
  clock.advance(1s);
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.counters().deadlines == 2; }));
  EXPECT_EQ(silent.hear(), "");
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 1; }));
  EXPECT_THAT(dripping.hear("time\n"), StartsWith("HTTP/1.1 408 Request Timeout"));
  dripping.wire().close();
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 0; }));
  EXPECT_EQ(site.gone, 2);
}

TEST(HttpServer, AnIdlePageConnectionEndsAfterKeepAlive) {
  ManualClock clock;
  Loop loop(clock);
  TestSite site(loop);
  site.answer = answer_hello;
  Talk talk(site.listener.port());
  talk.say(get("/"));
  ASSERT_TRUE(turn_until(loop, [&] { return site.requests == 1; }));
  clock.advance(14s);
  loop.turn(1ms);
  EXPECT_EQ(site.server.sessions(), 1U);
  talk.say("G");  // a new head has begun: it has five seconds
  loop.turn(1s);
  clock.advance(4s);
  loop.turn(1ms);
  EXPECT_EQ(site.server.sessions(), 1U);
  talk.say(get("/").substr(1));
  ASSERT_TRUE(turn_until(loop, [&] { return site.requests == 2; }));
  clock.advance(15s);
  loop.turn(1ms);
  EXPECT_EQ(site.server.sessions(), 0U);
}

// Makes `pieces` pieces of 10,000 bytes, waiting whenever `gate` is closed.
class Pieces final : public HttpBody {
 public:
  Pieces(int pieces, const bool* gate, bool fails = false) : left_(pieces), gate_(gate), fails_(fails) {}
  Fill fill(std::string& out) override {
    if (gate_ != nullptr && !*gate_) return Fill::wait;
    if (left_ == 0) return fails_ ? Fill::failed : Fill::done;
    --left_;
    out.append(10'000, static_cast<char>('a' + left_ % 26));
    return Fill::more;
  }

 private:
  int left_;
  const bool* gate_;
  bool fails_;
};

TEST(HttpServer, StreamsAreSentAsTheyAreRead) {
  Served<TestSite> site;
  site->answer = [](HttpSession& session) { session.respond_with({}, std::make_unique<Pieces>(1000, nullptr)); };
  const auto answer = http_get(site->url("http"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.body.size(), 10'000'000U);
  EXPECT_EQ(answer.body.back(), 'a');
  const std::string old = Talk(site->listener.port()).say("GET / HTTP/1.0\r\n\r\n").hear();
  EXPECT_THAT(old, Not(HasSubstr("chunked")));
  EXPECT_GT(old.size(), 10'000'000U);
}

TEST(HttpServer, AStreamCanWaitAndAnAnswerCanComeLater) {
  Loop loop;
  TestSite site(loop);
  std::uint64_t id = 0;
  bool gate = false;
  site.answer = [&](HttpSession& session) { id = session.id(); };
  Talk talk(site.listener.port());
  talk.say(get("/"));
  ASSERT_TRUE(turn_until(loop, [&] { return id != 0; }));
  ASSERT_NE(site.server.find(id), nullptr);
  site.server.find(id)->respond_with({}, std::make_unique<Pieces>(3, &gate));
  loop.turn(1ms);
  gate = true;
  site.server.find(id)->resume();
  std::string heard;
  std::thread reader([&] { heard = talk.hear("0\r\n\r\n"); });
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.find(id) == nullptr; }));
  reader.join();
  EXPECT_GT(heard.size(), 30'000U);
}

TEST(HttpServer, AFailedStreamIsVisiblyNotWhole) {
  Served<TestSite> site;
  site->answer = [](HttpSession& session) { session.respond_with({}, std::make_unique<Pieces>(3, nullptr, true)); };
  EXPECT_THAT(Talk(site->listener.port()).say(get("/")).hear(), Not(EndsWith("0\r\n\r\n")));
}

TEST(HttpServer, AClientThatDoesNotReadHoldsNoMemoryAndIsCutInTheEnd) {
  ManualClock clock;
  Loop loop(clock);
  TestSite site(loop);
  int filled = 0;
  class Endless final : public HttpBody {
   public:
    explicit Endless(int& filled) : filled_(&filled) {}
    Fill fill(std::string& out) override {
      ++*filled_;
      out.append(10'000, 'x');
      return Fill::more;
    }

   private:
    int* filled_;
  };
  site.answer = [&](HttpSession& session) { session.respond_with({}, std::make_unique<Endless>(filled)); };
  Talk talk(site.listener.port());
  talk.say(get("/"));
  int before = -1;
  ASSERT_TRUE(turn_until(loop, [&] {
    const bool still = filled > 0 && filled == before;
    before = filled;
    loop.turn(20ms);
    return still;
  })) << "it never stopped making more";
  EXPECT_LT(filled, 2000);
  // Once more if the kernel has taken another piece just now.
  EXPECT_TRUE(turn_until(loop, [&] {
    clock.advance(31s);
    loop.turn(1ms);
    return site.server.sessions() == 0;
  }));
}

TEST(HttpServer, AVanishedClientIsForgottenWhileItsAnswerIsMade) {
  Loop loop;
  TestSite site(loop);
  std::uint64_t id = 0;
  site.answer = [&](HttpSession& session) { id = session.id(); };
  {
    Talk talk(site.listener.port());
    talk.say(get("/"));
    ASSERT_TRUE(turn_until(loop, [&] { return id != 0; }));
    talk.wire().reset();
  }
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.find(id) == nullptr; }));
  EXPECT_EQ(site.gone, 1);
}

TEST(HttpServer, HalfOpenAndDrippingClientsDoNotDelayOthers) {
  Served<TestSite> site;
  site->answer = answer_hello;
  std::vector<std::unique_ptr<Talk>> crowd;
  for (int i = 0; i < 300; ++i) {
    crowd.push_back(std::make_unique<Talk>(site->listener.port()));
    if (i % 3 == 0) crowd.back()->say("GET");
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(http_get(site->url("http")).status, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s) << "it must not wait for a deadline of the others";
}

TEST(HttpServer, RefusedAddressesAndFullHousesAreClosedAtOnce) {
  Loop loop;
  HttpServerOptions options;
  options.max_sessions = 2;
  TestSite site(loop, options);
  Talk first(site.listener.port());
  Talk second(site.listener.port());
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 2; }));
  Talk third(site.listener.port());
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.counters().refused == 1; }));
  EXPECT_EQ(third.hear(), "");
  first.wire().close();
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 1; }));
  site.admitting = false;
  Talk fourth(site.listener.port());
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.counters().refused == 2; }));
  EXPECT_EQ(fourth.hear(), "");
  EXPECT_EQ(site.gone, 1);
}

TEST(HttpServer, SpeaksTlsAndEndsHandshakesThatHang) {
  const test::TlsServer certificate;
  const test::TempDir dir;
  const std::string cert = dir.write("c.pem", certificate.certificate_pem()).string();
  HttpServerOptions options;
  options.tls = std::make_shared<TlsServerContext>(cert, dir.write("k.pem", certificate.key_pem()).string());
  {
    Served<TestSite> site(options);
    site->answer = answer_hello;
    const auto answer = http_get(site->url("https", "/x"), {.trust = {.ca_file = cert}});
    EXPECT_EQ(answer.body, "hello /x") << answer.error;
    EXPECT_EQ(http_get(site->url("https"), {}).status, 0);
    EXPECT_EQ(http_get(site->url("http"), {}).status, 0);
    EXPECT_TRUE(site.comes_to([](TestSite& s) { return s.server.counters().tls_failures == 2; }));
  }
  ManualClock clock;
  Loop loop(clock);
  TestSite site(loop, options);
  Talk silent(site.listener.port());
  ASSERT_TRUE(turn_until(loop, [&] { return site.server.sessions() == 1; }));
  clock.advance(9s);
  loop.turn(1ms);
  EXPECT_EQ(site.server.sessions(), 1U);
  clock.advance(1s);
  loop.turn(1ms);
  EXPECT_EQ(site.server.sessions(), 0U);
}

TEST(Listener, SurvivesAFullFileTable) {
  Loop loop;
  TestSite site(loop);
  site.answer = answer_hello;
  std::vector<Wire> waiting;
  for (int i = 0; i < 5; ++i) waiting.push_back(Wire::connect("127.0.0.1", site.listener.port(), test::patience));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  std::vector<int> fillers;
  rlimit tight = before;
  tight.rlim_cur = std::min<rlim_t>(before.rlim_cur, 512);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  for (int fd = ::open("/dev/null", O_RDONLY); fd >= 0; fd = ::open("/dev/null", O_RDONLY)) fillers.push_back(fd);
  EXPECT_EQ(errno, EMFILE);
  loop.turn(1s);
  loop.turn(0s);
  EXPECT_EQ(site.listener.turned_away(), 5U);
  EXPECT_EQ(site.server.sessions(), 0U);
  for (const int fd : fillers) ::close(fd);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  Talk later(site.listener.port());
  later.say(get("/"));
  EXPECT_TRUE(turn_until(loop, [&] { return site.requests == 1; }));
  EXPECT_THAT(later.hear("hello"), StartsWith("HTTP/1.1 200"));
}

TEST(Listener, ErrorsSayWhatWhereAndWhatToDo) {
  Loop loop;
  const auto error_of = [&](const ListenOptions& options) -> std::string {
    try {
      const Listener listener(loop, options, [](int fd, const Address&) { ::close(fd); });
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "listening";
  };
  const Listener first(loop, {}, [](int fd, const Address&) { ::close(fd); });
  EXPECT_NE(first.port(), 0);
  const std::string port = std::to_string(first.port());
  EXPECT_EQ(error_of({.port = first.port()}),
            "cannot listen on 127.0.0.1:" + port +
                ": the port is in use; stop the program that has it or choose another port (0: any)");
  EXPECT_EQ(error_of({.host = "192.0.2.1"}),
            "cannot listen on 192.0.2.1:0: this machine has no such address; choose one of its own (see `ip address`)");
  EXPECT_THAT(error_of({.host = "no.such.host.invalid"}),
              StartsWith("cannot listen on host \"no.such.host.invalid\": "));
}

TEST(Listener, ANameListensOnAllItsAddressesOnOnePort) {
  Loop loop;
  const Listener listener(loop, {.host = "localhost"}, [](int fd, const Address&) { ::close(fd); });
  for (const Address& address : listener.addresses()) {
    EXPECT_EQ(address.port(), listener.port());
    EXPECT_TRUE(address.loopback());
  }
}

TEST(Listener, SeveralLoopsMayShareAPort) {
  Loop loop;
  const auto close_it = [](int fd, const Address&) { ::close(fd); };
  const Listener first(loop, {.reuse_port = true}, close_it);
  const Listener second(loop, {.port = first.port(), .reuse_port = true}, close_it);
  EXPECT_EQ(first.port(), second.port());
}

}  // namespace
}  // namespace bixws::net
