// SPDX-License-Identifier: Apache-2.0
// Nearest known name: so that a refusal can say what was probably meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace bixws {

/// Insertions, deletions, substitutions and swaps of neighbours; letter case costs nothing.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The known name closest to `word`, if it is close enough to have been meant; empty otherwise. Ties: the first.
std::string nearest(std::string_view word, std::span<const std::string> known);

/// "; did you mean X?", or the known names if none is near, or "" if there are none: the end of a refusal.
std::string did_you_mean(std::string_view word, std::span<const std::string> known);

}  // namespace bixws
