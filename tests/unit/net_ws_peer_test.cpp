// SPDX-License-Identifier: Apache-2.0
// The server's side of a WebSocket connection, against a client that shares no code with it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "net/ws_peer.h"
#include "support/temp_dir.h"
#include "support/ws_test_client.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using test::WsOpcode;
using test::WsTestClient;
using ::testing::HasSubstr;

TEST(WsPeer, EchoesMessagesOfAnySizeWholeOrFragmented) {
  Served<WsSite> site(HttpServerOptions{}, WsPeerOptions{.max_message = 2'000'000, .max_queued = 4'000'000});
  WsTestClient client;
  ASSERT_TRUE(client.connect(site->url("ws"))) << client.refusal().error;
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65536U, 1'000'000U}) {
    ASSERT_TRUE(client.send_text(std::string(size, 'x')));
    EXPECT_EQ(client.next_text().value_or("nothing").size(), size);
  }
  client.send_frame(WsOpcode::text, "he", {.fin = false, .masked = true});
  client.send_ping("between");
  client.send_frame(WsOpcode::continuation, "llo", {.masked = true});
  EXPECT_EQ(client.next_text(), "hello");
  EXPECT_THAT(client.pongs(), ::testing::ElementsAre("between"));
  client.send_close(1000, "bye");
  ASSERT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(client.end(), WsTestClient::End::fin);
  EXPECT_EQ(client.protocol_error(), "");
  client.close();
  ASSERT_TRUE(site.comes_to([](WsSite& s) { return s.ends.size() == 1; }));
  EXPECT_TRUE(site->ends[0].clean && site->ends[0].by_peer);
  EXPECT_EQ(site->ends[0].text, "closed by the peer with code 1000 (bye)");
}

TEST(WsPeer, AMessageInTheSegmentOfTheHandshakeIsNotLost) {
  Served<WsSite> site;
  auto wire = test::Wire::connect("127.0.0.1", site->listener.port(), test::patience);
  wire.write_all(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" +
          test::ws_frame(WsOpcode::text, "early", {.masked = true}),
      test::patience);
  EXPECT_TRUE(site.comes_to([](WsSite& s) { return s.peers.size() == 1; }));
  std::string heard;
  const auto deadline = std::chrono::steady_clock::now() + test::patience;
  while (heard.find("early") == std::string::npos && wire.wait_readable(deadline)) {
    char buffer[1000];
    heard.append(buffer, wire.read(buffer, sizeof buffer).count);
  }
  EXPECT_THAT(heard, HasSubstr(std::string("\x81\x05") + "early"));
}

