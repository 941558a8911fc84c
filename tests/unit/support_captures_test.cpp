// SPDX-License-Identifier: Apache-2.0
// The readers of capture formats: on small files of known content, then on the captures against their own README.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/captures.h"
#include "support/temp_dir.h"

namespace bixws::test {
namespace {

TEST(SupportCaptures, ReadsACryptofeedDump) {
  const TempDir dir;
  const auto file = dir.write("X.ws.1.0",
                              "wss://x.example/ws <-> 1633998511.159679\n"
                              "wss://x.example/ws <- 1633998511.2: {\"op\":\"subscribe\"}\n"
                              "1633998512.0633569: {\"a\": \"b: c\"}\n"
                              "1633998512: second\n"
                              "https://x.example/a?b=c: -> 1633998513.5: [1]\n"
                              "configuration: {}\n\n");
  const Capture capture = read_cryptofeed(file);
  EXPECT_EQ(capture.connects, std::vector<std::string>{"wss://x.example/ws"});
  ASSERT_EQ(capture.frames.size(), 2U);
  EXPECT_EQ(capture.frames[0].payload, "{\"a\": \"b: c\"}");
  EXPECT_EQ(capture.frames[0].time_us, 1633998512063356);
  EXPECT_EQ(capture.frames[1].time_us, 1633998512000000);
  ASSERT_EQ(capture.sends.size(), 1U);
  EXPECT_EQ(capture.sends[0].payload, "{\"op\":\"subscribe\"}");
  ASSERT_EQ(capture.rest.size(), 1U);
  EXPECT_EQ(capture.rest[0].body, "[1]");
}

TEST(SupportCaptures, RefusesWhatItDoesNotUnderstand) {
  const TempDir dir;
  EXPECT_THROW(read_cryptofeed(dir.write("a", "hello\n")), std::runtime_error);
  EXPECT_THROW(read_cryptofeed(dir.write("b", "wss://x.example ?? 1: a\n")), std::runtime_error);
  EXPECT_THROW(read_cryptofeed(dir / "missing"), std::runtime_error);
  EXPECT_THROW(read_cbcap(dir.write("c", "CBCAP2 kraken BTC/USD 1\n")), std::runtime_error);
  EXPECT_THROW(read_cbcap(dir.write("d", "CBCAP1 kraken BTC/USD 1\n5 100\nshort\n")), std::runtime_error);
  EXPECT_THROW(read_ndjson(dir.write("e", "{}\n{\n")), std::runtime_error);
}

TEST(SupportCaptures, CbcapTimesFromBootAreShiftedToTheHeadersStart) {
  const TempDir dir;
  const auto from_boot = read_capture(dir.write(
      "a.cbcap", "CBCAP1 kraken BTC/USD 1785552832693693000\n201603688723400 2\n{}\n201603688923400 3\n\n{}\n"));
  ASSERT_EQ(from_boot.frames.size(), 2U);
  EXPECT_EQ(from_boot.frames[0].time_us, 1785552832693693);
  EXPECT_EQ(from_boot.frames[1].time_us, 1785552832693893);
  EXPECT_EQ(from_boot.frames[1].payload, "\n{}");
  const auto from_epoch =
      read_capture(dir.write("b.cbcap", "CBCAP1 kraken BTC/USD 1785641750295158100\n1785641750532737400 2\n{}\n"));
  EXPECT_EQ(from_epoch.frames.at(0).time_us, 1785641750532737);
}

TEST(SupportCaptures, TrailingZeros) {
  EXPECT_EQ(without_trailing_zeros("0.35210000"), "0.3521");
  EXPECT_EQ(without_trailing_zeros("10.00"), "10");
  EXPECT_EQ(without_trailing_zeros("100"), "100");
}

// The counts that captures/README.md states.
TEST(SupportCaptures, TheCapturesHoldWhatTheirReadmeSays) {
  BIXWS_REQUIRE_CAPTURES();
  const Capture binance = read_capture(capture_path("cryptofeed/BINANCE.ws.1.0"));
  EXPECT_EQ(binance.frames.size(), 265U);
  EXPECT_EQ(binance.connects.size(), 1U);
  EXPECT_EQ(binance.rest.size(), 5U) << "exchangeInfo and four depth snapshots";
  ASSERT_TRUE(binance.rest_with("depth?symbol=LRCBTC"));
  EXPECT_EQ(RawJson::parse_or_throw(binance.rest_with("depth?symbol=LRCBTC")->body)["lastUpdateId"].integer(),
            259345543);
  const auto depth = std::count_if(binance.frames.begin(), binance.frames.end(), [](const CapturedFrame& frame) {
    return RawJson::parse_or_throw(frame.payload)["stream"].text().find("@depth") != std::string::npos;
  });
  EXPECT_EQ(depth, 177);

  const Capture coinbase = read_capture(capture_path("cryptofeed/COINBASE.ws.28.0"));
  EXPECT_EQ(coinbase.frames.size(), 9946U);
  EXPECT_EQ(coinbase.sends.size(), 3U);
  EXPECT_TRUE(coinbase.rest_with("/products"));
  const Capture okx = read_capture(capture_path("cryptofeed/OKX.ws.1.0"));
  EXPECT_EQ(okx.frames.size(), 410U);
  EXPECT_EQ(okx.rest.size(), 25U);
  EXPECT_EQ(read_capture(capture_path("kraken_btcusd_l2.cbcap")).frames.size(), 377U);
  EXPECT_EQ(read_capture(capture_path("kraken_btcusd_sample.cbcap")).frames.size(), 2104U);
  for (const Capture* capture : {&binance, &coinbase, &okx}) {
    EXPECT_TRUE(std::is_sorted(capture->frames.begin(), capture->frames.end(),
                               [](const auto& a, const auto& b) { return a.time_us < b.time_us; }));
  }

  const auto expected = read_expected("BINANCE");
  EXPECT_EQ(expected.back()["kind"].text(), "summary");
  EXPECT_EQ(expected.back()["messages"].integer(), 265);
}

}  // namespace
}  // namespace bixws::test
