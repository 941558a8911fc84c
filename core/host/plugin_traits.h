// SPDX-License-Identifier: Apache-2.0
// Asking a loaded plugin for its traits.
#pragma once

#include <bixws/traits.h>

namespace bixws::host {

/// Bits of Trait; 0 if the plugin has none to tell. REQUIRES: the descriptor is that of a loaded plugin.
std::uint32_t traits_of(const Descriptor& plugin);

}  // namespace bixws::host
