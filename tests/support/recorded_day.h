// SPDX-License-Identifier: Apache-2.0
// A small sim recording in a folder of its own, and replays of it by the real binary.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "support/process.h"
#include "support/raw_json.h"
#include "support/ws_test_client.h"

namespace bixws::test {

class RecordedDay : public ::testing::Test {
 protected:
  static constexpr int kEvents = 2000;
  static constexpr std::int64_t kStart = 1795305600'000'000;  // 2026-11-22; an event a millisecond

  explicit RecordedDay(std::string binary) : binary_(std::move(binary)) {}

  void SetUp() override {
    const Finished recorded =
        run(binary_, options({"record", "BTCUSDT", "--feed",
                              "sim:rate=0,seed=7,start=2026-11-22T00:00:00Z,channels=ticker+trades+book,count=" +
                                  std::to_string(kEvents),
                              "-o", "day.db"}));
    ASSERT_EQ(recorded.exit, ExitStatus{}) << recorded.err;
  }

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }
  std::unique_ptr<Process> replay(std::vector<std::string> more) {
    std::vector<std::string> args = {"replay", "day.db", "--port", "0"};
    args.insert(args.end(), more.begin(), more.end());
    auto process = std::make_unique<Process>(binary_, options(std::move(args)));
    const auto listening = process->wait_for_line("listening on (ws://\\S+)", Process::Output::err);
    EXPECT_TRUE(listening) << process->err();
    url_ = listening ? (*listening)[1] : "";
    return process;
  }

  TempDir folder_;
  std::string url_;  // of the last replay()

 private:
  std::string binary_;
};

inline RawJson parsed(const std::optional<std::string>& text) { return RawJson::parse_or_throw(text.value_or("null")); }

inline RawJson next_of_type(WsTestClient& client, const std::string& type) {
  return parsed(client.next_text_that(
      [&](const std::string& text) { return text.find("\"type\":\"" + type + "\"") != std::string::npos; }));
}

/// Everything that comes up to the end, except statuses.
inline std::vector<std::string> messages(WsTestClient& client) {
  std::vector<std::string> all;
  while (auto text = client.next_text()) {
    if (text->find("\"type\":\"status\"") == std::string::npos) all.push_back(*std::move(text));
  }
  return all;
}

/// The numbers of the trades among them.
inline std::vector<std::int64_t> trade_numbers(const std::vector<std::string>& all) {
  std::vector<std::int64_t> numbers;
  for (const std::string& text : all) {
    const auto message = RawJson::parse_or_throw(text);
    if (message["type"].text() == "trades") numbers.push_back(message["seq"].integer().value_or(-1));
  }
  return numbers;
}
inline std::vector<std::int64_t> trade_numbers(WsTestClient& client) { return trade_numbers(messages(client)); }

inline void expect_all_from_one(const std::vector<std::int64_t>& numbers) {
  ASSERT_FALSE(numbers.empty());
  for (std::size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], static_cast<std::int64_t>(i) + 1);
}

}  // namespace bixws::test
