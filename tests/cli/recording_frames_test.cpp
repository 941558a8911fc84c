// SPDX-License-Identifier: Apache-2.0
// record --raw: what went over the wire is in the recording, byte for byte, in both directions and in its order.
#include <gtest/gtest.h>
#include <signal.h>

#include <sstream>
#include <string>
#include <vector>

#include "support/captures.h"
#include "support/process.h"
#include "support/raw_json.h"
#include "support/standin_exchange.h"

namespace bixws::test {
namespace {

class RecordingFrames : public testing::Test {
 protected:
  TempDir folder_;

  ProcessOptions options(std::vector<std::string> args) const {
    ProcessOptions made;
    made.args = std::move(args);
    made.cwd = folder_.path();
    return made;
  }

  std::vector<RawJson> exported(const std::string& file) const {
    const Finished done = run(BIXWS_BINARY, options({"sessions", "export", file, "--frames"}));
    EXPECT_EQ(done.exit, ExitStatus{}) << done.err;
    std::vector<RawJson> frames;
    std::istringstream lines(done.out);
    for (std::string line; std::getline(lines, line);) frames.push_back(RawJson::parse_or_throw(line));
    return frames;
  }
};

std::vector<RawJson> of(const std::vector<RawJson>& frames, std::string_view direction) {
  std::vector<RawJson> some;
  for (const RawJson& frame : frames) {
    if (frame["direction"].text() == direction) some.push_back(frame);
  }
  return some;
}

TEST_F(RecordingFrames, TheWireIsKeptByteForByte) {
  BIXWS_REQUIRE_CAPTURES();
  const Capture capture = read_capture(capture_path("cryptofeed/BINANCE.ws.1.0"));
  StandinOptions standin_options;
  standin_options.start_symbols = 4;
  standin_options.at_end = StandinOptions::AtEnd::close;
  StandinExchange standin(capture, standin_options);
  Process record(BIXWS_BINARY,
                 options({"record", "NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR", "--raw", "--feed",
                          "binance:url=" + standin.ws_url() + ",rest=" + standin.rest_url(), "-o", "a.db", "--json"}));
  ASSERT_TRUE(standin.wait_ended()) << record.err();
  // The exchange hangs up at the end, and bixws comes back: then everything before has been seen.
  ASSERT_TRUE(wait_until([&] { return standin.connections().size() >= 2; }, Milliseconds(30'000))) << record.err();
  record.send_signal(SIGTERM);
  ASSERT_EQ(record.wait_exit(Milliseconds(30'000)), ExitStatus{}) << record.err();

  const auto frames = exported("a.db");
  std::vector<std::string> received;
  for (const RawJson& frame : of(frames, "received")) {
    const std::string text = frame["frame"].text();
    if (text.find("\"stream\"") != std::string::npos) received.push_back(text);
  }
  ASSERT_EQ(received.size(), capture.frames.size());
  for (std::size_t i = 0; i < received.size(); ++i) ASSERT_EQ(received[i], capture.frames[i].payload) << i;

  const auto connected = of(frames, "connected");
  ASSERT_GE(connected.size(), 2U);
  EXPECT_EQ(connected[0]["connection"].raw(), "1");
  EXPECT_EQ(connected[1]["connection"].raw(), "2");
  EXPECT_TRUE(connected[0]["url"].text().starts_with(standin.ws_url())) << connected[0]["url"].text();
  EXPECT_EQ(of(frames, "disconnected").size(), connected.size());
  ASSERT_FALSE(of(frames, "sent").empty());
  EXPECT_NE(of(frames, "sent")[0]["frame"].text().find("SUBSCRIBE"), std::string::npos);

  const auto rest = of(frames, "rest");
  ASSERT_GE(rest.size(), 5U);  // the list, and a snapshot of each book
  EXPECT_NE(rest[0]["url"].text().find("/api/v3/exchangeInfo"), std::string::npos);
  EXPECT_NE(rest[1]["url"].text().find("/api/v3/depth?symbol="), std::string::npos);
  EXPECT_TRUE(RawJson::parse(rest[1]["frame"].text()).has_value());

  // In order: nothing is sent or received on a connection before it is there, or after it has gone.
  std::string state = "none";
  for (const RawJson& frame : frames) {
    if (frame["connection"].raw() != "1") continue;
    const std::string direction = frame["direction"].text();
    if (direction == "connected") {
      EXPECT_EQ(state, "none");
      state = "up";
    } else if (direction == "disconnected") {
      EXPECT_EQ(state, "up");
      state = "gone";
    } else {
      EXPECT_EQ(state, "up") << direction;
    }
  }
  EXPECT_EQ(state, "gone");
}

TEST_F(RecordingFrames, WithoutRawThereAreNone) {
  const Finished record = run(BIXWS_BINARY, options({"record", "--feed", "sim:rate=0,count=50", "-o", "a.db"}));
  ASSERT_EQ(record.exit, ExitStatus{}) << record.err;
  EXPECT_TRUE(exported("a.db").empty());
}

}  // namespace
}  // namespace bixws::test
