// SPDX-License-Identifier: Apache-2.0
// Model: what the screen knows, fed by events. It keeps only the newest of everything, so a terminal that draws seldom
// is never behind.
#pragma once

#include <bixws/event.h>

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "market/book.h"

namespace bixws::terminal {

/// The connection to where the data comes from.
enum class LinkState : std::uint8_t { connecting, up, waiting, ended };

struct Link {
  LinkState state = LinkState::connecting;
  std::string source;   ///< "ws://localhost:8765", or the feed when there is no server
  std::string reason;   ///< why it is not up
  Micros retry_at = 0;  ///< waiting: when the next attempt starts
  Micros since = 0;     ///< when it came up
};

/// Values over the time watched, in at most kPoints equal steps: the steps grow as time passes.
class Trend {
 public:
  void add(Micros ts, double value);
  [[nodiscard]] const std::vector<double>& values() const { return values_; }
  [[nodiscard]] Micros step() const { return step_; }

 private:
  static constexpr std::size_t kPoints = 128;
  static constexpr Micros kLargestStep = 60'000'000;
  std::vector<double> values_;
  Micros step_ = 1'000'000;
  Micros newest_ = 0;  // start of the last step
};

/// Events per second over the last few seconds.
class RateMeter {
 public:
  void add(Micros now, std::uint64_t count);
  [[nodiscard]] double per_second(Micros now) const;

 private:
  static constexpr std::int64_t kSeconds = 5;
  std::array<std::uint64_t, kSeconds + 1> buckets_{};
  std::int64_t newest_ = 0;
};

struct TradeLine {
  Decimal price, size;
  Side side = Side::none;
  Micros ts = 0, recv_ts = 0;
};

/// One line of the table and what else is known of its symbol. All `..._at` are local times.
struct Row {
  std::string label;                       ///< as the server names it
  const Instrument* instrument = nullptr;  ///< nullptr: asked for, but nothing came yet

  bool has_ticker = false;
  Ticker ticker;
  Micros ts = 0;
  Micros updated_at = 0;  ///< when the newest value was new
  Micros heard_at = 0;    ///< when it was last sent to us, as a snapshot after a reconnect too
  Micros changed_at = 0;  ///< of the price, for the flash
  int direction = 0;      ///< of the last price change: -1, 0, 1
  int decimals = 2;       ///< most digits after the point seen in a price
  int size_decimals = 0;
  Trend trend;

  FeedState state = FeedState::none;
  Integrity integrity = Integrity::none;
  std::uint64_t gaps = 0;

  std::deque<TradeLine> trades;        ///< oldest first
  std::size_t trades_since_asked = 0;  ///< so many of them, the newest, have no hole between them
  Micros trades_at = 0;

  bool has_book = false;
  market::Book book;
  FeedState book_state = FeedState::none;
  Micros book_ts = 0, book_at = 0;

  std::map<std::int32_t, std::deque<Candle>> candles;  ///< by timeframe, oldest first
};

struct FeedLine {
  FeedState state = FeedState::none;
  std::string reason;
  std::int64_t lag_us = kUnknown, skew_us = kUnknown;
};

struct ReplayLine {
  std::int64_t session = 0;
  Micros position = 0;
  double speed = 1;
  std::string state;
};

struct Notice {
  std::string text;
  Micros at = 0;
};

/// Copyable, so that a paused screen can keep what it showed. Not thread-safe.
class Model {
 public:
  static constexpr std::size_t kTradesKept = 256;
  static constexpr std::size_t kCandlesKept = 1000;

  /// Shows a line for this symbol before anything came for it.
  void expect(std::string_view label);
  /// Takes the line away; later events of that symbol are ignored until it is expected again.
  void remove(std::string_view label);
  /// The exchange whose symbols go by their plain names.
  void set_plain_exchange(std::string_view exchange);

  /// The events of one protocol message. `now` is the local time, microseconds since the epoch.
  void apply(std::span<const Event> events, Micros now);
  /// The trades of this row have been asked for: what came before may have a hole behind it.
  void ask_for_trades(std::string_view label);
  /// A replay is somewhere else: trades and candles of where it was say nothing here.
  void forget_past();
  /// Trades and candles from before. Trades stand before those that came since they were asked for; of candles that are
  /// known only those that were open are replaced.
  void take_history(std::span<const Event> events);
  void set_link(Link link, Micros now);
  void notify(std::string text, Micros now);

  [[nodiscard]] const std::vector<Row>& rows() const { return rows_; }
  [[nodiscard]] const Row* find(std::string_view label) const;
  [[nodiscard]] const Link& link() const { return link_; }
  [[nodiscard]] const std::map<std::string, FeedLine, std::less<>>& feeds() const { return feeds_; }
  [[nodiscard]] const std::optional<ReplayLine>& replay() const { return replay_; }
  [[nodiscard]] const Notice& notice() const { return notice_; }
  [[nodiscard]] double rate(Micros now) const { return meter_.per_second(now); }
  [[nodiscard]] std::uint64_t events() const { return events_; }
  /// Holes reported by exchanges' feeds, and what was lost on the way to this client.
  [[nodiscard]] std::uint64_t gaps() const { return gaps_; }
  [[nodiscard]] std::uint64_t drops() const { return drops_; }
  /// From the feed's receipt to this screen; kUnknown if nothing came yet, or in a replay.
  [[nodiscard]] std::int64_t lag_us() const { return replay_ ? kUnknown : lag_us_; }

  /// The values of this row cannot be trusted to be the present ones.
  [[nodiscard]] bool stale(const Row& row, Micros now) const;
  /// Silence after which a value counts as old although everything seems up.
  static constexpr Micros kOld = 60'000'000;

 private:
  Row* row_of(const Instrument& instrument);
  void apply_ticker(Row& row, const Event& event, Micros now, Micros newest);
  void apply_trades(Row& row, const Event& event, Micros now);
  void apply_book(Row& row, const Event& event, Micros now);
  static void apply_candle(Row& row, const Candle& candle, bool history);
  static void add_past_trades(Row& row, std::span<const Event> events);
  void apply_status(const Event& event, Micros now);
  void apply_gap(const Event& event, Micros now);
  [[nodiscard]] std::string label_of(const Instrument& instrument) const;

  std::vector<Row> rows_;
  std::unordered_map<std::uint32_t, std::size_t> row_by_id_;
  std::vector<std::string> removed_;
  std::string plain_exchange_;
  std::map<std::string, FeedLine, std::less<>> feeds_;
  std::optional<ReplayLine> replay_;
  Link link_;
  Notice notice_;
  RateMeter meter_;
  std::uint64_t events_ = 0, gaps_ = 0, drops_ = 0;
  std::int64_t lag_us_ = kUnknown;
};

}  // namespace bixws::terminal
