// SPDX-License-Identifier: Apache-2.0
// Topic: what a client can subscribe to, one instrument in one channel at one depth or timeframe; and how a client that
// falls behind in it is treated.
#pragma once

#include <bixws/event.h>

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace bixws::server {

/// What happens to a topic's messages for a client that does not read fast enough.
enum class Policy : std::uint8_t {
  conflate,     ///< the newest state when it reads again
  drop_oldest,  ///< beyond the byte cap the oldest are dropped, and a gap says which
  lossless,     ///< everything, or the connection is closed with 1013
};

[[nodiscard]] std::string_view name_of(Policy policy);
[[nodiscard]] std::optional<Policy> parse_policy(std::string_view text);

/// A channel with its parameter, as a client names it: "trades", "book:25", "candles:5m".
struct ChannelSpec {
  Channel channel = Channel::none;
  std::uint32_t param = 0;  ///< book: levels a side, 0 for all the feed has; candle: seconds
  auto operator<=>(const ChannelSpec&) const = default;  // NOLINT(modernize-use-nullptr): clang-tidy 14 misreads it
};

/// nullopt for a name, depth or timeframe that is not offered.
[[nodiscard]] std::optional<ChannelSpec> parse_channel(std::string_view text);
[[nodiscard]] std::string channel_text(const ChannelSpec& spec);
/// Every name parse_channel() accepts, for "did you mean".
[[nodiscard]] std::span<const std::string> channel_names();
/// What the contract gives a channel when the client does not choose.
[[nodiscard]] Policy default_policy(Channel channel);
/// What a policy means for a channel: only state can be conflated, and tickers are nothing but state.
[[nodiscard]] Policy effective_policy(Channel channel, std::optional<Policy> asked);

/// Made by the publisher on the hub's thread, never changed and never destroyed while the server lives.
struct Topic {
  std::uint32_t id = 0;  ///< dense from 0, for arrays
  const Instrument* instrument = nullptr;
  ChannelSpec what;
  std::string label;  ///< the instrument's name on the wire; empty for a whole feed
};

}  // namespace bixws::server
