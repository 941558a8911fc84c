// SPDX-License-Identifier: Apache-2.0
// The RFC 6455 decoder against every rule it has to keep, in whatever pieces the bytes come.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "net/deflate.h"
#include "net/ws_codec.h"
#include "support/ws_frames.h"
#include "unit/net_fixture.h"

namespace bixws::net {
namespace {

using test::ws_close_payload;
using test::ws_frame;
using test::ws_frame_header;
using test::WsOpcode;

// Writes down what a decoder delivers: "text:hello ping:x close:1000:bye".
struct Notes final : WsReceiver {
  std::string seen;
  bool go_on = true;

  bool note(const std::string& what) {
    if (!seen.empty()) seen += ' ';
    seen += what;
    return go_on;
  }
  bool on_ws_message(Opcode kind, std::string_view payload) override {
    return note((kind == Opcode::text ? "text:" : "binary:") + std::string(payload));
  }
  bool on_ws_ping(std::string_view payload) override { return note("ping:" + std::string(payload)); }
  bool on_ws_pong(std::string_view payload) override { return note("pong:" + std::string(payload)); }
  bool on_ws_close(std::uint16_t code, std::string_view reason) override {
    return note("close:" + std::to_string(code) + ":" + std::string(reason));
  }
};

struct Outcome {
  std::string seen;
  Decode result = Decode::more;
  int code = 0;
  bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << '"' << outcome.seen << "\" result " << int(outcome.result) << " code " << outcome.code;
}

Outcome decode_at_once(std::string bytes, Role role = Role::server, std::size_t cap = 65536) {
  Notes notes;
  WsDecoder decoder(role, cap);
  const Decode result = decoder.feed(bytes, notes);
  return {notes.seen, result, decoder.failure_code()};
}

Outcome decode_in_pieces(const std::string& bytes, unsigned seed, Role role = Role::server, std::size_t cap = 65536) {
  Notes notes;
  WsDecoder decoder(role, cap);
  std::mt19937 random(seed);
  Decode result = Decode::more;
  in_random_pieces(bytes, random, [&](std::span<char> piece) {
    result = decoder.feed(piece, notes);
    return result == Decode::more;
  });
  return {notes.seen, result, decoder.failure_code()};
}

// However the bytes are cut, the outcome is the same.
void expect(const std::string& bytes, const Outcome& wanted, Role role = Role::server, std::size_t cap = 65536) {
  EXPECT_EQ(decode_at_once(bytes, role, cap), wanted);
  for (unsigned seed = 0; seed < 20; ++seed) {
    EXPECT_EQ(decode_in_pieces(bytes, seed, role, cap), wanted) << "seed " << seed;
  }
}

void expect_refused(const std::string& bytes, int code, const std::string& seen_before = "", Role role = Role::server) {
  expect(bytes, {seen_before, Decode::failed, code}, role);
}

std::string from_client(WsOpcode opcode, std::string_view payload, bool fin = true, std::uint8_t rsv = 0) {
  return ws_frame(opcode, payload, {.fin = fin, .rsv = rsv, .masked = true, .mask = 0x9a3b17c5});
}

TEST(WsDecoder, MessagesOfEveryLengthForm) {
  for (const std::size_t size : {0U, 1U, 7U, 8U, 125U, 126U, 127U, 1000U, 65535U, 65536U, 70000U}) {
    std::string payload(size, '\0');
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<char>('a' + i % 26);
    expect(from_client(WsOpcode::text, payload), {"text:" + payload, Decode::more, 0}, Role::server, 70000);
    expect(ws_frame(WsOpcode::binary, payload), {"binary:" + payload, Decode::more, 0}, Role::client, 70000);
  }
}

TEST(WsDecoder, AMessageInsideTheBufferIsNotCopied) {
  struct Where final : WsReceiver {
    const char* begin = nullptr;
    bool on_ws_message(Opcode, std::string_view payload) override { return begin = payload.data(), true; }
    bool on_ws_ping(std::string_view) override { return true; }
    bool on_ws_pong(std::string_view) override { return true; }
    bool on_ws_close(std::uint16_t, std::string_view) override { return true; }
  } where;
  std::string bytes = from_client(WsOpcode::text, "hello");
  WsDecoder decoder(Role::server, 100);
  decoder.feed(bytes, where);
  EXPECT_EQ(where.begin, bytes.data() + 6);
  EXPECT_EQ(decoder.held(), 0U);
}

TEST(WsDecoder, FragmentsAreJoinedAndControlFramesGoBetween) {
  const std::string bytes = from_client(WsOpcode::text, "a", false) + from_client(WsOpcode::ping, "p") +
                            from_client(WsOpcode::continuation, "", false) +
                            from_client(WsOpcode::continuation, "b", false) + from_client(WsOpcode::pong, "q") +
                            from_client(WsOpcode::continuation, "c") + from_client(WsOpcode::binary, "d");
  expect(bytes, {"ping:p pong:q text:abc binary:d", Decode::more, 0});
}

TEST(WsDecoder, MaskingIsRequiredFromClientsAndForbiddenToServers) {
  expect_refused(ws_frame(WsOpcode::text, "x"), 1002);
  expect_refused(from_client(WsOpcode::text, "x"), 1002, "", Role::client);
}

TEST(WsDecoder, ReservedBitsAndOpcodes) {
  for (const std::uint8_t rsv : {1, 2, 3, 4, 5, 6, 7}) {
    expect_refused(from_client(WsOpcode::text, "x", true, rsv), 1002);
    expect_refused(from_client(WsOpcode::ping, "x", true, rsv), 1002);
  }
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15}) {
    expect_refused(from_client(static_cast<WsOpcode>(opcode), "x"), 1002);
  }
}

