// SPDX-License-Identifier: Apache-2.0
// Engine: all rules over all symbols. Alerts follow from the events alone and stand right behind the event that caused
// them, so a replay of the same events fires the same alerts with the same ids.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "alerts/detector.h"
#include "alerts/rule.h"
#include "hub/hub.h"

namespace bixws::alerts {

/// Lives on the hub's thread; only counts() may be called from elsewhere.
class Engine final : public hub::Deriver {
 public:
  explicit Engine(std::vector<Rule> rules);

  void derive(const Event& event, const market::Market& market, Arena& arena, std::vector<Event>& derived) override;
  void reset() override;

  struct Count {
    std::string rule;
    std::uint64_t fired = 0;
    std::uint64_t held_back = 0;  ///< swallowed by the cool-down
  };
  /// Any thread; one entry a rule.
  [[nodiscard]] std::vector<Count> counts() const;
  /// The shortest silence that a rule wants to hear of; 0: none does. Who runs the hub makes sure that an event comes
  /// at least this often, if only a status.
  [[nodiscard]] Micros patience() const;
  /// Hub's thread: an event at or after this, whatever it is, shows a silence. INT64_MAX: none is waited for.
  [[nodiscard]] Micros next_deadline() const { return next_deadline_; }

 private:
  struct Watch {
    std::unique_ptr<Detector> detector;
    std::size_t rule = 0;
    Micros last_fired = 0;
    unsigned repeats = 0;  ///< alerts of the same microsecond, which need different ids
  };
  struct Row {
    const Instrument* instrument = nullptr;
    std::vector<Watch> watches;
  };
  struct Figures {
    std::atomic<std::uint64_t> fired{0}, held_back{0};
  };

  Row& row_of(const Instrument& instrument);
  void look_for_silence(Micros now, Arena& arena, std::vector<Event>& derived);
  void tell(Row& row, Watch& watch, Micros recv_ts, Micros ts, Arena& arena, std::vector<Event>& derived);

  std::vector<Rule> rules_;
  std::deque<Figures> figures_;             // by rule
  std::vector<std::unique_ptr<Row>> rows_;  // by instrument id
  std::vector<Row*> order_;                 // of first appearance, the same in every replay
  Micros next_deadline_ = INT64_MAX;
  std::vector<Finding> found_;  // scratch
};

}  // namespace bixws::alerts
