// SPDX-License-Identifier: Apache-2.0
// Intake: what a dialect read becomes events here, each once, in order, and believed only if it fits. No I/O and no
// clock: the same code runs live, in golden tests, in benchmarks and under the fuzzer.
#pragma once

#include <bixws/dialect.h>

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "feed/book_machine.h"
#include "feed/figures.h"
#include "feed/lag.h"
#include "feed/trade_merge.h"
#include "model/batch.h"
#include "model/instruments.h"

namespace bixws::feed {

inline constexpr std::size_t kDataChannels = 5;  // indexed by Channel: none, ticker, trades, book, candle

/// Data that is missing from here on.
struct Hole {
  bool open = false;
  Micros from = 0;
  std::uint64_t from_seq = 0;
  std::string reason;
};

/// One symbol of one channel.
struct Subscription {
  bool wanted = false;
  std::vector<std::uint32_t> connections;  ///< that bring it now
  Hole hole;
  bool told = false;    ///< the hole before the next trade was published already
  std::string refusal;  ///< the exchange's own words, while no connection brings it
  // The newest passed on, to tell what a second connection repeats.
  std::uint64_t last_id = kNoId;
  Micros last_ts = 0;
  std::uint32_t last_connection = 0;
};

/// A symbol that is asked for. Addresses are stable for the life of the Intake.
class Symbol {
 public:
  Symbol(std::string its_id, const Instrument& its_instrument, const Traits& traits)
      : id(std::move(its_id)), instrument(&its_instrument), trades(traits.trade_ids) {}

  const std::string id;  ///< the exchange's
  const Instrument* const instrument;
  std::array<Subscription, kDataChannels> channels;
  TradeMerge trades;
  /// One machine for all connections where updates carry ids (connection 0), else one each.
  struct OwnedBook {
    std::uint32_t connection;
    std::unique_ptr<BookMachine> machine;
  };
  std::vector<OwnedBook> books;
  std::uint32_t shown_book = 0;  ///< connection whose book is published, where each has its own
  FeedState state = FeedState::none;
  Integrity integrity = Integrity::none;
  Micros book_opened_at = 0;  ///< snapshots asked for earlier do not fit what comes since
  std::uint32_t resyncs = 0;  ///< since the book was last live for a while; slows the next one down
  Micros live_since = 0;
  bool book_well = false;  ///< as of the latest status
  /// Where candles do not say that they are closed: the newest, and what is known of it.
  Candle candle;
  Micros candle_ts = 0;
  bool candle_open = false;

  [[nodiscard]] Subscription& of(Channel channel) { return channels[static_cast<std::size_t>(channel)]; }
  [[nodiscard]] bool book_live() const;
  /// Where each connection has a book of its own: that one.
  [[nodiscard]] bool book_live_on(std::uint32_t connection) const;
};

/// Not thread-safe: belongs to its feed's thread.
class Intake final : private Out, private TradeMerge::Output, private BookMachine::Output {
 public:
  /// What the intake needs done to go on; called from inside read() and its like, so do it later.
  class Wishes {
   public:
    /// The book is wrong: fetch a snapshot, or subscribe anew on that connection (0: all that bring it).
    virtual void want_book(Symbol& symbol, std::uint32_t connection) = 0;
    /// Data came over a connection before its acknowledgement.
    virtual void on_data(Symbol& symbol, Channel channel, std::uint32_t connection) = 0;
    virtual void on_answer(std::uint32_t connection, const Answer& answer, bool refused) = 0;
    virtual void on_leaving(std::uint32_t connection, Text why) = 0;
    virtual void on_reconnect(std::uint32_t connection, Text why) = 0;
    /// How the exchange says it is as a whole.
    virtual void on_condition(FeedState state, const std::string& why) {
      (void)state;
      (void)why;
    }
    virtual void on_listing(const Listing& listing) = 0;
    virtual void on_more(Text cursor) = 0;
    virtual void on_log(LogLevel level, const std::string& text) = 0;
    /// Data that was not asked for, perhaps of a symbol that was not added. Whoever wants it says so now (Intake::add
    /// and want) and answers with the symbol.
    virtual Symbol* on_unwanted(Text id, Channel channel) {
      (void)id;
      (void)channel;
      return nullptr;
    }

   protected:
    ~Wishes() = default;
  };

  Intake(Dialect& dialect, std::string exchange, Instruments& instruments, Wishes& wishes);

  /// `id`: the exchange's; `name`: what users see. The same symbol again is found, not made.
  Symbol& add(std::string_view id, std::string_view name);
  void want(Symbol& symbol, Channel channel, bool wanted);
  [[nodiscard]] Symbol* find(std::string_view id);
  [[nodiscard]] const std::deque<Symbol>& symbols() const { return symbols_; }
  [[nodiscard]] std::deque<Symbol>& symbols() { return symbols_; }

