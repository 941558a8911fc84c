// SPDX-License-Identifier: Apache-2.0
// What the NATS plugins are made of, without a broker: envelopes, the queue towards it, and how far a subject was
// followed.
#include <gtest/gtest.h>

#include <array>
#include <map>

#include "model/instruments.h"
#include "nats/envelope.h"
#include "nats/outbox.h"
#include "nats/publication.h"
#include "nats/track.h"

namespace bixws::nats {
namespace {

class NatsEnvelope : public testing::Test {
 protected:
  Instruments instruments;
  const Instrument& btc = instruments.get("acme", "BTCUSDT");
  const Instrument& whole = instruments.get("acme", "");
  const Instrument& dotted = instruments.get("acme", "BRK.B > 5*");
};

TEST_F(NatsEnvelope, OneSubjectForEachExchangeSymbolAndChannel) {
  EXPECT_EQ(subject_of("md", Event::of(btc, 1, 1, Ticker{})), "md.acme.BTCUSDT.ticker");
  EXPECT_EQ(subject_of("md", Event::of(btc, 1, 1, Trades{})), "md.acme.BTCUSDT.trades");
  EXPECT_EQ(subject_of("md", Event::of(btc, 1, 1, BookChange{})), "md.acme.BTCUSDT.book");
  Candle candle;
  candle.seconds = 300;
  EXPECT_EQ(subject_of("md", Event::of(btc, 1, 1, candle)), "md.acme.BTCUSDT.candles:5m");
  EXPECT_EQ(subject_of("md", Event::of(whole, 1, 1, Status{})), "md.acme._.status");
  EXPECT_EQ(subject_of("md", Event::of(dotted, 1, 1, Gap{})), "md.acme.BRK_B___5_.gap") << "no token of a subject";
  EXPECT_EQ(subject_of("md", Event::alert(btc, 1, 1, Mark{})), "md.acme.BTCUSDT.alerts");
  EXPECT_EQ(subject_of("md", Event::of(btc, 1, 1, RawFrame{})), "");
  EXPECT_EQ(exchange_of("md", "md.acme.BTCUSDT.trades"), "acme");
  EXPECT_EQ(exchange_of("md", "mdx.acme.BTCUSDT.trades"), "");
  EXPECT_EQ(channel_of("md.acme.BTCUSDT.candles:5m"), "candles:5m");
}

TEST_F(NatsEnvelope, APayloadIsTheProtocolsMessageWithItsPlace) {
  Publication publication("md");
  publication.begin_epoch("6b1f0c");
  publication.set_plain_exchange("acme");
  Decimal price;
  Decimal size;
  ASSERT_EQ(parse_decimal("50000.10", price), NumberError::none);
  ASSERT_EQ(parse_decimal("0.00420", size), NumberError::none);
  const Trade trade{price, size, Side::buy, "4398231", 1'795'372'800'121'000};
  Event event = Event::of(btc, 1'795'372'800'123'456, 1'795'372'800'121'000, Trades{{&trade, 1}});
  const Trades body{{&trade, 1}};
  event.body = &body;
  event.seq = 1207;
  const auto message = publication.publish(event);
  EXPECT_EQ(message.subject, "md.acme.BTCUSDT.trades");
  EXPECT_EQ(message.payload,
            R"({"type":"trades","exchange":"acme","symbol":"BTCUSDT","seq":1207,"data":[{"price":50000.10,)"
            R"("size":0.00420,"side":"buy","id":"4398231","ts":1795372800121000,"recv_ts":1795372800123456}],)"
            R"("epoch":"6b1f0c","n":1})");
  const auto read = read_envelope(message.payload);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->place.epoch, "6b1f0c");
  EXPECT_EQ(read->place.n, 1U);
  EXPECT_TRUE(read->message.ends_with("1795372800123456}]"));
}

TEST_F(NatsEnvelope, WhatIsNoneOfOursIsRefused) {
  for (const char* text :
       {"", "{}", "hello", R"({"type":"trades"})", R"(,"epoch":"e","n":1})", R"({"a":1,"epoch":"","n":1})",
        R"({"a":1,"epoch":"e","n":})", R"({"a":1,"epoch":"e","n":-1})", R"({"a":1,"epoch":"e","n":1,"b":2})",
        R"({"a":1,"epoch":"e","n":99999999999999999999})", R"({"a":1,"epoch":"e)"}) {
    EXPECT_FALSE(read_envelope(text)) << text;
  }
}

TEST_F(NatsEnvelope, AnAnswerSaysOfWhatItIsAndHowFarTheDepthsAre) {
  TextBuffer text;
  text.raw(R"({"type":"book","bids":[[1,2]]})");
  const std::array<std::uint64_t, 7> depths = {1, 2, 3, 4, 5, 6, 7};
  close_answer(text, "md.acme.BTCUSDT.book", {"e1", 9}, depths);
  const auto envelope = read_envelope(text.view());
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->place.n, 9U);
  const auto parts = read_answer(*envelope);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->subject, "md.acme.BTCUSDT.book");
  ASSERT_EQ(parts->depth_count, 7U);
  EXPECT_EQ(parts->depths[6], 7U);

