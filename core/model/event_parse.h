// SPDX-License-Identifier: Apache-2.0
// Protocol messages back into events: what a client of a bixws server reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/batch.h"
#include "model/instruments.h"

namespace bixws {

enum class MessageType : std::uint8_t {
  unknown,
  initial_data,
  market_update,
  trades,
  book,
  candle,
  status,
  gap,
  alert,
  annotation,
  subscribed,
  unsubscribed,
  pong,
  history,
  error
};

/// What a message says besides its events. Texts are copies.
struct ParsedMessage {
  MessageType type = MessageType::unknown;
  std::string epoch;
  std::uint64_t seq = 0;
  Micros ts = 0;
  std::string id;  ///< of an answer, as JSON text
  // Of `subscribed`: what it is about, and where its numbering stands.
  struct Position {
    std::string symbol, channel;
    std::uint64_t seq = 0;
  };
  std::vector<std::string> symbols, channels;  ///< no symbols: all
  std::vector<Position> positions;
  std::string code, message;  ///< of an error
  std::string problem;        ///< not empty: the text is not a message of the protocol, and this says why
};

/// One per thread. Unknown fields and types are ignored, as the protocol asks; a number that does not fit is a problem.
class MessageParser {
 public:
  explicit MessageParser(Instruments& instruments);
  ~MessageParser();
  MessageParser(const MessageParser&) = delete;
  MessageParser& operator=(const MessageParser&) = delete;

  /// Appends the message's events to `into`: tickers for initial_data and market_update, one event for the other data
  /// types, none for answers. `seq` of the events is the server's.
  ParsedMessage parse(std::string_view text, EventBatch& into);
  /// Whose data it is that names no exchange, instead of being refused.
  void assume_exchange(std::string exchange);
  /// The exchange whose symbols came without a prefix; empty until one did.
  [[nodiscard]] std::string_view plain_exchange() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace bixws
