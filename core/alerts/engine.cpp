// SPDX-License-Identifier: Apache-2.0
// Engine: which detectors see an event, and what they find as events.
#include "alerts/engine.h"

#include <algorithm>

namespace bixws::alerts {

Engine::Engine(std::vector<Rule> rules) : rules_(std::move(rules)), figures_(rules_.size()) {}

Engine::Row& Engine::row_of(const Instrument& instrument) {
  if (instrument.id >= rows_.size()) rows_.resize(instrument.id + 1);
  auto& slot = rows_[instrument.id];
  if (slot) return *slot;
  slot = std::make_unique<Row>();
  slot->instrument = &instrument;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].wants(instrument)) slot->watches.push_back({make_detector(rules_[i]), i, 0, 0});
  }
  order_.push_back(slot.get());
  return *slot;
}

void Engine::derive(const Event& event, const market::Market& market, Arena& arena, std::vector<Event>& derived) {
  if (event.kind == Kind::alert || event.kind == Kind::annotation || event.kind == Kind::raw) return;
  Row& row = row_of(*event.instrument);
  // What ends a silence also tells that there was one.
  if (event.recv_ts >= next_deadline_) look_for_silence(event.recv_ts, arena, derived);
  const market::InstrumentState* state = market.find(event.instrument->id);
  for (Watch& watch : row.watches) {
    watch.detector->see(event, *state, found_);
    tell(row, watch, event.recv_ts, event.ts, arena, derived);
    if (const auto deadline = watch.detector->deadline()) next_deadline_ = std::min(next_deadline_, *deadline);
  }
}

void Engine::look_for_silence(Micros now, Arena& arena, std::vector<Event>& derived) {
  next_deadline_ = INT64_MAX;
  for (Row* row : order_) {
    for (Watch& watch : row->watches) {
      auto deadline = watch.detector->deadline();
      if (deadline && *deadline <= now) {
        watch.detector->late(now, found_);
        tell(*row, watch, now, 0, arena, derived);
        deadline = watch.detector->deadline();
      }
      if (deadline) next_deadline_ = std::min(next_deadline_, *deadline);
    }
  }
}

void Engine::tell(Row& row, Watch& watch, Micros recv_ts, Micros ts, Arena& arena, std::vector<Event>& derived) {
  Figures& figures = figures_[watch.rule];
  if (const std::uint64_t held_back = watch.detector->take_held_back(); held_back > 0) {
    figures.held_back.fetch_add(held_back, std::memory_order_relaxed);
  }
  const Rule& rule = rules_[watch.rule];
  for (const Finding& finding : found_) {
    watch.repeats = watch.last_fired == recv_ts ? watch.repeats + 1 : 0;
    watch.last_fired = recv_ts;
    std::string id = rule.name + ":" + std::string(row.instrument->exchange) + ":" +
                     std::string(row.instrument->symbol) + ":" + std::to_string(recv_ts);
    if (watch.repeats > 0) id += "-" + std::to_string(watch.repeats + 1);
    Mark mark;
    mark.id = arena.copy(id);
    mark.text = arena.copy(worded(rule, *row.instrument, finding));
    mark.kind = name_of(rule.type);
    mark.color = arena.copy(rule.color);
    mark.price = finding.price;
    derived.push_back(Event::alert(*row.instrument, recv_ts, ts != 0 ? ts : recv_ts, *arena.make(mark)));
    figures.fired.fetch_add(1, std::memory_order_relaxed);
  }
  found_.clear();
}

void Engine::reset() {
  rows_.clear();
  order_.clear();
  next_deadline_ = INT64_MAX;
}

std::vector<Engine::Count> Engine::counts() const {
  std::vector<Count> counts;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    counts.push_back({rules_[i].name, figures_[i].fired.load(std::memory_order_relaxed),
                      figures_[i].held_back.load(std::memory_order_relaxed)});
  }
  return counts;
}

Micros Engine::patience() const {
  Micros least = 0;
  for (const Rule& rule : rules_) {
    if (rule.type == RuleType::stale && (least == 0 || rule.after < least)) least = rule.after;
  }
  return least;
}

}  // namespace bixws::alerts
