// SPDX-License-Identifier: Apache-2.0
// Topic: the names of channels and policies on the wire.
#include "server/topic.h"

#include <algorithm>
#include <array>
#include <vector>

#include "market/market.h"
#include "model/event_json.h"
#include "model/text_buffer.h"

namespace bixws::server {
namespace {

constexpr std::array<std::string_view, 3> kPolicies = {"conflate", "drop_oldest", "lossless"};

struct Named {
  std::string name;
  ChannelSpec spec;
};

std::vector<Named> make_table() {
  std::vector<Named> table = {{"ticker", {Channel::ticker, 0}}, {"trades", {Channel::trades, 0}},
                              {"book", {Channel::book, 0}},     {"status", {Channel::status, 0}},
                              {"alerts", {Channel::alert, 0}},  {"annotations", {Channel::annotation, 0}}};
  for (const std::uint32_t depth : market::kDepths) {
    table.push_back({"book:" + std::to_string(depth), {Channel::book, depth}});
  }
  for (const std::int32_t seconds : market::kTimeframes) {
    table.push_back({candles_channel(seconds), {Channel::candle, static_cast<std::uint32_t>(seconds)}});
  }
  return table;
}

const std::vector<Named>& table() {
  static const std::vector<Named> made = make_table();
  return made;
}

}  // namespace

std::string_view name_of(Policy policy) { return kPolicies[static_cast<std::size_t>(policy)]; }

std::optional<Policy> parse_policy(std::string_view text) {
  const auto at = std::find(kPolicies.begin(), kPolicies.end(), text);
  if (at == kPolicies.end()) return std::nullopt;
  return static_cast<Policy>(at - kPolicies.begin());
}

std::optional<ChannelSpec> parse_channel(std::string_view text) {
  for (const Named& entry : table()) {
    if (entry.name == text) return entry.spec;
  }
  return std::nullopt;
}

std::string channel_text(const ChannelSpec& spec) {
  for (const Named& entry : table()) {
    if (entry.spec == spec) return entry.name;
  }
  return {};
}

std::span<const std::string> channel_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> made;
    for (const Named& entry : table()) made.push_back(entry.name);
    return made;
  }();
  return names;
}

Policy default_policy(Channel channel) {
  switch (channel) {
    case Channel::ticker:
    case Channel::book:
    case Channel::candle:
      return Policy::conflate;
    default:
      return Policy::drop_oldest;
  }
}

Policy effective_policy(Channel channel, std::optional<Policy> asked) {
  const Policy usual = default_policy(channel);
  if (!asked || *asked == Policy::lossless) return asked.value_or(usual);
  if (channel == Channel::ticker || *asked == Policy::conflate) return usual;
  return *asked;
}

}  // namespace bixws::server
