// SPDX-License-Identifier: Apache-2.0
// Who may come in to the real server, and what the others are told: tokens, certificates, origins, caps, and that no
// secret is ever printed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <string>
#include <vector>

#include "support/serving.h"
#include "support/wire.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kNoToken = "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN\n";
constexpr const char* kReadAgain = "tokens and certificate were read again";

ClientOptions bearer(const std::string& token) {
  ClientOptions options;
  options.headers["Authorization"] = "Bearer " + token;
  return options;
}

ClientOptions from_origin(const std::string& origin) {
  ClientOptions options;
  options.headers["Origin"] = origin;
  return options;
}

// What a client is told: 101 when it may come in.
int knock(const std::string& url, const ClientOptions& options = {}) {
  WsTestClient client;
  client.connect(url, options);
  return client.http_status();
}

TEST(Doors, ATokenIsTakenFromTheHeaderOrTheAddressAndNothingElseOpens) {
  const Serving server(BIXWS_BINARY, {"--token", "open-sesame"});
  EXPECT_EQ(knock(server.ws(), bearer("open-sesame")), 101);
  EXPECT_EQ(knock(server.ws("/?token=open-sesame")), 101);
  EXPECT_EQ(knock(server.ws("/ws/any?token=open-sesame")), 101);
  for (const char* wrong : {"", "open-sesam", "open-sesame2", "OPEN-SESAME"}) {
    SCOPED_TRACE(wrong);
    EXPECT_EQ(knock(server.ws(), bearer(wrong)), 401);
    EXPECT_EQ(knock(server.ws("/?token=" + std::string(wrong))), 401);
  }
  ClientOptions basic;
  basic.headers["Authorization"] = "Basic open-sesame";
  EXPECT_EQ(knock(server.ws(), basic), 401);

  WsTestClient refused;
  EXPECT_FALSE(refused.connect(server.ws()));
  EXPECT_EQ(refused.refusal().body, kNoToken);
  EXPECT_EQ(refused.answer_headers().at("www-authenticate"), "Bearer");
  EXPECT_EQ(http_get(server.http("/metrics")).status, 401);
  EXPECT_EQ(http_get(server.http("/metrics"), bearer("open-sesame")).status, 200);
  EXPECT_NE(http_get(server.http("/healthz")).status, 401);  // who probes health knows no token
}

TEST(Doors, TheEnvironmentGivesATokenToo) {
  ProcessOptions options;
  options.env["BIXWS_TOKEN"] = "from-the-environment";
  const Serving server(BIXWS_BINARY, {}, options);
  EXPECT_EQ(knock(server.ws()), 401);
  EXPECT_EQ(knock(server.ws(), bearer("from-the-environment")), 101);
}

TEST(Doors, ATokenFileHoldsSeveralAndIsReadAgainOnHangup) {
  const TempDir folder;
  const auto file = folder.write("tokens", "# friends\nfirst-token\n\n  second-token  \n");
  Serving server(BIXWS_BINARY, {"--token-file", file.string(), "--token", "third-token"});
  for (const char* token : {"first-token", "second-token", "third-token"}) {
    EXPECT_EQ(knock(server.ws(), bearer(token)), 101) << token;
  }
  EXPECT_EQ(knock(server.ws(), bearer("# friends")), 401);

  folder.write("tokens", "fourth-token\n");
  server.process.send_signal(SIGHUP);
  ASSERT_TRUE(server.process.wait_for_line(kReadAgain, Process::Output::err));
  EXPECT_EQ(knock(server.ws(), bearer("first-token")), 401);
  EXPECT_EQ(knock(server.ws(), bearer("fourth-token")), 101);
  EXPECT_EQ(knock(server.ws(), bearer("third-token")), 101);  // the command line's stays

  folder.write("tokens", "# nobody\n");
  server.process.send_signal(SIGHUP);
  const auto kept = server.process.wait_for_line("kept the old tokens and certificate: (.*)", Process::Output::err);
  ASSERT_TRUE(kept);
  EXPECT_THAT((*kept)[1], HasSubstr("holds no token; write one a line"));
  EXPECT_EQ(knock(server.ws(), bearer("fourth-token")), 101);
}

TEST(Doors, ATokenFileThatCannotBeUsedIsAMistakeOfUsage) {
  const TempDir folder;
  const auto serve = [&](const std::string& file) {
    ProcessOptions options;
    options.args = {"serve", "--demo", "--port", "0", "--token-file", file};
    return run(BIXWS_BINARY, options);
  };
  const Finished missing = serve((folder / "absent").string());
  EXPECT_EQ(missing.exit.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("cannot read the token file " + (folder / "absent").string()));
  const Finished empty = serve(folder.write("empty", "# none\n").string());
  EXPECT_EQ(empty.exit.code, 2);
  EXPECT_THAT(empty.err, HasSubstr("holds no token; write one a line"));
}

