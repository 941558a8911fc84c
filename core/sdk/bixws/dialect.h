// SPDX-License-Identifier: Apache-2.0
// Dialect: one exchange's language and nothing else. The core owns sockets, clocks, threads, books and reconnecting; a
// dialect turns bytes into events and wishes into bytes, which is why live, replay, tests and fuzzers run the same
// code.
#pragma once

#include <bixws/plugin.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace bixws {

/// Bytes of zeros that follow every Frame, so that simdjson reads it where it lies.
inline constexpr std::size_t kFramePadding = 64;

/// One text frame, or one body of a REST answer: UTF-8 as it came, followed by kFramePadding zero bytes. Borrowed for
/// the call. May be anything at all: cut short, HTML, empty.
struct Frame {
  Text bytes;
  std::uint32_t connection = 0;  ///< number of the connection within the feed, from 1; 0: REST
};

/// Where text for the exchange is written: a request frame or the path of a REST request.
class TextOut {
 public:
  virtual void append(Text text) noexcept = 0;
  TextOut& operator<<(Text text) noexcept {
    append(text);
    return *this;
  }
  TextOut& operator<<(std::uint64_t number) noexcept {
    char digits[20];
    append({digits, static_cast<std::size_t>(std::to_chars(digits, digits + sizeof digits, number).ptr - digits)});
    return *this;
  }

 protected:
  ~TextOut() = default;
};

/// "BTC-USD","ETH-USD": the inside of a JSON list of symbols, which need no escapes.
inline void write_quoted(TextOut& out, std::span<const Text> symbols) noexcept {
  Text comma;
  for (const Text symbol : symbols) {
    out << comma << "\"" << symbol << "\"";
    comma = ",";
  }
}

inline constexpr std::uint64_t kNoId = UINT64_MAX;

/// What every event begins with.
struct Head {
  Text symbol;    ///< the exchange's own id as listed(), which names it in every frame: "BTCUSDT", "BTC/USD"
  Micros ts = 0;  ///< exchange's time; 0: it gave none
  /// Rising with every event of this symbol and channel, so that two connections can be merged; kNoId: none. Trades and
  /// books carry their ids themselves.
  std::uint64_t id = kNoId;
  Text exchange{};     ///< empty: this feed. Set only by feeds that relay other exchanges
  Micros recv_ts = 0;  ///< 0: now. Set only by feeds that relay what another bixws received
};

/// What the core needs to check one book frame by Traits::chain before it believes it.
struct BookUpdate {
  BookAction action = BookAction::update;
  std::uint32_t depth = 0;            ///< levels a side this book has; the core cuts what exceeds it. 0: all there are
  std::span<const Level> bids, asks;  ///< update: in the exchange's order, later entries win. Size 0 removes
  std::uint64_t first = kNoId;        ///< first update id inside (Binance U); kNoId: the same as `last`
  std::uint64_t last = kNoId;         ///< last update id inside (Binance u, OKX seqId, Bybit u); of a snapshot too
  std::uint64_t previous = kNoId;     ///< id of the update before this one (OKX prevSeqId)
  bool has_checksum = false;
  std::uint32_t checksum = 0;  ///< of the book after this frame, to be compared with Dialect::checksum()
};

/// How the updates of one book hang together.
enum class Chain : std::uint8_t {
  none,        ///< nothing to check: whoever loses a frame does not know
  contiguous,  ///< `first` <= last id + 1; older ones are ignored, a later one is a gap
  linked,      ///< `previous` equals the last id
  rising       ///< ids only grow: older ones are ignored, gaps cannot be seen (Bitstamp's microtimestamp)
};

/// Where a book begins.
enum class SnapshotSource : std::uint8_t {
  subscription,  ///< the first frame after each subscribe; a fresh one by unsubscribe and subscribe
  rest           ///< fetched while updates are held back, then joined by their ids
};

/// What the exchange promises about trade ids of one symbol.
enum class TradeIds : std::uint8_t {
  none,        ///< text without order; only equality counts
  rising,      ///< numbers that grow
  consecutive  ///< each is one more than the last: a jump is a gap
};

/// Why a frame, or a part of it, cannot become an event.
enum class Fault : std::uint8_t {
  not_json,         ///< HTML, text, nothing
  truncated,        ///< JSON that ends too early or is broken inside
  number_too_long,  ///< more than 28 digits
  not_a_number,     ///< NaN, empty where a number must be, "0.-1"
  missing_field,
  unknown_kind  ///< well-formed, but nothing this dialect knows; exchanges add things, so this loses no data
};

struct Trouble {
  Fault fault = Fault::not_json;
  Channel channel = Channel::none;  ///< what was lost, if known
  Text symbol;                      ///< whose, if known
  Text field;                       ///< "price"
  Text text;                        ///< the offending text, or the kind that is unknown
};

