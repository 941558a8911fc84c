// SPDX-License-Identifier: Apache-2.0
// Format information shared by everything that writes or reads a recording. The page that explains it is
// docs/recording-format.md; what is said here and there changes together with kFormatVersion.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace bixws::recording {

/// PRAGMA application_id of every recording: "BXWR".
inline constexpr std::int32_t kApplicationId = 0x42585752;
/// PRAGMA user_version. A reader opens this version and all before it.
inline constexpr std::int32_t kFormatVersion = 1;
inline constexpr std::int32_t kOldestVersion = 1;

/// Rows that belong to one session share the upper bits of their id, so that a session is one range in each table.
inline constexpr int kChunkIdBits = 32;
inline constexpr int kRowIdBits = 40;
constexpr std::int64_t chunk_id(std::int64_t session, std::int64_t number) {
  return (session << kChunkIdBits) + number;
}
constexpr std::int64_t row_id(std::int64_t session, std::int64_t number) { return (session << kRowIdBits) + number; }
inline constexpr std::int64_t kMaxSessions = std::int64_t{1} << 22;

/// How a chunk's payload is stored.
enum class Codec : std::int32_t { zstd = 1 };

/// A chunk is sealed once it has this many events, or this many bytes before compression, or is this old.
inline constexpr std::uint32_t kChunkEvents = 4096;
inline constexpr std::size_t kChunkBytes = std::size_t{1} << 20;
inline constexpr std::int64_t kChunkAgeUs = 30'000'000;
/// No payload is larger before compression; what claims to be is damaged.
inline constexpr std::size_t kMaxPayloadBytes = std::size_t{256} << 20;

/// The columns of a payload, in their order.
enum class Column : std::uint8_t {
  tags,            ///< a byte an event: kind and flags
  instruments,     ///< places in the chunk's dictionary
  receive_times,   ///< differences to the event before
  exchange_times,  ///< likewise
  price_forms,     ///< a byte a price: its exponent, or that it is absent or wide
  prices,          ///< differences to the same field's last value
  size_forms,
  sizes,
  counts,  ///< everything else that is a small number
  ids,     ///< trade ids
  texts,
  frames  ///< an exchange's own bytes
};
inline constexpr std::size_t kColumnCount = 12;

// Tag byte: kind in the low four bits, then these.
inline constexpr std::uint8_t kTagKind = 0x0f;
inline constexpr std::uint8_t kTagInstrument =
    0x10;                                       ///< not the instrument of the event before: see Column::instruments
inline constexpr std::uint8_t kTagTime = 0x20;  ///< has the exchange's time: see Column::exchange_times
inline constexpr std::uint8_t kTagUnused = 0xc0;

// Form byte of a number: its exponent as a signed byte, or one of these.
inline constexpr std::int8_t kFormAbsent = 127;
inline constexpr std::int8_t kFormWide = 126;  ///< exponent, sign, zeros and a 96-bit mantissa follow in the digits
inline constexpr int kMaxExponent = 64;
inline constexpr int kMaxZeros = 64;

// Decimals of a typed price or size; an INTEGER holds the number times 10^decimals, TEXT holds what does not fit so.
inline constexpr int kMaxTypedDecimals = 18;

/// The tables. Everything a reader relies on is in `sessions`, `chunks` and `keyframes`; the rest is for SQL.
inline constexpr std::string_view kTables = R"sql(
CREATE TABLE sessions(id INTEGER PRIMARY KEY, started_ts INTEGER, ended_ts INTEGER, clean INTEGER, feeds TEXT,
  symbols TEXT, version TEXT, events INTEGER, chunks INTEGER, chain BLOB, crc32 INTEGER);
CREATE TABLE chunks(id INTEGER PRIMARY KEY, first_seq INTEGER, events INTEGER, start_ts INTEGER, end_ts INTEGER,
  codec INTEGER, size INTEGER, crc32 INTEGER, chain BLOB, data BLOB);
CREATE TABLE keyframes(id INTEGER PRIMARY KEY, seq INTEGER, codec INTEGER, size INTEGER, crc32 INTEGER, data BLOB);
CREATE TABLE instruments(id INTEGER PRIMARY KEY, exchange TEXT, symbol TEXT, price_decimals INTEGER,
  size_decimals INTEGER, price_unit REAL, size_unit REAL, UNIQUE(exchange, symbol, price_decimals, size_decimals));
CREATE TABLE trades(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, recv_ts INTEGER, lag INTEGER,
  side INTEGER, price, size, trade_id);
CREATE TABLE tickers(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, recv_ts INTEGER, lag INTEGER,
  price REAL, bid REAL, ask REAL, bid_size REAL, ask_size REAL, open_24h REAL, high_24h REAL, low_24h REAL,
  volume_24h REAL, quote_volume_24h REAL, change_24h REAL);
CREATE TABLE candles(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, recv_ts INTEGER, timeframe TEXT,
  open_ts INTEGER, open REAL, high REAL, low REAL, close REAL, volume REAL, closed INTEGER);
CREATE TABLE gaps(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, ts INTEGER, channel TEXT, reason TEXT,
  from_ts INTEGER, to_ts INTEGER, from_seq INTEGER, to_seq INTEGER, lost INTEGER);
