// SPDX-License-Identifier: Apache-2.0
// Picture: panels one below the other over one axis of time.
#include "chart/picture.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "chart/axis.h"
#include "chart/pen.h"
#include "model/event_json.h"
#include "model/time_text.h"

namespace bixws::chart {
namespace {

constexpr Color kPaper{0.075, 0.086, 0.11};
constexpr Color kGrid{1, 1, 1, 0.07};
constexpr Color kText{0.78, 0.8, 0.84};
constexpr Color kFaint{0.55, 0.58, 0.63};
constexpr Color kUp{0.16, 0.73, 0.55};
constexpr Color kDown{0.94, 0.33, 0.36};
constexpr Color kHole{0.96, 0.7, 0.2, 0.35};
constexpr Color kNote{0.98, 0.78, 0.3};
constexpr std::array<Color, 5> kLines{Color{0.35, 0.62, 1}, Color{0.98, 0.62, 0.24}, Color{0.78, 0.5, 0.96},
                                      Color{0.3, 0.82, 0.86}, Color{0.95, 0.5, 0.72}};

constexpr double kMargin = 14, kTitle = 44, kTimes = 26, kBetween = 10;

bool has_own_panel(IndicatorType type) { return type == IndicatorType::rsi || type == IndicatorType::macd; }

struct Extent {
  double low = 1e300, high = -1e300;
  void take(double value) {
    if (std::isnan(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  /// With some air, and never flat.
  void widen(double share) {
    const double air = high > low ? (high - low) * share : std::max(std::abs(high) * 1e-4, 1e-9);
    low -= air;
    high += air;
  }
};

class Chart {
 public:
  Chart(const Data& data, const PictureOptions& options)
      : data_(data), options_(options), pen_(options.format, options.width, options.height) {
    step_ = Micros{data.seconds} * 1'000'000;
    for (const Indicator& indicator : options.indicators) lines_.push_back(lines_of(indicator, data.bars));
  }

  std::string draw() {
    pen_.color(kPaper);
    pen_.fill(0, 0, options_.width, options_.height);
    lay_out();
    draw_times();
    draw_prices();
    draw_volumes();
    for (std::size_t i = 0; i < options_.indicators.size(); ++i) {
      if (has_own_panel(options_.indicators[i].type)) draw_panel(i);
    }
    draw_title();
    return pen_.finish();
  }

 private:
  struct Panel {
    double top = 0, height = 0;
  };

  void lay_out() {
    Extent prices;
    for (const Candle& bar : data_.bars) {
      prices.take(bar.low.to_double());
      prices.take(bar.high.to_double());
    }
    for (std::size_t i = 0; i < options_.indicators.size(); ++i) {
      if (has_own_panel(options_.indicators[i].type)) continue;
      for (const Line& line : lines_[i]) {
        for (const double value : line) prices.take(value);
      }
    }
    prices.widen(0.06);
    prices_ = {prices.low, prices.high, 0, 1};
    const auto below =
        static_cast<double>(std::count_if(options_.indicators.begin(), options_.indicators.end(),
                                          [](const Indicator& indicator) { return has_own_panel(indicator.type); }));
    const double room = options_.height - kTitle - kTimes - kBetween * (1 + below);
    const double unit = room / (6 + 1.6 + 1.8 * below);
    price_panel_ = {kTitle, 6 * unit};
    volume_panel_ = {kTitle + 6 * unit + kBetween, 1.6 * unit};
    next_panel_ = volume_panel_.top + volume_panel_.height + kBetween;
    panel_height_ = 1.8 * unit;
    prices_.top = price_panel_.top;
    prices_.bottom = price_panel_.top + price_panel_.height;
    double widest = 40;
    for (const Tick& tick : value_ticks(prices_.low, prices_.high, 8))
      widest = std::max(widest, pen_.text_width(tick.label));
    widest = std::max(widest, pen_.text_width(data_.bars.back().close.to_string()));
    right_ = options_.width - kMargin - widest - 12;
    times_ = {data_.bars.front().open_ts, data_.bars.back().open_ts + step_, kMargin, right_};
    slot_ = (right_ - kMargin) / static_cast<double>(times_.end - times_.begin) / static_cast<double>(step_);
  }

  void draw_times() {
    const double bottom = options_.height - kTimes;
    const int most = std::max(static_cast<int>((right_ - kMargin) / 90), 1);
    for (const Tick& tick : time_ticks(times_.begin, times_.end, most)) {
      const double x = times_.x(static_cast<Micros>(tick.at));
      pen_.color(kGrid);
      pen_.line(x, kTitle, x, bottom);
      pen_.color(kFaint);
      pen_.text(x, bottom + kTimes / 2, tick.label, x < kMargin + 20 ? 0 : 0.5, 11);
    }
    for (const Hole& hole : data_.holes) {
      const double from = std::clamp(times_.x(hole.from), kMargin, right_);
      const double to = std::clamp(times_.x(std::max(hole.to, hole.from)), kMargin, right_);
      if (hole.to < times_.begin || hole.from > times_.end) continue;
      pen_.color(kHole);
      pen_.hatch(from, kTitle, std::max(to - from, 2.0), bottom - kTitle);
      if (to - from < pen_.text_width(hole.reason, 11) + 8) continue;
      pen_.color(kNote);
      pen_.text((from + to) / 2, kTitle + 12, hole.reason, 0.5, 11);
    }
  }

  void draw_values(const ValueAxis& axis, int count) {
    for (const Tick& tick : value_ticks(axis.low, axis.high, count)) {
      const double y = axis.y(tick.at);
      pen_.color(kGrid);
      pen_.line(kMargin, y, right_, y);
      pen_.color(kFaint);
      if (y > axis.top + 5 && y < axis.bottom - 5) pen_.text(right_ + 8, y, tick.label);
    }
  }

  void draw_prices() {
    draw_values(prices_, std::max(static_cast<int>(price_panel_.height / 55), 2));
    pen_.clip(kMargin, price_panel_.top, right_ - kMargin, price_panel_.height);
    const double body = std::max(slot_ * 0.7, 1.0);
    for (const Candle& bar : data_.bars) {
      const double x = middle(bar);
      const double open = prices_.y(bar.open.to_double());
      const double close = prices_.y(bar.close.to_double());
      pen_.color(bar.close < bar.open ? kDown : kUp);
      pen_.line(x, prices_.y(bar.high.to_double()), x, prices_.y(bar.low.to_double()),
                std::clamp(slot_ * 0.12, 0.6, 2.0));
      pen_.fill(x - body / 2, std::min(open, close), body, std::max(std::abs(close - open), 1.0));
    }
    for (std::size_t i = 0; i < options_.indicators.size(); ++i) {
      if (has_own_panel(options_.indicators[i].type)) continue;
      for (std::size_t j = 0; j < lines_[i].size(); ++j) {
        Color color = kLines[i % kLines.size()];
        if (j > 0) color.alpha = 0.6;
        draw_line(lines_[i][j], prices_, color);
      }
    }
    draw_notes();
    pen_.unclip();
    const Candle& last = data_.bars.back();
    const double y = prices_.y(last.close.to_double());
    pen_.color(last.close < last.open ? kDown : kUp);
    pen_.fill(right_ + 3, y - 9, options_.width - right_ - 6, 18);
    pen_.color(kPaper);
    pen_.text(right_ + 8, y, last.close.to_string(), 0, 12, true);
  }

  void draw_notes() {
    for (const Note& note : data_.notes) {
      pen_.color(color_of(note.color, kNote));
      bool first = true;
      for (const Point& point : note.points) {
        if (!point.price.has_value()) continue;
        const double x = times_.x(point.ts);
        const double y = prices_.y(point.price.to_double());
        first ? pen_.move(x, y) : pen_.draw(x, y);
        first = false;
      }
      if (!first) pen_.stroke(1.5);
      if (note.ts < times_.begin || note.ts > times_.end || !note.points.empty()) continue;
      const double x = times_.x(note.ts);
      const double y = note.price.has_value() ? prices_.y(note.price.to_double()) - 4 : price_panel_.top + 24;
      pen_.triangle(x, y, 9);
      const double room = right_ - x - 10;
      const bool left = room < pen_.text_width(note.text, 11);
      pen_.text(left ? x - 8 : x + 8, y - 6, note.text, left ? 1 : 0, 11);
    }
  }

  void draw_volumes() {
    double most = 0;
    for (const Candle& bar : data_.bars) most = std::max(most, bar.volume.to_double());
    if (most <= 0) return;
    const ValueAxis axis{0, most * 1.05, volume_panel_.top, volume_panel_.top + volume_panel_.height};
    draw_values(axis, 2);
    const double body = std::max(slot_ * 0.7, 1.0);
    for (const Candle& bar : data_.bars) {
      Color color = bar.close < bar.open ? kDown : kUp;
      color.alpha = 0.55;
      pen_.color(color);
      const double y = axis.y(bar.volume.to_double());
      pen_.fill(middle(bar) - body / 2, y, body, axis.bottom - y);
    }
    pen_.color(kFaint);
    pen_.text(kMargin + 4, volume_panel_.top + 8, "Volume", 0, 11);
  }

  /// RSI or MACD.
  void draw_panel(std::size_t index) {
    const Indicator& indicator = options_.indicators[index];
    const double top = next_panel_;
    next_panel_ += panel_height_ + kBetween;
    Extent extent;
    if (indicator.type == IndicatorType::rsi) {
      extent = {0, 100};
    } else {
      for (const Line& line : lines_[index]) {
        for (const double value : line) extent.take(value);
      }
      if (extent.low > extent.high) extent = {-1, 1};
      extent.widen(0.1);
    }
    const ValueAxis axis{extent.low, extent.high, top, top + panel_height_};
    draw_values(axis, 2);
    if (indicator.type == IndicatorType::rsi) {
      pen_.color(kFaint);
      for (const double level : {30.0, 70.0}) pen_.line(kMargin, axis.y(level), right_, axis.y(level), 0.6);
    } else {
      draw_histogram(lines_[index][2], axis);
      draw_line(lines_[index][1], axis, kLines[1]);
    }
    draw_line(lines_[index][0], axis, kLines[0]);
    pen_.color(kFaint);
    pen_.text(kMargin + 4, top + 8, indicator.name, 0, 11);
  }

  void draw_histogram(const Line& line, const ValueAxis& axis) {
    const double body = std::max(slot_ * 0.5, 1.0);
    for (std::size_t i = 0; i < line.size(); ++i) {
      if (std::isnan(line[i])) continue;
      Color color = line[i] < 0 ? kDown : kUp;
      color.alpha = 0.5;
      pen_.color(color);
      const double y = axis.y(line[i]);
      pen_.fill(middle(data_.bars[i]) - body / 2, std::min(y, axis.y(0)), body, std::abs(y - axis.y(0)));
    }
  }

  /// Broken where a time has no candle.
  void draw_line(const Line& line, const ValueAxis& axis, const Color& color) {
    pen_.color(color);
    bool down = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const bool follows = i > 0 && data_.bars[i].open_ts - data_.bars[i - 1].open_ts == step_;
      if (std::isnan(line[i])) {
        down = false;
        continue;
      }
      const double x = middle(data_.bars[i]);
      const double y = axis.y(line[i]);
      down&& follows ? pen_.draw(x, y) : pen_.move(x, y);
      down = true;
    }
    pen_.stroke(1.4);
  }

  void draw_title() {
    TextBuffer timeframe;
    append_timeframe(timeframe, data_.seconds);
    pen_.color(kText);
    const std::string name = data_.symbol + "  " + timeframe.str();
    pen_.text(kMargin, 16, name, 0, 15, true);
    pen_.color(kFaint);
    const std::string span = data_.exchange + "  " + format_rfc3339(times_.begin) + " to " + format_rfc3339(times_.end);
    pen_.text(kMargin + pen_.text_width(name, 15) * 1.12 + 16, 16, span, 0, 12);
    double x = kMargin;
    for (std::size_t i = 0; i < options_.indicators.size(); ++i) {
      const Indicator& indicator = options_.indicators[i];
      if (has_own_panel(indicator.type)) continue;
      pen_.color(kLines[i % kLines.size()]);
      pen_.text(x, 34, indicator.name, 0, 12);
      x += pen_.text_width(indicator.name) + 16;
    }
  }

  [[nodiscard]] double middle(const Candle& bar) const { return times_.x(bar.open_ts + step_ / 2); }

  const Data& data_;
  const PictureOptions& options_;
  Pen pen_;
  Micros step_ = 0;
  std::vector<std::vector<Line>> lines_;  // by indicator
  ValueAxis prices_;
  TimeAxis times_;
  Panel price_panel_, volume_panel_;
  double next_panel_ = 0, panel_height_ = 0, right_ = 0, slot_ = 1;
};

}  // namespace

std::string draw_picture(const Data& data, const PictureOptions& options) { return Chart(data, options).draw(); }

}  // namespace bixws::chart