TEST(Doors, NoSecretIsEverPrinted) {
  const std::string flag_secret = "flag-secret-8c1f";
  const std::string file_secret = "file-secret-22aa";
  const std::string tried_secret = "tried-secret-901b";
  const TempDir folder;
  const auto file = folder.write("tokens", file_secret + "\n");
  const std::string log = (folder / "server.log").string();
  ProcessOptions options;
  options.args = {"--log-level", "debug", "config", "show"};
  options.env["BIXWS_TOKEN"] = flag_secret;
  const Finished shown = run(BIXWS_BINARY, options);
  EXPECT_THAT(shown.out + shown.err, Not(HasSubstr(flag_secret)));

  options.args.clear();
  Serving server(BIXWS_BINARY, {"--log-level", "debug", "--log-file", log, "--token-file", file.string()}, options);
  EXPECT_EQ(knock(server.ws("/?token=" + tried_secret)), 401);
  EXPECT_EQ(knock(server.ws("/?token=" + file_secret)), 101);
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws("/?token=" + flag_secret)));
  ASSERT_TRUE(client.send_text(R"({"type":")" + file_secret + R"("})"));
  const HttpAnswer metrics = http_get(server.http("/metrics"), bearer(flag_secret));
  EXPECT_EQ(metrics.status, 200);
  server.process.send_signal(SIGHUP);
  ASSERT_TRUE(wait_until([&] { return read_file(log).find(kReadAgain) != std::string::npos; }));
  server.process.send_signal(SIGTERM);
  ASSERT_EQ(server.process.wait_exit(), ExitStatus{});
  for (const std::string& secret : {flag_secret, file_secret, tried_secret}) {
    for (const std::string& text : {server.process.out(), server.process.err(), read_file(log), metrics.body}) {
      EXPECT_THAT(text, Not(HasSubstr(secret)));
    }
  }
}

TEST(Doors, PagesOfOtherOriginsNeedLeave) {
  const Serving server(BIXWS_BINARY, {"--allow-origin", "https://example.org"});
  EXPECT_EQ(knock(server.ws()), 101);  // no browser
  EXPECT_EQ(knock(server.ws(), from_origin("http://127.0.0.1:" + std::to_string(server.port()))), 101);
  EXPECT_EQ(knock(server.ws(), from_origin("https://example.org")), 101);
  for (const char* stranger : {"https://example.org.evil.example", "http://example.org", "null", "https://127.0.0.1"}) {
    SCOPED_TRACE(stranger);
    WsTestClient client;
    EXPECT_FALSE(client.connect(server.ws(), from_origin(stranger)));
    EXPECT_EQ(client.http_status(), 403);
    EXPECT_EQ(client.refusal().body, "this origin is not allowed; start the server with --allow-origin to let it in\n");
  }
}

TEST(Doors, ThereIsRoomForSoManyClientsInAllAndOneMoreWhenOneLeaves) {
  const Serving server(BIXWS_BINARY, {"--max-clients", "2"});
  WsTestClient first;
  WsTestClient second;
  ASSERT_TRUE(first.connect(server.ws()));
  ASSERT_TRUE(second.connect(server.ws()));
  WsTestClient third;
  EXPECT_FALSE(third.connect(server.ws()));
  EXPECT_EQ(third.http_status(), 503);
  EXPECT_EQ(third.refusal().body, "too many clients\n");
  ASSERT_TRUE(first.send_close());
  EXPECT_TRUE(first.wait_closed());
  EXPECT_TRUE(wait_until([&] { return server.serves_another(); }));
}

TEST(Doors, ThereIsRoomForSoManyClientsOfOneAddress) {
  const Serving server(BIXWS_BINARY, {"--max-clients-per-address", "1", "--trust-proxy"});
  WsTestClient first;
  ASSERT_TRUE(first.connect(server.ws()));
  WsTestClient again;
  EXPECT_FALSE(again.connect(server.ws()));
  EXPECT_EQ(again.http_status(), 429);
  EXPECT_EQ(again.refusal().body, "too many clients from this address\n");
  // Whom the proxy speaks for is whom it named last; what stands before that, the client may have made up.
  ClientOptions other;
  other.headers["X-Forwarded-For"] = "127.0.0.1, 192.0.2.1";
  WsTestClient third;
  EXPECT_TRUE(third.connect(server.ws(), other));
  other.headers["X-Forwarded-For"] = "203.0.113.9, 192.0.2.1";
  EXPECT_EQ(knock(server.ws(), other), 429);
}

