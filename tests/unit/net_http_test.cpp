// SPDX-License-Identifier: Apache-2.0
// URLs, HTTP heads, chunked bodies and the WebSocket handshake as values.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/http.h"
#include "net/ws_handshake.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& url) {
  try {
    parse_url(url);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Url, PartsAndDefaults) {
  const Url plain = parse_url("ws://localhost:8765");
  EXPECT_EQ(plain.scheme + " " + plain.host + " " + std::to_string(plain.port) + " " + plain.target,
            "ws localhost 8765 /");
  EXPECT_FALSE(plain.tls());
  const Url full = parse_url("WSS://Stream.Example.com/ws/a%20b?x=1&y=/z#part");
  EXPECT_TRUE(full.tls());
  EXPECT_EQ(full.port, 443);
  EXPECT_EQ(full.target, "/ws/a%20b?x=1&y=/z");
  EXPECT_EQ(full.host_header(), "Stream.Example.com");
  EXPECT_EQ(parse_url("http://h?q").target, "/?q");
  EXPECT_EQ(parse_url("http://h:81").host_header(), "h:81");
  const Url six = parse_url("https://[::1]:9000/x");
  EXPECT_EQ(six.host, "::1");
  EXPECT_EQ(six.host_header(), "[::1]:9000");
  EXPECT_EQ(parse_url("http://name:p%40ss@proxy:3128").user, "name:p@ss");
}

TEST(Url, TextHidesSecrets) {
  EXPECT_EQ(parse_url("wss://u:secret@h/x?token=secret").text(), "wss://h/x");
  EXPECT_THAT(error_of("wss://u:secret@h:0/?token=secret"), Not(HasSubstr("secret")));
}

TEST(Url, ErrorsSayWhatIsWrong) {
  EXPECT_EQ(error_of("localhost:8765"),
            "URL \"localhost:8765\": has no scheme; write ws://, wss://, http:// or https:// before the host");
  EXPECT_EQ(error_of("ftp://h"), "URL \"ftp://h\": unknown scheme \"ftp\"; known: ws, wss, http, https");
  EXPECT_EQ(error_of("ws://"), "URL \"ws://\": has no host");
  EXPECT_EQ(error_of("ws://:80/"), "URL \"ws://:80/\": has no host");
  for (const char* port : {"0", "65536", "x", "", "80x", "-1"}) {
    EXPECT_THAT(error_of(std::string("ws://h:") + port), HasSubstr("the port has to be a number from 1 to 65535"))
        << port;
  }
  EXPECT_THAT(error_of("ws://[::1"), HasSubstr("not closed"));
  EXPECT_THAT(error_of("ws://[127.0.0.1]/"), HasSubstr("not an IPv6 address"));
  EXPECT_THAT(error_of("ws://::1/"), HasSubstr("[brackets]"));
  EXPECT_THAT(error_of("ws://a b/"), HasSubstr("space"));
  EXPECT_THAT(error_of("ws://h/\r\nX: y"), HasSubstr("control character"));
  EXPECT_THAT(error_of("ws://h!/"), HasSubstr("invalid character"));
}

TEST(Url, QueriesAreDecoded) {
  const auto query = parse_query("symbols=BTCUSDT%2CETHUSDT&x=a+b&empty=&flag&&x=2");
  ASSERT_TRUE(query);
  EXPECT_EQ(*query_value(*query, "symbols"), "BTCUSDT,ETHUSDT");
  EXPECT_EQ(*query_value(*query, "x"), "a b");
  EXPECT_EQ(*query_value(*query, "flag"), "");
  EXPECT_EQ(query_value(*query, "absent"), nullptr);
  for (const char* broken : {"a=%", "a=%1", "a=%zz", "%2=1"}) EXPECT_FALSE(parse_query(broken)) << broken;
  EXPECT_EQ(percent_decode(percent_encode("a b/ü?&=%+~")), "a b/ü?&=%+~");
  EXPECT_EQ(percent_encode("a b"), "a%20b");
}

