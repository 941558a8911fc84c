// SPDX-License-Identifier: Apache-2.0
// The detectors, one a rule type.
#include <bixws/decimal_math.h>

#include <cmath>
#include <deque>

#include "alerts/detector.h"
#include "alerts/extremes.h"
#include "alerts/trigger.h"
#include "model/event_json.h"
#include "model/time_text.h"

namespace bixws::alerts {
namespace {

/// Prices an event tells of: of each trade, or a ticker's where a feed sends no trades (where it does, tickers lag).
template <typename Use>
void each_price(const Event& event, const market::InstrumentState& state, Use&& use) {
  if (event.kind == Kind::trades && !event.trades().history) {
    for (const Trade& trade : event.trades().list) use(trade.price);
  } else if (event.kind == Kind::ticker && state.trades_seq == 0 && event.ticker().price.has_value()) {
    use(event.ticker().price);
  }
}

/// limit * (100 + percent) / 100: exact if it fits, otherwise the limit itself.
Decimal moved(const Decimal& limit, double percent) {
  Decimal factor;
  if (parse_decimal(figure(100 + percent, 6), factor) != NumberError::none) return limit;
  const Decimal product = shift(multiply(limit, factor), -2);
  return product.has_value() ? product : limit;
}

class PriceDetector final : public Detector {
 public:
  explicit PriceDetector(const Rule& rule)
      : Detector(rule),
        fallen_back_(moved(rule.above, -rule.hysteresis)),
        risen_back_(moved(rule.below, rule.hysteresis)) {}

  void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>& found) override {
    each_price(event, state, [&](const Decimal& price) {
      const Rule& r = rule();
      if (r.above.has_value() && up_.pass(price >= r.above, price < fallen_back_, event.recv_ts, r.cooldown)) {
        tell(price, r.above, "above", found);
      }
      if (r.below.has_value() && down_.pass(price <= r.below, price > risen_back_, event.recv_ts, r.cooldown)) {
        tell(price, r.below, "below", found);
      }
    });
  }
  std::uint64_t take_held_back() override { return up_.take_held_back() + down_.take_held_back(); }

 private:
  static void tell(const Decimal& price, const Decimal& limit, const char* side, std::vector<Finding>& found) {
    const std::string text = price.to_string();
    found.push_back({price, text, limit.to_string(), "at " + text + ", " + side + " " + limit.to_string()});
  }

  Decimal fallen_back_, risen_back_;
  Trigger up_{false}, down_{false};
};

class MoveDetector final : public Detector {
 public:
  explicit MoveDetector(const Rule& rule) : Detector(rule), window_(rule.window) {}

  void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>& found) override {
    each_price(event, state, [&](const Decimal& price) {
      const Rule& r = rule();
      const double value = price.to_double();
      if (value <= 0) return;
      window_.add(event.recv_ts, value);
      const double rise = (value / window_.lowest() - 1) * 100;
      const double fall = (value / window_.highest() - 1) * 100;
      const double back = r.percent * (1 - r.hysteresis / 100);
      if (r.direction != Direction::down && up_.pass(rise >= r.percent, rise < back, event.recv_ts, r.cooldown)) {
        tell(price, rise, found);
      }
      if (r.direction != Direction::up && down_.pass(-fall >= r.percent, -fall < back, event.recv_ts, r.cooldown)) {
        tell(price, fall, found);
      }
    });
  }
  std::uint64_t take_held_back() override { return up_.take_held_back() + down_.take_held_back(); }

 private:
  void tell(const Decimal& price, double percent, std::vector<Finding>& found) const {
    const std::string change = figure(percent, 2, true) + "%";
    found.push_back({price, change, figure(rule().percent, 4) + "%",
                     "moved " + change + " within " + format_duration(rule().window) + ", to " + price.to_string()});
  }

  Extremes window_;
  Trigger up_{true}, down_{true};
};

class SpreadDetector final : public Detector {
 public:
  explicit SpreadDetector(const Rule& rule) : Detector(rule), limit_(rule.above.to_double()) {}

  void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>& found) override {
    if (event.kind != Kind::book && (event.kind != Kind::ticker || state.has_book)) return;
    Decimal bid = state.ticker.bid;
    Decimal ask = state.ticker.ask;
    if (state.has_book) {
      if (state.book_state != FeedState::live || state.book.bids().empty() || state.book.asks().empty()) return;
      bid = state.book.bids()[0].price;
      ask = state.book.asks()[0].price;
    }
    if (!bid.has_value() || !ask.has_value() || (bid == bid_ && ask == ask_)) return;
    bid_ = bid;
    ask_ = ask;
    const double low = bid.to_double();
    const double high = ask.to_double();
    if (low <= 0 || high <= 0) return;
    const double percent = (high - low) / ((high + low) / 2) * 100;
    const Rule& r = rule();
    if (!wide_.pass(percent > limit_, percent < limit_ * (1 - r.hysteresis / 100), event.recv_ts, r.cooldown)) return;
    const std::string value = figure(percent, 4) + "%";
    const std::string limit = r.above.to_string() + "%";
    found.push_back({state.ticker.price, value, limit,
                     "spread " + value + ", above " + limit + ": bid " + bid.to_string() + ", ask " + ask.to_string()});
  }
  std::uint64_t take_held_back() override { return wide_.take_held_back(); }

 private:
  double limit_;
  Decimal bid_, ask_;
  Trigger wide_{true};
};

