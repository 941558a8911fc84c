// SPDX-License-Identifier: Apache-2.0
// Comparable lines, and a bare Out that notes what a dialect says without any checking in between.
#include "support/expected_lines.h"

#include <bixws/decimal_math.h>

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "market/book.h"
#include "model/symbol.h"
#include "support/captures.h"

namespace bixws::test {

namespace {

constexpr std::size_t kTop = 25;  // levels a side of a book_final line

std::string plain(const Decimal& number) {
  return number.has_value() ? without_trailing_zeros(number.to_string()) : "-";
}
std::string plain(const RawJson& value) { return value.exists() && !value.is_null() ? value.text() : "-"; }
std::string time_text(Micros ts) { return ts == 0 ? "-" : std::to_string(ts); }
std::string time_text(const RawJson& value) { return plain(value) == "0" ? "-" : plain(value); }

// BTC-USDT is BTCUSDT; what stands after '#' tells books of one symbol apart and is not part of its name.
// The oracle writes "?" for a frame that names no symbol.
std::string name_of_symbol(std::string_view text) {
  const std::string_view name = text.substr(0, text.find('#'));
  return name == "?" ? "" : symbol_key(name);
}

std::string join(std::initializer_list<std::string> parts) {
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : "|") + part;
  return line;
}

std::string levels_text(const RawJson& side) {
  std::string text;
  for (const RawJson& level : side.items()) text += " " + level[0].text() + "x" + level[1].text();
  return text;
}
std::string levels_text(const market::BookSide& side) {
  std::string text;
  for (std::size_t i = 0; i < side.size() && i < kTop; ++i)
    text += " " + plain(side[i].price) + "x" + plain(side[i].size);
  return text;
}
std::string book_line(std::string_view symbol, const market::Book& book) {
  return join({"book", name_of_symbol(symbol), levels_text(book.bids()), levels_text(book.asks()),
               std::to_string(book.bids().size()), std::to_string(book.asks().size())});
}

// `best_only`: a message of the book's top alone, without price and time, which the oracle calls bbo.
std::string ticker_line(std::string_view symbol, const Ticker& ticker, Micros ts, bool best_only) {
  if (best_only) {
    return join({"bbo", name_of_symbol(symbol), plain(ticker.bid), plain(ticker.bid_size), plain(ticker.ask),
                 plain(ticker.ask_size)});
  }
  return join({"ticker", name_of_symbol(symbol), plain(ticker.price), plain(ticker.bid), plain(ticker.ask),
               plain(ticker.open_24h), plain(ticker.high_24h), plain(ticker.low_24h), plain(ticker.volume_24h),
               plain(ticker.change_24h), time_text(ts)});
}

void trade_lines(std::string_view symbol, const Trades& trades, std::vector<std::string>& out) {
  for (const Trade& trade : trades.list) {
    const char* side = trade.side == Side::buy ? "buy" : trade.side == Side::sell ? "sell" : "-";
    out.push_back(join({"trade", name_of_symbol(symbol), plain(trade.price), plain(trade.size), side,
                        std::string(trade.id), time_text(trade.ts), trades.history ? "history" : "live"}));
  }
}

std::string candle_line(std::string_view symbol, const Candle& candle, Micros ts) {
  return join({"candle", name_of_symbol(symbol), std::to_string(candle.seconds / 60) + "m", time_text(candle.open_ts),
               plain(candle.open), plain(candle.high), plain(candle.low), plain(candle.close), plain(candle.volume),
               candle.closed ? "closed" : "open", time_text(ts)});
}

std::string line_of(const RawJson& line) {
  const std::string kind = line["kind"].text();
  const std::string symbol = name_of_symbol(line["symbol"].text());
  if (kind == "bbo") {
    return join(
        {kind, symbol, plain(line["bid"]), plain(line["bid_size"]), plain(line["ask"]), plain(line["ask_size"])});
  }
  if (kind == "ticker") {
    const RawJson& change = line["change_pct_exchange"].is_null() ? line["change_pct"] : line["change_pct_exchange"];
    return join({kind, symbol, plain(line["price"]), plain(line["bid"]), plain(line["ask"]), plain(line["open24h"]),
                 plain(line["high24h"]), plain(line["low24h"]), plain(line["volume24h"]), plain(change),
                 time_text(line["ts"])});
  }
  if (kind == "trade") {
    return join({kind, symbol, plain(line["price"]), plain(line["size"]), plain(line["side"]), plain(line["id"]),
                 time_text(line["ts"]), line["snapshot"].is_true() ? "history" : "live"});
  }
  if (kind == "candle") {
    return join({kind, symbol, plain(line["interval"]), time_text(line["start"]), plain(line["open"]),
                 plain(line["high"]), plain(line["low"]), plain(line["close"]), plain(line["volume"]),
                 line["closed"].is_true() ? "closed" : "open", time_text(line["ts"])});
  }
  if (kind == "book_final") {
    return join({"book", symbol, levels_text(line["bids"]), levels_text(line["asks"]), line["levels"][0].text(),
                 line["levels"][1].text()});
  }
  return "?" + std::string(line.raw());
}

// Notes what a dialect says. Books are kept apart by their depth, because one file may hold several of a symbol.
class Notes final : public Out {
 public:
  explicit Notes(const Traits& traits) : rest_(traits.snapshots == SnapshotSource::rest) {}

