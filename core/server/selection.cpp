// SPDX-License-Identifier: Apache-2.0
// Selection: a sorted list, small because clients name few things.
#include "server/selection.h"

#include <algorithm>
#include <limits>
#include <tuple>

namespace bixws::server {
namespace {

std::uint64_t rank(const Instrument* instrument) {
  return instrument == nullptr ? std::numeric_limits<std::uint64_t>::max() : instrument->id;
}

bool matches(const Selection::Item& item, const Instrument& instrument) {
  if (item.excluded) return false;
  if (item.instrument == nullptr || item.instrument == &instrument) return true;
  return instrument.symbol.empty() && item.instrument->exchange == instrument.exchange;
}

}  // namespace

Selection Selection::initial() {
  Selection selection;
  selection.add({Channel::ticker, 0}, nullptr, default_policy(Channel::ticker));
  selection.add({Channel::status, 0}, nullptr, default_policy(Channel::status));
  return selection;
}

std::vector<Selection::Item>::iterator Selection::slot(const ChannelSpec& what, const Instrument* instrument) {
  return std::lower_bound(
      items_.begin(), items_.end(), std::tuple(what, rank(instrument)),
      [](const Item& item, const auto& key) { return std::tuple(item.what, rank(item.instrument)) < key; });
}

void Selection::add(const ChannelSpec& what, const Instrument* instrument, Policy policy) {
  if (instrument == nullptr) std::erase_if(items_, [&](const Item& item) { return item.what == what; });
  const auto at = slot(what, instrument);
  const Item item{what, instrument, policy, false};
  if (at != items_.end() && at->what == what && at->instrument == instrument) {
    *at = item;
  } else {
    items_.insert(at, item);
  }
}

void Selection::remove(const ChannelSpec& what, const Instrument* instrument) {
  if (instrument == nullptr) {
    std::erase_if(items_, [&](const Item& item) { return item.what == what; });
    return;
  }
  const auto every = slot(what, nullptr);
  const bool all = every != items_.end() && every->what == what && every->instrument == nullptr;
  const auto at = slot(what, instrument);
  const bool named = at != items_.end() && at->what == what && at->instrument == instrument;
  if (all && named) {
    at->excluded = true;
  } else if (all) {
    items_.insert(at, Item{what, instrument, Policy::conflate, true});
  } else if (named) {
    items_.erase(at);
  }
}

std::optional<Policy> Selection::find(const ChannelSpec& what, const Instrument& instrument) const {
  auto at = std::lower_bound(items_.begin(), items_.end(), what,
                             [](const Item& item, const ChannelSpec& key) { return item.what < key; });
  if (instrument.symbol.empty()) {  // a whole feed: few items, and rare
    for (; at != items_.end() && at->what == what; ++at) {
      if (matches(*at, instrument)) return at->policy;
    }
    return std::nullopt;
  }
  at = std::lower_bound(at, items_.end(), std::tuple(what, rank(&instrument)), [](const Item& item, const auto& key) {
    return std::tuple(item.what, rank(item.instrument)) < key;
  });
  if (at != items_.end() && at->what == what && at->instrument == &instrument) {
    return at->excluded ? std::nullopt : std::optional(at->policy);
  }
  const auto every = std::upper_bound(at, items_.end(), what,
                                      [](const ChannelSpec& key, const Item& item) { return key < item.what; });
  if (every == items_.begin()) return std::nullopt;
  const Item& last = *(every - 1);
  if (last.what == what && last.instrument == nullptr) return last.policy;
  return std::nullopt;
}

bool Selection::concerned(Channel channel, const Instrument& instrument) const {
  return std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    if (item.excluded || (channel != Channel::none && item.what.channel != channel)) return false;
    if (item.instrument == nullptr) return find(item.what, instrument).has_value();
    return matches(item, instrument);
  });
}

bool Selection::has(Policy policy) const {
  return std::any_of(items_.begin(), items_.end(),
                     [policy](const Item& item) { return !item.excluded && item.policy == policy; });
}

std::string Selection::key() const {
  std::string key;
  for (const Item& item : items_) {
    key += std::to_string(static_cast<int>(item.what.channel)) + ':' + std::to_string(item.what.param) + ':' +
           (item.instrument == nullptr ? "*" : std::to_string(item.instrument->id)) +
           (item.excluded ? 'x' : static_cast<char>('0' + static_cast<int>(item.policy)));
  }
  return key;
}

}  // namespace bixws::server