CREATE TABLE annotations(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, recv_ts INTEGER, ts INTEGER,
  type TEXT, mark_id TEXT, kind TEXT, text TEXT, price REAL, color TEXT, points TEXT, deleted INTEGER);
)sql";

/// The views of the interface.
inline constexpr std::string_view kViews = R"sql(
CREATE VIEW v_sessions AS SELECT id AS session_id, started_ts, ended_ts, clean, feeds, symbols, version FROM sessions;
CREATE VIEW v_trades AS SELECT t.id >> 40 AS session_id, t.seq AS seq, t.recv_ts - t.lag AS ts, t.recv_ts AS recv_ts,
  i.exchange AS exchange, i.symbol AS symbol, t.price / i.price_unit AS price, t.size / i.size_unit AS size,
  CASE t.side WHEN 1 THEN 'buy' WHEN 2 THEN 'sell' END AS side, CAST(t.trade_id AS TEXT) AS trade_id,
  CASE WHEN i.price_decimals = 0 THEN CAST(t.price AS TEXT)
    ELSE printf('%s%d.%0*d', CASE WHEN t.price < 0 THEN '-' ELSE '' END, abs(t.price) / CAST(i.price_unit AS INTEGER),
      i.price_decimals, abs(t.price) % CAST(i.price_unit AS INTEGER)) END AS price_text,
  CASE WHEN i.size_decimals = 0 THEN CAST(t.size AS TEXT)
    ELSE printf('%s%d.%0*d', CASE WHEN t.size < 0 THEN '-' ELSE '' END, abs(t.size) / CAST(i.size_unit AS INTEGER),
      i.size_decimals, abs(t.size) % CAST(i.size_unit AS INTEGER)) END AS size_text
  FROM trades t JOIN instruments i ON i.id = t.instrument;
CREATE VIEW v_tickers AS SELECT t.id >> 40 AS session_id, t.seq AS seq, i.symbol AS symbol, t.price AS price,
  t.bid AS bid, t.ask AS ask, t.bid_size AS bid_size, t.ask_size AS ask_size, t.open_24h AS open_24h,
  t.high_24h AS high_24h, t.low_24h AS low_24h, t.volume_24h AS volume_24h, t.quote_volume_24h AS quote_volume_24h,
  t.change_24h AS change_24h, i.exchange AS exchange, t.recv_ts - t.lag AS ts, t.recv_ts AS recv_ts
  FROM tickers t JOIN instruments i ON i.id = t.instrument;
CREATE VIEW v_candles AS SELECT c.id >> 40 AS session_id, c.seq AS seq, i.exchange AS exchange, i.symbol AS symbol,
  c.timeframe AS timeframe, c.open_ts AS open_ts, c.open AS open, c.high AS high, c.low AS low, c.close AS close,
  c.volume AS volume, c.closed AS closed, c.recv_ts AS recv_ts
  FROM candles c JOIN instruments i ON i.id = c.instrument;
CREATE VIEW v_gaps AS SELECT g.id >> 40 AS session_id, g.ts AS ts, i.exchange AS exchange, i.symbol AS symbol,
  g.channel AS channel, g.reason AS reason, g.from_ts AS from_ts, g.to_ts AS to_ts, g.lost AS lost
  FROM gaps g JOIN instruments i ON i.id = g.instrument;
CREATE VIEW v_annotations AS SELECT a.id >> 40 AS session_id, a.seq AS seq, a.ts AS ts, a.recv_ts AS recv_ts,
  i.exchange AS exchange, i.symbol AS symbol, a.type AS type, a.mark_id AS id, a.kind AS kind, a.text AS text,
  a.price AS price, a.color AS color, a.points AS points, a.deleted AS deleted
  FROM annotations a JOIN instruments i ON i.id = a.instrument;
)sql";

/// Only with feeds that read a log: how far, with the session that holds it.
inline constexpr std::string_view kPlacesTable =
    "CREATE TABLE IF NOT EXISTS places(feed TEXT PRIMARY KEY, place TEXT, session INTEGER)";

/// Only with --sql-books or after `sessions index --books`.
inline constexpr std::string_view kBookTables = R"sql(
CREATE TABLE IF NOT EXISTS book_levels(id INTEGER PRIMARY KEY, seq INTEGER, instrument INTEGER, recv_ts INTEGER,
  lag INTEGER, action INTEGER, side INTEGER, price, size);
CREATE VIEW IF NOT EXISTS v_book_levels AS SELECT b.id >> 40 AS session_id, b.seq AS seq, b.recv_ts - b.lag AS ts,
  b.recv_ts AS recv_ts, i.exchange AS exchange, i.symbol AS symbol,
  CASE b.action WHEN 0 THEN 'snapshot' ELSE 'update' END AS action, CASE b.side WHEN 0 THEN 'bid' ELSE 'ask' END AS side,
  b.price / i.price_unit AS price, b.size / i.size_unit AS size
  FROM book_levels b JOIN instruments i ON i.id = b.instrument;
)sql";

}  // namespace bixws::recording