TEST(WsDecoder, FragmentationRules) {
  expect_refused(from_client(WsOpcode::continuation, "x"), 1002);
  expect_refused(from_client(WsOpcode::continuation, "x", false), 1002);
  expect_refused(from_client(WsOpcode::text, "x", false) + from_client(WsOpcode::text, "y"), 1002);
  expect_refused(from_client(WsOpcode::text, "x") + from_client(WsOpcode::continuation, "y"), 1002, "text:x");
  for (const WsOpcode opcode : {WsOpcode::ping, WsOpcode::pong, WsOpcode::close}) {
    expect_refused(from_client(opcode, "x", false), 1002);
    expect_refused(from_client(opcode, std::string(126, 'x')), 1002);
  }
}

TEST(WsDecoder, LengthsMustBeInTheirShortestForm) {
  const auto bytes = [](std::initializer_list<int> list) {
    std::string out;
    for (const int value : list) out += static_cast<char>(value);
    return out;
  };
  expect_refused(bytes({0x82, 0xfe, 0, 125, 1, 2, 3, 4}), 1002);
  expect_refused(bytes({0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4}), 1002);
  expect_refused(bytes({0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}), 1002);
}

TEST(WsDecoder, TooBigIsRefusedWhenAnnouncedAndNothingIsAllocatedForIt) {
  expect_refused(ws_frame_header(WsOpcode::binary, 65537, {.masked = true}), 1009);
  expect_refused(ws_frame_header(WsOpcode::binary, std::uint64_t{1} << 62, {.masked = true}), 1009);
  // Fragments count together.
  expect_refused(from_client(WsOpcode::binary, std::string(40000, 'x'), false) +
                     from_client(WsOpcode::continuation, std::string(40000, 'x')),
                 1009);
  Notes notes;
  WsDecoder decoder(Role::client, std::size_t{1} << 40);
  std::string head = ws_frame_header(WsOpcode::binary, std::uint64_t{1} << 39) + "abc";
  EXPECT_EQ(decoder.feed(head, notes), Decode::more);
  EXPECT_EQ(decoder.held(), 3U);
}

TEST(WsDecoder, CloseFrames) {
  const auto close = [](std::uint16_t code, std::string_view reason) {
    return from_client(WsOpcode::close, ws_close_payload(code, reason));
  };
  expect(from_client(WsOpcode::close, "") + "garbage after it", {"close:1005:", Decode::stopped, 0});
  expect(close(1000, "bye") + from_client(WsOpcode::text, "late"), {"close:1000:bye", Decode::stopped, 0});
  expect(close(1000, std::string(123, 'r')), {"close:1000:" + std::string(123, 'r'), Decode::stopped, 0});
  for (const std::uint16_t code :
       {1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4999}) {
    expect(close(code, ""), {"close:" + std::to_string(code) + ":", Decode::stopped, 0});
  }
  for (const std::uint16_t code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    expect_refused(close(code, ""), 1002);
  }
  expect_refused(from_client(WsOpcode::close, "x"), 1002);
  expect_refused(close(1000, "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80"), 1007);
}

