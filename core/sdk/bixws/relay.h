// SPDX-License-Identifier: Apache-2.0
// Feeds that bring the events of other exchanges (another bixws, a broker) instead of being one: they answer
// bixws_plugin_traits() with kRelaysExchanges, and the Host they are run with is a RelayHost.
#pragma once

#include <bixws/traits.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bixws {

/// How far the numbering of one instrument has come where its numbers are given out, as far as no event says it: trades
/// are no state, and book:N counts for itself.
struct Reached {
  std::uint64_t trades = 0;               ///< 0: not known
  const std::uint64_t* depths = nullptr;  ///< of book:5, 10, 25, 50, 100, 500, 1000 in this order
  std::size_t depth_count = 0;            ///< 0: not known
};

/// What FeedSource::run() of such a feed gets: static_cast<RelayHost&>(host). Safe from any thread, as Host is.
class RelayHost : public Host {
 public:
  /// The instrument of any exchange; "" is the exchange as a whole. Lives as long as the process.
  virtual const Instrument& relayed(std::string_view exchange, std::string_view symbol) noexcept = 0;
  /// The exchange whose symbols have plain names where they come from, and here too if this feed is the first one
  /// given. To be said before the first event; only the first time counts.
  virtual void plain_exchange(std::string_view exchange) noexcept = 0;

  // Since ABI 1.1:

  /// From here on events carry the `seq` that they were given in this epoch, and if this is the only feed they keep it:
  /// an edge passes on what the node that numbers has said. A new epoch begins everything anew. Empty: the events come
  /// from several nodes, and are numbered here. To be said before the events that it is about.
  virtual void numbered(std::string_view epoch) noexcept = 0;
  /// Before the state of an instrument (a book's snapshot with the `seq` of the last update in it) that a relay was
  /// given because it came late or lost something: what else was reached there.
  virtual void reached(const Instrument& instrument, const Reached& numbers) noexcept = 0;
  /// Where the next publish() ends in a log that can be read again, in the feed's own words of up to 200 characters. A
  /// recording keeps it in the same transaction as those events.
  virtual void place(std::string_view text) noexcept = 0;
  /// The place up to which everything was published or recorded before; empty: nowhere yet. Valid until the next call
  /// of place().
  [[nodiscard]] virtual std::string_view last_place() const noexcept = 0;

 protected:
  ~RelayHost() = default;
};

/// A result of FeedSource::run(): what was asked for does not exist (the last error given to log() says what), so
/// starting it again is of no use.
inline constexpr int kAskedForWhatIsNot = 2;

}  // namespace bixws
