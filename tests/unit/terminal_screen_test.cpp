// SPDX-License-Identifier: Apache-2.0
// Golden screens: a fixed market drawn at fixed sizes must look exactly as in fixtures/screens. BIXWS_UPDATE_GOLDEN=1
// rewrites them; look at the difference as at code.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "model/batch.h"
#include "model/instruments.h"
#include "support/numbers.h"
#include "support/times.h"
#include "terminal/control.h"
#include "terminal/view.h"

namespace bixws::terminal {
namespace {

using test::dec;
using test::kSecond;
using test::kT;

/// The market of all golden screens, and a hand on the terminal.
class TerminalScreen : public ::testing::Test {
 protected:
  Instruments instruments;
  Model model;
  Choices choices;
  Capabilities capabilities{true, Palette::indexed, true};
  Micros now = kT;

  const Instrument& symbol(std::string_view name, std::string_view exchange = "binance") {
    return instruments.get(exchange, name);
  }
  void apply(const Event& event, Micros at) { model.apply({&event, 1}, at); }

  struct Figures {
    std::string_view price, bid, ask, open, high, low, volume, change;
  };
  void ticker(const Instrument& who, const Figures& f, Micros at) {
    Ticker t;
    t.price = dec(f.price);
    t.bid = dec(f.bid);
    t.ask = dec(f.ask);
    t.open_24h = dec(f.open);
    t.high_24h = dec(f.high);
    t.low_24h = dec(f.low);
    t.volume_24h = dec(f.volume);
    t.change_24h = dec(f.change);
    apply(Event::of(who, at - 12'000, at - 60'000, t), at);
  }

  void connect() {
    model.set_plain_exchange("binance");
    model.set_link({LinkState::up, "ws://localhost:8765", "", 0, 0}, kT - 60 * kSecond);
  }