TEST(WsDecoder, TextIsCheckedAtTheFirstImpossibleByte) {
  const std::string head = ws_frame_header(WsOpcode::text, 1000, {.masked = true, .mask = 0});
  expect_refused(head + "\xce\xba\xe1\xbd\xb9\xf4\x90", 1007);  // beyond U+10FFFF; the rest has not come yet
  // A character may be cut by a fragment, but not by the end of the message.
  expect(from_client(WsOpcode::text, "\xce", false) + from_client(WsOpcode::continuation, "\xba"),
         {"text:\xce\xba", Decode::more, 0});
  expect_refused(from_client(WsOpcode::text, "\xce"), 1007);
  expect_refused(from_client(WsOpcode::text, "\xce", false) + from_client(WsOpcode::continuation, ""), 1007);
  expect(from_client(WsOpcode::binary, "\xce\xff"), {"binary:\xce\xff", Decode::more, 0});
}

TEST(Utf8Check, AgreesWithTheDefinitionOnEverySequenceOfOneToThreeBytesAndItsBorders) {
  const auto encode = [](std::uint32_t c) {
    std::string out;
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 63));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 63));
      out += static_cast<char>(0x80 | (c >> 6 & 63));
      out += static_cast<char>(0x80 | (c & 63));
    }
    return out;
  };
  std::set<std::string> valid;
  for (std::uint32_t c = 0; c <= 0x10ffff; ++c) {
    if (c >= 0xd800 && c < 0xe000) continue;
    const std::string text = encode(c);
    if (text.size() == 4) {
      EXPECT_TRUE(valid_utf8(text)) << c;
    } else {
      valid.insert(text);
    }
  }
  for (int a = 0; a < 256; ++a) {
    const std::string one{static_cast<char>(a)};
    EXPECT_EQ(valid_utf8(one), valid.count(one) == 1);
    for (int b = 0; b < 256; ++b) {
      const std::string two = one + static_cast<char>(b);
      const bool both_ascii = a < 0x80 && b < 0x80;
      EXPECT_EQ(valid_utf8(two), both_ascii || valid.count(two) == 1) << a << ' ' << b;
      if (a < 0xe0 || a > 0xef) continue;
      for (int c = 0; c < 256; ++c) {
        const std::string three = two + static_cast<char>(c);
        EXPECT_EQ(valid_utf8(three), valid.count(three) == 1) << a << ' ' << b << ' ' << c;
      }
    }
  }
  for (const char* bad : {"\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "aaaaaaaa\x80"}) {
    EXPECT_FALSE(valid_utf8(bad));
  }
}

TEST(WsDecoder, AReceiverCanStopIt) {
  Notes notes;
  notes.go_on = false;
  WsDecoder decoder(Role::server, 100);
  std::string bytes = from_client(WsOpcode::text, "a") + from_client(WsOpcode::text, "b");
  EXPECT_EQ(decoder.feed(bytes, notes), Decode::stopped);
  EXPECT_EQ(notes.seen, "text:a");
}