  void ticker(const Head& head, const Ticker& ticker) noexcept override {
    Ticker whole = ticker;
    if (!whole.change_24h.has_value()) whole.change_24h = percent_change(whole.price, whole.open_24h);
    const bool best_only = head.id != kNoId && head.ts == 0 && !ticker.price.has_value();
    lines.push_back(ticker_line(head.symbol, whole, head.ts, best_only));
    ++(best_only ? bbo : tickers);
  }
  void trades(const Head& head, const Trades& list) noexcept override {
    trade_lines(head.symbol, list, lines);
    trade_count += list.list.size();
  }
  void candle(const Head& head, const Candle& candle) noexcept override {
    lines.push_back(candle_line(head.symbol, candle, head.ts));
    ++candles;
  }
  void book(const Head& head, const BookUpdate& update) noexcept override {
    ++(update.action == BookAction::snapshot ? snapshots : updates);
    const auto key = std::pair(std::string(head.symbol), update.depth);
    if (update.action == BookAction::update && rest_ && !books.contains(key)) return;
    if (update.last != kNoId && ids[key] != 0 && update.action == BookAction::update && update.last <= ids[key]) return;
    BookChange change;
    change.action = update.action;
    change.depth = update.depth;
    change.bids = update.bids;
    change.asks = update.asks;
    books[key].apply(change);
    ids[key] = update.last == kNoId ? 0 : update.last;
  }
  void other(const Head&, const Event&) noexcept override {}
  void acknowledged(const Answer&) noexcept override { ++control; }
  void refused(const Answer&) noexcept override { ++control; }
  void alive() noexcept override { ++control; }
  void leaving(Text) noexcept override { ++control; }
  void reconnect(Text) noexcept override { ++control; }
  void condition(FeedState, Text) noexcept override { ++control; }
  void clock(Micros) noexcept override {}
  void trouble(const Trouble& trouble) noexcept override {
    ++troubles;
    if (trouble.channel == Channel::book) unreadable_books.insert(name_of_symbol(trouble.symbol));
  }
  void listed(const Listing&) noexcept override {}
  void more(Text) noexcept override {}

  std::vector<std::string> lines;
  std::map<std::pair<std::string, std::uint32_t>, market::Book> books;
  std::map<std::pair<std::string, std::uint32_t>, std::uint64_t> ids;
  std::set<std::string> unreadable_books;
  std::size_t trade_count = 0, tickers = 0, bbo = 0, candles = 0, snapshots = 0, updates = 0, control = 0, troubles = 0;

 private:
  bool rest_;
};

std::size_t count_in(const RawJson& summary, const char* name) {
  return static_cast<std::size_t>(summary[name].integer().value_or(0));
}

}  // namespace

std::vector<std::string> lines_of(const std::vector<RawJson>& expected) {
  std::vector<std::string> lines;
  for (const RawJson& line : expected) {
    if (line["kind"].text() != "summary") lines.push_back(line_of(line));
  }
  return lines;
}

std::vector<std::string> lines_of(const std::vector<const Event*>& events) {
  std::vector<std::string> lines;
  std::map<std::string, market::Book> books;
  for (const Event* event : events) {
    const Text symbol = event->instrument->symbol;
    switch (event->kind) {
      case Kind::ticker:
        lines.push_back(
            ticker_line(symbol, event->ticker(), event->ts, event->ts == 0 && !event->ticker().price.has_value()));
        break;
      case Kind::trades:
        trade_lines(symbol, event->trades(), lines);
        break;
      case Kind::candle:
        lines.push_back(candle_line(symbol, event->candle(), event->ts));
        break;
      case Kind::book:
        books[std::string(symbol)].apply(event->book());
        break;
      default:
        break;
    }
  }
  for (const auto& [symbol, book] : books) lines.push_back(book_line(symbol, book));
  return lines;
}