  /// One frame of a connection (numbered from 1). `text` is followed by kFramePadding zero bytes.
  void read(std::uint32_t connection, Text text, Micros recv_ts);
  /// The symbol's data will come over this connection from now on: the exchange said so, or the first of it is here.
  void opened(Symbol& symbol, Channel channel, std::uint32_t connection, Micros at);
  void closed(Symbol& symbol, Channel channel, std::uint32_t connection);
  /// The connection is gone; its last byte came at `last_byte`.
  void left(std::uint32_t connection, Micros last_byte, const std::string& reason, Micros at);
  void refused(Symbol& symbol, Channel channel, const std::string& reason, Micros at);

  /// False: it is no list.
  bool read_list(Text body, Micros asked, Micros recv_ts);
  enum class SnapshotOutcome : std::uint8_t { accepted, too_old, unreadable };
  SnapshotOutcome read_snapshot(Symbol& symbol, Text body, Micros recv_ts);

  /// A status of the whole feed.
  void status(FeedState state, std::string_view reason, Micros at);
  void raw(const RawFrame& frame, Micros at);
  /// Now and then: closes candles whose time is over.
  void tick(Micros at);
  /// Publishes what is still open at the end of a session.
  void finish(Micros at);

  /// What has become known since the last call; null if nothing.
  std::unique_ptr<EventBatch> take();
  [[nodiscard]] bool pending() const { return batch_ != nullptr && !batch_->empty(); }

  [[nodiscard]] Figures& figures() { return figures_; }
  [[nodiscard]] const LagMeter& lag() const { return lag_; }
  /// For tests that follow a book by the exchange's own ids.
  std::function<void(const Symbol&, std::uint64_t last_id, const BookChange&)> on_book_published;

 private:
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };

  // Out
  void ticker(const Head& head, const Ticker& ticker) noexcept override;
  void trades(const Head& head, const Trades& trades) noexcept override;
  void candle(const Head& head, const Candle& candle) noexcept override;
  void book(const Head& head, const BookUpdate& update) noexcept override;
  void other(const Head& head, const Event& event) noexcept override;
  void acknowledged(const Answer& answer) noexcept override;
  void refused(const Answer& answer) noexcept override;
  void alive() noexcept override {}
  void leaving(Text why) noexcept override;
  void reconnect(Text why) noexcept override;
  void condition(FeedState state, Text why) noexcept override;
  void clock(Micros exchange_now) noexcept override;
  void trouble(const Trouble& trouble) noexcept override;
  void listed(const Listing& listing) noexcept override;
  void more(Text cursor) noexcept override;
  // TradeMerge::Output, BookMachine::Output
  void trades_missing(std::uint64_t from, std::uint64_t to, std::int64_t lost) override;
  void trades_ready(Micros ts, const Trades& trades) override;
  void book_ready(Micros ts, const BookChange& change) override;

  EventBatch& batch();
  Symbol* wanted(const Head& head, Channel channel);
  bool repeated(Subscription& subscription, const Head& head) const;
  void sample(const Head& head);
  BookMachine& machine_of(Symbol& symbol, std::uint32_t connection);
  void settle(Symbol& symbol, BookMachine& machine, std::uint32_t connection, const BookVerdict& verdict);
  void lose_book(Symbol& symbol, std::uint32_t connection, const std::string& reason, std::uint64_t from,
                 std::uint64_t to);
  void show_other_book(Symbol& symbol);
  void close_candle(Symbol& symbol);
  void open_hole(Symbol& symbol, Channel channel, Micros from, std::uint64_t from_seq, const std::string& reason);
  void close_hole(Symbol& symbol, Channel channel, Micros at, std::uint64_t to_seq, std::int64_t lost);
  void publish_gap(const Instrument& instrument, const Gap& gap);
  void refresh(Symbol& symbol, std::string_view reason);
  void publish_status(Symbol& symbol, FeedState state, std::string_view reason);
  void log_fault(const Trouble& trouble);
  void stamp(Micros recv_ts);

  Dialect& dialect_;
  const Traits& traits_;
  const std::string exchange_;
  Instruments& instruments_;
  Wishes& wishes_;
  const Instrument* feed_;
  std::deque<Symbol> symbols_;
  std::unordered_map<std::string, Symbol*, TextHash, std::equal_to<>> by_id_;
  std::unique_ptr<EventBatch> batch_;
  Figures figures_;
  LagMeter lag_;

  // Of the frame being read.
  Micros now_ = 0;
  Micros asked_ = 0;
  std::uint32_t connection_ = 0;
  Symbol* reading_ = nullptr;          // whose REST snapshot, or whose trades or book is being settled
  std::uint32_t book_connection_ = 0;  // whose machine speaks in book_ready()
  bool got_book_ = false;
  bool readable_ = true;
  SnapshotOutcome outcome_ = SnapshotOutcome::accepted;

  Micros fault_logged_[kFaults] = {};
  std::uint64_t fault_unlogged_[kFaults] = {};
};

}  // namespace bixws::feed