TEST(WsDecoder, RandomBytesNeverDoMoreThanFail) {
  std::mt19937 random(3);
  for (int round = 0; round < 3000; ++round) {
    std::string bytes(1 + random() % 200, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (round % 2 == 0) bytes[0] = static_cast<char>(0x80 | (random() % 3));  // get beyond the first byte more often
    if (round % 2 == 0 && bytes.size() > 1) bytes[1] = static_cast<char>(0x80 | (random() % 128));
    const Outcome whole = decode_at_once(bytes);
    EXPECT_EQ(decode_in_pieces(bytes, static_cast<unsigned>(round)), whole) << "round " << round;
  }
}

TEST(WsEncoder, WhatOneRoleWritesTheOtherReads) {
  for (const std::size_t size : {0U, 1U, 125U, 126U, 65535U, 65536U}) {
    const std::string payload(size, 'x');
    std::string from_server;
    std::string from_us;
    append_frame(from_server, Role::server, Opcode::binary, payload);
    append_frame(from_us, Role::client, Opcode::binary, payload);
    std::string head;
    append_server_head(head, Opcode::binary, size);
    EXPECT_EQ(from_server, head + payload);
    EXPECT_EQ(head.size(), frame_head_size(size));
    expect(from_server, {"binary:" + payload, Decode::more, 0}, Role::client, 70000);
    expect(from_us, {"binary:" + payload, Decode::more, 0}, Role::server, 70000);
  }
}

TEST(WsEncoder, MasksDiffer) {
  std::set<std::string> masks;
  for (int i = 0; i < 100; ++i) {
    std::string frame;
    append_frame(frame, Role::client, Opcode::text, "x");
    masks.insert(frame.substr(2, 4));
  }
  EXPECT_GT(masks.size(), 95U);
}

TEST(WsEncoder, ACloseReasonIsCutAtACharacter) {
  std::string reason(122, 'r');
  reason += "\xce\xba";  // 124 bytes: one too many, and the cut would fall inside the last character
  std::string frame;
  append_close(frame, Role::server, 1008, reason);
  expect(frame, {"close:1008:" + std::string(122, 'r'), Decode::stopped, 0}, Role::client);
  std::string empty;
  append_close(empty, Role::server, close_code::none_given, "ignored");
  expect(empty, {"close:1005:", Decode::stopped, 0}, Role::client);
}

TEST(WsDecoder, CompressedMessages) {
  const std::string text = [] {
    std::string out;
    for (int i = 0; i < 200; ++i) out += "{\"price\":50000." + std::to_string(i) + "},";
    return out;
  }();
  Deflater deflater;
  std::string frames;
  ASSERT_TRUE(append_compressed_frame(frames, Role::client, Opcode::text, text, deflater));
  const std::size_t one = frames.size();
  ASSERT_LT(one, text.size() / 2);
  ASSERT_TRUE(append_compressed_frame(frames, Role::client, Opcode::text, text, deflater));
  append_frame(frames, Role::client, Opcode::text, "plain");
  for (unsigned seed = 0; seed < 20; ++seed) {
    Notes notes;
    Inflater inflater;
    WsDecoder decoder(Role::server, 65536);
    decoder.set_inflater(&inflater);
    std::mt19937 random(seed);
    in_random_pieces(frames, random, [&](std::span<char> piece) { return decoder.feed(piece, notes) == Decode::more; });
    EXPECT_EQ(notes.seen, "text:" + text + " text:" + text + " text:plain");
  }
}

TEST(WsDecoder, ABombIsRefusedAtTheCap) {
  Deflater deflater;
  std::string frame;
  ASSERT_TRUE(append_compressed_frame(frame, Role::client, Opcode::binary, std::string(10'000'000, 'x'), deflater));
  ASSERT_LT(frame.size(), 60'000U);
  Notes notes;
  Inflater inflater;
  WsDecoder decoder(Role::server, 65536);
  decoder.set_inflater(&inflater);
  EXPECT_EQ(decoder.feed(frame, notes), Decode::failed);
  EXPECT_EQ(decoder.failure_code(), 1009);
}

TEST(WsDecoder, BrokenCompressionAndBadTextInsideIt) {
  Inflater inflater;
  const auto code_of = [&](std::string bytes) {
    Notes notes;
    WsDecoder decoder(Role::server, 65536);
    decoder.set_inflater(&inflater);
    decoder.feed(bytes, notes);
    EXPECT_EQ(notes.seen, "");
    return decoder.failure_code();
  };
  EXPECT_EQ(code_of(from_client(WsOpcode::text, "\xff\xff\xff\xff", true, 4)), 1007);
  Deflater deflater;
  const std::string bad_text(deflater.deflate("\xce\xce"));
  EXPECT_EQ(code_of(from_client(WsOpcode::text, bad_text, true, 4)), 1007);
  // RSV1 belongs to the first frame of a message only.
  EXPECT_EQ(code_of(from_client(WsOpcode::text, "", false, 4) + from_client(WsOpcode::continuation, "", true, 4)),
            1002);
}

}  // namespace
}  // namespace bixws::net
