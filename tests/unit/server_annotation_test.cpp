// SPDX-License-Identifier: Apache-2.0
// Annotations are made, changed and removed by anybody, seen by everybody, and told to whoever comes later, as alerts
// are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/mark_book.h"
#include "support/live_server.h"
#include "support/raw_json.h"

namespace bixws::test {
namespace {

using testing::HasSubstr;

std::string next_of(WsTestClient& client, const std::string& type) {
  return client.next_text_that([&](const std::string& text) { return text.starts_with("{\"type\":\"" + type + "\""); })
      .value_or("<nothing>");
}

/// Subscribed to annotations and alerts, after the answer.
void watch(WsTestClient& client, const LiveServer& live, const std::string& symbols = {}) {
  ASSERT_TRUE(client.connect(live.url()));
  client.send_text(R"({"type":"subscribe","id":1,"channels":["annotations","alerts"])" + symbols + "}");
  ASSERT_NE(next_of(client, "subscribed"), "<nothing>");
}

class ServerAnnotation : public testing::Test {
 protected:
  void SetUp() override {
    live_.ticker(*live_.btc, "1", kT);
    live_.hub->drain();
    watch(viewer_, live_);
    ASSERT_TRUE(author_.connect(live_.url()));
  }

  LiveServer live_;
  WsTestClient viewer_;
  WsTestClient author_;
};

TEST_F(ServerAnnotation, WhatOneDrawsEverybodySeesAndTheAuthorIsAnswered) {
  author_.send_text(R"({"type":"annotate","id":"w1","symbol":"BTCUSDT","ts":1795372800000000,"price":50000.10,)"
                    R"("kind":"line","text":"support","points":[[1795372800000000,50000.10],[1795372860000000,50100]],)"
                    R"("color":"#00f"})");
  const std::string expected =
      R"({"type":"annotation","exchange":"acme","symbol":"BTCUSDT","id":"w1","ts":1795372800000000,)"
      R"("price":50000.10,"text":"support","kind":"line","points":[[1795372800000000,50000.10],)"
      R"([1795372860000000,50100]],"color":"#00f","recv_ts":1795372800000000})";
  EXPECT_EQ(next(viewer_), expected);
  EXPECT_EQ(next_of(author_, "annotation"), expected);  // not subscribed, and told what became of its request
}

TEST_F(ServerAnnotation, AnAuthorThatIsSubscribedIsToldOnce) {
  viewer_.send_text(R"({"type":"annotate","symbol":"BTCUSDT","text":"mine"})");
  viewer_.send_text(R"({"type":"ping","id":2})");
  const auto made = RawJson::parse_or_throw(next_of(viewer_, "annotation"));
  EXPECT_EQ(made["text"].text(), "mine");
  EXPECT_FALSE(made["id"].text().empty());
  EXPECT_EQ(made["ts"].integer(), kT);
  viewer_.send_text(R"({"type":"ping","id":3})");
  for (std::string text = next(viewer_); text.find("\"id\":3") == std::string::npos; text = next(viewer_)) {
    EXPECT_EQ(text, R"({"type":"pong","id":2,"ts":1795372800000000})");
  }
}

TEST_F(ServerAnnotation, AChangeTouchesOnlyWhatItNamesAndNullTakesAway) {
  author_.send_text(
      R"({"type":"annotate","id":"w1","symbol":"BTCUSDT","ts":1795372800000000,"price":5,"text":"a","kind":"note"})");
  author_.send_text(R"({"type":"annotate","id":"w1","symbol":"BTCUSDT","color":"red"})");
  author_.send_text(R"({"type":"annotate","id":"w1","symbol":"BTCUSDT","text":"b","price":null})");
  next(viewer_);
  auto changed = RawJson::parse_or_throw(next(viewer_));
  EXPECT_EQ(changed["text"].text(), "a");
  EXPECT_EQ(changed["color"].text(), "red");
  EXPECT_EQ(changed["price"].raw(), "5");
  changed = RawJson::parse_or_throw(next(viewer_));
  EXPECT_EQ(changed["text"].text(), "b");
  EXPECT_EQ(changed["kind"].text(), "note");
  EXPECT_EQ(changed["ts"].integer(), kT);
  EXPECT_FALSE(changed["price"].exists());
}

TEST_F(ServerAnnotation, WhoComesLaterIsToldOfThoseThatAreStillThere) {
  author_.send_text(R"({"type":"annotate","id":"one","symbol":"BTCUSDT","text":"1"})");
  author_.send_text(R"({"type":"annotate","id":"two","symbol":"BTCUSDT","text":"2"})");
  author_.send_text(R"({"type":"annotate","id":"three","symbol":"ETHUSDT","text":"3"})");
  author_.send_text(R"({"type":"annotate","id":"one","symbol":"BTCUSDT","delete":true})");
  const auto removed = RawJson::parse_or_throw(
      viewer_.next_text_that([](const std::string& text) { return text.find("\"deleted\"") != std::string::npos; })
          .value_or("null"));
  EXPECT_EQ(removed["id"].text(), "one");
  EXPECT_TRUE(removed["deleted"].is_true());
  WsTestClient late;
  watch(late, live_, R"(,"symbols":["BTCUSDT"])");
  late.send_text(R"({"type":"ping"})");
  EXPECT_THAT(next(late), HasSubstr(R"("id":"two")"));
  EXPECT_THAT(next(late), HasSubstr("\"pong\""));
}

TEST_F(ServerAnnotation, AlertsThatFiredAreToldLaterAsHistory) {
  Mark mark;
  mark.id = "above";
  mark.text = "BTCUSDT above 50000";
  mark.price = dec("50000.5");
  live_.publish(Event::alert(*live_.btc, kT + 5, kT + 4, mark));
  EXPECT_EQ(next(viewer_), R"({"type":"alert","exchange":"acme","symbol":"BTCUSDT","id":"above","ts":1795372800000004,)"
                           R"("price":50000.5,"text":"BTCUSDT above 50000","recv_ts":1795372800000005})");
  WsTestClient late;
  watch(late, live_);
  EXPECT_THAT(next(late), HasSubstr(R"("recv_ts":1795372800000005,"history":true})"));
  late.send_text(R"({"type":"history","id":9,"symbol":"BTCUSDT","channel":"alerts"})");
  const auto history = RawJson::parse_or_throw(next_of(late, "history"));
  ASSERT_EQ(history["data"].size(), 1U);
  EXPECT_EQ(history["data"][0]["id"].text(), "above");
}

TEST_F(ServerAnnotation, MistakesAreAnswered) {
  const auto refused = [&](const std::string& fields, const std::string& code, const std::string& what) {
    author_.send_text(R"({"type":"annotate",)" + fields + "}");
    const auto answer = RawJson::parse_or_throw(next_of(author_, "error"));
    EXPECT_EQ(answer["code"].text(), code) << fields;
    EXPECT_THAT(answer["message"].text(), HasSubstr(what)) << fields;
  };
  refused(R"("text":"x")", "bad_request", "symbol is missing");
  refused(R"("symbol":"NOPE","text":"x")", "unknown_symbol", "unknown symbol NOPE");
  refused(R"("symbol":"BTCUSDT","delete":true)", "bad_request", "delete needs the annotation's id");
  refused(R"("id":"ghost","symbol":"BTCUSDT","delete":true)", "bad_request",
          "there is no annotation ghost of BTCUSDT to delete");
  refused(R"("symbol":"BTCUSDT","points":[[1]])", "bad_request", "points must be a list of [ts,price]");
  refused(R"("symbol":"BTCUSDT","price":"high")", "bad_request", "price must be a number");
  refused(R"("symbol":"BTCUSDT","text":")" + std::string(2001, 'x') + '"', "too_large", "longer than 2000 bytes");
  refused(R"("id":")" + std::string(65, 'x') + R"(","symbol":"BTCUSDT")", "too_large", "id is longer than 64 bytes");
}

TEST(ServerMarkBook, KeepsSoManyAndTheOldestGoes) {
  Instruments instruments;
  const Instrument& instrument = instruments.get("acme", "BTCUSDT");
  server::MarkBook book;
  for (std::size_t i = 0; i < server::MarkBook::kMostAnnotations + 5; ++i) {
    const std::string id = "a" + std::to_string(i);
    Mark mark;
    mark.id = id;
    book.take(Event::annotation(instrument, kT, kT, mark));
    book.take(Event::alert(instrument, kT, kT, mark));
  }
  EXPECT_EQ(book.annotations().size(), server::MarkBook::kMostAnnotations);
  EXPECT_EQ(book.annotations().front().id, "a5");
  EXPECT_EQ(book.alerts().size(), server::MarkBook::kMostAlerts);
  EXPECT_TRUE(book.full());
  EXPECT_EQ(book.annotation("a4"), nullptr);
  EXPECT_NE(book.annotation("a1004"), nullptr);
}

TEST(ServerAnnotationBound, OneMoreThanThereIsRoomForIsRefused) {
  server::Options options;
  options.messages_per_second = 100'000;
  LiveServer live(std::move(options));
  live.ticker(*live.btc, "1", kT);
  WsTestClient author;
  ASSERT_TRUE(author.connect(live.url()));
  for (std::size_t i = 0; i <= server::MarkBook::kMostAnnotations; ++i) {
    author.send_text(R"({"type":"annotate","symbol":"BTCUSDT","text":"x"})");
  }
  const auto error = RawJson::parse_or_throw(next_of(author, "error"));
  EXPECT_EQ(error["code"].text(), "too_many");
  EXPECT_EQ(error["message"].text(), "more than 1000 annotations of BTCUSDT; delete some");
}

}  // namespace
}  // namespace bixws::test
