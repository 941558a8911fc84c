// SPDX-License-Identifier: Apache-2.0
// Control: what a key does. Changes the user's choices and asks for what only the connection can do.
#pragma once

#include <cstdint>
#include <string>

#include "terminal/keys.h"
#include "terminal/view.h"

namespace bixws::terminal {

/// What is left to do after the choices were changed.
struct Command {
  enum class Kind : std::uint8_t {
    none,
    quit,
    suspend,  ///< Ctrl-Z
    refresh,  ///< repaint, ask the server again, redial now
    add,      ///< symbol
    remove,   ///< symbol
    replay    ///< request: the protocol's replay message without its type: "action":"pause"
  };
  Kind kind = Kind::none;
  std::string symbol;
  std::string request;
};

/// One key. `model` is what is shown; `size` and `now` as for draw().
Command press(Key key, Choices& choices, const Model& model, Size size, Micros now);

}  // namespace bixws::terminal
