// SPDX-License-Identifier: Apache-2.0
// Envelopes: what travels through NATS. A payload is one message of the WebSocket protocol, so that whoever reads JSON
// can read it, with the epoch and the message's place among all of its subject as last fields.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "model/text_buffer.h"

namespace bixws::nats {

/// "md.binance.BTCUSDT.candles:1m"; the symbol of a whole exchange is "_". Empty for what has no message.
[[nodiscard]] std::string subject_of(std::string_view prefix, const Event& event);
/// Where publishers are asked for the state of subjects: next to the prefix, so that no stream over it keeps questions.
[[nodiscard]] std::string ask_subject(std::string_view prefix);
/// The second token after the prefix; empty if the subject is none of ours.
[[nodiscard]] std::string_view exchange_of(std::string_view prefix, std::string_view subject);
/// The last token.
[[nodiscard]] std::string_view channel_of(std::string_view subject);

/// Where a message stands.
struct Place {
  std::string_view epoch;
  std::uint64_t n = 0;  ///< among all messages of the subject in this epoch, from 1
};

/// Turns the message (a JSON object) that begins at `begin` into a payload.
void close_envelope(TextBuffer& out, const Place& place);
/// The same for an answer about the state of a subject. `depths`: numbers reached by book:5 and so on; may be empty.
void close_answer(TextBuffer& out, std::string_view subject, const Place& place, std::span<const std::uint64_t> depths);

/// The end of a payload; views into it. nullopt: it is no payload of ours.
struct Envelope {
  Place place;
  std::string_view message;  ///< what stands before, without its closing brace
};
[[nodiscard]] std::optional<Envelope> read_envelope(std::string_view payload);

/// What only answers have.
struct AnswerParts {
  std::string_view subject;
  std::uint64_t depths[7] = {};
  std::size_t depth_count = 0;
};
[[nodiscard]] std::optional<AnswerParts> read_answer(const Envelope& envelope);

}  // namespace bixws::nats
