// SPDX-License-Identifier: Apache-2.0
// feed_json: rules against the recorded Coinbase traffic, against messages of other shapes, and against a server.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "model/event_json.h"
#include "support/captures.h"
#include "support/dialect_run.h"
#include "support/expected_lines.h"
#include "support/feed_run.h"
#include "support/scripted_server.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string message_of(const Event& event) {
  TextBuffer out;
  append_message(out, event, event.instrument->symbol);
  return out.str();
}

class FeedJson : public testing::Test {
 protected:
  std::unique_ptr<Dialect> dialect(const std::string& rules) const {
    return load_dialect("json", {{"file", folder_.write("rules.json", rules).string()}});
  }
  /// What the plugin answers to a file of rules that it refuses.
  std::string refusal(const std::string& rules) const {
    try {
      dialect(rules);
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "accepted";
  }
  /// The messages that one frame becomes.
  std::vector<std::string> said(const std::string& rules, const std::string& frame, const std::string& id) const {
    DialectRun run(dialect(rules), "acme");
    run.intake().add(id, "BTCUSD");
    for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book}) {
      run.intake().want(*run.intake().find(id), channel, true);
    }
    run.frame(frame, 1'700'000'000'000'000);
    std::vector<std::string> lines;
    for (const Event* event : run.events()) {
      if (event->kind != Kind::status) lines.push_back(message_of(*event));
    }
    return lines;
  }

  TempDir folder_;
};

// The example of the documents says of a whole capture what the plugin made for that exchange says.
TEST_F(FeedJson, RulesForCoinbaseSayWhatThePluginSays) {
  BIXWS_REQUIRE_CAPTURES();
  const Capture capture = read_capture(capture_path("cryptofeed/COINBASE.ws.28.0"));
  const auto events_of = [&](std::unique_ptr<Dialect> dialect) {
    DialectRun run(std::move(dialect), "coinbase");
    std::set<std::string> ids;
    for (const auto& frame : capture.frames) {
      const std::string id = RawJson::parse_or_throw(frame.payload)["product_id"].text();
      if (!id.empty()) ids.insert(id);
    }
    for (const std::string& id : ids) run.intake().add(id, id);
    for (const std::string& id : ids) {
      for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book}) {
        run.intake().want(*run.intake().find(id), channel, true);
      }
    }
    for (const auto& frame : capture.frames) run.frame(frame.payload, frame.time_us);
    std::vector<std::string> lines;
    for (const Event* event : run.events()) lines.push_back(message_of(*event));
    return lines;
  };
  const auto theirs = events_of(load_dialect("coinbase"));
  const auto ours = events_of(load_dialect("json", {{"file", BIXWS_SOURCE_DIR "/examples/feeds/coinbase.json"}}));
  EXPECT_GT(theirs.size(), 9719U);
  EXPECT_EQ(ours, theirs);
}

TEST_F(FeedJson, ListsOfTradesWithTheSymbolInTheTopic) {
  const std::string rules = R"({"url":"ws://x","messages":[
      {"kind":"trades","when":{"/kind":"t","/v":2},"each":"/data","symbol":"^/topic","symbol_in":"trades.{symbol}@1",
       "price":"/0","size":"/1","side":"/2/s","buy":["0"],"time":"/3","id":"/4"}]})";
  EXPECT_THAT(said(rules,
                   R"({"kind":"t","v":2,"topic":"trades.btc-usd@1","data":[)"
                   R"([50000.10,"0.0400",{"s":0},1700000000123,17],[5e4,1,{"s":1},1700000000.5,"18"]]})",
                   "BTCUSD"),
              ElementsAre(R"({"type":"trades","exchange":"acme","symbol":"BTCUSD","seq":0,"data":[)"
                          R"({"price":50000.10,"size":0.0400,"side":"buy","id":"17","ts":1700000000123000,)"
                          R"("recv_ts":1700000000000000},)"
                          R"({"price":50000,"size":1,"side":"sell","id":"18","ts":1700000000500000,)"
                          R"("recv_ts":1700000000000000}]})"));
}

