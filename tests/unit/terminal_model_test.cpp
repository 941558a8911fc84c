// SPDX-License-Identifier: Apache-2.0
// The terminal's model, its keys, its painter and its numbers.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"
#include "support/fake_terminal.h"
#include "support/numbers.h"
#include "support/times.h"
#include "terminal/control.h"
#include "terminal/keys.h"
#include "terminal/numbers.h"
#include "terminal/painter.h"
#include "terminal/view.h"

namespace bixws::terminal {
namespace {

using test::dec;
using test::kSecond;
using test::kT;

TEST(TerminalNumbers, DigitsAreKeptAndColumnsLineUp) {
  EXPECT_EQ(fixed(dec("50000.10000000"), 2), "50000.10");
  EXPECT_EQ(fixed(dec("50000.12345678"), 2), "50000.12345678");
  EXPECT_EQ(fixed(dec("50000"), 2), "50000.00");
  EXPECT_EQ(fixed(dec("100"), 0), "100");
  EXPECT_EQ(fixed(dec("100.000"), 0), "100");
  EXPECT_EQ(fixed(Decimal{}, 2), "-");
  EXPECT_EQ(decimals_of(dec("0.00010")), 4);
  EXPECT_EQ(decimals_of(dec("120")), 0);
  EXPECT_EQ(difference(dec("50000.10"), dec("50000.1")).to_string(), "0.00");
  EXPECT_EQ(difference(dec("0.4511"), dec("0.45130")).to_string(), "-0.00020");
  EXPECT_FALSE(difference(dec("1"), Decimal{}).has_value());
  EXPECT_EQ(sum(dec("0.1"), dec("0.02")).to_string(), "0.12");
}

TEST(TerminalNumbers, ForTheEye) {
  EXPECT_EQ(percent(dec("2.501")), "+2.50%");
  EXPECT_EQ(percent(dec("-0.001")), "0.00%");
  EXPECT_EQ(compact(18234.112), "18.2K");
  EXPECT_EQ(compact(999.7), "1.00K");
  EXPECT_EQ(compact(98765432), "98.8M");
  EXPECT_EQ(compact(0.5), "0.500");
  EXPECT_EQ(compact(0), "0");
  EXPECT_EQ(age(59 * kSecond), "59s");
  EXPECT_EQ(age(3600 * kSecond), "60m");
  EXPECT_EQ(age(-5), "0s");
  EXPECT_EQ(delay(950), "950us");
  EXPECT_EQ(delay(12'345), "12ms");
  EXPECT_EQ(delay(1'234), "1.2ms");
  EXPECT_EQ(delay(3'400'000), "3.4s");
  EXPECT_EQ(clock_time(kT + 7'123'000, true), "18:40:07.123") << "UTC";
}

TEST(TerminalNumbers, Bars) {
  EXPECT_EQ(sparkline({1, 2, 3}, 3, true), U"▁▅█");
  EXPECT_EQ(sparkline({1, 2, 3}, 5, false), U"  _=#");
  EXPECT_EQ(sparkline({7, 7}, 2, true), U"▅▅") << "flat stands in the middle";
  EXPECT_EQ(range_bar(10, 20, 20, 5, false), U"----o");
  EXPECT_EQ(range_bar(10, 20, 25, 5, false), U"----o") << "beyond the range is at its end";
  EXPECT_EQ(solid_bar(0.5, 4, true), U"██");
  EXPECT_EQ(solid_bar(0.0001, 4, true), U"▏") << "something is never nothing";
  EXPECT_EQ(solid_bar(2, 4, false), U"####");
}

TEST(TerminalCells, Utf8AndWidths) {
  const auto decode = [](std::string_view text) {
    std::u32string out;
    while (!text.empty()) out += next_character(text);
    return out;
  };
  EXPECT_EQ(decode("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x9a\x80"), U"aé€🚀");
  EXPECT_EQ(decode("\xc0\xaf"), U"\uFFFD") << "overlong";
  EXPECT_EQ(decode("\xe2\x82"), U"\uFFFD");
  EXPECT_EQ(decode("\xff"
                   "a"),
            U"\uFFFDa");
  EXPECT_EQ(decode("\xed\xa0\x80"), U"\uFFFD") << "a surrogate";
  EXPECT_EQ(width_of("日本"), 4);
  Screen screen({4, 1});
  EXPECT_EQ(screen.text(0, 0, "日本語"), 4);
  EXPECT_EQ(screen.to_text(), "日本\n");
  screen.put(1, 0, U'x');
  EXPECT_EQ(screen.to_text(), " x本\n") << "half of a wide character goes as a whole";
}

TEST(TerminalPainter, AnyRunOfPicturesArrivesAndOnlyTheDifferenceIsSent) {
  const Size size{40, 6};
  Painter painter({true, Palette::indexed, true});
  test::FakeTerminal terminal(size.width, size.height);
  std::uint64_t random = 7;
  const auto roll = [&random](int below) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<int>((random >> 33U) % static_cast<std::uint64_t>(below));
  };
  Screen screen(size);
  const std::vector<std::string_view> words = {"BTC", "日本語", "50000.10", "▲", " ", "é"};
  for (int i = 0; i < 500; ++i) {
    for (int j = roll(4); j >= 0; --j) {
      screen.text(roll(42) - 1, roll(6), words[static_cast<std::size_t>(roll(6))],
                  {static_cast<Ink>(roll(6)), roll(2) == 0, roll(5) == 0});
    }
    terminal.write(painter.paint(screen));
    ASSERT_EQ(terminal.text(), screen.to_text()) << "picture " << i;
    EXPECT_EQ(painter.paint(screen), "") << "nothing changed, nothing is sent";
  }
  const std::size_t whole = Painter({true, Palette::indexed, true}).paint(screen).size();
  screen.put(3, 3, U'x');
  EXPECT_LT(painter.paint(screen).size(), 100U);
  painter.forget();
  EXPECT_EQ(painter.paint(screen).size() / 100, whole / 100);
}

TEST(TerminalPainter, NoColourMeansNoColour) {
  Screen screen({10, 1});
  screen.text(0, 0, "up", {Ink::up, true});
  screen.text(3, 0, "▲x", {Ink::down});
  const std::string plain = Painter({true, Palette::none, false}).paint(screen);
  EXPECT_EQ(plain.find("\x1b[0;1;3"), std::string::npos);
  EXPECT_EQ(plain.find(";3"), std::string::npos) << plain;
  EXPECT_NE(plain.find("?x"), std::string::npos) << "without UTF-8 nothing above ASCII is sent";
  const std::string colour = Painter({true, Palette::sixteen, true}).paint(screen);
  EXPECT_NE(colour.find(";32m"), std::string::npos);
}

TEST(TerminalCapabilities, FlagThenForceThenNoColorThenTerminal) {
  const auto palette = [](TerminalEnvironment e, ColorChoice choice = ColorChoice::automatic) {
    return detect_capabilities(e, choice).palette;
  };
  TerminalEnvironment e;
  e.term = "xterm-256color";
  EXPECT_EQ(palette(e), Palette::indexed);
  e.no_color = "1";
  EXPECT_EQ(palette(e), Palette::none);
  EXPECT_EQ(palette(e, ColorChoice::always), Palette::indexed);
  e.clicolor_force = "1";
  EXPECT_EQ(palette(e), Palette::indexed);
  EXPECT_EQ(palette(e, ColorChoice::never), Palette::none);
  TerminalEnvironment plain;
  plain.term = "screen";
  EXPECT_EQ(palette(plain), Palette::sixteen);
  plain.clicolor = "0";
  EXPECT_EQ(palette(plain), Palette::none);
  plain.term = "dumb";
  EXPECT_FALSE(detect_capabilities(plain, ColorChoice::automatic).full_screen);
  plain.term = "";
  EXPECT_FALSE(detect_capabilities(plain, ColorChoice::automatic).full_screen);
}

TEST(TerminalCapabilities, Utf8ComesFromTheStrongestLocaleVariable) {
  TerminalEnvironment e;
  e.term = "xterm";
  e.lang = "de_DE.UTF-8";
  EXPECT_TRUE(detect_capabilities(e, ColorChoice::automatic).utf8);
  e.lc_ctype = "C";
  EXPECT_FALSE(detect_capabilities(e, ColorChoice::automatic).utf8);
  e.lc_all = "C.utf8";
  EXPECT_TRUE(detect_capabilities(e, ColorChoice::automatic).utf8);
}

TEST(TerminalKeys, SequencesCutAnywhere) {
  const std::string bytes = "q\x1b[A\x1bOB\x1b[5~\x1b[1;5C\x1b[200~\xc3\xa9\t\r\x7f\x1b[[A/";
  const std::vector<Key> want = {{KeyCode::character, U'q'}, {KeyCode::up, 0},    {KeyCode::down, 0},
                                 {KeyCode::page_up, 0},      {KeyCode::right, 0}, {KeyCode::character, U'é'},
                                 {KeyCode::tab, 0},          {KeyCode::enter, 0}, {KeyCode::backspace, 0},
                                 {KeyCode::character, U'/'}};
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    KeyDecoder decoder;
    std::vector<Key> got;
    for (const std::string_view part : {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
      decoder.feed(part);
      while (const auto key = decoder.next(true)) got.push_back(*key);
    }
    EXPECT_EQ(got, want) << "cut at " << cut;
    EXPECT_FALSE(decoder.waiting());
  }
}

TEST(TerminalKeys, ALoneEscapeIsAKeyOnceNothingFollows) {
  KeyDecoder decoder;
  decoder.feed("\x1b");
  EXPECT_FALSE(decoder.next(true).has_value());
  EXPECT_TRUE(decoder.waiting());
  EXPECT_EQ(decoder.next(false), (Key{KeyCode::escape, 0}));
  decoder.feed("\x1b[999");
  EXPECT_FALSE(decoder.next(false).has_value()) << "half a sequence is not typed text";
  EXPECT_FALSE(decoder.waiting());
}

class TerminalModel : public ::testing::Test {
 protected:
  Instruments instruments;
  const Instrument& btc = instruments.get("binance", "BTCUSDT");
  const Instrument& xbt = instruments.get("kraken", "BTCUSD");
  Model model;
  Choices choices;

  void SetUp() override { model.set_link({LinkState::up, "ws://x", "", 0, 0}, kT); }
  void price(const Instrument& who, std::string_view value, Micros recv_ts, Micros now) {
    Ticker t;
    t.price = dec(value);
    const Event event = Event::of(who, recv_ts, recv_ts, t);
    model.apply({&event, 1}, now);
  }
  Command key(char32_t c) { return press({KeyCode::character, c}, choices, model, {80, 24}, kT); }
  Command type(std::string_view text) {
    Command last;
    while (!text.empty()) last = key(next_character(text));
    return last;
  }
};

TEST_F(TerminalModel, RowsGoByTheServersNames) {
  model.expect("BTCUSD");
  model.expect("BTCUSDT");
  model.set_plain_exchange("kraken");
  price(btc, "1", kT, kT);
  price(xbt, "2", kT, kT);
  ASSERT_EQ(model.rows().size(), 3U) << "binance is not the plain exchange here: BTCUSDT is still awaited";
  EXPECT_EQ(model.find("BTCUSD")->instrument, &xbt);
  EXPECT_EQ(model.find("binance:BTCUSDT")->instrument, &btc);
}

TEST_F(TerminalModel, ARemovedSymbolStaysAway) {
  price(btc, "1", kT, kT);
  price(xbt, "2", kT, kT);
  model.remove("BTCUSDT");
  price(btc, "3", kT, kT);
  price(xbt, "4", kT, kT);
  ASSERT_EQ(model.rows().size(), 1U);
  EXPECT_EQ(model.rows()[0].ticker.price.to_string(), "4");
  model.expect("BTCUSDT");
  price(btc, "5", kT, kT);
  EXPECT_EQ(model.find("BTCUSDT")->ticker.price.to_string(), "5");
}

TEST_F(TerminalModel, AfterAReconnectOldValuesAreStaleUntilTheyCameAgain) {
  price(btc, "1", kT, kT);
  price(xbt, "1", kT, kT);
  EXPECT_FALSE(model.stale(*model.find("BTCUSDT"), kT));
  model.set_link({LinkState::waiting, "ws://x", "reset", kT + 5, 0}, kT + 1);
  EXPECT_TRUE(model.stale(*model.find("BTCUSDT"), kT + 1));
  model.set_link({LinkState::up, "ws://x", "", 0, 0}, kT + 5);
  EXPECT_TRUE(model.stale(*model.find("BTCUSDT"), kT + 5));
  price(btc, "1", kT + 5, kT + 6);
  EXPECT_FALSE(model.stale(*model.find("BTCUSDT"), kT + 6));
  EXPECT_TRUE(model.stale(*model.find("BTCUSD"), kT + 6));
  EXPECT_TRUE(model.stale(*model.find("BTCUSDT"), kT + 6 + Model::kOld)) << "silence makes old";
}

TEST_F(TerminalModel, AgeInASnapshotIsCountedFromItsNewestValue) {
  Ticker t;
  t.price = dec("1");
  const Event events[] = {Event::of(btc, kT - 30 * kSecond, 0, t), Event::of(xbt, kT - 2 * kSecond, 0, t)};
  model.apply(events, kT);
  EXPECT_EQ(model.find("BTCUSDT")->updated_at, kT - 28 * kSecond);
  EXPECT_EQ(model.find("BTCUSD")->updated_at, kT);
  EXPECT_EQ(model.lag_us(), 2 * kSecond);
}

TEST_F(TerminalModel, AStaleFeedMakesItsSymbolsStaleOnly) {
  price(btc, "1", kT, kT);
  price(xbt, "1", kT, kT);
  Status s;
  s.state = FeedState::stale;
  const Event event = Event::of(instruments.get("kraken", ""), kT, 0, s);
  model.apply({&event, 1}, kT);
  EXPECT_FALSE(model.stale(*model.find("BTCUSDT"), kT));
  EXPECT_TRUE(model.stale(*model.find("BTCUSD"), kT));
  EXPECT_EQ(model.notice().text, "kraken stale");
}

TEST_F(TerminalModel, CandlesStandInOrderWhateverOrderTheyCameIn) {
  for (const int minute : {3, 1, 2, 3}) {
    Candle c;
    c.open_ts = minute * 60 * kSecond;
    c.close = Decimal::of(minute * 10);
    const Event event = Event::of(btc, kT, kT, c);
    model.apply({&event, 1}, kT);
  }
  const auto& candles = model.find("BTCUSDT")->candles.at(60);
  ASSERT_EQ(candles.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(candles[i].open_ts, static_cast<Micros>(i + 1) * 60 * kSecond);
}

TEST_F(TerminalModel, HistoryComesBeforeWhatIsKnownAndChangesNoneOfIt) {
  const auto candle = [&](EventBatch& into, int minute, int close, bool closed) {
    Candle c;
    c.seconds = 60;
    c.open_ts = minute * 60 * kSecond;
    c.close = Decimal::of(close);
    c.closed = closed;
    into.append(Event::of(btc, kT, kT, c));
  };
  const auto traded = [&](EventBatch& into, int number_of) {
    const Trade trade{Decimal::of(number_of), dec("1"), Side::buy, "1", 0};
    into.append(Event::of(btc, kT + number_of, 0, Trades{{&trade, 1}}));
  };
  EventBatch long_ago;  // until another view was looked at
  traded(long_ago, -9);
  model.apply(long_ago.events(), kT);
  model.ask_for_trades("BTCUSDT");
  EventBatch live;
  candle(live, 2, 20, false);
  candle(live, 3, 30, false);
  traded(live, 2);
  traded(live, 3);
  model.apply(live.events(), kT);
  const auto events = model.events();
  EventBatch candles;
  candle(candles, 1, 11, true);
  candle(candles, 2, 22, true);
  candle(candles, 3, 29, false);
  model.take_history(candles.events());
  EventBatch trades;  // with the first of the live ones
  for (const int i : {0, 1, 2}) traded(trades, i);
  model.take_history(trades.events());
  const Row& row = *model.find("BTCUSDT");
  std::vector<std::string> closes;
  for (const Candle& c : row.candles.at(60)) closes.push_back(c.close.to_string());
  EXPECT_EQ(closes, (std::vector<std::string>{"11", "22", "30"}))
      << "one that has closed since is whole in the history";
  std::vector<std::string> prices;
  for (const TradeLine& line : row.trades) prices.push_back(line.price.to_string());
  EXPECT_EQ(prices, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(model.events(), events) << "nothing new";
  model.forget_past();
  EXPECT_TRUE(row.trades.empty());
  EXPECT_TRUE(row.candles.empty());
}

TEST(TerminalTrend, CoversTheWholeTimeWatchedWithBoundedPoints) {
  Trend trend;
  for (int second = 0; second < 3600; ++second) trend.add(kT + second * kSecond, second);
  EXPECT_LE(trend.values().size(), 128U);
  EXPECT_GT(trend.values().size(), 60U);
  EXPECT_EQ(trend.values().back(), 3599);
  EXPECT_LT(trend.values().front(), 100);
  EXPECT_TRUE(std::is_sorted(trend.values().begin(), trend.values().end()));
  trend.add(kT, 1);
  EXPECT_EQ(trend.values().back(), 3599) << "an older value changes nothing";
  trend.add(kT + 100'000 * kSecond, 5);
  EXPECT_EQ(trend.values(), std::vector<double>{5}) << "after a jump of a day the old line means nothing";
}

TEST(TerminalRate, AveragesWholeSeconds) {
  RateMeter meter;
  for (int second = 0; second < 20; ++second) meter.add(kT + second * kSecond, 100);
  EXPECT_DOUBLE_EQ(meter.per_second(kT + 20 * kSecond), 100);
  EXPECT_DOUBLE_EQ(meter.per_second(kT + 22 * kSecond), 60);
  EXPECT_DOUBLE_EQ(meter.per_second(kT + 60 * kSecond), 0);
}

TEST_F(TerminalModel, SortFilterAndSelection) {
  for (const auto& [name, value] : {std::pair{"ADAUSDT", "0.5"}, {"ETHUSDT", "3000"}, {"SOLUSDT", "170"}}) {
    price(instruments.get("binance", name), value, kT, kT);
  }
  const auto labels = [&] {
    std::string out;
    for (const Row* row : rows_of(model, choices, kT)) out += row->label + " ";
    return out;
  };
  model.set_plain_exchange("binance");
  EXPECT_EQ(labels(), "ADAUSDT ETHUSDT SOLUSDT ");
  key(U's');
  key(U's');
  EXPECT_EQ(choices.sort, SortKey::price);
  EXPECT_EQ(labels(), "ETHUSDT SOLUSDT ADAUSDT ");
  key(U'S');
  EXPECT_EQ(labels(), "ADAUSDT SOLUSDT ETHUSDT ");
  EXPECT_EQ(selected_row(model, choices, kT)->label, "ADAUSDT");
  key(U'j');
  EXPECT_EQ(choices.selected, "SOLUSDT");
  key(U'S');
  EXPECT_EQ(selected_row(model, choices, kT)->label, "SOLUSDT") << "the selection stays with the symbol";
  type("/eth");
  EXPECT_EQ(labels(), "ETHUSDT ") << "a filter works while it is typed";
  press({KeyCode::enter, 0}, choices, model, {80, 24}, kT);
  EXPECT_EQ(choices.prompt, Prompt::none);
  press({KeyCode::escape, 0}, choices, model, {80, 24}, kT);
  EXPECT_EQ(labels(), "ETHUSDT SOLUSDT ADAUSDT ");
}

TEST_F(TerminalModel, KeysAsk) {
  price(btc, "1", kT, kT);
  EXPECT_EQ(key(U'q').kind, Command::Kind::quit);
  EXPECT_EQ(key(0x03).kind, Command::Kind::quit);
  type("aqeth-usdt");
  EXPECT_EQ(choices.input, "qeth-usdt") << "in a prompt letters are letters";
  const Command add = press({KeyCode::enter, 0}, choices, model, {80, 24}, kT);
  EXPECT_EQ(add.kind, Command::Kind::add);
  EXPECT_EQ(add.symbol, "qeth-usdt");
  const Command drop = key(U'd');
  EXPECT_EQ(drop.kind, Command::Kind::remove);
  EXPECT_EQ(drop.symbol, "BTCUSDT");
  EXPECT_EQ(key(U'r').kind, Command::Kind::refresh);
  EXPECT_EQ(key(U']').kind, Command::Kind::none) << "not a replay";
  key(U'3');
  EXPECT_EQ(choices.focus, View::book);
  key(U'?');
  EXPECT_TRUE(choices.help);
  EXPECT_EQ(key(U'q').kind, Command::Kind::none) << "any key closes the help";
  EXPECT_FALSE(choices.help);
  key(U' ');
  EXPECT_TRUE(choices.paused);
}

TEST_F(TerminalModel, KeysSteerAReplay) {
  ReplayPosition position{3, kT, 4, "playing"};
  Status s;
  s.replay = &position;
  const auto tell = [&] {
    const Event event = Event::of(instruments.get("binance", ""), kT, 0, s);
    model.apply({&event, 1}, kT);
  };
  tell();
  EXPECT_EQ(key(U' ').request, R"("action":"pause")");
  EXPECT_EQ(key(U']').request, R"("action":"speed","value":8)");
  EXPECT_EQ(key(U'[').request, R"("action":"speed","value":2)");
  EXPECT_EQ(key(U'.').request, R"("action":"step","value":1)");
  EXPECT_EQ(key(U'>').request, R"("action":"seek","value":1795372830000000)");
  EXPECT_EQ(press({KeyCode::left, 0}, choices, model, {80, 24}, kT).request,
            R"("action":"seek","value":1795372795000000)");
  EXPECT_EQ(press({KeyCode::right, 0}, choices, model, {80, 24}, kT).request,
            R"("action":"seek","value":1795372805000000)");
  EXPECT_EQ(key(U'1').request, R"("action":"speed","value":1)");
  EXPECT_EQ(key(U'9').request, R"("action":"speed","value":500)");
  EXPECT_EQ(key(U'0').request, R"("action":"speed","value":"max")");
  position.state = "paused";
  position.speed = 0;
  tell();
  EXPECT_EQ(key(U' ').request, R"("action":"resume")");
  EXPECT_EQ(key(U']').request, R"("action":"speed","value":"max")");
  EXPECT_EQ(model.lag_us(), kUnknown) << "recorded times say nothing about the delay now";
}

}  // namespace
}  // namespace bixws::terminal
