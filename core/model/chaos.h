// SPDX-License-Identifier: Apache-2.0
// Chaos: which faults a replay injects. Every decision is a hash of the seed and of what it is about, so it depends
// neither on time nor on who is connected.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace bixws {

/// `drop=0.01,dup=0.01,reorder=0.01,delay=20ms,disconnect=150,seed=7`.
struct ChaosOptions {
  double drop = 0, dup = 0, reorder = 0;  ///< probability for each message
  Micros delay = 0;                       ///< messages come up to this late, in their order
  std::uint64_t disconnect_events = 0;    ///< everybody is cut off after each so many; 0: never
  Micros disconnect_time = 0;             ///< likewise, after so much recorded time
  std::uint64_t seed = 1;

  [[nodiscard]] bool any() const {
    return drop > 0 || dup > 0 || reorder > 0 || delay > 0 || disconnect_events > 0 || disconnect_time > 0;
  }
};

/// Throws ConfigError naming the part that cannot be read.
[[nodiscard]] ChaosOptions parse_chaos(std::string_view text);

enum class Fate : std::uint8_t { pass, drop, dup, reorder };
[[nodiscard]] std::string_view name_of(Fate fate);

/// A key for what a decision is about, from its parts.
[[nodiscard]] std::uint64_t chaos_key(std::string_view topic, std::uint64_t number);

class Chaos {
 public:
  explicit Chaos(const ChaosOptions& options) : options_(options) {}
  [[nodiscard]] const ChaosOptions& options() const { return options_; }
  /// What becomes of the message with this key.
  [[nodiscard]] Fate fate(std::uint64_t key) const;
  /// How late it comes, from 0 to ChaosOptions::delay.
  [[nodiscard]] Micros delay(std::uint64_t key) const;
  /// Is everybody cut off after event `number` (from 1), received at `at`? To be asked for each event in order.
  [[nodiscard]] bool disconnects(std::uint64_t number, Micros at);

 private:
  ChaosOptions options_;
  Micros next_cut_ = 0;
};

}  // namespace bixws
