// SPDX-License-Identifier: Apache-2.0
// A chunk gives back every digit of every kind of event, and survives whatever its bytes may be.
#include <gtest/gtest.h>

#include "recording/chunk.h"
#include "recording/random_events.h"

namespace bixws::recording {
namespace {

std::string encode(std::span<const Event> events) {
  ChunkWriter writer;
  for (const Event& event : events) writer.add(event);
  ColumnWriter out;
  writer.finish(out);
  return std::string(out.view());
}

struct Decoded {
  std::vector<std::string> events;
  bool complete = false;
};

Decoded decode(std::string_view payload) {
  Instruments instruments;
  ChunkReader reader(payload, instruments);
  EventBatch batch;
  Decoded decoded;
  ChunkReader::Result result{};
  while ((result = reader.next(batch)) == ChunkReader::Result::event) {
    decoded.events.push_back(test::describe(batch.events().back()));
  }
  decoded.complete = result == ChunkReader::Result::end;
  return decoded;
}

std::vector<std::string> describe_all(std::span<const Event> events) {
  std::vector<std::string> lines;
  for (const Event& event : events) lines.push_back(test::describe(event));
  return lines;
}

TEST(Chunk, GivesBackEveryEventWithEveryDigit) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Instruments instruments;
    test::RandomEvents random(instruments, seed);
    const auto batch = random.batch(400);
    const Decoded decoded = decode(encode(batch->events()));
    ASSERT_TRUE(decoded.complete) << "seed " << seed;
    ASSERT_EQ(decoded.events, describe_all(batch->events())) << "seed " << seed;
  }
}

TEST(Chunk, StartsAfreshAfterClear) {
  Instruments instruments;
  test::RandomEvents random(instruments, 7);
  ChunkWriter writer;
  for (int round = 0; round < 3; ++round) {
    const auto batch = random.batch(100);
    writer.clear();
    for (const Event& event : batch->events()) writer.add(event);
    ColumnWriter out;
    writer.finish(out);
    EXPECT_EQ(out.view(), encode(batch->events())) << "round " << round;
  }
}

TEST(Chunk, ExtremeTimesAndIdsSurvive) {
  Instruments instruments;
  const Instrument& i = instruments.get("x", "Y");
  EventBatch batch;
  Trade trade;
  trade.price = Decimal::of(1);
  trade.size = Decimal::of(1);
  for (const Micros ts : {Micros{INT64_MAX}, Micros{INT64_MIN}, Micros{0}, Micros{-1}, Micros{1}}) {
    for (const Text id : {Text("999999999999999999"), Text("0"), Text("00"), Text("1000000000000000000"), Text(""),
                          Text("-1"), Text("18446744073709551615")}) {
      trade.id = id;
      trade.ts = ts;
      batch.append(Event::of(i, ts, ~ts, Trades{{&trade, 1}}));
    }
  }
  const Decoded decoded = decode(encode(batch.events()));
  EXPECT_TRUE(decoded.complete);
  EXPECT_EQ(decoded.events, describe_all(batch.events()));
}

TEST(Chunk, EmptyChunkIsWhole) {
  const Decoded decoded = decode(encode({}));
  EXPECT_TRUE(decoded.complete);
  EXPECT_TRUE(decoded.events.empty());
}

// A chunk's sum tells damage; these show that even a payload with a right sum and wrong bytes cannot hurt.
TEST(Chunk, EveryTruncationIsNoticed) {
  Instruments instruments;
  test::RandomEvents random(instruments, 3);
  const auto batch = random.batch(60);
  const std::string payload = encode(batch->events());
  for (std::size_t size = 0; size < payload.size(); ++size) {
    // A copy of exactly that size, so that a read beyond it is one beyond the allocation.
    const std::string cut(payload.data(), size);
    ASSERT_FALSE(decode(cut).complete) << "cut to " << size << " of " << payload.size();
  }
}

TEST(Chunk, EveryChangedByteIsHarmless) {
  Instruments instruments;
  test::RandomEvents random(instruments, 5);
  const auto batch = random.batch(40);
  const std::string payload = encode(batch->events());
  for (std::size_t at = 0; at < payload.size(); ++at) {
    for (const int change : {0x01, 0x80, 0xff}) {
      std::string changed = payload;
      changed[at] = static_cast<char>(changed[at] ^ change);
      Instruments fresh;
      ChunkReader reader(changed, fresh);
      EventBatch decoded;
      while (reader.next(decoded) == ChunkReader::Result::event) {
      }
      ASSERT_LE(decoded.size(), batch->size());
    }
  }
}

TEST(Chunk, NumericIdsAreThoseANumberGivesBack) {
  std::uint64_t value = 0;
  EXPECT_TRUE(numeric_id("0", value));
  EXPECT_TRUE(numeric_id("999999999999999999", value));
  EXPECT_EQ(value, 999999999999999999U);
  for (const Text id : {Text(""), Text("01"), Text("1000000000000000000"), Text("1a"), Text("-1"), Text("+1")}) {
    EXPECT_FALSE(numeric_id(id, value)) << id;
  }
}

}  // namespace
}  // namespace bixws::recording