  void quotes() {
    for (int second = 0; second < 40; ++second) {
      const Micros at = kT - (41 - second) * kSecond;
      const double wave = std::sin(second / 5.0);
      const std::string btc = std::to_string(50000 + static_cast<int>(wave * 90)) + ".10000000";
      ticker(symbol("BTCUSDT"),
             {btc, "50000.00000000", "50000.10000000", "48780.00", "50210.00", "48500.00", "18234.11200", "2.501"}, at);
      const std::string eth = std::to_string(3000 - second) + ".55";
      ticker(symbol("ETHUSDT"), {eth, "2961.50", "2961.60", "3090.00", "3101.00", "2950.00", "402345.1", "-4.104"}, at);
    }
    ticker(symbol("BTCUSDT"),
           {"50012.40000000", "50012.30000000", "50012.40000000", "48780.00", "50210.00", "48500.00", "18234.11200",
            "2.501"},
           kT - 100'000);
    ticker(symbol("SOLUSDT"), {"171.93", "171.92", "171.93", "171.93", "177.00", "165.10", "5123456.2", "0.000"},
           kT - 4 * kSecond);
    ticker(symbol("ADAUSDT"), {"0.4512", "0.4511", "0.4513", "0.4402", "0.4600", "0.4390", "98765432", "2.4989"},
           kT - 2 * 60 * kSecond + 70 * kSecond);
    ticker(symbol("BTCUSD", "kraken"),
           {"50020.1", "50020.0", "50020.1", "48800.0", "50230.1", "48490.2", "1890.55", "2.5"}, kT - 2 * kSecond);
    model.expect("DOGEUSDT");
  }

  void tape() {
    for (int i = 0; i < 60; ++i) {
      const std::string price = std::to_string(50000 + i % 7) + ".10";
      const std::string size = "0." + std::to_string(10000 + i * 917 % 89999);
      const Micros ts = kT - (60 - i) * 333'333;
      const Trade trade{dec(price), dec(size), i % 3 == 0 ? Side::sell : Side::buy, "1", ts};
      apply(Event::of(symbol("BTCUSDT"), ts, ts, Trades{{&trade, 1}}), kT - 1000);
    }
  }

  void ladder(FeedState state = FeedState::live) {
    std::vector<Level> bids;
    std::vector<Level> asks;
    for (int i = 0; i < 30; ++i) {
      bids.push_back({Decimal::of(5001230 - i * 10, -2), Decimal::of(5120 + i * 731 % 4000, -4)});
      asks.push_back({Decimal::of(5001240 + i * 10, -2), Decimal::of(1200 + i * 977 % 5000, -4)});
    }
    BookChange change{BookAction::snapshot, state, 0, bids, asks};
    apply(Event::of(symbol("BTCUSDT"), kT - 5000, kT - 6000, change), kT - 1000);
  }

  void candles() {
    for (int i = 0; i < 90; ++i) {
      if (i >= 40 && i < 46) continue;  // the feed was down
      Candle c;
      c.open_ts = kT - kT % (60 * kSecond) - (89 - i) * 60 * kSecond;
      const auto price = [](double x) {
        return Decimal::of(static_cast<std::int64_t>((50000 + 80 * std::sin(x)) * 100), -2);
      };
      c.open = price(i / 9.0);
      c.close = price((i + 1) / 9.0);
      c.high = Decimal::of(static_cast<std::int64_t>(std::max(c.open, c.close).mantissa()) + 700 + i * 37 % 900, -2);
      c.low = Decimal::of(static_cast<std::int64_t>(std::min(c.open, c.close).mantissa()) - 700 - i * 53 % 900, -2);
      c.volume = Decimal::of(1000 + i * 7919 % 9000, -3);
      c.closed = i != 89;
      apply(Event::of(symbol("BTCUSDT"), c.open_ts, c.open_ts, c), kT - 1000);
    }
  }

  void status(const Instrument& who, FeedState state, std::string_view reason, Micros at) {
    Status s;
    s.state = state;
    s.reason = reason;
    apply(Event::of(who, at, 0, s), at);
  }

  Screen picture(int width, int height) { return draw({model, nullptr, choices, capabilities, now}, {width, height}); }

  static void compare(const Screen& screen, const std::string& name) {
    const auto path = std::filesystem::path(BIXWS_SOURCE_DIR) / "fixtures" / "screens" / (name + ".txt");
    const std::string got = screen.to_text() + "--- styles\n" + screen.to_styles();
    if (std::getenv("BIXWS_UPDATE_GOLDEN") != nullptr) {
      std::ofstream(path) << got;
      return;
    }
    std::ifstream file(path);
    std::stringstream want;
    want << file.rdbuf();
    EXPECT_EQ(got, want.str()) << path << " (BIXWS_UPDATE_GOLDEN=1 rewrites it)";
  }
};

TEST_F(TerminalScreen, TableAt80By24) {
  connect();
  quotes();
  compare(picture(80, 24), "table-80x24");
}

TEST_F(TerminalScreen, EverythingSideBySideAt200By50) {
  connect();
  quotes();
  tape();
  ladder();
  candles();
  choices.views = {View::table, View::chart, View::book, View::trades};
  compare(picture(200, 50), "all-200x50");
}

TEST_F(TerminalScreen, TableAt200By50) {
  connect();
  quotes();
  compare(picture(200, 50), "table-200x50");
}

TEST_F(TerminalScreen, DisconnectedValuesAreStale) {
  connect();
  quotes();
  model.set_link({LinkState::waiting, "ws://localhost:8765", "connection refused", kT + 2'400'000, 0}, kT);
  compare(picture(80, 24), "disconnected-80x24");
}

TEST_F(TerminalScreen, WithoutUtf8AndColour) {
  connect();
  quotes();
  tape();
  ladder();
  candles();
  capabilities = {true, Palette::none, false};
  choices.views = {View::table, View::chart, View::book, View::trades};
  const Screen screen = picture(160, 40);
  for (const char c : screen.to_text()) ASSERT_TRUE(static_cast<unsigned char>(c) < 0x80);
  compare(screen, "ascii-160x40");
}

TEST_F(TerminalScreen, TradesAt80By24) {
  connect();
  quotes();
  tape();
  choices.views = {View::trades};
  choices.focus = View::trades;
  compare(picture(80, 24), "trades-80x24");
}

TEST_F(TerminalScreen, BookAt80By24) {
  connect();
  quotes();
  ladder(FeedState::resyncing);
  choices.views = {View::book};
  choices.focus = View::book;
  compare(picture(80, 24), "book-80x24");
}

TEST_F(TerminalScreen, ChartAt80By24) {
  connect();
  quotes();
  candles();
  choices.views = {View::chart};
  choices.focus = View::chart;
  compare(picture(80, 24), "chart-80x24");
}

TEST_F(TerminalScreen, HelpFitsAt80By24) {
  connect();
  quotes();
  choices.help = true;
  compare(picture(80, 24), "help-80x24");
}

TEST_F(TerminalScreen, TroubleIsSaid) {
  connect();
  quotes();
  status(symbol(""), FeedState::down, "HTTP 451: not available where you are", kT - kSecond);
  Gap gap;
  gap.channel = Channel::trades;
  gap.client = true;
  gap.lost = 12;
  gap.reason = "slow consumer";
  apply(Event::of(symbol("ETHUSDT"), kT, 0, gap), kT - kSecond);
  gap.client = false;
  gap.reason = "sequence break";
  apply(Event::of(symbol("BTCUSDT"), kT, 0, gap), kT - kSecond);
  compare(picture(80, 24), "trouble-80x24");
}

TEST_F(TerminalScreen, NarrowTerminalsKeepSymbolAndPrice) {
  connect();
  quotes();
  const std::string text = picture(24, 6).to_text();
  EXPECT_NE(text.find("BTCUSDT"), std::string::npos) << text;
  EXPECT_NE(text.find("50012.4"), std::string::npos) << text;
  for (int width = 1; width < 240; width += 7) {
    for (int height = 1; height < 60; height += 5) {
      for (const View view : kViews) {
        choices.views = {view};
        choices.focus = view;
        picture(width, height);
      }
      choices.views = {View::table, View::book, View::trades, View::chart};
      picture(width, height);
    }
  }
}

TEST_F(TerminalScreen, NothingYet) {
  model.set_link({LinkState::connecting, "ws://localhost:8765", "", 0, 0}, kT);
  const std::string text = picture(80, 24).to_text();
  EXPECT_NE(text.find("waiting for data"), std::string::npos);
  EXPECT_NE(text.find("connecting"), std::string::npos);
}

TEST_F(TerminalScreen, AFlashEndsByItselfAndSaysWhen) {
  connect();
  quotes();
  // A falling price, reversed and bold.
  const auto flashing = [&] { return picture(80, 24).to_styles().find('-') != std::string::npos; };
  EXPECT_TRUE(flashing());
  const Micros next = next_change(model, now);
  EXPECT_EQ(next, kT - 100'000 + kFlash);
  now = next;
  EXPECT_FALSE(flashing());
  EXPECT_EQ(next_change(model, now) % kSecond, 0);
}

TEST_F(TerminalScreen, APausedScreenKeepsItsValuesButNotTheConnection) {
  connect();
  quotes();
  choices.paused = true;
  const Model frozen = model;
  ticker(symbol("SOLUSDT"), {"99.99", "99.98", "99.99", "171.93", "177.00", "99.00", "5123456.2", "-40"}, kT);
  model.set_link({LinkState::waiting, "ws://localhost:8765", "connection reset", kT + kSecond, 0}, kT);
  const std::string text = draw({model, &frozen, choices, capabilities, now}, {80, 24}).to_text();
  EXPECT_NE(text.find("171.93"), std::string::npos);
  EXPECT_EQ(text.find("99.99"), std::string::npos);
  EXPECT_NE(text.find("PAUSED +1"), std::string::npos) << text;
  EXPECT_NE(text.find("retry in 1s"), std::string::npos) << text;
}

TEST_F(TerminalScreen, AServersTextCannotSteerTheTerminal) {
  connect();
  status(symbol("BTC\x1b[2JUSDT"), FeedState::down, "\x1b]0;owned\x07\r\n\xc2\x9b\xe2\x80\xae", kT);
  const std::string text = picture(80, 24).to_text();
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_EQ(text.find("\xc2\x9b"), std::string::npos) << "the 8-bit form of ESC [";
  EXPECT_NE(text.find("\uFFFD]0;owned"), std::string::npos) << text;
}

}  // namespace
}  // namespace bixws::terminal
