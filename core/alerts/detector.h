// SPDX-License-Identifier: Apache-2.0
// Detector: one rule watching one symbol. It sees events and the state right after each, and never a clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "alerts/rule.h"
#include "alerts/wording.h"
#include "market/market.h"

namespace bixws::alerts {

class Detector {
 public:
  explicit Detector(const Rule& rule) : rule_(rule) {}
  virtual ~Detector() = default;
  Detector(const Detector&) = delete;
  Detector& operator=(const Detector&) = delete;

  /// An event of this symbol. Appends what is to be told.
  virtual void see(const Event& event, const market::InstrumentState& state, std::vector<Finding>& found) = 0;
  /// When silence has to be noticed if nothing comes before; nullopt: never.
  [[nodiscard]] virtual std::optional<Micros> deadline() const { return std::nullopt; }
  /// It is `now`, at or after deadline(), and nothing came.
  virtual void late(Micros now, std::vector<Finding>& found) {
    (void)now;
    (void)found;
  }
  /// Alerts swallowed by the cool-down since the last call.
  virtual std::uint64_t take_held_back() = 0;
  [[nodiscard]] const Rule& rule() const { return rule_; }

 private:
  const Rule& rule_;
};

/// `rule` must outlive it.
[[nodiscard]] std::unique_ptr<Detector> make_detector(const Rule& rule);

}  // namespace bixws::alerts
