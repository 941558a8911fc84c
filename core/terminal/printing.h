// SPDX-License-Identifier: Apache-2.0
// A picture as lines of text, for output that stays: no cursor is moved.
#pragma once

#include <string>

#include "terminal/cells.h"
#include "terminal/painter.h"

namespace bixws::terminal {

/// Without trailing blanks; with colours unless the palette is none.
[[nodiscard]] std::string print_screen(const Screen& screen, Capabilities capabilities);

}  // namespace bixws::terminal