TEST(WsPeer, ProtocolErrorsAreAnsweredWithTheirCloseCode) {
  Served<WsSite> site;
  const auto closed_with = [&](const std::string& bytes) {
    WsTestClient client;
    EXPECT_TRUE(client.connect(site->url("ws")));
    client.send_raw_bytes(bytes);
    EXPECT_TRUE(client.wait_closed());
    EXPECT_EQ(client.end(), WsTestClient::End::fin) << "a reset could overtake the close frame";
    return client.close_code();
  };
  EXPECT_EQ(closed_with(test::ws_frame(WsOpcode::text, "unmasked")), 1002);
  EXPECT_EQ(closed_with(test::ws_frame(WsOpcode::text, "\xff", {.masked = true})), 1007);
  EXPECT_EQ(closed_with(test::ws_frame(WsOpcode::text, std::string(65537, 'x'), {.masked = true})), 1009);
  EXPECT_EQ(closed_with(test::ws_frame_header(WsOpcode::binary, std::uint64_t{1} << 62, {.masked = true})), 1009);
  EXPECT_EQ(closed_with(test::ws_frame(WsOpcode::text, "", {.rsv = 4, .masked = true})), 1002);
  EXPECT_EQ(closed_with(std::string(100, '\xff') + std::string(500'000, 'x')), 1002);
  ASSERT_TRUE(site.comes_to([](WsSite& s) { return s.ends.size() == 6; }));
  EXPECT_EQ(site->ends[0].text, "the peer broke the WebSocket protocol: unmasked frame from a client");
}

TEST(WsPeer, AVanishedClientIsAnUncleanEnd) {
  Served<WsSite> site;
  WsTestClient client;
  ASSERT_TRUE(client.connect(site->url("ws")));
  client.reset();
  ASSERT_TRUE(site.comes_to([](WsSite& s) { return s.ends.size() == 1; }));
  EXPECT_EQ(site->ends[0].code, 1006);
  EXPECT_TRUE(site->ends[0].by_peer);
  EXPECT_THAT(site->ends[0].text, HasSubstr("connection lost without a close frame"));
}

TEST(WsPeer, OurCloseIsAnsweredByTheClient) {
  Served<WsSite> site;
  WsTestClient client;
  ASSERT_TRUE(client.connect(site->url("ws")));
  ASSERT_TRUE(site.comes_to([](WsSite& s) { return s.peers.size() == 1; }));
  site.inside([](WsSite& s) { s.peers[0]->close(1001, "shutting down"); });
  ASSERT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1001);
  EXPECT_EQ(client.close_reason(), "shutting down");
}

// A site on a loop that the test turns, with a clock it moves.
class HandMoved : public ::testing::Test {
 protected:
  // Both sides are in this thread: the client's blocking connect needs the loop turned meanwhile.
  void connect(WsSite& site, WsTestClient& client) {
    std::thread connecting([&] { connected_ = client.connect(site.url("ws"), {.answer_pings = false}); });
    EXPECT_TRUE(turn_until(loop_, [&] { return site.peers.size() == 1; }));
    connecting.join();
    ASSERT_TRUE(connected_);
  }

  bool connected_ = false;
  ManualClock clock_;
  Loop loop_{clock_};
};

TEST_F(HandMoved, PingsAreSentAndMustBeAnswered) {
  WsSite site(loop_);
  WsTestClient client;
  connect(site, client);
  for (int round = 0; round < 3; ++round) {
    clock_.advance(20s);
    loop_.turn(1ms);
    const auto ping = client.next_frame();
    ASSERT_TRUE(ping && ping->opcode == WsOpcode::ping);
    clock_.advance(19s);
    client.send_frame(WsOpcode::pong, ping->payload);
    loop_.turn(1s);
    ASSERT_TRUE(site.ends.empty());
  }
  clock_.advance(20s);
  loop_.turn(1ms);
  clock_.advance(20s);
  loop_.turn(1ms);
  ASSERT_EQ(site.ends.size(), 1U);
  EXPECT_EQ(site.ends[0].text, "no answer to a ping within 20 s");
  EXPECT_EQ(site.ends[0].code, 1006);
}

TEST_F(HandMoved, AClientThatDoesNotAnswerOurCloseIsCut) {
  WsSite site(loop_);
  WsTestClient client;
  connect(site, client);
  site.peers[0]->close(1008, "enough");
  EXPECT_EQ(site.peers[0]->send_text("late"), SendStatus::refused);
  loop_.turn(1ms);
  EXPECT_TRUE(site.ends.empty());
  clock_.advance(2s);
  loop_.turn(1ms);
  ASSERT_EQ(site.ends.size(), 1U);
  EXPECT_FALSE(site.ends[0].clean);
  EXPECT_EQ(site.ends[0].code, 1008);
  EXPECT_EQ(site.ends[0].text,
            "closed by us with code 1008 (enough); the peer did not answer the close frame within 2 s");
}

TEST_F(HandMoved, TheQueueIsBoundedAndDrains) {
  HttpServerOptions small;
  small.send_buffer = 8192;
  WsSite site(loop_, small, {.max_queued = 100'000, .compress = false});
  WsTestClient client;
  connect(site, client);
  WsPeer& peer = *site.peers[0];
  const std::string text(1000, 'x');
  int taken = 0;
  SendStatus last = SendStatus::sent;
  while (last != SendStatus::refused && taken < 100'000) {
    last = peer.send_text(text);
    if (last != SendStatus::refused) ++taken;
  }
  ASSERT_EQ(last, SendStatus::refused);
  EXPECT_LE(peer.queued(), 100'000U);
  EXPECT_GT(peer.queued(), 90'000U);
  bool drained = false;
  site.writable = [&](WsPeer&) { drained = true; };
  std::thread reader([&] {
    for (int i = 0; i < taken; ++i) {
      if (client.next_text() != text) ADD_FAILURE() << "message " << i;
    }
  });
  EXPECT_TRUE(turn_until(loop_, [&] { return drained; }));
  EXPECT_EQ(peer.queued(), 0U);
  EXPECT_NE(peer.send_text("x"), SendStatus::refused);
  reader.join();
}

// What the fan-out does: a shared buffer of frames, an offset, whole frames dropped. Our own frames must fall between.
TEST_F(HandMoved, RawSendingKeepsFramesWholeAroundPongsAndClose) {
  HttpServerOptions small;
  small.send_buffer = 8192;
  WsSite site(loop_, small, {.max_queued = 0});
  WsTestClient client;
  connect(site, client);
  WsPeer& peer = *site.peers[0];
  std::string frame;
  append_server_head(frame, Opcode::text, 300'000);
  frame.append(300'000, 'f');

  std::size_t in_frame = 0;  // how much of the current frame is out
  const auto fill = [&] {
    for (;;) {
      const IoResult result = peer.try_send(std::string_view(frame).substr(in_frame));
      in_frame += result.bytes;
      if (result.status != IoStatus::ok) return;
      in_frame = 0;
    }
  };
  fill();
  ASSERT_GT(in_frame, 0U) << "the cut has to fall inside a frame";
  site.writable = [&](WsPeer&) {
    const IoResult result = peer.try_send(std::string_view(frame).substr(in_frame));
    in_frame += result.bytes;
  };
  client.send_ping("waiting");
  loop_.turn(1s);
  peer.close(1013, "slow_consumer");
  std::string heard;
  std::thread reader([&] {
    while (const auto read = client.next_frame()) {
      if (read->opcode == WsOpcode::text) {
        heard += read->payload.size() == 300'000 ? "frame " : "wrong ";
      } else if (read->opcode == WsOpcode::pong) {
        heard += "pong:" + read->payload + " ";
      } else {
        heard += "close:" + read->payload.substr(2);
        EXPECT_EQ(test::ws_close_code(read->payload), 1013);
        client.send_close(1013);
      }
    }
    client.finish();
  });
  EXPECT_TRUE(turn_until(loop_, [&] { return !site.ends.empty(); }));
  reader.join();
  ASSERT_FALSE(site.ends.empty());
  EXPECT_EQ(heard, "frame pong:waiting close:slow_consumer");
  EXPECT_TRUE(site.ends[0].clean);
}

TEST_F(HandMoved, PingsAreNotAnsweredWithoutBound) {
  HttpServerOptions small;
  small.send_buffer = 8192;
  WsSite site(loop_, small, {.max_queued = 0});
  WsTestClient client;
  connect(site, client);
  // The client sends pings and never reads.
  std::string pings;
  for (int i = 0; i < 1000; ++i) pings += test::ws_frame(WsOpcode::ping, std::string(125, 'p'), {.masked = true});
  std::size_t most = 0;
  for (int round = 0; round < 200; ++round) {
    std::thread sender([&] { client.send_raw_bytes(pings); });
    for (int i = 0; i < 100; ++i) loop_.turn(0s);
    turn_until(loop_, [&] {
      most = std::max(most, site.peers[0]->queued());
      return true;
    });
    std::atomic<bool> sent{false};
    std::thread waiter([&] {
      sender.join();
      sent = true;
    });
    EXPECT_TRUE(turn_until(loop_, [&] { return sent.load(); }));
    waiter.join();
    if (most > 16'000) break;
  }
  EXPECT_GT(most, 16'000U);
  EXPECT_LT(most, 17'000U);
}

TEST_F(HandMoved, PausedReadingHoldsTheClientBackButSeesItLeave) {
  WsSite site(loop_);
  int messages = 0;
  site.message = [&](WsPeer& peer, Opcode, std::string_view) {
    ++messages;
    peer.pause_reading(true);
  };
  WsTestClient client;
  connect(site, client);
  client.send_text("one");
  ASSERT_TRUE(turn_until(loop_, [&] { return messages == 1; }));
  client.send_text("two");
  for (int i = 0; i < 5; ++i) loop_.turn(1ms);
  EXPECT_EQ(messages, 1);
  site.peers[0]->pause_reading(false);
  ASSERT_TRUE(turn_until(loop_, [&] { return messages == 2; }));
  client.reset();
  EXPECT_TRUE(turn_until(loop_, [&] { return site.ends.size() == 1; }));
}

TEST(WsPeer, SpeaksThroughTls) {
  const test::TlsServer certificate;
  const test::TempDir dir;
  const std::string cert = dir.write("c.pem", certificate.certificate_pem()).string();
  HttpServerOptions options;
  options.tls = std::make_shared<TlsServerContext>(cert, dir.write("k.pem", certificate.key_pem()).string());
  Served<WsSite> site(options, WsPeerOptions{.max_message = 2'000'000, .max_queued = 4'000'000});
  WsTestClient client;
  ASSERT_TRUE(client.connect(site->url("wss"), {.trust = {.ca_file = cert}})) << client.refusal().error;
  for (const std::size_t size : {1U, 16384U, 16385U, 1'000'000U}) {
    client.send_binary(std::string(size, 'x'));
    const auto message = client.next();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->payload.size(), size);
  }
  client.send_close();
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1000);
}

}  // namespace
}  // namespace bixws::net
