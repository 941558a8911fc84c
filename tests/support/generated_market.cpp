// SPDX-License-Identifier: Apache-2.0
// A random walk with a deep book, in whole ticks; each venue writes down what changed in the part of it that it shows.
#include "support/generated_market.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <stdexcept>

namespace bixws::test {

namespace {

using Levels = std::map<std::int64_t, std::int64_t>;  // price in hundredths -> size in millionths

constexpr std::int64_t start_us = 1'795'000'000'000'000;

std::string decimal(std::int64_t value, int decimals) {
  std::string digits = std::to_string(value);
  if (digits.size() <= static_cast<std::size_t>(decimals)) digits.insert(0, decimals + 1 - digits.size(), '0');
  return digits.insert(digits.size() - static_cast<std::size_t>(decimals), ".");
}
std::string price_text(std::int64_t ticks) { return decimal(ticks, 2); }
std::string size_text(std::int64_t units) { return decimal(units, 6); }
std::string plain(const std::string& text) { return "\"" + without_trailing_zeros(text) + "\""; }
std::string quoted(const std::string& text) { return "\"" + text + "\""; }

struct Coin {
  const char* base;
  const char* quote;
  std::int64_t price;  // at the start
};
constexpr Coin coins[] = {{"BTC", "USDT", 6'512'345}, {"ETH", "USDC", 254'110}, {"SOL", "BTC", 12'050}};

// One instrument: the whole book, and the day's figures.
struct Instrument {
  std::string id;
  const Coin* coin = nullptr;
  Levels bids, asks;
  Levels shown_bids, shown_asks;  // what the venue has told so far
  std::int64_t last = 0, open = 0, high = 0, low = 0, volume = 0;
  std::int64_t trade_id = 0, update_id = 0;
  std::int64_t candle_start = 0, candle[4] = {}, candle_volume = 0;
};

struct Trade {
  std::int64_t price, size, id;
  bool buy;
  std::int64_t time_us;
};

// The best `depth` levels of a side.
Levels best(const Levels& side, bool bid, std::size_t depth) {
  if (side.size() <= depth) return side;
  const auto count = static_cast<std::ptrdiff_t>(depth);
  return bid ? Levels(std::prev(side.end(), count), side.end()) : Levels(side.begin(), std::next(side.begin(), count));
}

// What turns `before` into `after`; a level that is gone has size 0.
Levels difference(const Levels& before, const Levels& after) {
  Levels changes;
  for (const auto& [price, size] : before) {
    if (!after.contains(price)) changes[price] = 0;
  }
  for (const auto& [price, size] : after) {
    const auto old = before.find(price);
    if (old == before.end() || old->second != size) changes[price] = size;
  }
  return changes;
}

// [["27579.99","0.500000"],...], best first; a removed level is written "0".
std::string pairs(const Levels& levels, bool bid) {
  std::string text;
  const auto add = [&](const auto& level) {
    text += (text.empty() ? "[\"" : ",[\"") + price_text(level.first) + "\",\"" +
            (level.second == 0 ? "0" : size_text(level.second)) + "\"]";
  };
  if (bid) {
    std::for_each(levels.rbegin(), levels.rend(), add);
  } else {
    std::for_each(levels.begin(), levels.end(), add);
  }
  return "[" + text + "]";
}

class Market {
 public:
  explicit Market(std::uint64_t seed) : random_(seed) {
    for (const Coin& coin : coins) {
      Instrument& instrument = instruments.emplace_back();
      instrument.coin = &coin;
      instrument.last = instrument.open = instrument.high = instrument.low = coin.price;
      for (std::int64_t i = 1; i <= 120; ++i) {
        instrument.bids[coin.price - 3 * i] = size();
        instrument.asks[coin.price + 3 * i] = size();
      }
      instrument.trade_id = 2'290'000'000'000'000'000 + coin.price;
      instrument.update_id = 20'000'000 + coin.price;
    }
  }

  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  // 0.500000 now and then, so that trailing zeros count.
  std::int64_t size() { return below(5) == 0 ? 500'000 : 1 + static_cast<std::int64_t>(below(9'000'000)); }

  // Orders come, change and go, near the top more than elsewhere; both sides stay deep and never cross.
  void change_book(Instrument& instrument) {
    for (std::uint64_t n = 1 + below(4); n > 0; --n) {
      const bool bid = below(2) == 0;
      Levels& side = bid ? instrument.bids : instrument.asks;
      const Levels& other = bid ? instrument.asks : instrument.bids;
      const std::int64_t top = bid ? side.rbegin()->first : side.begin()->first;
      const auto away = static_cast<std::int64_t>(below(below(3) == 0 ? 200 : 12)) - 2;
      const std::int64_t price = bid ? top - away : top + away;
      if (bid ? price >= other.begin()->first : price <= other.rbegin()->first) continue;
      if (side.contains(price) && below(2) == 0 && side.size() > 100) {
        side.erase(price);
      } else {
        side[price] = size();
      }
    }
  }

  // A taker eats into the best level of the other side.
  Trade trade(Instrument& instrument, std::int64_t time_us) {
    const bool buy = below(2) == 0;
    Levels& side = buy ? instrument.asks : instrument.bids;
    const auto level = buy ? side.begin() : std::prev(side.end());
    const std::int64_t price = level->first;
    const std::int64_t size = std::min(level->second, this->size());
    level->second -= size;
    if (level->second == 0) side.erase(level);
    instrument.last = price;
    instrument.high = std::max(instrument.high, price);
    instrument.low = std::min(instrument.low, price);
    instrument.volume += size;
    instrument.trade_id += 1 + static_cast<std::int64_t>(below(3));
    return {price, size, instrument.trade_id, buy, time_us};
  }

  std::vector<Instrument> instruments;

 private:
  std::mt19937_64 random_;
};

class Writer {
 public:
  Writer(std::uint64_t seed, const char* name) : market_(seed) { traffic_.capture.name = name; }
  virtual ~Writer() = default;

