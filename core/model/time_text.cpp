// SPDX-License-Identifier: Apache-2.0
// Times and durations in integers all the way: no floating point, no locale, no time zone database.
#include "model/time_text.h"

#include <charconv>
#include <chrono>
#include <cstdio>

namespace bixws {
namespace {

struct Unit {
  std::string_view name;
  Micros micros;
};
// Longest names first where one is the beginning of another.
constexpr Unit kUnits[] = {{"ms", 1000},         {"us", 1},         {"d", 86'400'000'000},
                           {"h", 3'600'000'000}, {"m", 60'000'000}, {"s", 1'000'000}};
constexpr Micros kLongest = Micros{36'500} * 86'400'000'000;  // a hundred years

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Takes exactly `count` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t count) {
  if (text.size() < count) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool take(std::string_view& text, char a, char b) {
  if (text.empty() || (text[0] != a && text[0] != b)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::optional<Micros> parse_duration(std::string_view text) {
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  Micros total = 0;
  while (!text.empty()) {
    Micros whole = 0;
    Micros fraction = 0;
    Micros scale = 1;
    if (!is_digit(text[0])) return std::nullopt;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
      whole = whole * 10 + (text[0] - '0');
      if (whole > kLongest) return std::nullopt;
    }
    if (take(text, '.', '.')) {
      if (text.empty() || !is_digit(text[0])) return std::nullopt;
      for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
        if (scale >= 1'000'000) continue;
        fraction = fraction * 10 + (text[0] - '0');
        scale *= 10;
      }
    }
    const Unit* unit = nullptr;
    for (const Unit& u : kUnits) {
      if (text.starts_with(u.name)) {
        unit = &u;
        break;
      }
    }
    if (unit == nullptr || whole > kLongest / unit->micros) return std::nullopt;
    text.remove_prefix(unit->name.size());
    total += whole * unit->micros + fraction * unit->micros / scale;
    if (total > kLongest) return std::nullopt;
  }
  return total;
}

std::string format_duration(Micros duration) {
  if (duration == 0) return "0s";
  std::string text;
  if (duration < 0) {
    text = "-";
    duration = -duration;
  }
  for (const auto& [name, micros] : {Unit{"d", 86'400'000'000}, Unit{"h", 3'600'000'000}, Unit{"m", 60'000'000},
                                     Unit{"s", 1'000'000}, Unit{"ms", 1000}, Unit{"us", 1}}) {
    if (duration >= micros) {
      text += std::to_string(duration / micros);
      text += name;
      duration %= micros;
    }
  }
  return text;
}

std::optional<Micros> parse_rfc3339(std::string_view text) {
  const auto year = take_digits(text, 4);
  if (!year || !take(text, '-', '-')) return std::nullopt;
  const auto month = take_digits(text, 2);
  if (!month || !take(text, '-', '-')) return std::nullopt;
  const auto day = take_digits(text, 2);
  if (!day || !(take(text, 'T', 't') || take(text, ' ', ' '))) return std::nullopt;
  const auto hour = take_digits(text, 2);
  if (!hour || !take(text, ':', ':')) return std::nullopt;
  const auto minute = take_digits(text, 2);
  if (!minute || !take(text, ':', ':')) return std::nullopt;
  const auto second = take_digits(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  Micros fraction = 0;
  if (take(text, '.', '.')) {
    if (text.empty() || !is_digit(text[0])) return std::nullopt;
    Micros unit = 100'000;
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), unit /= 10) fraction += unit * (text[0] - '0');
  }
  Micros offset = 0;
  if (!take(text, 'Z', 'z')) {
    if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    const Micros sign = text[0] == '+' ? 1 : -1;
    text.remove_prefix(1);
    const auto hours = take_digits(text, 2);
    if (!hours || !take(text, ':', ':')) return std::nullopt;
    const auto minutes = take_digits(text, 2);
    if (!minutes || *hours > 23 || *minutes > 59) return std::nullopt;
    offset = sign * (Micros{*hours} * 60 + *minutes) * 60'000'000;
  }
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!text.empty() || !date.ok()) return std::nullopt;
  const Micros days = std::chrono::sys_days{date}.time_since_epoch().count();
  return ((days * 24 + *hour) * 60 + *minute) * 60'000'000 + Micros{*second} * 1'000'000 + fraction - offset;
}

std::string format_rfc3339(Micros time) {
  const std::chrono::sys_time<std::chrono::microseconds> point{std::chrono::microseconds{time}};
  const auto day = std::chrono::floor<std::chrono::days>(point);
  const std::chrono::year_month_day date{day};
  const auto rest = (point - day).count();
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(rest / 3'600'000'000), static_cast<int>(rest / 60'000'000 % 60),
                static_cast<int>(rest / 1'000'000 % 60), static_cast<int>(rest % 1'000'000));
  std::string result = text;
  result.erase(result.find_last_not_of('0') + 1);
  if (result.back() == '.') result.pop_back();
  return result + "Z";
}

std::optional<Micros> parse_time(std::string_view text, Micros start) {
  if (text.starts_with('+')) {
    const auto offset = parse_duration(text.substr(1));
    if (!offset) return std::nullopt;
    return start + *offset;
  }
  Micros micros = 0;
  const auto digits = std::from_chars(text.data(), text.data() + text.size(), micros);
  if (!text.empty() && digits.ec == std::errc() && digits.ptr == text.data() + text.size()) return micros;
  return parse_rfc3339(text);
}

}  // namespace bixws
