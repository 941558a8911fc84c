// SPDX-License-Identifier: Apache-2.0
// Feeds that bring the events of other exchanges (another bixws, a broker) instead of being one: they answer
// bixws_plugin_traits() with kRelaysExchanges, and the Host they are run with is a RelayHost.
#pragma once

#include <bixws/traits.h>

namespace bixws {

/// What FeedSource::run() of such a feed gets: static_cast<RelayHost&>(host). Safe from any thread, as Host is.
class RelayHost : public Host {
 public:
  /// The instrument of any exchange; "" is the exchange as a whole. Lives as long as the process.
  virtual const Instrument& relayed(std::string_view exchange, std::string_view symbol) noexcept = 0;
  /// The exchange whose symbols have plain names where they come from, and here too if this feed is the first one
  /// given. To be said before the first event; only the first time counts.
  virtual void plain_exchange(std::string_view exchange) noexcept = 0;

 protected:
  ~RelayHost() = default;
};

/// A result of FeedSource::run(): what was asked for does not exist (the last error given to log() says what), so
/// starting it again is of no use.
inline constexpr int kAskedForWhatIsNot = 2;

}  // namespace bixws