  GeneratedTraffic write(std::size_t steps) {
    for (Instrument& instrument : market_.instruments) {
      instrument.id = id_of(*instrument.coin);
      traffic_.symbols.push_back(instrument.id);
    }
    begin();
    for (std::size_t step = 0; step < steps; ++step) {
      now_ += 1'000 * (1 + static_cast<std::int64_t>(market_.below(400)));
      Instrument& instrument = market_.instruments[market_.below(market_.instruments.size())];
      std::vector<Trade> trades;
      if (market_.below(3) == 0) {
        for (std::uint64_t n = 1 + market_.below(3); n > 0; --n) trades.push_back(market_.trade(instrument, now_));
      }
      market_.change_book(instrument);
      if (!trades.empty()) write_trades(instrument, trades);
      write_book(instrument, step);
      write_others(instrument, trades);
    }
    for (const Instrument& instrument : market_.instruments) expect_book(instrument);
    return std::move(traffic_);
  }

 protected:
  virtual std::string id_of(const Coin& coin) const = 0;
  virtual void begin() = 0;
  virtual void write_trades(Instrument& instrument, const std::vector<Trade>& trades) = 0;
  virtual void write_book(Instrument& instrument, std::size_t step) = 0;
  virtual void write_others(Instrument&, const std::vector<Trade>&) {}

  void frame(std::string text) { traffic_.capture.frames.push_back({now_, std::move(text), 0}); }
  void rest(std::string url, std::string body) {
    traffic_.capture.rest.push_back({now_, std::move(url), std::move(body)});
  }
  void expect(const std::string& line) { traffic_.expected.push_back(RawJson::parse_or_throw(line)); }
  std::string expected_head(const char* kind, const Instrument& instrument) const {
    return std::string(R"({"kind":")") + kind + R"(","symbol":")" + instrument.coin->base + "-" +
           instrument.coin->quote + "\",";
  }
  void expect_trade(const Instrument& instrument, const Trade& trade) {
    ++traffic_.trades;
    expect(expected_head("trade", instrument) + R"("price":)" + plain(price_text(trade.price)) + R"(,"size":)" +
           plain(size_text(trade.size)) + R"(,"side":")" + (trade.buy ? "buy" : "sell") + R"(","id":")" +
           std::to_string(trade.id) + R"(","ts":)" + std::to_string(trade.time_us) + "}");
  }
  // The 25 best and how many there are, of what the venue has told.
  void expect_book(const Instrument& instrument) {
    const auto side = [](const Levels& levels, bool bid) {
      std::string text;
      std::size_t count = 0;
      const auto add = [&](const auto& level) {
        if (count++ >= 25) return;
        text +=
            (text.empty() ? "[" : ",[") + plain(price_text(level.first)) + "," + plain(size_text(level.second)) + "]";
      };
      if (bid) {
        std::for_each(levels.rbegin(), levels.rend(), add);
      } else {
        std::for_each(levels.begin(), levels.end(), add);
      }
      return "[" + text + "]";
    };
    expect(expected_head("book_final", instrument) + R"("bids":)" + side(instrument.shown_bids, true) + R"(,"asks":)" +
           side(instrument.shown_asks, false) + R"(,"levels":[)" + std::to_string(instrument.shown_bids.size()) + "," +
           std::to_string(instrument.shown_asks.size()) + "]}");
  }

