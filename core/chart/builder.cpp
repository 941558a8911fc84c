// SPDX-License-Identifier: Apache-2.0
// Building candles.
#include "chart/builder.h"

#include <bixws/decimal_math.h>

#include <algorithm>

#include "model/config_error.h"
#include "model/nearest.h"

namespace bixws::chart {
namespace {

constexpr std::size_t kMostOthers = 10'000;

void extend(Candle& bar, const Candle& by) {
  if (bar.high < by.high) bar.high = by.high;
  if (by.low < bar.low) bar.low = by.low;
  bar.close = by.close;
  if (const Decimal sum = add(bar.volume, by.volume); sum.has_value()) bar.volume = sum;
}

}  // namespace

Builder::Builder(SymbolQuery symbol, std::int32_t seconds) : symbol_(std::move(symbol)), seconds_(seconds) {
  data_.seconds = seconds;
}

bool Builder::wanted(const Instrument& instrument) {
  if (&instrument == instrument_) return true;
  if (instrument.symbol.empty()) return false;
  const bool same = symbol_key(instrument.symbol) == symbol_.key &&
                    (symbol_.exchange.empty() || symbol_.exchange == instrument.exchange);
  if (same && instrument_ == nullptr) {
    instrument_ = &instrument;
    return true;
  }
  const std::string name(instrument.symbol);
  if (instrument_ == nullptr && others_.size() < kMostOthers &&
      std::find(others_.begin(), others_.end(), name) == others_.end()) {
    others_.push_back(name);
  }
  return false;
}

void Builder::add(const Event& event) {
  if (event.kind == Kind::gap && event.instrument->symbol.empty()) {
    // A hole in the whole feed is one in this symbol too.
    data_.holes.push_back({event.gap().from_ts, event.gap().to_ts, std::string(event.gap().reason)});
    return;
  }
  if (!wanted(*event.instrument)) return;
  switch (event.kind) {
    case Kind::trades:
      for (const Trade& trade : event.trades().list) {
        add_price(trades_, trade.ts != 0 ? trade.ts : event.recv_ts, trade.price, trade.size);
      }
      break;
    case Kind::ticker:
      if (event.ticker().price.has_value()) add_price(tickers_, event.recv_ts, event.ticker().price, Decimal::of(0));
      break;
    case Kind::candle:
      add_candle(event.candle());
      break;
    case Kind::gap:
      if (!event.gap().client) {
        data_.holes.push_back({event.gap().from_ts, event.gap().to_ts, std::string(event.gap().reason)});
      }
      break;
    case Kind::alert:
    case Kind::annotation: {
      const Mark& mark = event.mark();
      if (mark.deleted) break;
      data_.notes.push_back({event.ts != 0 ? event.ts : event.recv_ts,
                             mark.price,
                             std::string(mark.text),
                             std::string(mark.color),
                             {mark.points.begin(), mark.points.end()}});
      break;
    }
    case Kind::book:
    case Kind::status:
    case Kind::raw:
      break;
  }
}

void Builder::add_price(Bars& bars, Micros ts, const Decimal& price, const Decimal& size) const {
  const Micros step = Micros{seconds_} * 1'000'000;
  Candle one;
  one.seconds = seconds_;
  one.open_ts = ts - ts % step;
  one.open = one.high = one.low = one.close = price;
  one.volume = size;
  const auto [found, added] = bars.try_emplace(one.open_ts, one);
  if (!added) extend(found->second, one);
}

void Builder::add_candle(const Candle& candle) {
  if (candle.seconds <= 0 || seconds_ % candle.seconds != 0) return;
  candles_[candle.seconds][candle.open_ts] = candle;  // the newest state of each
}

Builder::Bars Builder::from_candles() const {
  // Our own timeframe first, then the largest that divides it.
  const Bars& finer = candles_.rbegin()->second;
  Bars bars;
  const Micros step = Micros{seconds_} * 1'000'000;
  for (const auto& [open_ts, candle] : finer) {
    Candle part = candle;
    part.seconds = seconds_;
    part.open_ts = open_ts - open_ts % step;
    const auto [found, added] = bars.try_emplace(part.open_ts, part);
    if (!added) extend(found->second, part);
  }
  return bars;
}

Data Builder::take() {
  if (instrument_ == nullptr) {
    throw ConfigError("unknown symbol " + symbol_.key + (others_.empty() ? "; there is no data of any" : "") +
                      did_you_mean(symbol_.key, others_));
  }
  data_.symbol = instrument_->symbol;
  data_.exchange = instrument_->exchange;
  const Bars bars = !candles_.empty() ? from_candles() : !trades_.empty() ? trades_ : tickers_;
  for (const auto& entry : bars) data_.bars.push_back(entry.second);
  return std::move(data_);
}

}  // namespace bixws::chart