TEST(Address, DigitsKeysAndFamilies) {
  EXPECT_EQ(Address::parse("127.0.0.1", 80)->text(), "127.0.0.1:80");
  EXPECT_EQ(Address::parse("[2001:db8::1]", 80)->text(), "[2001:db8::1]:80");
  EXPECT_FALSE(Address::parse("localhost", 80));
  EXPECT_TRUE(Address::parse("::1", 0)->loopback());
  EXPECT_TRUE(Address::parse("127.9.9.9", 0)->loopback());
  EXPECT_FALSE(Address::parse("10.0.0.1", 0)->loopback());
  EXPECT_EQ(Address::parse("10.0.0.1", 1)->host_key(), Address::parse("10.0.0.1", 2)->host_key());
  EXPECT_NE(Address::parse("10.0.0.1", 1)->host_key(), Address::parse("10.0.0.2", 1)->host_key());
  const auto mapped = Address::parse("::ffff:10.0.0.1", 5);
  EXPECT_EQ(Address(mapped->raw()).text(), "10.0.0.1:5");
}

// RFC 6761: no name server is asked for these, and a machine without /etc/hosts has them too.
TEST(Address, LocalhostIsTheLoopbackWhateverTheSystemSays) {
  for (const char* name : {"localhost", "LocalHost", "bixws-test.localhost", "bixws-test.localhost."}) {
    const Resolved resolved = resolve(name, 80);
    EXPECT_FALSE(resolved.addresses.empty()) << name << ": " << resolved.error;
    for (const Address& address : resolved.addresses) EXPECT_TRUE(address.loopback()) << name << ": " << address.text();
  }
}

int status_of(const std::string& head) {
  HttpRefusal refusal;
  return parse_request(head, refusal) ? 200 : refusal.status;
}

TEST(HttpRequest, PartsOfAHead) {
  HttpRefusal refusal;
  const auto request = parse_request(
      "GET /ws/a%20b?x=1 HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nX:  padded \r\nx: two\r\n\r\n",
      refusal);
  ASSERT_TRUE(request) << refusal.text;
  EXPECT_EQ(request->method, "GET");
  EXPECT_EQ(request->path, "/ws/a b");
  EXPECT_EQ(*query_value(request->query, "x"), "1");
  EXPECT_EQ(*request->headers.find("X"), "padded");
  EXPECT_EQ(request->headers.joined("x"), "padded, two");
  EXPECT_TRUE(request->headers.lists("connection", "upgrade"));
  EXPECT_TRUE(request->keeps_alive());
  EXPECT_FALSE(request->has_body());
}