  Market market_;
  GeneratedTraffic traffic_;
  std::int64_t now_ = start_us;
};

// https://bybit-exchange.github.io/docs/v5/websocket/public
class BybitWriter final : public Writer {
 public:
  explicit BybitWriter(std::uint64_t seed) : Writer(seed, "generated bybit") {}

 private:
  std::string id_of(const Coin& coin) const override { return std::string(coin.base) + coin.quote; }

  // The instrument list comes in two pages.
  void begin() override {
    const auto entry = [](const Instrument& instrument) {
      return R"({"symbol":")" + instrument.id + R"(","baseCoin":")" + instrument.coin->base + R"(","quoteCoin":")" +
             instrument.coin->quote + R"(","innovation":"0","status":"Trading"})";
    };
    const std::string url = "https://api.bybit.com/v5/market/instruments-info?category=spot&limit=1000";
    const auto page = [&](const std::string& list, const std::string& cursor) {
      return R"({"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[)" + list + R"(],"nextPageCursor":")" +
             cursor + R"("},"retExtInfo":{},"time":)" + std::to_string(now_ / 1000) + "}";
    };
    rest(url, page(entry(market_.instruments[0]) + "," + entry(market_.instruments[1]), "page2"));
    rest(url + "&cursor=page2", page(entry(market_.instruments[2]), ""));
    for (Instrument& instrument : market_.instruments) write_snapshot(instrument, instrument.update_id);
  }

  void book_frame(const Instrument& instrument, const char* type, const Levels& bids, const Levels& asks) {
    frame(R"({"topic":"orderbook.50.)" + instrument.id + R"(","ts":)" + std::to_string(now_ / 1000) + R"(,"type":")" +
          type + R"(","data":{"s":")" + instrument.id + R"(","b":)" + pairs(bids, true) + R"(,"a":)" +
          pairs(asks, false) + R"(,"u":)" + std::to_string(instrument.update_id) + R"(,"seq":)" +
          std::to_string(now_ / 100) + R"(},"cts":)" + std::to_string(now_ / 1000 - 3) + "}");
  }

  void write_snapshot(Instrument& instrument, std::int64_t id) {
    instrument.update_id = id;
    instrument.shown_bids = best(instrument.bids, true, 50);
    instrument.shown_asks = best(instrument.asks, false, 50);
    book_frame(instrument, "snapshot", instrument.shown_bids, instrument.shown_asks);
    ++traffic_.book_snapshots;
  }

  // Now and then a snapshot that nobody asked for, and once in a long while a restart of the service: u is 1.
  void write_book(Instrument& instrument, std::size_t step) override {
    if (step % 97 == 96) return write_snapshot(instrument, step % 194 == 193 ? 1 : instrument.update_id + 1);
    const Levels bids = best(instrument.bids, true, 50);
    const Levels asks = best(instrument.asks, false, 50);
    const Levels changed_bids = difference(instrument.shown_bids, bids);
    const Levels changed_asks = difference(instrument.shown_asks, asks);
    if (changed_bids.empty() && changed_asks.empty()) return;
    ++instrument.update_id;
    instrument.shown_bids = bids;
    instrument.shown_asks = asks;
    book_frame(instrument, "delta", changed_bids, changed_asks);
    ++traffic_.book_updates;
  }

  void write_trades(Instrument& instrument, const std::vector<Trade>& trades) override {
    std::string list;
    for (const Trade& trade : trades) {
      list += (list.empty() ? "" : ",") + (R"({"i":")" + std::to_string(trade.id)) + R"(","T":)" +
              std::to_string(trade.time_us / 1000) + R"(,"p":")" + price_text(trade.price) + R"(","v":")" +
              size_text(trade.size) + R"(","S":")" + (trade.buy ? "Buy" : "Sell") + R"(","s":")" + instrument.id +
              R"(","BT":false,"RPI":false})";
      expect_trade(instrument, {trade.price, trade.size, trade.id, trade.buy, trade.time_us / 1000 * 1000});
    }
    frame(R"({"topic":"publicTrade.)" + instrument.id + R"(","ts":)" + std::to_string(now_ / 1000) +
          R"(,"type":"snapshot","data":[)" + list + "]}");
  }

  void write_others(Instrument& instrument, const std::vector<Trade>& trades) override {
    if (trades.empty()) return;
    write_ticker(instrument);
    write_kline(instrument, trades);
  }

  void write_ticker(Instrument& instrument) {
    const std::string ratio = "0.0125";
    frame(R"({"topic":"tickers.)" + instrument.id + R"(","ts":)" + std::to_string(now_ / 1000) +
          R"(,"type":"snapshot","cs":)" + std::to_string(now_ / 100) + R"(,"data":{"symbol":")" + instrument.id +
          R"(","lastPrice":")" + price_text(instrument.last) + R"(","highPrice24h":")" + price_text(instrument.high) +
          R"(","lowPrice24h":")" + price_text(instrument.low) + R"(","prevPrice24h":")" + price_text(instrument.open) +
          R"(","volume24h":")" + size_text(instrument.volume) +
          R"(","turnover24h":"6905439.32558533","price24hPcnt":")" + ratio + R"(","usdIndexPrice":""}})");
    expect(expected_head("ticker", instrument) + R"("price":)" + plain(price_text(instrument.last)) +
           R"(,"bid":null,"ask":null,"open24h":)" + plain(price_text(instrument.open)) + R"(,"high24h":)" +
           plain(price_text(instrument.high)) + R"(,"low24h":)" + plain(price_text(instrument.low)) +
           R"(,"volume24h":)" + plain(size_text(instrument.volume)) +
           R"(,"change_pct":"1.25","change_pct_exchange":"1.25","ts":)" + std::to_string(now_ / 1000 * 1000) + "}");
  }

  void write_kline(Instrument& instrument, const std::vector<Trade>& trades) {
    const std::int64_t minute = now_ / 60'000'000 * 60'000'000;
    if (instrument.candle_start != 0 && instrument.candle_start != minute) kline(instrument, true);
    if (instrument.candle_start != minute) {
      instrument.candle_start = minute;
      instrument.candle_volume = 0;
      for (std::int64_t& figure : instrument.candle) figure = trades.front().price;
    }
    for (const Trade& trade : trades) {
      instrument.candle[1] = std::max(instrument.candle[1], trade.price);
      instrument.candle[2] = std::min(instrument.candle[2], trade.price);
      instrument.candle[3] = trade.price;
      instrument.candle_volume += trade.size;
    }
    kline(instrument, false);
  }

  void kline(const Instrument& instrument, bool closed) {
    const char* names[] = {"open", "high", "low", "close"};
    std::string figures;
    std::string wanted;
    for (std::size_t i = 0; i < 4; ++i) {
      figures += quoted(names[i]) + ":" + quoted(price_text(instrument.candle[i])) + ",";
      wanted += quoted(names[i]) + ":" + plain(price_text(instrument.candle[i])) + ",";
    }
    const std::string confirmed = closed ? "true" : "false";
    frame(R"({"topic":"kline.1.)" + instrument.id + R"(","data":[{"start":)" +
          std::to_string(instrument.candle_start / 1000) + R"(,"end":)" +
          std::to_string(instrument.candle_start / 1000 + 59'999) + R"(,"interval":"1",)" + figures + R"("volume":")" +
          size_text(instrument.candle_volume) + R"(","turnover":"34666.4005","confirm":)" + confirmed +
          R"(,"timestamp":)" + std::to_string(now_ / 1000) + R"(}],"ts":)" + std::to_string(now_ / 1000) +
          R"(,"type":"snapshot"})");
    expect(expected_head("candle", instrument) + R"("interval":"1m","start":)" +
           std::to_string(instrument.candle_start) + "," + wanted + R"("volume":)" +
           plain(size_text(instrument.candle_volume)) + R"(,"closed":)" + confirmed + R"(,"ts":)" +
           std::to_string(now_ / 1000 * 1000) + "}");
  }
};