/// One line of the exchange's instrument list.
struct Listing {
  Text id;           ///< as in frames
  Text base, quote;  ///< "BTC", "USDT", in any case: the symbol shown is BASEQUOTE. Empty (derivatives): the id itself
  bool trading = true;
  Text alias;  ///< another id under which frames name it, if there is one
};

/// An acknowledgement or a refusal. Say what the exchange said: the id of the request, or the channel and symbol, or
/// both (then only that part of the request is answered). Nothing at all: the oldest request without an answer.
struct Answer {
  std::uint64_t request = 0;
  Channel channel = Channel::none;
  Text symbol;
  Text reason;  ///< the exchange's own words, for a refusal
};

/// Where a dialect puts what it read. Everything is copied during the call. Implemented by the core.
class Out {
 public:
  /// May hold only some fields, as little as best bid and ask; absent ones keep their last value.
  virtual void ticker(const Head& head, const Ticker& ticker) noexcept = 0;
  /// All trades of one frame and symbol, oldest first. `history` marks those from before the subscription.
  virtual void trades(const Head& head, const Trades& trades) noexcept = 0;
  virtual void candle(const Head& head, const Candle& candle) noexcept = 0;
  virtual void book(const Head& head, const BookUpdate& update) noexcept = 0;
  /// For relays: an event of any other kind, whose instrument is taken from `head`.
  virtual void other(const Head& head, const Event& event) noexcept = 0;

  virtual void acknowledged(const Answer& answer) noexcept = 0;
  virtual void refused(const Answer& answer) noexcept = 0;
  /// Nothing but a sign of life (heartbeat, pong): counted, not an error.
  virtual void alive() noexcept = 0;
  /// The exchange announced the end of this connection; the core opens the next one first, then leaves this one.
  virtual void leaving(Text why) noexcept = 0;
  /// This connection is of no more use (a sequence over all channels broke): hang up and begin anew.
  virtual void reconnect(Text why) noexcept = 0;
  /// How the exchange says it is as a whole: live or down, and its own word for it unless all is well ("maintenance",
  /// "cancel_only"). Holds until it says otherwise.
  virtual void condition(FeedState state, Text why) noexcept = 0;
  /// The exchange's clock as it was when it answered; only from REST answers, which have a known duration.
  virtual void clock(Micros exchange_now) noexcept = 0;
  /// Something could not be read. Lost data becomes a `gap`, a lost book frame a resync; all is counted and logged.
  virtual void trouble(const Trouble& trouble) noexcept = 0;

  virtual void listed(const Listing& listing) noexcept = 0;
  /// The list goes on: ask again with this cursor.
  virtual void more(Text cursor) noexcept = 0;

 protected:
  ~Out() = default;
};

/// Hears everything and does nothing: for those who want to know only a part, or only whether a frame can be read.
class DeafOut : public Out {
 public:
  virtual ~DeafOut() = default;
  void ticker(const Head&, const Ticker&) noexcept override {}
  void trades(const Head&, const Trades&) noexcept override {}
  void candle(const Head&, const Candle&) noexcept override {}
  void book(const Head&, const BookUpdate&) noexcept override {}
  void other(const Head&, const Event&) noexcept override {}
  void acknowledged(const Answer&) noexcept override {}
  void refused(const Answer&) noexcept override {}
  void alive() noexcept override {}
  void leaving(Text) noexcept override {}
  void reconnect(Text) noexcept override {}
  void condition(FeedState, Text) noexcept override {}
  void clock(Micros) noexcept override {}
  void trouble(const Trouble&) noexcept override {}
  void listed(const Listing&) noexcept override {}
  void more(Text) noexcept override {}
};

/// What the exchange tolerates. 0: no limit known.
struct Limits {
  std::uint32_t topics_per_connection = 200;  ///< topics_of() of all subscriptions of one connection
  std::uint32_t symbols_per_request = 100;    ///< symbols named in one subscribe frame
  std::uint32_t requests_per_second = 4;      ///< frames sent per connection, pings included
  std::uint32_t requests_per_hour = 0;        ///< per connection
  Micros connect_interval = 500'000;          ///< between two attempts to connect
  Micros connection_life = 0;                 ///< the exchange ends connections at this age: replaced shortly before
  std::uint32_t rest_weight = 600;            ///< of all REST requests together, in any stretch of rest_span
  Micros rest_span = 60'000'000;
  std::uint32_t list_weight = 10;
  std::uint32_t snapshot_weight = 10;
  // How long nothing is asked after a refusal that names no time (Retry-After).
  Micros rate_limited_wait = 10'000'000;  ///< HTTP 429
  Micros ban_wait = 120'000'000;          ///< HTTP 418 and 403: the shortest ban the exchange hands out
};

