// SPDX-License-Identifier: Apache-2.0
// book_bench LEVELS MILLIONS [SEED]: single-level updates into one book that keeps LEVELS a side, in slices of a
// million of which each is timed by itself. Most updates fall near the top, some anywhere; the price walks. One JSON
// line.
#include "market/book.h"

#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace bixws::bench {
namespace {

constexpr std::size_t kSlice = 1'000'000;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

Decimal decimal(const std::string& text) {
  Decimal value;
  if (parse_decimal(text, value) != NumberError::none) throw std::runtime_error("no number: " + text);
  return value;
}

struct Update {
  bool bid;
  Level level;
};

/// A market that never ends: asks for cents around a price that walks.
class Tape {
 public:
  Tape(std::uint32_t levels, std::uint64_t seed) : levels_(levels), random_(seed) {}

  Level level(bool bid, std::uint32_t distance, bool removed) {
    const std::int64_t cents = price_ + (bid ? -std::int64_t{distance} - 1 : std::int64_t{distance} + 1);
    const std::string digits = std::to_string(cents);
    const std::string size = removed ? "0" : "0." + std::to_string(10'000'000 + random_() % 90'000'000);
    return {decimal(digits.substr(0, digits.size() - 2) + "." + digits.substr(digits.size() - 2)), decimal(size)};
  }

  void next(std::vector<Update>& out) {
    if (random_() % 64 == 0) {  // the price moves: the best level on one side goes, the other side's next one comes
      const bool up = random_() % 2 == 0;
      out.push_back({!up, level(!up, 0, true)});
      price_ += up ? 1 : -1;
      if (price_ < 1'000'000) price_ = 1'000'000;
    }
    const bool bid = random_() % 2 == 0;
    const auto far = static_cast<std::uint32_t>(random_() % levels_);
    const auto near = static_cast<std::uint32_t>(std::min<double>(levels_ - 1, top_(random_)));
    const std::uint32_t distance = random_() % 10 == 0 ? far : near;
    out.push_back({bid, level(bid, distance, random_() % 4 == 0)});
  }

 private:
  std::uint32_t levels_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> top_{1.0 / 12};
  std::int64_t price_ = 5'000'000;
};

std::size_t heap_bytes() {
  const auto info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

std::uint64_t argument(int argc, char** argv, int index, std::uint64_t fallback) {
  if (index < argc) std::from_chars(argv[index], argv[index] + std::strlen(argv[index]), fallback);
  return fallback;
}

int run(int argc, char** argv) {
  const auto levels = static_cast<std::uint32_t>(argument(argc, argv, 1, 1000));
  const std::uint64_t millions = argument(argc, argv, 2, 10);
  Tape tape(levels, argument(argc, argv, 3, 1));

  std::vector<Level> bids, asks;
  for (std::uint32_t i = 0; i < levels; ++i) {
    bids.push_back(tape.level(true, i, false));
    asks.push_back(tape.level(false, i, false));
  }
  std::vector<Update> updates;
  updates.reserve(kSlice + 1);
  const std::size_t before = heap_bytes();
  const auto book = std::make_unique<market::Book>();
  book->apply({BookAction::snapshot, FeedState::live, levels, bids, asks});

  std::vector<double> slices;
  std::uint64_t applied = 0;
  std::size_t touched = 0;
  for (std::uint64_t slice = 0; slice < millions; ++slice) {
    updates.clear();
    while (updates.size() < kSlice) tape.next(updates);
    const double begin = cpu_seconds();
    for (const Update& update : updates) {
      BookChange change;
      change.depth = levels;
      (update.bid ? change.bids : change.asks) = {&update.level, 1};
      const auto result = book->apply(change);
      touched += std::min(result.bid, result.ask) == 0 ? 1 : 0;
    }
    slices.push_back((cpu_seconds() - begin) * 1e9 / static_cast<double>(updates.size()));
    applied += updates.size();
  }
  const std::size_t bytes = heap_bytes() - before;
  double sum = 0;
  std::string list;
  for (const double ns : slices) {
    sum += ns;
    char text[32];
    std::snprintf(text, sizeof text, "%s%.1f", list.empty() ? "" : ",", ns);
    list += text;
  }
  const double mean = sum / static_cast<double>(slices.size());
  std::printf(
      "{\"levels\":%u,\"updates\":%llu,\"rate\":%.0f,\"ns\":%.1f,\"bytes\":%zu,\"bids\":%zu,\"asks\":%zu,"
      "\"at_the_top\":%.2f,\"ns_of_each_million\":[%s]}\n",
      levels, static_cast<unsigned long long>(applied), 1e9 / mean, mean, bytes, book->bids().size(),
      book->asks().size(), static_cast<double>(touched) / static_cast<double>(applied), list.c_str());
  return 0;
}

}  // namespace
}  // namespace bixws::bench

int main(int argc, char** argv) try { return bixws::bench::run(argc, argv); } catch (const std::exception& e) {
  std::fprintf(stderr, "book_bench: %s\n", e.what());
  return 1;
}