// https://www.bitstamp.net/websocket/v2, https://www.bitstamp.net/api
class BitstampWriter final : public Writer {
 public:
  explicit BitstampWriter(std::uint64_t seed) : Writer(seed, "generated bitstamp") {}

 private:
  std::string id_of(const Coin& coin) const override {
    std::string id = std::string(coin.base) + coin.quote;
    std::transform(id.begin(), id.end(), id.begin(), [](unsigned char c) { return std::tolower(c); });
    return id;
  }

  std::string stamps() const {
    return R"("timestamp":")" + std::to_string(now_ / 1'000'000) + R"(","microtimestamp":")" + std::to_string(now_) +
           "\"";
  }

  void begin() override {
    std::string markets;
    for (Instrument& instrument : market_.instruments) {
      const Coin& coin = *instrument.coin;
      markets += (markets.empty() ? "" : ",") + (R"({"name":")" + std::string(coin.base)) + "/" + coin.quote +
                 R"(","market_symbol":")" + instrument.id + R"(","base_currency":")" + coin.base +
                 R"(","base_decimals":8,"counter_currency":")" + coin.quote +
                 R"(","counter_decimals":2,"trading":"Enabled"})";
      instrument.shown_bids = instrument.bids;
      instrument.shown_asks = instrument.asks;
      rest("https://www.bitstamp.net/api/v2/order_book/" + instrument.id + "/",
           "{" + stamps() + R"(,"bids":)" + pairs(instrument.bids, true) + R"(,"asks":)" +
               pairs(instrument.asks, false) + "}");
      ++traffic_.book_snapshots;
    }
    rest("https://www.bitstamp.net/api/v2/markets/", "[" + markets + "]");
  }

  void write_book(Instrument& instrument, std::size_t) override {
    const Levels changed_bids = difference(instrument.shown_bids, instrument.bids);
    const Levels changed_asks = difference(instrument.shown_asks, instrument.asks);
    if (changed_bids.empty() && changed_asks.empty()) return;
    instrument.shown_bids = instrument.bids;
    instrument.shown_asks = instrument.asks;
    frame(R"({"data":{)" + stamps() + R"(,"bids":)" + pairs(changed_bids, true) + R"(,"asks":)" +
          pairs(changed_asks, false) + R"(},"channel":"diff_order_book_)" + instrument.id + R"(","event":"data"})");
    ++traffic_.book_updates;
  }

  // One frame a trade.
  void write_trades(Instrument& instrument, const std::vector<Trade>& trades) override {
    for (const Trade& trade : trades) {
      frame(R"({"data":{"id":)" + std::to_string(trade.id) + "," + stamps() + R"(,"amount":)" + size_text(trade.size) +
            R"(,"amount_str":")" + size_text(trade.size) + R"(","price":)" + price_text(trade.price) +
            R"(,"price_str":")" + price_text(trade.price) + R"(","type":)" + (trade.buy ? "0" : "1") +
            R"(,"buy_order_id":1,"sell_order_id":2},"channel":"live_trades_)" + instrument.id +
            R"(","event":"trade"})");
      expect_trade(instrument, trade);
      expect(expected_head("ticker", instrument) + R"("price":)" + plain(price_text(trade.price)) + R"(,"ts":)" +
             std::to_string(now_) + "}");
    }
  }
};

}  // namespace

GeneratedTraffic generate_traffic(std::string_view venue, std::uint64_t seed, std::size_t steps) {
  if (venue == "bybit") return BybitWriter(seed).write(steps);
  if (venue == "bitstamp") return BitstampWriter(seed).write(steps);
  throw std::runtime_error("no generator for exchange " + std::string(venue) + "; there are bybit and bitstamp");
}

}  // namespace bixws::test