TEST(HttpRequest, KeepAliveAndBodies) {
  const auto read = [](const std::string& head) {
    HttpRefusal refusal;
    return parse_request(head, refusal).value_or(HttpRequest{});
  };
  EXPECT_FALSE(read("GET / HTTP/1.0\r\n\r\n").keeps_alive());
  EXPECT_TRUE(read("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keeps_alive());
  EXPECT_FALSE(read("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").keeps_alive());
  EXPECT_TRUE(read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n").has_body());
  EXPECT_TRUE(read("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n").has_body());
  EXPECT_FALSE(read("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").has_body());
  EXPECT_EQ(read("GET http://h:1/p?q=1 HTTP/1.1\r\nHost: h\r\n\r\n").path, "/p");
}

TEST(HttpRequest, BadHeadsAreRefused) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 200);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n folded\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n"), 400);
  EXPECT_EQ(status_of(std::string("GET / HTTP/1.1\r\nHost: h\r\nA: ") + '\0' + "\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /\rx HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET relative HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("G\"T / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01\x02\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400);
  std::string many = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 100; ++i) many += "A" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(status_of(many + "\r\n"), 431);
}

TEST(HttpRequest, WhatProxiesCouldReadDifferentlyIsRefused) {
  const std::string host = "Host: h\r\n";
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
  for (const char* length : {"-1", "+5", "5, 5", "0x10", "", "99999999999999999999999"}) {
    EXPECT_EQ(status_of("POST / HTTP/1.1\r\n" + host + "Content-Length: " + length + "\r\n\r\n"), 400) << length;
  }
  EXPECT_EQ(status_of("GET  / HTTP/1.1\r\n" + host + "\r\n"), 400) << "two spaces";
  EXPECT_EQ(status_of("GET / x HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(status_of("GET\t/ HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(status_of(" GET / HTTP/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1 \r\n" + host + "\r\n"), 400);
  EXPECT_EQ(status_of("GET / http/1.1\r\n" + host + "\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.10\r\n" + host + "\r\n"), 505);
  EXPECT_EQ(status_of("GET /\r\n" + host + "\r\n"), 400) << "HTTP/0.9";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + ": nameless\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "\tfolded: x\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "A: b\rc\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "A: b\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "A: \x7f\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "\r\nleft over"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host), 400) << "no end";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "A: \xc3\xbc\tb\r\n\r\n"), 200) << "obs-text and a tab inside";
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n" + host + "Empty:\r\n\r\n"), 200);
}

TEST(HttpRequest, SixtyFourFieldsAndNoMore) {
  std::string head = "GET / HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 63; ++i) head += "A" + std::to_string(i) + ": b\r\n";
  EXPECT_EQ(status_of(head + "\r\n"), 200);
  EXPECT_EQ(status_of(head + "One: more\r\n\r\n"), 431);
}

TEST(HttpRequest, RandomAndMutatedHeadsNeverThrow) {
  const std::string good = "GET /ws?x=1 HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
  std::mt19937 random(5);
  for (int round = 0; round < 5000; ++round) {
    std::string head = good;
    for (unsigned changes = 1 + random() % 4; changes > 0; --changes) {
      head[random() % head.size()] = static_cast<char>(random());
    }
    HttpRefusal refusal;
    if (const auto request = parse_request(head, refusal)) {
      EXPECT_TRUE(request->target.find(' ') == std::string::npos);
      read_ws_request(*request, true);
    }
    parse_response(head);
  }
}

TEST(HttpResponse, HeadsAndChunks) {
  HttpResponse response{.status = 404, .type = "text/plain", .body = "x"};
  response.headers.add("X-A", "b");
  std::string out;
  append_response_head(out, response, 1, false);
  EXPECT_THAT(out, ::testing::StartsWith("HTTP/1.1 404 Not Found\r\nDate: "));
  EXPECT_THAT(
      out, HasSubstr(" GMT\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nX-A: b\r\nConnection: close\r\n\r\n"));
  std::string chunked;
  append_response_head(chunked, response, std::nullopt, true);
  EXPECT_THAT(chunked, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(chunked, Not(HasSubstr("Connection")));
  std::string old;
  append_response_head(old, response, std::nullopt, false, 0);
  EXPECT_THAT(old, Not(HasSubstr("chunked")));
}

TEST(ChunkReader, UndoesWhatAppendChunkDoes) {
  std::string wire;
  append_chunk(wire, "hello ");
  append_chunk(wire, std::string(5000, 'x'));
  append_chunk(wire, "");
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    ChunkReader reader;
    std::string body;
    auto outcome = ChunkReader::Outcome::more;
    in_random_pieces(wire, random, [&](std::span<char> piece) {
      outcome = reader.feed({piece.data(), piece.size()}, body, 6000);
      return outcome == ChunkReader::Outcome::more;
    });
    EXPECT_EQ(outcome, ChunkReader::Outcome::done);
    EXPECT_EQ(body, "hello " + std::string(5000, 'x'));
  }
}

TEST(ChunkReader, ExtensionsTrailersAndFaults) {
  const auto read = [](const std::string& wire, std::size_t cap = 100) {
    ChunkReader reader;
    std::string body;
    const auto outcome = reader.feed(wire, body, cap);
    return (outcome == ChunkReader::Outcome::done     ? "done "
            : outcome == ChunkReader::Outcome::broken ? "broken "
                                                      : "more ") +
           body;
  };
  EXPECT_EQ(read("3;a=b\r\nabc\r\n0\r\nTrailer: x\r\n\r\n"), "done abc");
  EXPECT_EQ(read("3\r\nab"), "more ab");
  EXPECT_EQ(read("3\r\nabcd\r\n"), "broken abc");
  EXPECT_EQ(read("x\r\n"), "broken ");
  EXPECT_EQ(read("\r\n"), "broken ");
  EXPECT_EQ(read("ffffffffffffffffff\r\n"), "broken ");
  EXPECT_EQ(read("65\r\n" + std::string(101, 'x')), "broken ");
  EXPECT_EQ(read("fffffffffffffff\r\nx"), "broken ") << "a huge size must not overflow the cap";
}

TEST(RetryAfter, SecondsAndDates) {
  Headers headers;
  const auto now = std::chrono::system_clock::from_time_t(784111777);  // Sun, 06 Nov 1994 08:49:37 GMT
  EXPECT_FALSE(retry_after(headers, now));
  headers.add("Retry-After", "120");
  EXPECT_EQ(retry_after(headers, now), 120s);
  Headers date;
  date.add("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT");
  EXPECT_EQ(retry_after(date, now), 60s);
  for (const char* bad : {"soon", "-5", "99999999999999999999"}) {
    Headers wrong;
    wrong.add("Retry-After", bad);
    EXPECT_FALSE(retry_after(wrong, now)) << bad;
  }
}

constexpr const char* good_upgrade =
    "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

WsOffer offer_of(std::string head, const std::string& from = "", const std::string& to = "") {
  if (!from.empty()) {
    const std::size_t at = head.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    head.replace(at, from.size(), to);
  }
  HttpRefusal refusal;
  const auto request = parse_request(head + "\r\n", refusal);
  EXPECT_TRUE(request) << refusal.text;
  return request ? read_ws_request(*request, true) : WsOffer{};
}

TEST(WsHandshake, TheExampleOfTheStandard) {
  const WsOffer offer = offer_of(good_upgrade);
  EXPECT_EQ(offer.kind, WsOffer::Kind::websocket);
  EXPECT_EQ(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_THAT(ws_response(offer), HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
}

TEST(WsHandshake, WhatAServerRefuses) {
  EXPECT_EQ(offer_of(good_upgrade, "Upgrade: WebSocket", "Upgrade: h2c").kind, WsOffer::Kind::page);
  const WsOffer version = offer_of(good_upgrade, "Version: 13", "Version: 8");
  EXPECT_EQ(version.kind, WsOffer::Kind::refused);
  EXPECT_EQ(version.refusal.status, 426);
  EXPECT_EQ(*version.refusal.headers.find("Sec-WebSocket-Version"), "13");
  EXPECT_EQ(offer_of(good_upgrade, "keep-alive, Upgrade", "keep-alive").refusal.status, 400);
  EXPECT_EQ(offer_of(good_upgrade, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ").refusal.status, 400);
  EXPECT_EQ(offer_of(good_upgrade, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25\"ZQ==").refusal.status, 400);
  EXPECT_EQ(offer_of(good_upgrade, "Sec-WebSocket-Key", "X").refusal.status, 400);
  EXPECT_EQ(offer_of(good_upgrade, "GET", "POST").refusal.status, 400);
}

TEST(WsHandshake, WhatAClientAccepts) {
  const std::string key = make_ws_key();
  EXPECT_EQ(key.size(), 24U);
  EXPECT_NE(key, make_ws_key());
  const auto check = [&](const std::string& head, bool offered = false) {
    DeflateAgreement agreement;
    const auto response = parse_response("HTTP/1.1 101 Switching Protocols\r\n" + head + "\r\n");
    return check_ws_response(*response, key, offered, agreement).value_or("good");
  };
  const std::string good =
      "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\nSec-WebSocket-Accept: " + ws_accept(key) + "\r\n";
  EXPECT_EQ(check(good), "good");
  EXPECT_THAT(check("Connection: Upgrade\r\nSec-WebSocket-Accept: " + ws_accept(key) + "\r\n"), HasSubstr("Upgrade"));
  EXPECT_THAT(check("Upgrade: websocket\r\nSec-WebSocket-Accept: " + ws_accept(key) + "\r\n"), HasSubstr("Connection"));
  EXPECT_THAT(check("Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + ws_accept("x") + "\r\n"),
              HasSubstr("Sec-WebSocket-Accept"));
  EXPECT_THAT(check(good + "Sec-WebSocket-Extensions: permessage-deflate\r\n"), HasSubstr("nobody offered"));
  EXPECT_EQ(check(good + "Sec-WebSocket-Extensions: permessage-deflate\r\n", true), "good");
  EXPECT_THAT(check(good + "Sec-WebSocket-Extensions: x-other\r\n", true), HasSubstr("does not fit"));
  EXPECT_THAT(check(good + "Sec-WebSocket-Protocol: chat\r\n"), HasSubstr("subprotocol"));
}

}  // namespace
}  // namespace bixws::net