TEST(Doors, SoManySubscriptionsOfOneClientAndTheRequestIsRefusedWhole) {
  const Serving server(BIXWS_BINARY, {"--max-subscriptions", "3", "BTCUSDT", "ETHUSDT"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws()));
  const auto answer = [&](const std::string& request) {
    client.send_text(request);
    return client
        .next_text_that([](const std::string& text) {
          return text.starts_with(R"({"type":"subscribed")") || text.starts_with(R"({"type":"error")");
        })
        .value_or("nothing");
  };
  EXPECT_THAT(answer(R"({"type":"subscribe","id":1,"symbols":["BTCUSDT"],"channels":["trades","book"]})"),
              HasSubstr("subscribed"));
  EXPECT_EQ(answer(R"({"type":"subscribe","id":2,"symbols":["ETHUSDT"],"channels":["trades","book"]})"),
            R"({"type":"error","id":2,"code":"too_many","message":"more than 3 subscriptions on one connection"})");
  EXPECT_THAT(answer(R"({"type":"subscribe","id":3,"symbols":["ETHUSDT"],"channels":["trades"]})"),
              HasSubstr("subscribed"));
  WsTestClient by_address;
  ASSERT_TRUE(by_address.connect(server.ws("/?symbols=BTCUSDT,ETHUSDT&channels=trades,book")));
  EXPECT_TRUE(by_address.next_text_that([](const std::string& text) {
    return text == R"({"type":"error","code":"too_many","message":"more than 3 subscriptions on one connection"})";
  }));
}

TEST(Doors, SoManyMessagesASecondAndMoreAreRefusedButNotAnswered) {
  const Serving server(BIXWS_BINARY, {"--max-rate", "5"});
  WsTestClient client;
  ASSERT_TRUE(client.connect(server.ws()));
  std::string burst;
  for (int i = 0; i < 40; ++i) burst += ws_frame(WsOpcode::text, R"({"type":"ping","id":1})", {.masked = true});
  ASSERT_TRUE(client.send_raw_bytes(burst));
  int pongs = 0;
  int refused = 0;
  while (pongs + refused < 40) {
    const auto text = client.next_text();
    ASSERT_TRUE(text);
    if (text->starts_with(R"({"type":"pong")")) ++pongs;
    if (*text == R"({"type":"error","code":"rate_limited","message":"more than 5 messages a second"})") ++refused;
  }
  EXPECT_GE(pongs, 10);  // a second's worth, and as many in reserve
  EXPECT_GE(refused, 20);
  EXPECT_TRUE(client.open());
}

TEST(Doors, AReplayHasTheSameDoorsAndPrintsNoSecretEither) {
  const TempDir folder;
  ProcessOptions options;
  options.cwd = folder.path();
  options.args = {"record", "--feed", "sim:rate=200,seed=7,count=100", "-o", "day.db"};
  ASSERT_EQ(run(BIXWS_BINARY, options).exit, ExitStatus{});
  const std::string secret = "replay-secret-77d0";
  options.args = {"--log-level", "debug", "replay", "day.db", "--port", "0", "--paused"};
  options.env["BIXWS_TOKEN"] = secret;
  Process replay(BIXWS_BINARY, options);
  const auto line = replay.wait_for_line("listening on ws://(\\S+)", Process::Output::err);
  ASSERT_TRUE(line) << replay.err();
  const std::string ws = "ws://" + (*line)[1];
  EXPECT_EQ(knock(ws), 401);
  EXPECT_EQ(knock(ws + "/?token=" + secret + "x"), 401);
  EXPECT_EQ(knock(ws + "/?token=" + secret), 101);
  ClientOptions stranger = from_origin("https://evil.example");
  stranger.headers["Authorization"] = "Bearer " + secret;
  EXPECT_EQ(knock(ws, stranger), 403);
  const HttpAnswer metrics = http_get("http://" + (*line)[1] + "/metrics", bearer(secret));
  EXPECT_EQ(metrics.status, 200);
  replay.send_signal(SIGTERM);
  ASSERT_EQ(replay.wait_exit(), ExitStatus{});
  for (const std::string& text : {replay.out(), replay.err(), metrics.body, read_file(folder / "day.db")}) {
    EXPECT_THAT(text, Not(HasSubstr(secret)));
  }
}

// Every address of 127/8 is this machine's own; the server is on one of them alone unless told otherwise.
TEST(Doors, WithoutAHostNobodyElseReachesIt) {
  const Serving server(BIXWS_BINARY);
  EXPECT_EQ(server.process.err().find("without a token"), std::string::npos);
  const auto reached = [](const std::string& address, std::uint16_t port) {
    try {
      Wire::connect(address, port, patience);
      return true;
    } catch (const std::exception&) {
      return false;
    }
  };
  EXPECT_TRUE(reached("127.0.0.1", server.port()));
  EXPECT_FALSE(reached("127.0.0.2", server.port()));
  const Serving wide(BIXWS_BINARY, {"--host", "0.0.0.0"});
  EXPECT_TRUE(reached("127.0.0.2", wide.port())) << "or the test would prove nothing";
}

