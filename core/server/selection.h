// SPDX-License-Identifier: Apache-2.0
// Selection: everything one client is subscribed to, with a policy each. Clients with equal selections share one log.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/topic.h"

namespace bixws::server {

/// A value. `nullptr` as instrument stands for every instrument, those that appear later included.
class Selection {
 public:
  struct Item {
    ChannelSpec what;
    const Instrument* instrument = nullptr;
    Policy policy = Policy::conflate;
    bool excluded = false;  ///< taken out of "every instrument"
  };

  /// Tickers and status of everything: what a connection has before its first subscribe.
  static Selection initial();

  /// Replaces the policy of what was there.
  void add(const ChannelSpec& what, const Instrument* instrument, Policy policy);
  void remove(const ChannelSpec& what, const Instrument* instrument);

  /// The policy if the topic is selected. The status of a whole feed belongs to each of its instruments.
  [[nodiscard]] std::optional<Policy> find(const ChannelSpec& what, const Instrument& instrument) const;
  /// Whether a gap in `channel` (none: all) of the instrument, or of a whole feed, concerns this selection.
  [[nodiscard]] bool concerned(Channel channel, const Instrument& instrument) const;

  /// Sorted by channel, then instrument; "every" comes last.
  [[nodiscard]] const std::vector<Item>& items() const { return items_; }
  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] bool has(Policy policy) const;
  /// Equal for equal selections and for no others.
  [[nodiscard]] std::string key() const;

 private:
  std::vector<Item>::iterator slot(const ChannelSpec& what, const Instrument* instrument);
  std::vector<Item> items_;
};

}  // namespace bixws::server
