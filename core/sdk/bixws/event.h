// SPDX-License-Identifier: Apache-2.0
// The vocabulary of bixws: what happened on a market, as plain values. Feeds make events, the hub orders them, outputs
// read them. This one page is shared by the core and by every plugin.
#pragma once

#include <bixws/decimal.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace bixws {

/// Microseconds since 1970-01-01 UTC. 0: not known.
using Micros = std::int64_t;

/// Text borrowed from whoever made the event; valid as long as the event is.
using Text = std::string_view;

/// Who and what: one per exchange and symbol, alive as long as the process. An empty symbol stands for the whole feed.
struct Instrument {
  std::uint32_t id = 0;  ///< dense from 0, for arrays
  Text exchange;         ///< "binance": the feed's name, lower case
  Text symbol;           ///< "BTCUSDT": base and quote in upper case; derivatives keep the exchange's own id
};

enum class Kind : std::uint8_t { ticker = 1, trades, book, candle, status, gap, alert, annotation, raw };
enum class Side : std::uint8_t { none, buy, sell };
enum class Channel : std::uint8_t { none, ticker, trades, book, candle, status, alert, annotation };
enum class BookAction : std::uint8_t { snapshot, update };
enum class FeedState : std::uint8_t { none, connecting, live, resyncing, stale, down, ended };
/// What a book's correctness rests on.
enum class Integrity : std::uint8_t { none, checksum, sequence, snapshot };

/// Absolute size at a price; size 0 removes the level.
struct Level {
  Decimal price;
  Decimal size;
};

/// 24 h figures are the exchange's rolling window. Fields the exchange does not give are absent; a feed may send a
/// ticker with only some fields (best bid and ask, say): the hub merges it into what it has and passes on the whole.
struct Ticker {
  Decimal price, bid, ask, bid_size, ask_size;
  Decimal open_24h, high_24h, low_24h;
  Decimal volume_24h;        ///< in base currency
  Decimal quote_volume_24h;  ///< in quote currency
  Decimal change_24h;        ///< percent
};

struct Trade {
  Decimal price, size;
  Side side = Side::none;  ///< the taker's (aggressor's), not the resting order's
  Text id;                 ///< the exchange's, as text; may be empty
  Micros ts = 0;           ///< exchange's clock, 0 if it gave none
};

/// The trades of one exchange frame, oldest first.
struct Trades {
  std::span<const Trade> list;
  bool history = false;  ///< from before the subscription: known, but not live
};

/// Best first on each side in a snapshot; in an update, in the exchange's order (later entries win).
struct BookChange {
  BookAction action = BookAction::update;
  FeedState state = FeedState::live;
  std::uint32_t depth = 0;  ///< levels a side the feed keeps; 0: all it has
  std::span<const Level> bids, asks;
};

struct Candle {
  std::int32_t seconds = 60;  ///< timeframe
  Micros open_ts = 0;
  Decimal open, high, low, close;
  Decimal volume;  ///< in base currency
  bool closed = false;
};

struct ReplayPosition {
  std::int64_t session = 0;
  Micros position = 0;
  double speed = 1;         ///< 0: as fast as consumers take
  Text state;               ///< "playing", "paused", "ended"
  Micros from = 0, to = 0;  ///< what is played at all; 0: not told
};

inline constexpr std::int64_t kUnknown = INT64_MIN;

struct Status {
  FeedState state = FeedState::none;
  Integrity integrity = Integrity::none;
  Text reason;
  std::int64_t lag_us = kUnknown;   ///< receive time minus exchange time, skew removed
  std::int64_t skew_us = kUnknown;  ///< exchange's clock minus ours
  const ReplayPosition* replay = nullptr;
};

/// Data that is missing. Upstream gaps are part of the recording and of its digest; a gap of one client is not.
struct Gap {
  Channel channel = Channel::none;  ///< none: all channels of the instrument
  Text reason;
  Micros from_ts = 0, to_ts = 0;
  std::uint64_t from_seq = 0, to_seq = 0;  ///< exchange's or ours, as far as known
  std::int64_t lost = kUnknown;            ///< messages or trades
  bool client = false;                     ///< only this client missed it
};

struct Point {
  Micros ts = 0;
  Decimal price;
};

/// An alert that fired, or an annotation that somebody drew.
struct Mark {
  Text id, text, kind, color;
  Decimal price;
  std::span<const Point> points;
  bool deleted = false;
};

/// An exchange's own bytes, kept for `record --raw`; never broadcast.
struct RawFrame {
  enum class Direction : std::uint8_t { received, sent, connected, disconnected, rest };
  std::uint32_t connection = 0;  ///< number of the connection within the feed, from 1
  Direction direction = Direction::received;
  Text url;  ///< for connected and rest
  Text bytes;
};

/// One thing that happened. Plain data with borrowed parts: what `body` and the texts and spans in it point to belongs
/// to whoever made the event (a plugin during its call, an EventBatch for as long as the batch lives).
struct Event {
  Kind kind = Kind::status;
  const Instrument* instrument = nullptr;
  Micros recv_ts = 0;     ///< when the feed received it; the only clock reading in an event that is ours
  Micros ts = 0;          ///< exchange's time, 0 if it gave none
  std::uint64_t seq = 0;  ///< the hub's number per exchange, symbol and channel; 0 before the hub saw it
  const void* body = nullptr;

  [[nodiscard]] const Ticker& ticker() const noexcept { return *static_cast<const Ticker*>(body); }
  [[nodiscard]] const Trades& trades() const noexcept { return *static_cast<const Trades*>(body); }
  [[nodiscard]] const BookChange& book() const noexcept { return *static_cast<const BookChange*>(body); }
  [[nodiscard]] const Candle& candle() const noexcept { return *static_cast<const Candle*>(body); }
  [[nodiscard]] const Status& status() const noexcept { return *static_cast<const Status*>(body); }
  [[nodiscard]] const Gap& gap() const noexcept { return *static_cast<const Gap*>(body); }
  [[nodiscard]] const Mark& mark() const noexcept { return *static_cast<const Mark*>(body); }
  [[nodiscard]] const RawFrame& raw() const noexcept { return *static_cast<const RawFrame*>(body); }

  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const Ticker& b) noexcept {
    return {Kind::ticker, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const Trades& b) noexcept {
    return {Kind::trades, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const BookChange& b) noexcept {
    return {Kind::book, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const Candle& b) noexcept {
    return {Kind::candle, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const Status& b) noexcept {
    return {Kind::status, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const Gap& b) noexcept {
    return {Kind::gap, &i, recv_ts, ts, 0, &b};
  }
  static Event of(const Instrument& i, Micros recv_ts, Micros ts, const RawFrame& b) noexcept {
    return {Kind::raw, &i, recv_ts, ts, 0, &b};
  }
  static Event alert(const Instrument& i, Micros recv_ts, Micros ts, const Mark& b) noexcept {
    return {Kind::alert, &i, recv_ts, ts, 0, &b};
  }
  static Event annotation(const Instrument& i, Micros recv_ts, Micros ts, const Mark& b) noexcept {
    return {Kind::annotation, &i, recv_ts, ts, 0, &b};
  }
};

}  // namespace bixws
