// SPDX-License-Identifier: Apache-2.0
// Events as nobody would send them, from a seed: every kind, every field, nasty numbers; and a text form to compare by.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"

namespace bixws::test {

// Every field with every digit, so that two events are the same exactly if their descriptions are.
std::string describe(const Event& event);

class RandomEvents {
 public:
  struct Options {
    std::uint32_t instruments = 5;
    bool nasty = true;  // numbers up to the limits, absent fields, empty texts; false: like a market
    bool raw = true;    // raw frames too
    Micros start = 1'795'372'800'000'000;
    Micros step = 1'000;     // largest distance of two events
    std::size_t levels = 8;  // of a book event, at most
  };
  RandomEvents(Instruments& instruments, std::uint64_t seed);
  RandomEvents(Instruments& instruments, std::uint64_t seed, const Options& options);

  std::unique_ptr<EventBatch> batch(std::size_t events);
  void append_to(EventBatch& batch);
  Decimal number();

 private:
  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance(unsigned percent) { return below(100) < percent; }
  std::string text(std::size_t longest);
  Decimal market_price(std::size_t instrument);
  std::vector<Level> levels(std::size_t instrument, bool bids, bool snapshot);

  Options options_;
  std::mt19937_64 random_;
  std::vector<const Instrument*> instruments_;
  std::vector<std::int64_t> mid_;
  Micros now_;
  std::uint64_t trade_id_ = 1'000'000;
};

}  // namespace bixws::test