std::vector<std::string> digits_of(const Event& event) {
  std::vector<std::string> digits;
  const auto add = [&](const Decimal& number) {
    if (number.has_value()) digits.push_back(number.to_string());
  };
  switch (event.kind) {
    case Kind::book:
      for (const auto side : {event.book().bids, event.book().asks}) {
        for (const Level& level : side) {
          add(level.price);
          add(level.size);
        }
      }
      break;
    case Kind::trades:
      for (const Trade& trade : event.trades().list) {
        add(trade.price);
        add(trade.size);
      }
      break;
    case Kind::candle: {
      const Candle& c = event.candle();
      for (const Decimal& number : {c.open, c.high, c.low, c.close, c.volume}) add(number);
      break;
    }
    case Kind::ticker: {
      const Ticker& t = event.ticker();
      for (const Decimal& number : {t.price, t.bid, t.ask, t.bid_size, t.ask_size, t.open_24h, t.high_24h, t.low_24h,
                                    t.volume_24h, t.quote_volume_24h, t.change_24h}) {
        add(number);
      }
      break;
    }
    default:
      break;
  }
  return digits;
}

std::vector<std::string> examples_of(std::string_view prefix) {
  std::vector<std::string> names;
  if (!captures_present()) return names;
  for (const auto& entry : std::filesystem::directory_iterator(capture_path("examples"))) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(prefix) && name.ends_with(".ndjson")) names.push_back(name.substr(0, name.size() - 7));
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string example_test_name(const testing::TestParamInfo<std::string>& name) {
  std::string text = name.param;
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}

void expect_example(const std::string& name, std::unique_ptr<Dialect> dialect) {
  const Capture capture = read_capture(capture_path("examples/" + name + ".ndjson"));
  const auto expected = read_expected("examples/" + name);
  Notes notes(dialect->traits());
  std::string buffer;
  const auto padded = [&](const std::string& text) {
    buffer = text;
    buffer.append(kFramePadding, '\0');
    return Frame{{buffer.data(), text.size()}, 1};
  };
  const auto http = capture_path("examples/" + name + ".http");
  if (std::filesystem::exists(http)) {
    for (const auto& rest : read_cryptofeed(http).rest) {
      const auto at = rest.url.find("symbol=") + 7;
      dialect->read_snapshot(rest.url.substr(at, rest.url.find('&') - at), padded(rest.body), notes);
    }
  }
  for (const auto& frame : capture.frames) dialect->read(padded(frame.payload), notes);

  auto lines = notes.lines;
  for (const auto& [key, book] : notes.books) lines.push_back(book_line(key.first, book));
  auto wanted = lines_of(expected);
  // Of a book frame with one bad level the oracle keeps the levels before it; a dialect keeps none.
  std::erase_if(wanted, [&](const std::string& line) {
    return std::any_of(notes.unreadable_books.begin(), notes.unreadable_books.end(),
                       [&](const std::string& symbol) { return line.starts_with("book|" + symbol + "|"); });
  });
  std::sort(lines.begin(), lines.end());  // of books the order is nobody's business
  std::sort(wanted.begin(), wanted.end());
  EXPECT_EQ(lines, wanted);

  const RawJson& summary = expected.back();
  EXPECT_EQ(notes.trade_count, count_in(summary, "trades"));
  EXPECT_EQ(notes.candles, count_in(summary, "candles"));
  EXPECT_EQ(notes.tickers, count_in(summary, "tickers"));
  EXPECT_EQ(notes.bbo, count_in(summary, "bbo"));
  EXPECT_EQ(notes.updates, count_in(summary, "book_updates"));
  EXPECT_EQ(notes.control, count_in(summary, "control"));
  EXPECT_EQ(notes.troubles,
            count_in(summary, "errors") + count_in(summary, "unknown") + count_in(summary, "parse_failed"));
  // The oracle counts a snapshot before it finds that it cannot be read.
  const std::size_t snapshots = count_in(summary, "book_snapshots");
  EXPECT_EQ(notes.snapshots, snapshots - (notes.troubles > 0 ? std::min(snapshots, count_in(summary, "unknown")) : 0));
}

}  // namespace bixws::test
