// SPDX-License-Identifier: Apache-2.0
// permessage-deflate of what is broadcast: large messages compressed once and readable alone, small ones plain, and
// the same content for everybody, whatever they agreed on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/deflate.h"
#include "server/squeezer.h"
#include "support/live_server.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

/// A client that sees frames as they come, and inflates each on its own.
class Inflating {
 public:
  Inflating(const LiveServer& live, const std::string& offer) {
    ClientOptions options;
    options.headers["Sec-WebSocket-Extensions"] = offer;
    if (!client_.connect(live.url(), options)) throw std::runtime_error("no connection");
  }
  std::string extensions() const {
    const auto at = client_.answer_headers().find("sec-websocket-extensions");
    return at == client_.answer_headers().end() ? "" : at->second;
  }
  std::string next() {
    const auto frame = client_.next_frame();
    if (!frame) return "<nothing>";
    compressed = (frame->rsv & 4) != 0;
    wire += frame->payload.size();
    if (!compressed) return frame->payload;
    net::Inflater inflater;  // a new one each time: no context is taken over
    if (inflater.inflate(frame->payload, 1 << 24) != net::Inflater::Outcome::ok) return "<broken>";
    return std::string(inflater.output());
  }
  std::string next_of(const std::string& type) {
    for (;;) {
      std::string text = next();
      if (text.starts_with("{\"type\":\"" + type + "\"") || text.starts_with("<")) return text;
    }
  }
  bool send(const std::string& text) { return client_.send_text(text); }

  bool compressed = false;
  std::size_t wire = 0;

 private:
  WsTestClient client_;
};

server::Options compressing() {
  server::Options options;
  options.interval = net::Duration::zero();
  options.compress = true;
  return options;
}

std::vector<Level> many_levels(int first, int count, int step = 1) {
  std::vector<Level> list;
  for (int i = 0; i < count; ++i) list.push_back({dec(std::to_string(first + i * step) + ".50"), dec("1.25")});
  return list;
}

constexpr const char* kBooks = R"({"type":"subscribe","id":1,"symbols":["BTCUSDT"],"channels":["book"]})";

TEST(ServerDeflate, LargeMessagesAreCompressedSmallOnesAreNotAndAllReadTheSame) {
  LiveServer live(compressing());
  Inflating usual(live, "permessage-deflate; client_max_window_bits");
  Inflating narrow(live, "permessage-deflate; server_max_window_bits=10");
  Inflating plain(live, "");
  EXPECT_EQ(usual.extensions(), "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  EXPECT_EQ(narrow.extensions(),
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10");
  EXPECT_EQ(plain.extensions(), "");
  for (Inflating* client : {&usual, &narrow, &plain}) {
    client->send(kBooks);
    EXPECT_NE(client->next_of("subscribed"), "<nothing>");
    EXPECT_FALSE(client->compressed);
  }
  for (int round = 0; round < 3; ++round) {
    live.book(*live.btc, BookAction::snapshot, many_levels(499, 300, -1), many_levels(500, 300), kT + 2 * round);
    const std::string large = plain.next();
    EXPECT_FALSE(plain.compressed);
    EXPECT_GT(large.size(), 5000U);
    for (Inflating* client : {&usual, &narrow}) {
      client->wire = 0;
      EXPECT_EQ(client->next(), large);
      EXPECT_TRUE(client->compressed);
      EXPECT_LT(client->wire, large.size() / 2);
    }
    live.book(*live.btc, BookAction::update, many_levels(499, 1), {}, kT + 2 * round + 1);
    const std::string small = plain.next();
    for (Inflating* client : {&usual, &narrow}) {
      EXPECT_EQ(client->next(), small);
      EXPECT_FALSE(client->compressed);
    }
  }
}

TEST(ServerDeflate, ASnapshotForOneIsCompressedToo) {
  LiveServer live(compressing());
  live.book(*live.btc, BookAction::snapshot, many_levels(499, 300, -1), many_levels(500, 300), kT);
  live.hub->drain();
  Inflating client(live, "permessage-deflate");
  client.send(kBooks);
  const auto snapshot = RawJson::parse_or_throw(client.next_of("book"));
  EXPECT_TRUE(client.compressed);
  EXPECT_EQ(snapshot["bids"].size(), 300U);
}

TEST(ServerDeflate, WithoutCompressNothingIsAgreedTo) {
  server::Options options = compressing();
  options.compress = false;
  LiveServer live(std::move(options));
  Inflating client(live, "permessage-deflate");
  EXPECT_EQ(client.extensions(), "");
  live.book(*live.btc, BookAction::snapshot, many_levels(499, 300, -1), {}, kT);
  client.send(kBooks);
  EXPECT_NE(client.next_of("book"), "<nothing>");
  EXPECT_FALSE(client.compressed);
}

TEST(ServerDeflate, EachMessageIsCompressedOnceHoweverManyClientsThereAre) {
  LiveServer live(compressing());
  std::vector<std::unique_ptr<Inflating>> crowd;
  for (int i = 0; i < 8; ++i) {
    crowd.push_back(std::make_unique<Inflating>(live, "permessage-deflate"));
    crowd.back()->send(kBooks);
    crowd.back()->next_of("subscribed");
  }
  for (int i = 0; i < 5; ++i) {
    live.book(*live.btc, BookAction::snapshot, many_levels(499, 300, -1), many_levels(500, 300), kT + i);
  }
  for (auto& client : crowd) {
    for (int i = 0; i < 5; ++i) EXPECT_NE(client->next_of("book"), "<broken>");
  }
  EXPECT_THAT(live.server->metrics(), testing::HasSubstr("bixws_messages_compressed_total 5\n"));
}

TEST(ServerDeflate, ACompressedBombIsCappedAt64KiBOfWhatItBecomes) {
  LiveServer live(compressing());
  ClientOptions options;
  options.headers["Sec-WebSocket-Extensions"] = "permessage-deflate";
  WsTestClient client;
  ASSERT_TRUE(client.connect(live.url(), options));
  net::Deflater deflater;
  const std::string bomb(deflater.deflate(std::string(10 << 20, ' ')));
  ASSERT_LT(bomb.size(), 64U * 1024);
  client.send_frame(WsOpcode::text, bomb, {.rsv = 4, .masked = true});
  EXPECT_TRUE(client.wait_closed());
  EXPECT_EQ(client.close_code(), 1009);
}

TEST(ServerDeflate, WindowsAreFew) {
  EXPECT_EQ(server::Squeezer::window_for({.agreed = false}), 0);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 0}), 0);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 15}), 15);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 14}), 12);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 12}), 12);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 11}), 9);
  EXPECT_EQ(server::Squeezer::window_for({.agreed = true, .send_bits = 9}), 9);
}

}  // namespace
}  // namespace bixws::test
