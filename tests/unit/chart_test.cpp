// SPDX-License-Identifier: Apache-2.0
// Charts: candles from events, indicators against numbers worked out by hand, and pictures whose pixels are looked at.
#include <cairo.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "chart/axis.h"
#include "chart/builder.h"
#include "chart/indicators.h"
#include "chart/picture.h"
#include "model/config_error.h"
#include "model/instruments.h"

namespace bixws::chart {
namespace {

using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsNan;
using testing::SizeIs;

constexpr Micros kMinute = 60'000'000;
constexpr Micros kStart = 1'795'372'800'000'000;

Decimal decimal(std::string_view text) {
  Decimal value;
  EXPECT_EQ(parse_decimal(text, value), NumberError::none) << text;
  return value;
}

Candle candle(Micros minute, const char* open, const char* high, const char* low, const char* close, const char* volume,
              std::int32_t seconds = 60) {
  return {seconds,        kStart + minute * kMinute, decimal(open), decimal(high), decimal(low),
          decimal(close), decimal(volume),           true};
}

class ChartBuilder : public testing::Test {
 protected:
  void trade(Builder& builder, Micros ts, const char* price, const char* size, const char* symbol = "BTCUSDT") {
    const Trade made{decimal(price), decimal(size), Side::buy, "id", kStart + ts};
    builder.add(Event::of(instruments_.get("sim", symbol), kStart + ts, 0, Trades{{&made, 1}}));
  }
  static std::string shown(const Candle& bar) {
    std::string text = std::to_string((bar.open_ts - kStart) / kMinute);
    for (const Decimal* number : {&bar.open, &bar.high, &bar.low, &bar.close, &bar.volume})
      text += " " + number->to_string();
    return text;
  }
  Instruments instruments_;
};

TEST_F(ChartBuilder, MakesCandlesOfTradesAndLeavesQuietTimesOut) {
  Builder builder(parse_symbol("btc-usdt"), 60);
  trade(builder, 0, "10.0", "1");
  trade(builder, 1, "12.5", "2");
  trade(builder, 2, "9.5", "0.5");
  trade(builder, 3 * kMinute, "11", "4");
  trade(builder, 3, "1", "1", "ETHUSDT");
  const Data data = builder.take();
  ASSERT_THAT(data.bars, SizeIs(2));
  EXPECT_EQ(shown(data.bars[0]), "0 10.0 12.5 9.5 9.5 3.5");
  EXPECT_EQ(shown(data.bars[1]), "3 11 11 11 11 4");
  EXPECT_EQ(data.symbol, "BTCUSDT");
}

TEST_F(ChartBuilder, PrefersTheExchangesCandlesAndSumsFinerOnes) {
  Builder builder(parse_symbol("BTCUSDT"), 300);
  trade(builder, 0, "1", "1");
  const Instrument& btc = instruments_.get("sim", "BTCUSDT");
  for (const Candle& bar : {candle(0, "10", "11", "9", "10.5", "1"), candle(1, "10.5", "13", "10", "12", "2"),
                            candle(1, "10.5", "14", "10", "12.5", "3")}) {
    builder.add(Event::of(btc, kStart, 0, bar));
  }
  const Data data = builder.take();
  ASSERT_THAT(data.bars, SizeIs(1));
  EXPECT_EQ(shown(data.bars[0]), "0 10 14 9 12.5 4") << "the newest state of a minute counts, once";
}

TEST_F(ChartBuilder, KeepsHolesAndNotes) {
  Builder builder(parse_symbol("BTCUSDT"), 60);
  trade(builder, 0, "1", "1");
  Gap gap;
  gap.reason = "disconnect";
  gap.from_ts = kStart;
  gap.to_ts = kStart + kMinute;
  builder.add(Event::of(instruments_.get("sim", ""), kStart, 0, gap));
  gap.client = true;
  builder.add(Event::of(instruments_.get("sim", "BTCUSDT"), kStart, 0, gap));
  Mark mark;
  mark.text = "here";
  builder.add(Event::alert(instruments_.get("sim", "BTCUSDT"), kStart, kStart + 5, mark));
  const Data data = builder.take();
  ASSERT_THAT(data.holes, SizeIs(1));
  EXPECT_EQ(data.holes[0].reason, "disconnect");
  ASSERT_THAT(data.notes, SizeIs(1));
  EXPECT_EQ(data.notes[0].ts, kStart + 5);
}

TEST_F(ChartBuilder, NamesTheSymbolThatWasMeant) {
  Builder builder(parse_symbol("BTCUSDX"), 60);
  trade(builder, 0, "1", "1");
  try {
    (void)builder.take();
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "unknown symbol BTCUSDX; did you mean BTCUSDT?");
  }
}

TEST(Indicators, AreWhatATextbookSays) {
  const Line values{1, 2, 3, 4, 5, 4, 3};
  EXPECT_THAT(sma(values, 3), ElementsAre(IsNan(), IsNan(), 2, 3, 4, DoubleNear(13.0 / 3, 1e-12), 4));
  // Begun with the mean of the first three, weight 1/2 from there on.
  EXPECT_THAT(ema(values, 3), ElementsAre(IsNan(), IsNan(), 2, 3, 4, 4, 3.5));
  // Gains 1 1 | losses 0 0; then Wilder's smoothing by 1/2: gains .. 0.5 0.25, losses 0 .. 0.5 0.75.
  EXPECT_THAT(rsi(values, 2), ElementsAre(IsNan(), IsNan(), 100, 100, 100, 50, 25));
  EXPECT_THAT(rsi(Line{5, 5, 5, 5}, 2), ElementsAre(IsNan(), IsNan(), 50, 50));
}

TEST(Indicators, BandsAndDivergence) {
  std::vector<Candle> bars;
  for (int i = 0; i < 40; ++i) {
    const std::string price = std::to_string(100 + i);
    bars.push_back(candle(i, price.c_str(), price.c_str(), price.c_str(), price.c_str(), "1"));
  }
  const auto bands = lines_of(parse_indicator("bb:5:2"), bars);
  ASSERT_THAT(bands, SizeIs(3));
  EXPECT_DOUBLE_EQ(bands[0][4], 102);
  EXPECT_DOUBLE_EQ(bands[1][4], 102 + 2 * std::sqrt(2.0));  // of 100..104
  EXPECT_DOUBLE_EQ(bands[2][4], 102 - 2 * std::sqrt(2.0));
  // On a straight line an EMA lags by (count - 1) / 2: 12.5 - 5.5 between 26 and 12.
  const auto macd = lines_of(parse_indicator("macd"), bars);
  EXPECT_NEAR(macd[0][39], 7, 1e-9);
  EXPECT_NEAR(macd[1][39], 7, 1e-9);
  EXPECT_NEAR(macd[2][39], 0, 1e-9);
  EXPECT_THAT(macd[1][30], IsNan());
}

TEST(Indicators, AverageWeighedByVolumeBeginsAnewEachDay) {
  const Micros midnight = (86'400'000'000 - kStart % 86'400'000'000) / kMinute;
  const std::vector<Candle> bars{candle(midnight - 2, "10", "12", "8", "10", "1"),
                                 candle(midnight - 1, "20", "21", "19", "20", "3"),
                                 candle(midnight, "5", "5", "5", "5", "2")};
  EXPECT_THAT(vwap(bars), ElementsAre(10, 17.5, 5));
}

TEST(Indicators, AreRefusedWithWhatWasMeant) {
  const auto refusal = [](const char* text) {
    try {
      return parse_indicator(text).name;
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
  };
  EXPECT_EQ(refusal("sam:20"), "unknown indicator sam; did you mean sma?");
  EXPECT_EQ(refusal("sma:0"), "indicator sma:0: 0 is no number of candles from 1 to 10000");
  EXPECT_EQ(refusal("sma:2.5"), "indicator sma:2.5: 2.5 is no number of candles from 1 to 10000");
  EXPECT_EQ(refusal("vwap:5"), "indicator vwap:5 has too many numbers; vwap takes 0");
  EXPECT_EQ(refusal("bb:20:2.5"), "BB 20,2.5");
  EXPECT_EQ(refusal("macd"), "MACD 12,26,9");
}

TEST(Axis, HasRoundNumbersAndRoundTimes) {
  const auto labels = [](const std::vector<Tick>& ticks) {
    std::vector<std::string> all;
    for (const Tick& tick : ticks) all.push_back(tick.label);
    return all;
  };
  EXPECT_THAT(labels(value_ticks(49'987, 50'021, 4)), ElementsAre("49990", "50000", "50010", "50020"));
  EXPECT_THAT(labels(value_ticks(0.4511, 0.4524, 3)), ElementsAre("0.4515", "0.4520"));
  EXPECT_THAT(labels(time_ticks(kStart, kStart + 10 * kMinute, 3)), ElementsAre("18:40", "18:45", "18:50"));
}

struct Bytes {
  const std::string& all;
  std::size_t at = 0;
};
cairo_status_t read_some(void* closure, unsigned char* data, unsigned int length) {
  auto* bytes = static_cast<Bytes*>(closure);
  if (bytes->at + length > bytes->all.size()) return CAIRO_STATUS_READ_ERROR;
  std::memcpy(data, bytes->all.data() + bytes->at, length);
  bytes->at += length;
  return CAIRO_STATUS_SUCCESS;
}

/// Counts pixels of candles, which are strongly green or red, in columns of a PNG.
std::vector<int> candle_pixels(const std::string& png, int columns) {
  Bytes bytes{png};
  cairo_surface_t* surface = cairo_image_surface_create_from_png_stream(read_some, &bytes);
  EXPECT_EQ(cairo_surface_status(surface), CAIRO_STATUS_SUCCESS);
  std::vector<int> counts(static_cast<std::size_t>(columns), 0);
  const int width = cairo_image_surface_get_width(surface);
  for (int y = 0; y < cairo_image_surface_get_height(surface); ++y) {
    const unsigned char* row = cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface);
    for (int x = 0; x < width; ++x) {
      const unsigned char* pixel = row + 4 * x;  // blue, green, red
      const bool up = pixel[1] > 150 && pixel[2] < 90;
      const bool down = pixel[2] > 200 && pixel[1] < 110 && pixel[0] < 120;
      if (up || down) ++counts[static_cast<std::size_t>(x * columns / width)];
    }
  }
  cairo_surface_destroy(surface);
  return counts;
}

Data with_a_hole() {
  Data data;
  data.symbol = "BTCUSDT";
  data.exchange = "sim";
  for (int i = 0; i < 30; ++i) {
    if (i >= 10 && i < 20) continue;
    const bool up = i % 3 != 0;
    data.bars.push_back(candle(i, up ? "100" : "104", "106", "98", up ? "104" : "100", "5"));
  }
  data.holes.push_back({kStart + 10 * kMinute, kStart + 20 * kMinute, "disconnect"});
  data.notes.push_back({kStart + 5 * kMinute, decimal("105"), "here", "#ff8800", {}});
  return data;
}

TEST(Picture, ShowsAGapAsAGap) {
  PictureOptions options;
  options.format = Format::png;
  options.width = 900;
  options.height = 500;
  options.indicators = {parse_indicator("sma:3"), parse_indicator("rsi:5"), parse_indicator("macd:3:5:2")};
  const std::string png = draw_picture(with_a_hole(), options);
  // The plot is most of the width; the middle third of it has no candle, the outer thirds have.
  const auto counts = candle_pixels(png, 12);
  EXPECT_GT(counts[1], 100);
  EXPECT_GT(counts[2], 100);
  EXPECT_EQ(counts[5], 0);
  EXPECT_GT(counts[8], 100);
}

TEST(Picture, IsTheSameEachTimeAndValidSvg) {
  PictureOptions options;
  options.format = Format::png;
  // Not EXPECT_EQ, which would print two pictures. In SVG cairo numbers its surfaces through the process.
  EXPECT_TRUE(draw_picture(with_a_hole(), options) == draw_picture(with_a_hole(), options));
  options.format = Format::svg;
  const std::string svg = draw_picture(with_a_hole(), options);
  EXPECT_THAT(svg, testing::StartsWith("<?xml"));
  EXPECT_THAT(svg, testing::HasSubstr("<svg"));
  EXPECT_THAT(svg, testing::EndsWith("</svg>\n"));
}

TEST(Picture, OfOneFlatCandleIsDrawnToo) {
  Data data;
  data.symbol = "X";
  data.bars.push_back(candle(0, "1", "1", "1", "1", "0"));
  EXPECT_FALSE(draw_picture(data, {}).empty());
}

}  // namespace
}  // namespace bixws::chart
