// SPDX-License-Identifier: Apache-2.0
// Decimal texts compared by hand; no number ever becomes binary here.
#include "support/standin_book.h"

#include <algorithm>
#include <utility>

namespace bixws::test {

namespace {

std::pair<std::string_view, std::string_view> parts(std::string_view text) {
  const std::size_t dot = text.find('.');
  std::string_view whole = text.substr(0, dot);
  std::string_view fraction = dot == std::string_view::npos ? std::string_view() : text.substr(dot + 1);
  while (whole.starts_with('0')) whole.remove_prefix(1);
  while (fraction.ends_with('0')) fraction.remove_suffix(1);
  return {whole, fraction};
}

}  // namespace

bool DecimalLess::operator()(std::string_view a, std::string_view b) const {
  const auto [a_whole, a_fraction] = parts(a);
  const auto [b_whole, b_fraction] = parts(b);
  if (a_whole.size() != b_whole.size()) return a_whole.size() < b_whole.size();
  if (a_whole != b_whole) return a_whole < b_whole;
  return a_fraction < b_fraction;
}

bool is_zero_decimal(std::string_view text) {
  return text.find_first_not_of("0.") == std::string_view::npos && text.find('0') != std::string_view::npos;
}

void StandinBook::clear() {
  bids.clear();
  asks.clear();
}

void StandinBook::set(bool bid, StandinLevel level) {
  auto& side = bid ? bids : asks;
  if (is_zero_decimal(level.size)) {
    const auto found = side.find(level.price);
    if (found != side.end()) side.erase(found);
    return;
  }
  std::string price = level.price;
  side.insert_or_assign(std::move(price), std::move(level));
}

void StandinBook::truncate(std::size_t depth) {
  while (asks.size() > depth) asks.erase(std::prev(asks.end()));
  while (bids.size() > depth) bids.erase(bids.begin());
}

std::vector<StandinLevel> StandinBook::best(bool bid, std::size_t depth) const {
  std::vector<StandinLevel> levels;
  const auto take = [&](auto first, auto last) {
    for (; first != last && levels.size() < depth; ++first) levels.push_back(first->second);
  };
  if (bid) {
    take(bids.rbegin(), bids.rend());
  } else {
    take(asks.begin(), asks.end());
  }
  return levels;
}

std::string StandinBook::raw_levels(bool bid, std::size_t depth) const {
  std::string out;
  for (const auto& level : best(bid, depth)) {
    if (!out.empty()) out += ',';
    out += level.raw;
  }
  return out;
}

std::uint32_t crc32_of(std::string_view bytes) {
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<std::uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

}  // namespace bixws::test
