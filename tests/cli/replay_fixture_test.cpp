// SPDX-License-Identifier: Apache-2.0
// The fixture that users' tests get with the SDK, on a recording of ours.
#include <bixws/replay_fixture.h>

#include "support/raw_json.h"
#include "support/ws_test_client.h"

namespace bixws::test {
namespace {

class FixtureOnVersion1 : public ReplayTest {
 protected:
  ReplayProcess::Options replay_options() const override {
    ReplayProcess::Options options;
    options.recording = BIXWS_SOURCE_DIR "/fixtures/recordings/version-1.db";
    options.more = {"--speed", "max", "--session", "1"};
    options.program = BIXWS_BINARY;
    return options;
  }
};

TEST_F(FixtureOnVersion1, PlaysTheWholeSessionToItsClient) {
  WsTestClient client;
  ASSERT_TRUE(client.connect(url() + "/?channels=trades,book,ticker,candles:1m&policy=lossless"));
  std::map<std::string, int> types;
  while (const auto text = client.next_text()) ++types[RawJson::parse_or_throw(*text)["type"].text()];
  EXPECT_EQ(client.close_code(), 1000);
  EXPECT_EQ(replay().wait_exit(), 0) << replay().output();
  EXPECT_GT(types["trades"], 50);
  EXPECT_GT(types["book"], 50);
  EXPECT_GT(types["market_update"], 50);
}

TEST(ReplayProcessOfTheSdk, SaysWhyItCannotStart) {
  ReplayProcess::Options options;
  options.program = BIXWS_BINARY;
  options.recording = "/nowhere.db";
  try {
    ReplayProcess process(options);
    FAIL() << "it listens on " << process.url();
  } catch (const std::runtime_error& e) {
    EXPECT_NE(std::string(e.what()).find("/nowhere.db"), std::string::npos) << e.what();
  }
  options.program = "/nowhere/bixws";
  EXPECT_THROW(ReplayProcess{options}, std::runtime_error);
}

TEST_F(FixtureOnVersion1, EndsWithTheTestEvenIfNobodyCame) {}

}  // namespace
}  // namespace bixws::test
