// SPDX-License-Identifier: Apache-2.0
// permessage-deflate: what is agreed to and what is not, and that both directions fit together.
#include <gtest/gtest.h>

#include <random>

#include "net/deflate.h"

namespace bixws::net {
namespace {

TEST(DeflateOffer, IsAnsweredWithoutContext) {
  const std::string plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
  EXPECT_EQ(answer_deflate_offer("permessage-deflate").header, plain);
  EXPECT_EQ(answer_deflate_offer("permessage-deflate; client_max_window_bits").header, plain);
  EXPECT_EQ(answer_deflate_offer("x-other, permessage-deflate; client_max_window_bits=9").header, plain);
  const auto narrow = answer_deflate_offer("permessage-deflate; server_max_window_bits=9");
  EXPECT_EQ(narrow.header, plain + "; server_max_window_bits=9");
  EXPECT_EQ(narrow.agreement.send_bits, 9);
  EXPECT_EQ(answer_deflate_offer("permessage-deflate; server_max_window_bits=\"10\"").agreement.send_bits, 10);
}

TEST(DeflateOffer, IsDeclinedWhenItCannotBeKept) {
  for (const char* offer :
       {"", "x-webkit-deflate-frame", "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=09", "permessage-deflate; server_no_context_takeover=1",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover", "permessage-deflate; foo",
        "permessage-deflate; client_max_window_bits=7"}) {
    EXPECT_EQ(answer_deflate_offer(offer).header, "") << offer;
    EXPECT_FALSE(answer_deflate_offer(offer).agreement.agreed) << offer;
  }
  // The next offer in the list may do.
  EXPECT_EQ(
      answer_deflate_offer("permessage-deflate; server_max_window_bits=8, permessage-deflate").agreement.send_bits, 15);
}

TEST(DeflateAnswer, IsReadAsTheServerMeantIt) {
  const auto asked = read_deflate_answer("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  ASSERT_TRUE(asked);
  EXPECT_FALSE(asked->peer_keeps_context);
  EXPECT_EQ(asked->send_bits, 15);
  const auto bare = read_deflate_answer("permessage-deflate");
  ASSERT_TRUE(bare);
  EXPECT_TRUE(bare->peer_keeps_context);
  EXPECT_EQ(read_deflate_answer("permessage-deflate; client_max_window_bits=10")->send_bits, 10);
  EXPECT_EQ(read_deflate_answer("permessage-deflate; client_max_window_bits=8")->send_bits, 0);
  for (const char* bad : {"permessage-deflate; client_max_window_bits", "permessage-deflate, permessage-deflate",
                          "permessage-deflate; surprise", "x-other"}) {
    EXPECT_FALSE(read_deflate_answer(bad)) << bad;
  }
}

std::string sample(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < size) text += "\"price\":" + std::to_string(random() % 5000) + ",";
  text.resize(size);
  return text;
}

TEST(Deflate, RoundTripAtEveryWindowAndSize) {
  for (int bits = 9; bits <= 15; ++bits) {
    Deflater deflater(bits);
    Inflater inflater;
    for (const std::size_t size : {0U, 1U, 100U, 5000U, 100'000U}) {
      const std::string text = sample(size, static_cast<unsigned>(size));
      const std::string packed(deflater.deflate(text));
      ASSERT_FALSE(packed.empty());
      ASSERT_EQ(inflater.inflate(packed, size), Inflater::Outcome::ok) << bits << ' ' << size;
      EXPECT_EQ(inflater.output(), text);
      if (size > 0) {
        EXPECT_EQ(inflater.inflate(packed, size - 1), Inflater::Outcome::too_big);
      }
    }
  }
}

TEST(Deflate, EachMessageStandsAlone) {
  Deflater deflater;
  const std::string first(deflater.deflate(sample(5000, 1)));
  const std::string second(deflater.deflate(sample(5000, 1)));
  EXPECT_EQ(first, second);
  Inflater fresh;
  EXPECT_EQ(fresh.inflate(second, 5000), Inflater::Outcome::ok);
}

// A peer that keeps its context and one that ends its messages with final blocks, made with zlib directly.
std::string pack(z_stream& zlib, const std::string& text, int flush) {
  std::string out(2 * text.size() + 100, '\0');
  zlib.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  zlib.avail_in = static_cast<uInt>(text.size());
  zlib.next_out = reinterpret_cast<Bytef*>(out.data());
  zlib.avail_out = static_cast<uInt>(out.size());
  ::deflate(&zlib, flush);
  out.erase(out.size() - zlib.avail_out);
  return out;
}

TEST(Inflate, KeepsTheContextOfAPeerThatDoes) {
  z_stream zlib{};
  ASSERT_EQ(::deflateInit2(&zlib, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Inflater inflater(true);
  const std::string text = sample(3000, 9);
  std::size_t sizes[2] = {};
  for (std::size_t& size : sizes) {
    std::string packed = pack(zlib, text, Z_SYNC_FLUSH);
    packed.resize(packed.size() - 4);
    size = packed.size();
    ASSERT_EQ(inflater.inflate(packed, 65536), Inflater::Outcome::ok);
    EXPECT_EQ(inflater.output(), text);
  }
  EXPECT_LT(sizes[1], sizes[0] / 4) << "the second one refers to the first";
  ::deflateEnd(&zlib);
}

TEST(Inflate, AcceptsAFinalBlock) {
  z_stream zlib{};
  ASSERT_EQ(::deflateInit2(&zlib, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
  const std::string packed = pack(zlib, "hello", Z_FINISH) + std::string(1, '\0');
  ::deflateEnd(&zlib);
  Inflater inflater;
  ASSERT_EQ(inflater.inflate(packed, 100), Inflater::Outcome::ok);
  EXPECT_EQ(inflater.output(), "hello");
  ASSERT_EQ(inflater.inflate(packed, 100), Inflater::Outcome::ok);
}

TEST(Inflate, EveryTruncationIsBrokenOrEmptyNeverMore) {
  Deflater deflater;
  const std::string text = sample(2000, 4);
  const std::string packed(deflater.deflate(text));
  Inflater inflater;
  for (std::size_t size = 0; size + 1 < packed.size(); ++size) {
    const auto outcome = inflater.inflate(packed.substr(0, size), 65536);
    if (outcome == Inflater::Outcome::ok) {
      EXPECT_LT(inflater.output().size(), text.size()) << size;
    }
  }
}

TEST(Inflate, RandomBytesNeverPassTheCap) {
  std::mt19937 random(11);
  Inflater inflater;
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(random() % 300, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random());
    if (inflater.inflate(bytes, 1000) == Inflater::Outcome::ok) {
      EXPECT_LE(inflater.output().size(), 1000U);
    }
    inflater.release();
  }
}

}  // namespace
}  // namespace bixws::net
