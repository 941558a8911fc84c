// SPDX-License-Identifier: Apache-2.0
// Sinks that pass the hub's numbering on, so that others can continue it: they answer bixws_plugin_traits() with
// kPassesNumbersOn, and the Host that Sink::open() gets is a NumberedHost.
#pragma once

#include <bixws/traits.h>

#include <string_view>

namespace bixws {

/// static_cast<NumberedHost&>(host) of such a sink. Its own calls are for the sink's thread: inside open(), consume(),
/// flush() and close().
class NumberedHost : public Host {
 public:
  /// The epoch that `seq` of the events in the present consume() belongs to.
  [[nodiscard]] virtual std::string_view epoch() const noexcept = 0;
  /// The exchange whose symbols have plain names; empty: not known.
  [[nodiscard]] virtual std::string_view plain_exchange() const noexcept = 0;
  /// Feeds wait for slow sinks (a recording is played as fast as that goes): consume() should take its time instead of
  /// losing anything.
  [[nodiscard]] virtual bool held_back() const noexcept = 0;

 protected:
  ~NumberedHost() = default;
};

}  // namespace bixws