/// Windows begin at multiples of their length since 1970, so that a replay from anywhere finds the same ones.
class VolumeDetector final : public Detector {
 public:
  explicit VolumeDetector(const Rule& rule) : Detector(rule) {}

  void see(const Event& event, const market::InstrumentState&, std::vector<Finding>& found) override {
    if (event.kind != Kind::trades || event.trades().history) return;
    const Rule& r = rule();
    begin(event.recv_ts / r.window, event.recv_ts);
    for (const Trade& trade : event.trades().list) {
      current_ += trade.size.to_double();
      const double usual = mean();
      if (usual <= 0 || !spike_.pass(current_ > r.times * usual, false, event.recv_ts, r.cooldown)) continue;
      const std::string value = figure(current_, 8);
      const std::string window = format_duration(r.window);
      found.push_back({trade.price, value, figure(r.times * usual, 8),
                       "volume " + value + " in " + window + ", " + figure(current_ / usual, 1) + " times the usual " +
                           figure(usual, 8)});
    }
  }
  std::uint64_t take_held_back() override { return spike_.take_held_back(); }

 private:
  void begin(std::int64_t number, Micros now) {
    if (number_ == number) return;
    const Rule& r = rule();
    if (number_ != 0) {
      const double limit = r.times * mean();
      spike_.pass(false, current_ <= limit * (1 - r.hysteresis / 100), now, r.cooldown);
      // The first window began before we looked: it is no measure.
      if (whole_) past_.push_back(current_);
      for (std::int64_t quiet = number_ + 1; quiet < number && quiet <= number_ + r.over; ++quiet) past_.push_back(0);
      while (past_.size() > r.over) past_.pop_front();
      whole_ = true;
    }
    number_ = number;
    current_ = 0;
  }
  /// 0: not known yet.
  [[nodiscard]] double mean() const {
    if (past_.size() < rule().over) return 0;
    double sum = 0;
    for (const double volume : past_) sum += volume;
    return sum / static_cast<double>(past_.size());
  }

  std::int64_t number_ = 0;
  bool whole_ = false;
  double current_ = 0;
  std::deque<double> past_;
  Trigger spike_{true};
};

class StaleDetector final : public Detector {
 public:
  explicit StaleDetector(const Rule& rule) : Detector(rule) {}

  void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>&) override {
    const bool data = event.kind == Kind::ticker || event.kind == Kind::trades || event.kind == Kind::book ||
                      event.kind == Kind::candle;
    if (!data && last_ != 0) return;  // a first status begins the watch
    last_ = event.recv_ts;
    silent_ = false;
    price_ = state.ticker.price;
    quiet_.pass(false, true, event.recv_ts, rule().cooldown);
  }
  [[nodiscard]] std::optional<Micros> deadline() const override {
    if (last_ == 0 || silent_) return std::nullopt;
    return last_ + rule().after;
  }
  void late(Micros now, std::vector<Finding>& found) override {
    silent_ = true;
    if (!quiet_.pass(true, false, now, rule().cooldown)) return;
    const std::string limit = format_duration(rule().after);
    found.push_back({price_, limit, limit, "silent for " + limit});
  }
  std::uint64_t take_held_back() override { return quiet_.take_held_back(); }

 private:
  Micros last_ = 0;
  bool silent_ = false;
  Decimal price_;
  Trigger quiet_{true};
};

class GapDetector final : public Detector {
 public:
  explicit GapDetector(const Rule& rule) : Detector(rule) {}

  void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>& found) override {
    if (event.kind != Kind::gap || event.gap().client) return;
    const Gap& gap = event.gap();
    const Rule& r = rule();
    const bool meant =
        r.channels == 0 || gap.channel == Channel::none || (r.channels >> static_cast<unsigned>(gap.channel) & 1U) != 0;
    if (!meant || !hole_.pass(true, true, event.recv_ts, r.cooldown)) return;
    std::string sentence = "gap";
    if (gap.channel != Channel::none) sentence += " in " + std::string(name_of(gap.channel));
    sentence += ": " + std::string(gap.reason);
    const std::string lost = gap.lost == kUnknown ? std::string() : std::to_string(gap.lost);
    if (!lost.empty()) sentence += ", " + lost + " lost";
    found.push_back(
        {state.ticker.price, lost.empty() ? std::string(gap.reason) : lost, std::string(gap.reason), sentence});
  }
  std::uint64_t take_held_back() override { return hole_.take_held_back(); }

 private:
  Trigger hole_{true};
};

}  // namespace

std::unique_ptr<Detector> make_detector(const Rule& rule) {
  switch (rule.type) {
    case RuleType::price:
      return std::make_unique<PriceDetector>(rule);
    case RuleType::move:
      return std::make_unique<MoveDetector>(rule);
    case RuleType::spread:
      return std::make_unique<SpreadDetector>(rule);
    case RuleType::volume:
      return std::make_unique<VolumeDetector>(rule);
    case RuleType::stale:
      return std::make_unique<StaleDetector>(rule);
    case RuleType::gap:
      return std::make_unique<GapDetector>(rule);
  }
  return nullptr;
}

}  // namespace bixws::alerts
