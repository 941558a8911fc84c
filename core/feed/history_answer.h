// SPDX-License-Identifier: Apache-2.0
// What a server remembers, as its client asks for it and reads it: `history` of docs/protocol.md.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/event_parse.h"

namespace bixws::feed {

/// The message that asks for the newest `limit` items of a channel ("trades", "candles:1m"). `id`: any text; it comes
/// back with the answer, as JSON.
[[nodiscard]] std::string history_request(std::string_view id, std::string_view symbol, std::string_view channel,
                                          std::size_t limit);

/// An error that answers such a message: the id of a subscribe is a number.
[[nodiscard]] bool refuses_history(const ParsedMessage& message);

/// Appends the items of an answer to `into`, oldest first, each as the event it once was (a trade is one of its own,
/// and has no number). Returns what cannot be read about it; empty: nothing.
[[nodiscard]] std::string read_history(std::string_view answer, MessageParser& parser, EventBatch& into);

}  // namespace bixws::feed