  text.clear();
  text.raw(R"({"type":"trades","data":[]})");
  close_answer(text, "md.acme.BTCUSDT.trades", {"e1", 3}, {});
  const auto plain = read_answer(*read_envelope(text.view()));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->depth_count, 0U);
  EXPECT_FALSE(read_answer(*read_envelope(R"({"type":"end","epoch":"e1","n":3})")));
}

Outgoing small(const std::string& payload) { return {"s", payload, "id-" + payload, {}}; }

TEST(NatsOutbox, WhatWaitsIsBoundedAndTheOldestGo) {
  Outbox outbox(2'000, 0);
  std::size_t dropped = 0;
  for (int i = 0; i < 100; ++i) dropped += outbox.push(small(std::to_string(i)));
  EXPECT_LE(outbox.bytes(), 2'000U);
  EXPECT_EQ(dropped + outbox.waiting(), 100U);
  EXPECT_GT(dropped, 50U);
  EXPECT_EQ(outbox.next().message->payload, std::to_string(dropped)) << "the oldest that is left";
  while (outbox.next().message) continue;
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.bytes(), 0U);
  EXPECT_EQ(outbox.push(small(std::string(5'000, 'x'))), 0U) << "one always fits";
}

TEST(NatsOutbox, WhatIsInFlightStaysUntilItIsAcknowledgedAndIsSentAgainInOrder) {
  Outbox outbox(1 << 20, 3);
  for (int i = 0; i < 6; ++i) outbox.push(small(std::to_string(i)));
  std::map<std::string, std::uint64_t> numbers;
  for (int i = 0; i < 3; ++i) {
    const auto next = outbox.next();
    numbers[next.message->payload] = next.number;
  }
  EXPECT_FALSE(outbox.has_next()) << "no more than three at a time";
  EXPECT_FALSE(outbox.next().message);
  EXPECT_TRUE(outbox.acknowledged(numbers["1"]));
  EXPECT_FALSE(outbox.has_next()) << "the first one still counts";
  EXPECT_FALSE(outbox.acknowledged(99));
  outbox.rewind();
  EXPECT_EQ(outbox.next().message->payload, "0");
  const auto again = outbox.next();
  EXPECT_EQ(again.message->payload, "2") << "what is acknowledged is not sent again";
  EXPECT_EQ(again.number, numbers["2"]);
  EXPECT_TRUE(outbox.acknowledged(numbers["0"]));
  EXPECT_EQ(outbox.next().message->payload, "3") << "two have left";
  EXPECT_EQ(outbox.in_flight(), 2U);
  EXPECT_FALSE(outbox.acknowledged(numbers["0"])) << "known already";
}

TEST(NatsTrack, NextRepeatedAndMissed) {
  Track trades;
  using Verdict = Track::Verdict;
  EXPECT_EQ(trades.message(5, true, true), Verdict::wait) << "what came before has to be asked for";
  EXPECT_TRUE(trades.waits());
  EXPECT_EQ(trades.state(5), Verdict::take);
  EXPECT_EQ(trades.message(5, true, true), Verdict::repeated);
  EXPECT_EQ(trades.message(6, true, true), Verdict::take);
  EXPECT_EQ(trades.message(9, true, true), Verdict::hole) << "each stands alone: the rest goes on";
  EXPECT_EQ(trades.missed(), 2U);
  EXPECT_EQ(trades.state(9), Verdict::repeated);
  EXPECT_EQ(trades.state(12), Verdict::hole);
  EXPECT_EQ(trades.missed(), 3U);

  Track book;
  EXPECT_EQ(book.message(1, false, true), Verdict::take) << "the first of all needs nothing";
  EXPECT_EQ(book.message(3, false, true), Verdict::wait) << "an update on top of an update that is missing";
  EXPECT_EQ(book.message(4, false, true), Verdict::wait);
  EXPECT_EQ(book.state(4), Verdict::hole);
  EXPECT_EQ(book.missed(), 3U);
  EXPECT_EQ(book.message(5, false, true), Verdict::take);
  EXPECT_EQ(book.message(8, true, true), Verdict::hole) << "a snapshot needs nothing before it";
}

TEST(NatsTrack, WhereNobodyAnswersWhatComesIsTaken) {
  using Verdict = Track::Verdict;
  Track log;
  EXPECT_EQ(log.message(7, false, false), Verdict::take) << "a log begins where it begins";
  EXPECT_EQ(log.message(9, false, false), Verdict::hole);
  EXPECT_EQ(log.missed(), 1U);
  Track unanswered;
  EXPECT_EQ(unanswered.message(7, true, true), Verdict::wait);
  unanswered.give_up();
  EXPECT_EQ(unanswered.message(8, true, true), Verdict::take);
  EXPECT_EQ(unanswered.message(10, false, true), Verdict::hole);
}

}  // namespace
}  // namespace bixws::nats
