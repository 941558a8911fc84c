// SPDX-License-Identifier: Apache-2.0
// Answers to `history` as events: every channel's shape, digits as written, and what is no answer.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "feed/history_answer.h"
#include "model/batch.h"
#include "model/event_json.h"
#include "model/instruments.h"

namespace bixws::feed {
namespace {

class HistoryAnswer : public ::testing::Test {
 protected:
  std::string read(std::string_view channel, std::string_view data) {
    return read_history(R"({"type":"history","id":"x","exchange":"acme","symbol":"BTCUSDT","channel":")" +
                            std::string(channel) + R"(","data":[)" + std::string(data) + R"(],"more":true})",
                        parser_, batch_);
  }
  std::vector<std::string> messages() {
    std::vector<std::string> lines;
    for (const Event& event : batch_.events()) {
      TextBuffer text;
      append_message(text, event, "BTCUSDT");
      lines.push_back(text.str());
    }
    return lines;
  }

  Instruments instruments_;
  MessageParser parser_{instruments_};
  EventBatch batch_;
};

TEST_F(HistoryAnswer, TradesKeepTheirDigitsAndTimes) {
  EXPECT_EQ(read("trades", R"({"price":1.50,"size":0.10,"side":"buy","id":"7","ts":5,"recv_ts":6},)"
                           R"({"price":1.60,"size":2,"side":"sell","id":"8","ts":7,"recv_ts":9})"),
            "");
  ASSERT_EQ(batch_.size(), 2U);
  EXPECT_EQ(batch_.events()[0].trades().list[0].price.to_string(), "1.50");
  EXPECT_EQ(batch_.events()[0].recv_ts, 6);
  EXPECT_EQ(batch_.events()[1].trades().list[0].id, "8");
  EXPECT_EQ(batch_.events()[1].recv_ts, 9);
  EXPECT_EQ(batch_.events()[1].instrument, &instruments_.get("acme", "BTCUSDT"));
}

TEST_F(HistoryAnswer, CandlesAndMarks) {
  EXPECT_EQ(
      read("candles:5m", R"({"open_ts":300000000,"open":1,"high":2,"low":0.5,"close":1.0,"volume":3,"closed":true,)"
                         R"("recv_ts":4})"),
      "");
  EXPECT_EQ(read("annotations", R"({"id":"n","ts":1,"price":2,"text":"a \"b\"","kind":"line","recv_ts":3})"), "");
  ASSERT_EQ(batch_.size(), 2U);
  EXPECT_EQ(batch_.events()[0].candle().seconds, 300);
  EXPECT_EQ(batch_.events()[0].candle().close.to_string(), "1.0");
  EXPECT_EQ(batch_.events()[1].mark().text, "a \"b\"");
  EXPECT_THAT(messages(), testing::SizeIs(2));
}

TEST_F(HistoryAnswer, WhatCannotBeReadIsSaid) {
  EXPECT_EQ(read("trades", ""), "");
  EXPECT_NE(read("trades", R"({"price":1.50})"), "");
  EXPECT_NE(read("trades", R"({"price":)"), "");
  EXPECT_NE(read("candles:5x", R"({"open_ts":1})"), "");
  EXPECT_NE(read_history(R"({"type":"history","channel":"trades"})", parser_, batch_), "");
  EXPECT_NE(read_history("", parser_, batch_), "");
  EXPECT_TRUE(batch_.empty());
}

TEST(HistoryRequest, AnyTextIsQuoted) {
  EXPECT_EQ(history_request("a\"b", "BTC\\", "trades", 5),
            R"({"type":"history","id":"a\"b","symbol":"BTC\\","channel":"trades","limit":5})");
}

}  // namespace
}  // namespace bixws::feed
