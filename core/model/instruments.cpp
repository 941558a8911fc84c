// SPDX-License-Identifier: Apache-2.0
// Instruments: interning under one lock; feeds keep the references they got, so this is never on the hot path.
#include "model/instruments.h"

namespace bixws {
namespace {
std::string key_of(std::string_view exchange, std::string_view symbol) {
  std::string key(exchange);
  key += ':';
  key += symbol;
  return key;
}
}  // namespace

const Instrument& Instruments::get(std::string_view exchange, std::string_view symbol) {
  std::string key = key_of(exchange, symbol);
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(key);
  if (found != by_name_.end()) return entries_[found->second].instrument;
  const auto id = static_cast<std::uint32_t>(entries_.size());
  Entry& entry = entries_.emplace_back(Entry{std::string(exchange), std::string(symbol), {}});
  entry.instrument = {id, entry.exchange, entry.symbol};
  by_name_.emplace(std::move(key), id);
  return entry.instrument;
}

const Instrument* Instruments::find(std::string_view exchange, std::string_view symbol) const {
  const std::string key = key_of(exchange, symbol);
  const std::lock_guard lock(mutex_);
  const auto found = by_name_.find(key);
  return found == by_name_.end() ? nullptr : &entries_[found->second].instrument;
}

const Instrument& Instruments::at(std::uint32_t id) const {
  const std::lock_guard lock(mutex_);
  return entries_.at(id).instrument;
}

std::uint32_t Instruments::size() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint32_t>(entries_.size());
}

}  // namespace bixws
