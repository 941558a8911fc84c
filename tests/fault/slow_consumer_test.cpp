// SPDX-License-Identifier: Apache-2.0
// A client that may lose nothing and does not read, at the real server: what was half sent is finished, the backlog is
// dropped, 1013 slow_consumer is said, and two seconds later it is over; others notice nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

constexpr const char* kLossless =
    R"({"type":"subscribe","id":1,"channels":["trades","book","book:100"],"policy":"lossless"})";

class SlowConsumer : public testing::Test {
 protected:
  SlowConsumer() : server_(BIXWS_BINARY, options()) {
    const auto line = server_.wait_for_line("listening on (ws://\\S*)", Process::Output::err);
    if (!line) throw std::runtime_error("bixws serve does not listen: " + server_.err());
    url_ = (*line)[1];
  }
  static ProcessOptions options() {
    ProcessOptions made;
    made.args = {"serve", "--feed", "sim:rate=3000,seed=7,channels=trades+book", "--port", "0"};
    return made;
  }
  std::uint64_t metric(const std::string& name) const {
    const std::string body = http_get("http" + url_.substr(2) + "/metrics").body;
    std::smatch match;
    if (!std::regex_search(body, match, std::regex("\n" + name + " ([0-9]+)"))) return 0;
    return std::stoull(match[1]);
  }
  void subscribe(WsTestClient& client, const char* request = kLossless) const {
    ASSERT_TRUE(client.connect(url_));
    ASSERT_TRUE(client.send_text(request));
  }

  Process server_;
  std::string url_;
};

TEST_F(SlowConsumer, IsToldAndEndedWhileOthersMissNothing) {
  WsTestClient slow;
  WsTestClient deaf;
  subscribe(slow);
  subscribe(deaf);
  WsTestClient reader;
  subscribe(reader, R"({"type":"subscribe","id":1,"symbols":["BTCUSDT"],"channels":["trades"],"policy":"lossless"})");
  std::int64_t last = 0;
  const auto read_on = [&] {
    const auto text = reader.next_text();
    ASSERT_TRUE(text);
    const RawJson json = RawJson::parse_or_throw(*text);
    ASSERT_NE(json["type"].text(), "gap") << *text;
    if (json["type"].text() != "trades") return;
    const std::int64_t seq = json["seq"].integer().value_or(0);
    if (last != 0) {
      ASSERT_EQ(seq, last + 1);
    }
    last = seq;
  };
  for (int i = 0; metric("bixws_slow_consumers_total") < 2; ++i) {
    ASSERT_LT(i, 2000) << "nobody was found too slow";
    for (int j = 0; j < 50; ++j) read_on();
    if (HasFatalFailure()) return;
  }
  // What it finds when it reads at last: whole messages, and why nothing follows.
  EXPECT_TRUE(slow.wait_closed());
  EXPECT_EQ(slow.protocol_error(), "");
  EXPECT_EQ(slow.pending_bytes(), 0U) << "a message was cut off";
  EXPECT_EQ(slow.close_code(), 1013);
  EXPECT_EQ(slow.close_reason(), "slow_consumer");
  // The other one never reads, and is ended all the same.
  EXPECT_TRUE(wait_until([&] { return metric("bixws_clients") == 1; }));
  for (int j = 0; j < 100; ++j) read_on();
}

}  // namespace
}  // namespace bixws::test
