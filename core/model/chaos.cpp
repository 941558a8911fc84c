// SPDX-License-Identifier: Apache-2.0
// Chaos: reading the options, and hashing.
#include "model/chaos.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

#include "model/config_error.h"
#include "model/nearest.h"
#include "model/time_text.h"

namespace bixws {
namespace {

// The finalizer of SplitMix64.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

[[noreturn]] void refuse(std::string_view part, const std::string& why) {
  throw ConfigError(std::string(part) + ": " + why);
}

template <typename Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

double probability(std::string_view part, std::string_view text) {
  const auto value = number<double>(text);
  if (!value || !std::isfinite(*value) || *value < 0 || *value > 1) refuse(part, "must be a probability from 0 to 1");
  return *value;
}

void read_disconnect(ChaosOptions& options, std::string_view part, std::string_view text) {
  if (const auto events = number<std::uint64_t>(text); events && *events > 0) {
    options.disconnect_events = *events;
    return;
  }
  const auto time = parse_duration(text);
  if (!time || *time <= 0) refuse(part, "must be a number of messages, as 150, or a time, as 30s");
  options.disconnect_time = *time;
}

}  // namespace

std::string_view name_of(Fate fate) {
  constexpr std::string_view names[] = {"pass", "drop", "dup", "reorder"};
  return names[static_cast<std::size_t>(fate)];
}

ChaosOptions parse_chaos(std::string_view text) {
  ChaosOptions options;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const std::size_t equals = part.find('=');
    const std::string_view name = part.substr(0, equals);
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1);
    if (name == "drop") {
      options.drop = probability(part, value);
    } else if (name == "dup") {
      options.dup = probability(part, value);
    } else if (name == "reorder") {
      options.reorder = probability(part, value);
    } else if (name == "delay") {
      const auto delay = parse_duration(value);
      if (!delay || *delay < 0) refuse(part, "must be a duration, as 20ms");
      options.delay = *delay;
    } else if (name == "disconnect") {
      read_disconnect(options, part, value);
    } else if (name == "seed") {
      const auto seed = number<std::uint64_t>(value);
      if (!seed) refuse(part, "must be a whole number");
      options.seed = *seed;
    } else {
      const std::vector<std::string> known = {"drop", "dup", "reorder", "delay", "disconnect", "seed"};
      const std::string meant = nearest(name, known);
      refuse(part, (meant.empty() ? std::string() : "did you mean " + meant + "? ") +
                       "There are drop=P, dup=P, reorder=P, delay=D, disconnect=EVERY and seed=N");
    }
  }
  if (options.drop + options.dup + options.reorder > 1) {
    throw ConfigError("drop, dup and reorder together must not be more than 1");
  }
  return options;
}

std::uint64_t chaos_key(std::string_view topic, std::uint64_t number) {
  std::uint64_t key = 0xCBF29CE484222325U;  // FNV-1a
  for (const char c : topic) key = (key ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return mixed(key ^ mixed(number));
}

Fate Chaos::fate(std::uint64_t key) const {
  const double dice = static_cast<double>(mixed(key ^ mixed(options_.seed)) >> 11) * 0x1.0p-53;
  if (dice < options_.drop) return Fate::drop;
  if (dice < options_.drop + options_.dup) return Fate::dup;
  if (dice < options_.drop + options_.dup + options_.reorder) return Fate::reorder;
  return Fate::pass;
}

Micros Chaos::delay(std::uint64_t key) const {
  if (options_.delay <= 0) return 0;
  const auto range = static_cast<std::uint64_t>(options_.delay) + 1;
  return static_cast<Micros>(mixed(~key ^ mixed(options_.seed)) % range);
}

bool Chaos::disconnects(std::uint64_t number, Micros at) {
  if (options_.disconnect_events != 0) return number % options_.disconnect_events == 0;
  if (options_.disconnect_time == 0) return false;
  if (next_cut_ == 0) next_cut_ = at + options_.disconnect_time;
  if (at < next_cut_) return false;
  next_cut_ = at + options_.disconnect_time;
  return true;
}

}  // namespace bixws
