// SPDX-License-Identifier: Apache-2.0
// Events as JSON: the messages of protocol version 1 (docs/protocol.md) and their canonical form for digests.
#pragma once

#include <bixws/event.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "model/text_buffer.h"

namespace bixws {

[[nodiscard]] std::string_view name_of(FeedState state);
[[nodiscard]] std::string_view name_of(Integrity integrity);
[[nodiscard]] std::string_view name_of(Side side);
[[nodiscard]] std::string_view name_of(Channel channel);
/// The channel an event belongs to; none for gaps and raw frames.
[[nodiscard]] Channel channel_of(Kind kind);

/// "1m", "4h", "1d", or seconds as "90s". The inverse answers 0 for what is no timeframe.
void append_timeframe(TextBuffer& out, std::int32_t seconds);
/// The channel with the candles of a timeframe: "candles:1m".
[[nodiscard]] std::string candles_channel(std::int32_t seconds);
[[nodiscard]] std::int32_t parse_timeframe(std::string_view text);

/// The object that stands for a ticker in `data`: {"price":...,"exchange":...,"ts":...,"recv_ts":...}.
void append_ticker(TextBuffer& out, const Event& event);

/// [[price,size],...]
void append_levels(TextBuffer& out, std::span<const Level> list);

/// The `points` of an alert or annotation: [[ts,price],...], null for a point without a price.
void append_points(TextBuffer& out, std::span<const Point> list);

/// The whole protocol message of one event. `label` is the instrument's name on the wire: the plain symbol for the
/// first feed, exchange:SYMBOL for others, empty for events of a whole feed. A ticker becomes a market_update with one
/// symbol. Raw frames have no message: nothing is written.
void append_message(TextBuffer& out, const Event& event, std::string_view label);

/// As append_message, for a book message made from parts: derived depths and snapshots for late joiners.
struct BookMessage {
  std::string_view exchange, label;
  std::uint64_t seq = 0;
  std::uint64_t from_seq = 0;  ///< 0: this message conflates nothing
  std::uint32_t depth = 0;     ///< 0: all the feed has
  BookAction action = BookAction::snapshot;
  std::span<const Level> bids, asks;
  Micros ts = 0, recv_ts = 0;
  FeedState state = FeedState::live;
};
void append_book(TextBuffer& out, const BookMessage& book);

struct CandleMessage {
  std::string_view exchange, label;
  std::uint64_t seq = 0;
  std::uint64_t from_seq = 0;
  Micros recv_ts = 0;
  const Candle* candle = nullptr;
  bool derived = false;  ///< made by the server: said in the message, so that a recorder does not take it for an event
};
void append_candle(TextBuffer& out, const CandleMessage& candle);

/// What a digest is computed over: the protocol message with sorted keys and no spaces, the plain symbol as name,
/// without seq, epoch and state. Nothing for status events, raw frames and gaps of one client.
void append_canonical(TextBuffer& out, const Event& event);

}  // namespace bixws