/// What an exchange is like; constant for the life of a dialect.
struct Traits {
  std::uint32_t struct_size = sizeof(Traits);
  Text ws;                     ///< "wss://stream.binance.com:9443"; path() is added unless it has a path already
  Text rest;                   ///< "https://api.binance.com"; empty: no REST at all
  std::uint32_t channels = 0;  ///< it serves: 1 << int(Channel). Candles it lacks are built from its trades
  /// There is a list of instruments: list_path() over REST, or without REST read_list() of an empty body. False: the
  /// ids in frames are the symbols that users write, "BTCUSD".
  bool has_list = true;
  Chain chain = Chain::none;
  SnapshotSource snapshots = SnapshotSource::subscription;
  std::uint32_t checksum_levels = 0;  ///< levels a side that checksum() wants; 0: no checksums
  TradeIds trade_ids = TradeIds::none;
  bool candles_say_closed = true;  ///< false: a candle is closed when the next one begins or its time is over
  bool compressed = false;         ///< permessage-deflate is offered to the exchange
  bool acknowledges = true;        ///< false: a subscription counts as accepted once it is sent
  Micros keep_alive = 0;           ///< keep_alive() is sent when nothing came for this long; 0: protocol pings do
  bool keep_alive_always = false;  ///< sent at that pace whether or not data comes
  Micros silence =
      0;  ///< the exchange sends something at least this often (heartbeats): longer is dead. 0: may be quiet
  Limits limits;
};

/// Channel and symbols of one request frame; all symbols are the exchange's ids.
struct Request {
  bool subscribe = true;  ///< false: unsubscribe
  Channel channel = Channel::none;
  std::span<const Text> symbols;
  std::uint64_t id = 0;  ///< from 1, never used twice on a connection
};

/// Made by Descriptor::make_dialect, used by one thread at a time, destroyed with delete. Scratch memory that Head,
/// Level spans and so on point to belongs to the dialect and is reused with the next call. Nothing may throw.
class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual const Traits& traits() const noexcept = 0;
  /// Path and query of the WebSocket URL for a channel; channels with the same path share connections.
  [[nodiscard]] virtual Text path(Channel channel) const noexcept = 0;
  /// How much of topics_per_connection one symbol of this channel takes.
  [[nodiscard]] virtual std::uint32_t topics_of(Channel channel) const noexcept {
    (void)channel;
    return 1;
  }

  /// Writes one frame that asks for all of `request`; nothing written: nothing needs to be asked.
  virtual void request(const Request& request, TextOut& frame) noexcept = 0;
  /// The frame to send on Traits::keep_alive.
  virtual void keep_alive(std::uint64_t id, TextOut& frame) noexcept {
    (void)id;
    (void)frame;
  }
  /// Reads one frame of the socket.
  virtual void read(const Frame& frame, Out& out) noexcept = 0;
  /// A connection of this number begins; for dialects that keep something per connection.
  virtual void opened(std::uint32_t connection) noexcept { (void)connection; }

  /// Path of the instrument list, or of its next part when `cursor` is not empty.
  virtual void list_path(Text cursor, TextOut& path) noexcept {
    (void)cursor;
    (void)path;
  }
  /// Reads a part of the list: Out::listed for each, Out::more if it goes on.
  virtual void read_list(const Frame& body, Out& out) noexcept {
    (void)body;
    (void)out;
  }
  /// Path of a symbol's book snapshot, for SnapshotSource::rest.
  virtual void snapshot_path(Text symbol, TextOut& path) noexcept {
    (void)symbol;
    (void)path;
  }
  /// Reads it: Out::book with BookAction::snapshot.
  virtual void read_snapshot(Text symbol, const Frame& body, Out& out) noexcept {
    (void)symbol;
    (void)body;
    (void)out;
  }
  /// Of the best Traits::checksum_levels a side, best first.
  [[nodiscard]] virtual std::uint32_t checksum(std::span<const Level> bids, std::span<const Level> asks) noexcept {
    (void)bids;
    (void)asks;
    return 0;
  }
};

constexpr std::uint32_t channel_bit(Channel channel) noexcept { return 1U << static_cast<unsigned>(channel); }

// The options every exchange feed has; `url` and `rest` go into Traits, the core reads the others itself.
#define BIXWS_EXCHANGE_OPTIONS(WS, REST)                                                                           \
  {"url", ::bixws::OptionType::string, WS, "WebSocket endpoint, scheme and host: ws:// or wss://", false},         \
      {"rest", ::bixws::OptionType::string, REST, "REST endpoint, scheme and host: http:// or https://", false}, { \
    "connections", ::bixws::OptionType::integer, "1",                                                              \
        "live connections per subscription, merged; 2: losing one loses nothing", false                            \
  }

}  // namespace bixws
