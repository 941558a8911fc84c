// SPDX-License-Identifier: Apache-2.0
// Row: sums and texts.
#include "row.h"

#include <bixws/decimal_math.h>

#include <array>
#include <charconv>
#include <vector>

#include "model/time_text.h"

namespace bixws::csv {
namespace {

/// turnover / volume, cut two digits below the price's own.
Decimal quotient(const Decimal& turnover, const Decimal& volume, int exponent) {
  if (!turnover.has_value() || !volume.has_value() || volume.is_zero()) return {};
  int128_t top = turnover.mantissa();
  const int power = turnover.exponent - volume.exponent - exponent;
  if (power >= 0 && !detail::scale(top, power)) return {};
  for (int i = power; i < 0; ++i) top /= 10;
  return detail::make_decimal(top / volume.mantissa(), exponent);
}

std::vector<std::string_view> cells_of(std::string_view text) {
  std::vector<std::string_view> cells;
  while (true) {
    const std::size_t comma = text.find(',');
    cells.push_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    text.remove_prefix(comma + 1);
  }
}

template <typename Number>
bool whole(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

void Row::add(const Trade& trade) {
  Row one;
  one.open = one.high = one.low = one.close = trade.price;
  one.volume = trade.size;
  one.turnover = multiply(trade.price, trade.size);
  one.trades = 1;
  extend(one);
}

void Row::extend(const Row& by) {
  if (!close.has_value()) {
    const Micros kept = open_ts;
    *this = by;
    open_ts = kept;
    return;
  }
  if (high < by.high) high = by.high;
  if (by.low < low) low = by.low;
  close = by.close;
  volume = bixws::add(volume, by.volume);
  turnover = bixws::add(turnover, by.turnover);
  trades += by.trades;
}

std::string Row::text() const {
  std::string line = format_rfc3339(open_ts);
  for (const Decimal* number : {&open, &high, &low, &close, &volume}) line += "," + number->to_string();
  line += ",";
  if (trades > 0) line += std::to_string(trades);
  return line + "," + quotient(turnover, volume, close.exponent - 2).to_string() + "\n";
}

std::string Row::state() const {
  std::string line = std::to_string(open_ts);
  for (const Decimal* number : {&open, &high, &low, &close, &volume, &turnover}) line += "," + number->to_string();
  return line + "," + std::to_string(trades);
}

bool Row::parse_state(std::string_view text) {
  const auto cells = cells_of(text);
  if (cells.size() != 8) return false;
  const std::array<Decimal*, 6> numbers{&open, &high, &low, &close, &volume, &turnover};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    *numbers[i] = {};
    if (!cells[i + 1].empty() && parse_decimal(cells[i + 1], *numbers[i]) != NumberError::none) return false;
  }
  return whole(cells[0], open_ts) && whole(cells[7], trades);
}

}  // namespace bixws::csv