TEST_F(FeedJson, BooksOfObjectsAndTimesInEveryUnit) {
  const auto book_at = [&](const std::string& time) {
    const std::string rules = R"({"url":"ws://x","messages":[{"kind":"book","action":"snapshot","symbol":"BTCUSD",
        "bids":"/b~1s","asks":"/a","level_price":"/p","level_size":"/q","time":"/t"}]})";
    return said(rules, R"({"b/s":[{"p":"1.10","q":"2"}],"a":[],"t":)" + time + "}", "BTCUSD").at(0);
  };
  for (const char* time : {"1700000000", "1700000000.000", "1700000000000", "\"1700000000000000\"",
                           "1700000000000000000", "\"2023-11-14T22:13:20Z\""}) {
    const std::string line = book_at(time);
    EXPECT_THAT(line, HasSubstr(R"("bids":[[1.10,2]],"asks":[],"ts":1700000000000000)")) << time;
  }
  EXPECT_THAT(book_at("\"never\""), testing::Not(HasSubstr(R"("ts":)")));
}

TEST_F(FeedJson, WhatCannotBeReadIsAGapAndNotACrash) {
  const std::string rules = R"({"url":"ws://x","messages":[{"kind":"trades","when":{"/p":"*"},"symbol":"BTCUSD",
      "price":"/p","size":"/q"},{"kind":"ticker","symbol":"BTCUSD","price":"/last"}]})";
  EXPECT_THAT(said(rules, R"({"p":"1x","q":"1"})", "BTCUSD").at(0), HasSubstr("price \\\"1x\\\" is not a number"));
  EXPECT_THAT(said(rules, R"({"p":"1"})", "BTCUSD").at(0), HasSubstr("no size in the frame"));
  EXPECT_THAT(said(rules, R"({"p":"1","q":)", "BTCUSD").at(0), HasSubstr("broken JSON"));
  EXPECT_THAT(said(rules, "<html>", "BTCUSD").at(0), HasSubstr("not JSON"));
  EXPECT_THAT(said(rules, std::string(100'000, '['), "BTCUSD").at(0), HasSubstr("broken JSON"));
}

TEST_F(FeedJson, RequestsNameSymbolsWhereTheTemplateHasRoom) {
  DialectRun run(dialect(R"({"url":"ws://x","symbols":{"BTCUSD":"BTC-USD","ETHUSD":"ETH-USD"},
      "subscribe":{"trades":{"op":"sub","n":"{id}","args":["all","t.{lower}"],"more":[1.50,null,true]},
                   "book":{"op":"sub","name":"{symbol}"},"ticker":"hello"},
      "messages":[{"kind":"trades","symbol":"/s","price":"/p","size":"/q"},{"kind":"ticker","symbol":"/s"},
                  {"kind":"book","symbol":"/s","bids":"/b"}]})"));
  EXPECT_EQ(run.request(true, Channel::trades, {"BTC-USD", "ETH-USD"}, 7),
            R"({"op":"sub","n":7,"args":["all","t.btc-usd","t.eth-usd"],"more":[1.50,null,true]})");
  EXPECT_EQ(run.request(true, Channel::book, {"BTC-USD"}), R"({"op":"sub","name":"BTC-USD"})");
  EXPECT_EQ(run.request(true, Channel::ticker, {"BTC-USD"}), "hello");
  EXPECT_EQ(run.request(false, Channel::trades, {"BTC-USD"}), "");
  EXPECT_EQ(run.dialect().traits().limits.symbols_per_request, 1U) << "the book's request has room for one";
}

TEST_F(FeedJson, WrongRulesAreRefusedWithThePlace) {
  EXPECT_THAT(refusal("{"), HasSubstr("rules.json is not JSON"));
  EXPECT_THAT(refusal("{}"), HasSubstr("there are no \"messages\""));
  EXPECT_THAT(refusal(R"({"ulr":"ws://x"})"), HasSubstr("unknown \"ulr\"; did you mean url?"));
  const auto rule = [&](const std::string& fields) {
    return refusal(R"({"url":"ws://x","messages":[{"kind":"ignore"},{)" + fields + "}]}");
  };
  EXPECT_THAT(rule(R"("when":{})"), HasSubstr("messages[1] has no \"kind\""));
  EXPECT_THAT(rule(R"("kind":"trade")"), HasSubstr("messages[1].kind: unknown \"trade\"; did you mean trades?"));
  EXPECT_THAT(rule(R"("kind":"trades","symbol":"/s","price":"/p")"), HasSubstr("messages[1] has no \"size\""));
  EXPECT_THAT(rule(R"("kind":"trades","prise":"/p")"), HasSubstr("messages[1].prise; did you mean price?"));
  EXPECT_THAT(rule(R"("kind":"trades","price":"p")"), HasSubstr("\"p\" is no JSON pointer"));
  EXPECT_THAT(rule(R"("kind":"book","symbol":"/s")"), HasSubstr("messages[1] has no \"bids\""));
  EXPECT_THAT(refusal(R"({"messages":[{"kind":"ignore"}]})"), HasSubstr("has no \"url\", and url= is not given"));
}

// Over a real socket, by a script: subscribes, is acknowledged, brings trades, keeps the connection alive, and comes
// back after a loss, with a gap for what may be missing.
TEST_F(FeedJson, LivesOnAServer) {
  ScriptedServer server;
  const std::string rules = R"({"url":")" + server.url() + R"(","symbols":{"BTCUSD":"btc_usd","ETHUSD":"eth_usd"},
      "subscribe":{"trades":{"op":"sub","id":"{id}","args":["{symbol}"]}},
      "keep_alive":{"op":"ping"},"keep_alive_every":"100ms",
      "messages":[{"kind":"trades","when":{"/e":"trade"},"symbol":"/s","price":"/p","size":"/q","id":"/i"},
                  {"kind":"acknowledged","when":{"/ok":true},"id":"/id"},
                  {"kind":"refused","when":{"/ok":false},"id":"/id","text":"/why"},
                  {"kind":"ignore","when":{"/op":"pong"}}]})";
  const auto path = folder_.write("rules.json", rules).string();
  FeedRun run("json", {{"file", path}}, steady_config("acme", {"btc-usd", "ETHUSD", "ETHUSX"}));
  run.start();
  auto link = server.accept();
  ASSERT_TRUE(link);
  EXPECT_EQ(link->next_text(), R"({"op":"sub","id":1,"args":["btc_usd","eth_usd"]})");
  EXPECT_THAT(run.refusals(), ElementsAre("acme: unknown symbol ETHUSX; did you mean ETHUSD?"));
  link->send_text(R"({"ok":true,"id":1})");
  EXPECT_EQ(link->next_text(), R"({"op":"ping"})");
  link->send_text(R"({"op":"pong"})");
  link->send_text(R"({"e":"trade","s":"btc_usd","p":"1.50","q":"2","i":"a"})");
  ASSERT_TRUE(wait_until([&] { return run.figures().trades.get() == 1; }));
  EXPECT_EQ(run.view("BTCUSD").state, FeedState::live);

  link->drop();
  link = server.accept();
  ASSERT_TRUE(link);
  ASSERT_EQ(link->next_text(), R"({"op":"sub","id":1,"args":["btc_usd","eth_usd"]})");
  link->send_text(R"({"ok":true,"id":1})");
  // What was seen before the loss comes again and is told apart by its id.
  link->send_text(R"({"e":"trade","s":"btc_usd","p":"1.50","q":"2","i":"a"})");
  link->send_text(R"({"e":"trade","s":"btc_usd","p":"1.75","q":"1","i":"b"})");
  ASSERT_TRUE(wait_until([&] { return run.figures().trades.get() == 2; }));
  run.stop();
  EXPECT_EQ(run.figures().duplicates.get(), 1U);
  EXPECT_EQ(run.gaps("BTCUSD").size(), 1U);
  EXPECT_EQ(run.gaps("ETHUSD").size(), 1U);
  for (const auto& fault : run.figures().faults) EXPECT_EQ(fault.get(), 0U);
}

}  // namespace
}  // namespace bixws::test