TEST(Doors, ListeningWiderWithoutATokenIsWarnedOf) {
  const Serving open(BIXWS_BINARY, {"--host", "0.0.0.0"});
  EXPECT_THAT(open.process.err(),
              HasSubstr("listening on 0.0.0.0 without a token: whoever reaches this port can read everything"));
  const Serving guarded(BIXWS_BINARY, {"--host", "0.0.0.0", "--token", "some-token"});
  EXPECT_THAT(guarded.process.err(), Not(HasSubstr("without a token")));
}

class TlsDoors : public testing::Test {
 protected:
  void use(const TlsServer& identity) {
    folder_.write("cert.pem", identity.certificate_pem());
    folder_.write("key.pem", identity.key_pem());
  }
  std::vector<std::string> flags() const {
    return {"--tls-cert", (folder_ / "cert.pem").string(), "--tls-key", (folder_ / "key.pem").string()};
  }
  ClientOptions trusting(const TlsServer& identity, const std::string& name) const {
    ClientOptions options;
    options.trust.ca_file = folder_.write(name, identity.certificate_pem()).string();
    return options;
  }
  static int status(const Serving& server, const ClientOptions& options) {
    WsTestClient client;
    return client.connect(server.ws(), options) ? 101 : client.http_status();
  }

  TempDir folder_;
};

TEST_F(TlsDoors, TheCertificateIsReadAgainOnHangupAndABadOneIsNotTaken) {
  const TlsServer before;
  const TlsServer after;
  use(before);
  const ClientOptions trusts_before = trusting(before, "before.pem");
  const ClientOptions trusts_after = trusting(after, "after.pem");
  Serving server(BIXWS_BINARY, flags());
  WsTestClient resident;
  ASSERT_TRUE(resident.connect(server.ws(), trusts_before));
  EXPECT_EQ(status(server, trusts_after), 0);

  use(after);
  server.process.send_signal(SIGHUP);
  ASSERT_TRUE(server.process.wait_for_line(kReadAgain, Process::Output::err));
  EXPECT_EQ(status(server, trusts_before), 0);
  EXPECT_EQ(status(server, trusts_after), 101);
  EXPECT_TRUE(resident.next_text());  // who was there stays

  folder_.write("cert.pem", "no certificate\n");
  server.process.send_signal(SIGHUP);
  ASSERT_TRUE(server.process.wait_for_line("kept the old tokens and certificate: .*cert.pem", Process::Output::err));
  EXPECT_EQ(status(server, trusts_after), 101);
}

TEST_F(TlsDoors, NothingBelowTls12) {
  use(TlsServer());
  const Serving server(BIXWS_BINARY, flags());
  const auto version = [&](const std::string& flag) {
    ProcessOptions options;
    options.args = {"-c", "echo | openssl s_client -connect 127.0.0.1:" + std::to_string(server.port()) +
                              " -cipher DEFAULT@SECLEVEL=0 " + flag + " 2>&1"};
    return run("/bin/sh", options).out;
  };
  EXPECT_THAT(version("-tls1_1"), HasSubstr("alert protocol version"));
  EXPECT_THAT(version("-tls1"), HasSubstr("alert protocol version"));
  EXPECT_THAT(version("-tls1_2"), HasSubstr("New, TLSv1.2"));
  EXPECT_THAT(version("-tls1_3"), HasSubstr("New, TLSv1.3"));
}

TEST_F(TlsDoors, AHalfPairIsAMistakeOfUsage) {
  use(TlsServer());
  ProcessOptions options;
  options.args = {"serve", "--demo", "--port", "0", "--tls-cert", (folder_ / "cert.pem").string()};
  const Finished half = run(BIXWS_BINARY, options);
  EXPECT_EQ(half.exit.code, 2);
  EXPECT_THAT(half.err, HasSubstr("a TLS certificate without a key; give --tls-key too"));
}

TEST_F(TlsDoors, SoIsAPairThatCannotBeUsed) {
  use(TlsServer());
  ProcessOptions options;
  options.args = {"serve", "--demo", "--port", "0"};
  for (const std::string& flag : flags()) options.args.push_back(flag);
  folder_.write("key.pem", TlsServer().key_pem());
  const Finished mixed = run(BIXWS_BINARY, options);
  EXPECT_EQ(mixed.exit.code, 2);
  EXPECT_THAT(mixed.err, HasSubstr("is not usable"));
  std::filesystem::remove(folder_ / "cert.pem");
  const Finished missing = run(BIXWS_BINARY, options);
  EXPECT_EQ(missing.exit.code, 2);
  EXPECT_THAT(missing.err, HasSubstr("cannot read the TLS certificate"));
}

}  // namespace
}  // namespace bixws::test
