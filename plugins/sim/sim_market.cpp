// SPDX-License-Identifier: Apache-2.0
// SimMarket: which event comes next, and the list of symbols.
#include "sim_market.h"

#include <algorithm>

namespace bixws::sim {
namespace {

struct Base {
  const char* name;
  std::int64_t ticks;
  int tick_exponent, lot_exponent;
  std::int64_t lot;
};
// Prices of about late 2024: what matters is that digits and tick sizes look like the real ones.
constexpr Base kBases[] = {
    {"BTC", 6'423'150, -2, -5, 1'500},   {"ETH", 318'742, -2, -4, 3'000},    {"SOL", 15'237, -2, -3, 4'000},
    {"ADA", 4'526, -4, -1, 5'000},       {"BNB", 57'130, -2, -3, 600},       {"XRP", 5'874, -4, 0, 900},
    {"DOGE", 12'345, -5, 0, 3'500},      {"DOT", 6'284, -3, -2, 4'000},      {"LTC", 7'845, -2, -3, 3'000},
    {"LINK", 14'627, -3, -2, 1'500},     {"AVAX", 27'310, -3, -2, 1'200},    {"TRX", 13'291, -5, -1, 20'000},
    {"BCH", 42'870, -2, -3, 700},        {"ATOM", 6'451, -3, -2, 3'000},     {"UNI", 9'872, -3, -2, 2'000},
    {"XLM", 11'483, -5, 0, 2'500},       {"ETC", 21'340, -3, -2, 900},       {"FIL", 4'417, -3, -2, 2'500},
    {"NEAR", 5'136, -3, -1, 300},        {"ALGO", 1'874, -4, 0, 1'800},      {"APT", 8'215, -3, -2, 1'000},
    {"ARB", 6'903, -4, -1, 4'000},       {"OP", 17'420, -4, -2, 12'000},     {"SUI", 17'835, -4, -1, 1'500},
    {"TON", 5'962, -3, -2, 2'500},       {"AAVE", 15'421, -2, -3, 400},      {"INJ", 21'053, -3, -2, 600},
    {"PEPE", 10'234, -9, 0, 90'000'000}, {"SHIB", 17'421, -9, 0, 9'000'000}, {"XMR", 15'630, -2, -3, 900},
};
struct Quote {
  const char* name;
  std::int64_t percent;  ///< of the dollar price
};
constexpr Quote kQuotes[] = {{"USDT", 100}, {"USD", 100}, {"USDC", 100}, {"EUR", 92}, {"GBP", 79}};

constexpr Micros kMinute = 60'000'000;

bool has(std::uint32_t channels, Channel channel) { return (channels >> static_cast<unsigned>(channel) & 1U) != 0; }

}  // namespace

std::vector<std::string> known_symbols() {
  std::vector<std::string> names;
  for (const Quote& quote : kQuotes) {
    for (const Base& base : kBases) names.push_back(std::string(base.name) + quote.name);
  }
  return names;
}

Terms terms_of(std::string_view known_symbol) {
  for (const Base& base : kBases) {
    for (const Quote& quote : kQuotes) {
      if (known_symbol == std::string(base.name) + quote.name) {
        return {std::string(known_symbol), base.ticks * quote.percent / 100, base.tick_exponent, base.lot_exponent,
                base.lot};
      }
    }
  }
  return {};
}

std::uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15U;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  return z ^ (z >> 31);
}

std::int64_t Random::below(std::int64_t bound) {
  return static_cast<std::int64_t>((static_cast<uint128_t>(next()) * static_cast<std::uint64_t>(bound)) >> 64);
}

std::int64_t Random::bell(std::int64_t deviation) {
  // The sum of four even throws within +-half has this deviation when half is 0.866 of it.
  const std::int64_t half = deviation * 866 / 1000;
  std::int64_t sum = 0;
  for (int i = 0; i < 4; ++i) sum += below(2 * half + 1) - half;
  return sum;
}

SimMarket::SimMarket(Options options) : options_(std::move(options)), random_(options_.seed) {
  const std::uint32_t channels = options_.channels;
  const auto weigh = [&](Channel channel, std::int64_t weight) {
    if (!has(channels, channel)) return;
    total_weight_ += weight;
    weights_.push_back({channel, total_weight_});
  };
  weigh(Channel::trades, 40);
  weigh(Channel::book, 40);
  weigh(Channel::ticker, 15);
  weigh(Channel::candle, 5);
  moves_with_book_ = has(channels, Channel::book);
  prints_with_trades_ = has(channels, Channel::trades);
  minute_ = options_.start / kMinute;

  // How often a symbol's price moves: the walk must look the same at 10 and at 100,000 events a second.
  const auto count = static_cast<std::int64_t>(options_.symbols.size());
  const std::int64_t share = moves_with_book_ ? 40 : total_weight_;
  const auto interval = static_cast<Micros>(static_cast<int128_t>(1'000'000'000) * count * total_weight_ /
                                            (static_cast<int128_t>(options_.millirate) * share));
  for (std::size_t i = 0; i < options_.symbols.size(); ++i) {
    symbols_.emplace_back(options_.symbols[i], *options_.instruments[i], random_.next(), options_.depth, options_.start,
                          interval);
  }
}

Micros SimMarket::due(std::int64_t index) const {
  return options_.start + static_cast<Micros>(static_cast<int128_t>(index) * 1'000'000'000 / options_.millirate);
}

Channel SimMarket::pick_channel() {
  const std::int64_t throw_ = random_.below(total_weight_);
  for (const Weight& weight : weights_) {
    if (throw_ < weight.upto) return weight.channel;
  }
  return weights_.back().channel;
}

void SimMarket::next(Slot& slot) {
  const std::int64_t index = index_++;
  const Micros when = due(index);
  const auto count = static_cast<std::int64_t>(symbols_.size());

  // First the books, then the tickers of all symbols, so that a newcomer soon sees everything.
  const std::int64_t books = has(options_.channels, Channel::book) ? count : 0;
  const std::int64_t tickers = has(options_.channels, Channel::ticker) ? count : 0;
  if (index < books) return symbols_[static_cast<std::size_t>(index)].fill_snapshot(slot, when);
  if (index < books + tickers) return symbols_[static_cast<std::size_t>(index - books)].fill_ticker(slot, when);

  if (has(options_.channels, Channel::candle)) {
    if (when / kMinute != minute_) {
      minute_ = when / kMinute;
      for (std::size_t i = 0; i < symbols_.size(); ++i) {
        if (symbols_[i].close_candle(when)) closing_.push_back(i);
      }
    }
    if (!closing_.empty()) {
      symbols_[closing_.front()].fill_closed(slot, when);
      closing_.pop_front();
      return;
    }
  }

  SimSymbol& symbol = symbols_[static_cast<std::size_t>(random_.below(count))];
  Channel channel = pick_channel();
  // No candle without a trade; and no trade that candles know of and nobody else.
  if (channel == Channel::candle && !symbol.has_candle() && prints_with_trades_) channel = Channel::trades;
  if (channel == Channel::book || !moves_with_book_) symbol.move();
  if (channel == Channel::trades || !prints_with_trades_) symbol.trade(when);
  switch (channel) {
    case Channel::trades:
      return symbol.fill_trades(slot, when);
    case Channel::book:
      return symbol.fill_book(slot, when);
    case Channel::candle:
      return symbol.fill_candle(slot, when);
    default:
      return symbol.fill_ticker(slot, when);
  }
}

}  // namespace bixws::sim
