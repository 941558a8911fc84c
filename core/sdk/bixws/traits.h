// SPDX-License-Identifier: Apache-2.0
// Traits: what a plugin may promise beyond its descriptor, as a second exported C symbol. A plugin that has nothing to
// promise leaves it out, so plugins made before it exists still fit.
#pragma once

#include <bixws/plugin.h>

namespace bixws {

/// Bits of what bixws_plugin_traits() answers.
enum Trait : std::uint32_t {
  /// A sink that has put an alert where it survives the process when consume() returns. Nobody else is told of an alert
  /// before that, so what a client or a recording has seen is never lost to this sink. consume() must be quick, as
  /// everything waits for it.
  kKeepsAlerts = 1,
  /// A feed that brings other exchanges' events; see bixws/relay.h. Its Settings name only the symbols that the user
  /// named, perhaps with an exchange ("kraken:BTCUSD"); none: all that there are.
  kRelaysExchanges = 2,
  /// A sink that passes `seq` and epoch on; see bixws/numbers.h.
  kPassesNumbersOn = 4,
};

}  // namespace bixws

/// Optional. Define it as: BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept
BIXWS_EXPORT std::uint32_t bixws_plugin_traits() noexcept;
