// SPDX-License-Identifier: Apache-2.0
// Intake: merges, checks, and turns what is missing into gaps.
#include "feed/intake.h"

#include <bixws/decimal_math.h>

#include <algorithm>
#include <utility>

namespace bixws::feed {
namespace {

constexpr Micros kCalm = 60'000'000;         // a book live this long may break again without being slowed down
constexpr Micros kLogInterval = 10'000'000;  // between two log lines about the same fault
constexpr Micros kLateTrades = 2'000'000;    // after the end of a candle its last trade may still be on the way
constexpr std::size_t kMostExcerpt = 200;

/// Text of an exchange, fit for logs and events: no control characters, plain ASCII, not too long.
std::string excerpt(Text text) {
  std::string out;
  for (const char c : text.substr(0, kMostExcerpt)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 ? ' ' : byte < 0x7f ? c : '?';
  }
  if (text.size() > kMostExcerpt) out += "...";
  return out;
}

std::string reason_of(const Trouble& trouble) {
  switch (trouble.fault) {
    case Fault::number_too_long:
      return excerpt(trouble.field) + " " + excerpt(trouble.text) + " has more than 28 digits";
    case Fault::not_a_number:
      return excerpt(trouble.field) + " \"" + excerpt(trouble.text) + "\" is not a number";
    case Fault::missing_field:
      return "no " + excerpt(trouble.field) + " in the frame";
    case Fault::not_json:
      return "not JSON: " + excerpt(trouble.text);
    case Fault::truncated:
      return "broken JSON: " + excerpt(trouble.text);
    case Fault::unknown_kind:
      break;
  }
  return "unknown: " + excerpt(trouble.text);
}

const char* channel_text(Channel channel) {
  constexpr const char* names[] = {"", "ticker", "trades", "book", "candle"};
  const auto index = static_cast<std::size_t>(channel);
  return index < std::size(names) ? names[index] : "";
}

}  // namespace

const char* fault_text(Fault fault) {
  constexpr const char* texts[kFaults] = {"not JSON",     "broken JSON",   "number too long",
                                          "not a number", "missing field", "unknown kind"};
  return texts[static_cast<std::size_t>(fault)];
}

bool Symbol::book_live() const {
  return std::any_of(books.begin(), books.end(), [](const OwnedBook& book) { return book.machine->live(); });
}

bool Symbol::book_live_on(std::uint32_t connection) const {
  return std::any_of(books.begin(), books.end(), [&](const OwnedBook& book) {
    return (book.connection == 0 || book.connection == connection) && book.machine->live();
  });
}

Intake::Intake(Dialect& dialect, std::string exchange, Instruments& instruments, Wishes& wishes)
    : dialect_(dialect),
      traits_(dialect.traits()),
      exchange_(std::move(exchange)),
      instruments_(instruments),
      wishes_(wishes),
      feed_(&instruments.get(exchange_, "")) {}

Symbol& Intake::add(std::string_view id, std::string_view name) {
  if (Symbol* known = find(id)) return *known;
  Symbol& symbol = symbols_.emplace_back(std::string(id), instruments_.get(exchange_, name), traits_);
  by_id_.emplace(symbol.id, &symbol);
  return symbol;
}

Symbol* Intake::find(std::string_view id) {
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : found->second;
}

void Intake::want(Symbol& symbol, Channel channel, bool wanted) {
  Subscription& subscription = symbol.of(channel);
  subscription.wanted = wanted;
  if (wanted) return;
  for (const std::uint32_t connection : std::vector(subscription.connections)) closed(symbol, channel, connection);
  close_hole(symbol, channel, now_, 0, kUnknown);
  subscription.refusal.clear();
  if (channel == Channel::book) symbol.books.clear();
}

EventBatch& Intake::batch() {
  if (!batch_) batch_ = std::make_unique<EventBatch>();
  return *batch_;
}

std::unique_ptr<EventBatch> Intake::take() { return pending() ? std::move(batch_) : nullptr; }

// Time never runs backwards in what a feed publishes, whatever the machine's clock does.
void Intake::stamp(Micros recv_ts) { now_ = std::max(now_, recv_ts); }

void Intake::read(std::uint32_t connection, Text text, Micros recv_ts) {
  stamp(recv_ts);
  connection_ = connection;
  figures_.frames.add();
  figures_.bytes.add(text.size());
  dialect_.read({text, connection}, *this);
}

bool Intake::read_list(Text body, Micros asked, Micros recv_ts) {
  stamp(recv_ts);
  connection_ = 0;
  asked_ = asked;
  reading_ = nullptr;
  readable_ = true;
  dialect_.read_list({body, 0}, *this);
  return readable_;
}

Intake::SnapshotOutcome Intake::read_snapshot(Symbol& symbol, Text body, Micros recv_ts) {
  stamp(recv_ts);
  connection_ = 0;
  reading_ = &symbol;
  readable_ = true;
  got_book_ = false;
  outcome_ = SnapshotOutcome::accepted;
  dialect_.read_snapshot(symbol.id, {body, 0}, *this);
  return readable_ && got_book_ ? outcome_ : SnapshotOutcome::unreadable;
}

Symbol* Intake::wanted(const Head& head, Channel channel) {
  Symbol* symbol = find(head.symbol);
  if (symbol == nullptr || !symbol->of(channel).wanted) {
    if (symbol == nullptr) figures_.unknown_symbols.add();
    symbol = wishes_.on_unwanted(head.symbol, channel);
    if (symbol == nullptr) return nullptr;
  }
  Subscription& subscription = symbol->of(channel);
  if (std::find(subscription.connections.begin(), subscription.connections.end(), connection_) ==
      subscription.connections.end()) {
    opened(*symbol, channel, connection_, now_);
    wishes_.on_data(*symbol, channel, connection_);
  }
  return symbol;
}

bool Intake::repeated(Subscription& subscription, const Head& head) const {
  if (subscription.connections.size() > 1) {
    if (head.id != kNoId && subscription.last_id != kNoId && head.id <= subscription.last_id) return true;
    if (head.id == kNoId && head.ts != 0) {
      if (head.ts < subscription.last_ts) return true;
      if (head.ts == subscription.last_ts && connection_ != subscription.last_connection) return true;
    }
  }
  if (head.id != kNoId) subscription.last_id = head.id;
  if (head.ts != 0) subscription.last_ts = head.ts;
  subscription.last_connection = connection_;
  return false;
}

void Intake::sample(const Head& head) {
  if (head.ts != 0 && head.recv_ts == 0) lag_.sample(now_, head.ts);
}

void Intake::ticker(const Head& head, const Ticker& ticker) noexcept {
  Symbol* symbol = wanted(head, Channel::ticker);
  if (symbol == nullptr) return;
  if (repeated(symbol->of(Channel::ticker), head)) {
    figures_.duplicates.add();
    return;
  }
  sample(head);
  figures_.tickers.add();
  Ticker whole = ticker;
  if (!whole.change_24h.has_value()) whole.change_24h = percent_change(whole.price, whole.open_24h);
  batch().append(Event::of(*symbol->instrument, now_, head.ts, whole));
}

void Intake::candle(const Head& head, const Candle& candle) noexcept {
  Symbol* symbol = wanted(head, Channel::candle);
  if (symbol == nullptr) return;
  if (repeated(symbol->of(Channel::candle), head)) {
    figures_.duplicates.add();
    return;
  }
  sample(head);
  figures_.candles.add();
  if (traits_.candles_say_closed) {
    batch().append(Event::of(*symbol->instrument, now_, head.ts, candle));
    return;
  }
  Candle told = candle;
  told.closed =
      candle.open_ts < symbol->candle.open_ts || (candle.open_ts == symbol->candle.open_ts && !symbol->candle_open);
  if (candle.open_ts > symbol->candle.open_ts) {
    if (symbol->candle_open) close_candle(*symbol);
    symbol->candle_open = true;
  }
  if (candle.open_ts >= symbol->candle.open_ts) {
    symbol->candle = candle;
    symbol->candle_ts = head.ts;
  }
  batch().append(Event::of(*symbol->instrument, now_, head.ts, told));
}

void Intake::close_candle(Symbol& symbol) {
  symbol.candle.closed = true;
  symbol.candle_open = false;
  batch().append(Event::of(*symbol.instrument, now_, symbol.candle_ts, symbol.candle));
}

void Intake::tick(Micros at) {
  if (traits_.candles_say_closed) return;
  stamp(at);
  for (Symbol& symbol : symbols_) {
    const Micros end = symbol.candle.open_ts + Micros{symbol.candle.seconds} * 1'000'000;
    if (symbol.candle_open && now_ > end + kLateTrades) close_candle(symbol);
  }
}

void Intake::trades(const Head& head, const Trades& trades) noexcept {
  Symbol* symbol = wanted(head, Channel::trades);
  if (symbol == nullptr) return;
  if (!trades.history) sample(head);
  reading_ = symbol;
  const std::uint64_t before = symbol->trades.duplicates();
  symbol->trades.offer(connection_, head.ts, trades, *this);
  figures_.duplicates.add(symbol->trades.duplicates() - before);
}

void Intake::trades_missing(std::uint64_t from, std::uint64_t to, std::int64_t lost) {
  Subscription& subscription = reading_->of(Channel::trades);
  if (subscription.told) return;
  if (!subscription.hole.open) open_hole(*reading_, Channel::trades, now_, from, "sequence");
  subscription.hole.from_seq = from;
  close_hole(*reading_, Channel::trades, now_, to, lost);
}

void Intake::trades_ready(Micros ts, const Trades& trades) {
  Subscription& subscription = reading_->of(Channel::trades);
  subscription.told = false;
  subscription.hole.open = false;  // nothing was missing after all
  figures_.trades.add(trades.list.size());
  batch().append(Event::of(*reading_->instrument, now_, ts, trades));
}

BookMachine& Intake::machine_of(Symbol& symbol, std::uint32_t connection) {
  if (BookMachine::has_ids(traits_)) connection = 0;
  for (auto& book : symbol.books) {
    if (book.connection == connection) return *book.machine;
  }
  symbol.books.push_back({connection, std::make_unique<BookMachine>(traits_, dialect_)});
  return *symbol.books.back().machine;
}

void Intake::book(const Head& head, const BookUpdate& update) noexcept {
  if (connection_ == 0) {
    if (reading_ == nullptr || got_book_) return;
    got_book_ = true;
    BookMachine& machine = machine_of(*reading_, 0);
    book_connection_ = 0;
    const BookVerdict verdict = machine.snapshot(head.ts, update, *this);
    if (verdict.step == BookVerdict::Step::too_old) outcome_ = SnapshotOutcome::too_old;
    settle(*reading_, machine, 0, verdict);
    return;
  }
  Symbol* symbol = wanted(head, Channel::book);
  if (symbol == nullptr) return;
  sample(head);
  BookMachine& machine = machine_of(*symbol, connection_);
  reading_ = symbol;
  book_connection_ = BookMachine::has_ids(traits_) ? 0 : connection_;
  if (!symbol->book_live()) symbol->shown_book = book_connection_;
  const std::uint64_t checked = machine.checksums_ok();
  const BookVerdict verdict = machine.offer(connection_, head.ts, update, *this);
  figures_.checksums_ok.add(machine.checksums_ok() - checked);
  settle(*symbol, machine, connection_, verdict);
}

void Intake::book_ready(Micros ts, const BookChange& change) {
  if (book_connection_ != reading_->shown_book) return;
  if (change.action == BookAction::snapshot) {
    figures_.book_snapshots.add();
    close_hole(*reading_, Channel::book, now_, machine_of(*reading_, book_connection_).newest(), kUnknown);
  } else {
    figures_.book_updates.add();
  }
  reading_->of(Channel::book).last_ts = now_;
  batch().append(Event::of(*reading_->instrument, now_, ts, change));
  if (on_book_published) on_book_published(*reading_, machine_of(*reading_, book_connection_).newest(), change);
}

void Intake::settle(Symbol& symbol, BookMachine& machine, std::uint32_t connection, const BookVerdict& verdict) {
  figures_.updates_dropped.add(verdict.dropped);
  switch (verdict.step) {
    case BookVerdict::Step::broken:
      return lose_book(symbol, connection, verdict.reason, verdict.from, verdict.to);
    case BookVerdict::Step::ignored:
      // Over one connection nothing comes twice: it was in the snapshot.
      if (machine.live())
        (symbol.of(Channel::book).connections.size() > 1 ? figures_.duplicates : figures_.updates_dropped).add();
      return;
    case BookVerdict::Step::published:
    case BookVerdict::Step::waiting:
    case BookVerdict::Step::too_old:
      break;
  }
  if (!machine.live() || (symbol.book_well && symbol.integrity == machine.integrity())) return;
  if (!symbol.book_well) symbol.live_since = now_;
  symbol.integrity = machine.integrity();
  refresh(symbol, "");
}

void Intake::lose_book(Symbol& symbol, std::uint32_t connection, const std::string& reason, std::uint64_t from,
                       std::uint64_t to) {
  BookMachine& machine = machine_of(symbol, connection);
  machine.lose();
  figures_.resyncs.add();
  if (now_ - symbol.live_since > kCalm) symbol.resyncs = 0;
  ++symbol.resyncs;
  if (!symbol.book_live()) {
    open_hole(symbol, Channel::book, symbol.of(Channel::book).last_ts, from, reason);
    refresh(symbol, reason);
  } else {
    show_other_book(symbol);
  }
  wishes_.on_log(LogLevel::warning, std::string(symbol.instrument->symbol) + ": book is wrong (" + reason +
                                        (to != 0 ? ", " + std::to_string(from) + " to " + std::to_string(to) : "") +
                                        "); taking a new snapshot");
  wishes_.want_book(symbol, connection);
}

void Intake::show_other_book(Symbol& symbol) {
  for (const auto& book : symbol.books) {
    if (book.connection == symbol.shown_book && book.machine->live()) return;
  }
  for (const auto& book : symbol.books) {
    if (!book.machine->live()) continue;
    symbol.shown_book = book.connection;
    if (!book.machine->keeps_copy()) return;
    const market::Book& copy = book.machine->copy();
    const auto bids = copy.bids().top(copy.bids().size());
    const auto asks = copy.asks().top(copy.asks().size());
    BookChange change;
    change.action = BookAction::snapshot;
    change.depth = book.machine->depth();
    change.bids = bids;
    change.asks = asks;
    reading_ = &symbol;
    book_connection_ = book.connection;
    book_ready(0, change);
    return;
  }
}

void Intake::opened(Symbol& symbol, Channel channel, std::uint32_t connection, Micros at) {
  stamp(at);
  Subscription& subscription = symbol.of(channel);
  auto& connections = subscription.connections;
  if (!subscription.wanted || std::find(connections.begin(), connections.end(), connection) != connections.end()) {
    return;
  }
  connections.push_back(connection);
  subscription.refusal.clear();
  switch (channel) {
    case Channel::trades:
      symbol.trades.join(connection);
      // Consecutive ids will tell what exactly is missing; others leave only the times to go by.
      if (traits_.trade_ids == TradeIds::consecutive && symbol.trades.newest() != kNoId) break;
      subscription.told = subscription.hole.open;
      close_hole(symbol, channel, now_, 0, kUnknown);
      break;
    case Channel::book: {
      BookMachine& machine = machine_of(symbol, connection);
      machine.join(connection);
      if (!machine.live()) symbol.book_opened_at = now_;
      if (!machine.live() && traits_.snapshots == SnapshotSource::rest) wishes_.want_book(symbol, connection);
      break;
    }
    default:
      close_hole(symbol, channel, now_, 0, kUnknown);
  }
  refresh(symbol, "");
}

void Intake::closed(Symbol& symbol, Channel channel, std::uint32_t connection) {
  if (std::erase(symbol.of(channel).connections, connection) == 0) return;
  reading_ = &symbol;
  if (channel == Channel::trades) symbol.trades.leave(connection, *this);
  if (channel != Channel::book) return;
  machine_of(symbol, connection).leave(connection);
  if (!BookMachine::has_ids(traits_)) {
    std::erase_if(symbol.books, [&](const Symbol::OwnedBook& book) { return book.connection == connection; });
    show_other_book(symbol);
  }
}

void Intake::left(std::uint32_t connection, Micros last_byte, const std::string& reason, Micros at) {
  stamp(at);
  for (Symbol& symbol : symbols_) {
    bool touched = false;
    for (std::size_t i = 1; i < kDataChannels; ++i) {
      const auto channel = static_cast<Channel>(i);
      Subscription& subscription = symbol.of(channel);
      const std::size_t before = subscription.connections.size();
      const std::uint64_t newest = channel == Channel::trades ? symbol.trades.newest()
                                   : channel == Channel::book && !symbol.books.empty()
                                       ? symbol.books.front().machine->newest()
                                       : kNoId;
      closed(symbol, channel, connection);
      if (subscription.connections.size() == before) continue;
      touched = true;
      if (subscription.connections.empty()) open_hole(symbol, channel, last_byte, newest, reason);
    }
    if (touched) refresh(symbol, reason);
  }
}

void Intake::refused(Symbol& symbol, Channel channel, const std::string& reason, Micros at) {
  stamp(at);
  Subscription& subscription = symbol.of(channel);
  if (!subscription.wanted || !subscription.connections.empty()) return;  // another connection brings it
  subscription.refusal = std::string(channel_text(channel)) + " refused: " + excerpt(reason);
  refresh(symbol, "");
}

void Intake::open_hole(Symbol& symbol, Channel channel, Micros from, std::uint64_t from_seq,
                       const std::string& reason) {
  Hole& hole = symbol.of(channel).hole;
  if (hole.open) return;  // the first reason is the cause
  hole = {true, from, from_seq == kNoId ? 0 : from_seq, reason};
}

void Intake::close_hole(Symbol& symbol, Channel channel, Micros at, std::uint64_t to_seq, std::int64_t lost) {
  Hole& hole = symbol.of(channel).hole;
  if (!hole.open) return;
  hole.open = false;
  Gap gap;
  gap.channel = channel;
  gap.reason = hole.reason;
  gap.from_ts = hole.from;
  gap.to_ts = at;
  gap.from_seq = hole.from_seq;
  gap.to_seq = to_seq == kNoId ? 0 : to_seq;
  gap.lost = lost;
  publish_gap(*symbol.instrument, gap);
}

void Intake::publish_gap(const Instrument& instrument, const Gap& gap) {
  figures_.gaps.add();
  batch().append(Event::of(instrument, now_, 0, gap));
}

void Intake::refresh(Symbol& symbol, std::string_view reason) {
  symbol.book_well = symbol.book_live();
  bool any = false;      // is there
  bool missing = false;  // is still to come
  Text refusal;
  for (const Subscription& subscription : symbol.channels) {
    if (!subscription.wanted) continue;
    if (!subscription.connections.empty()) {
      any = true;
    } else if (!subscription.refusal.empty()) {
      if (refusal.empty()) refusal = subscription.refusal;
    } else {
      missing = true;
    }
  }
  const Subscription& book = symbol.of(Channel::book);
  FeedState state = FeedState::live;
  // A book that is not to be believed is said first: what is refused besides does not make it right.
  if (any && book.wanted && book.refusal.empty() && !symbol.book_well) {
    state = FeedState::resyncing;
  } else if (!refusal.empty() && (any || !missing)) {
    state = FeedState::down;
    reason = refusal;
  } else if (!any) {
    state = symbol.state == FeedState::none ? FeedState::connecting : FeedState::stale;
  } else if (missing) {
    state = symbol.state == FeedState::live ? FeedState::stale : symbol.state;
    if (symbol.state == FeedState::none) state = FeedState::connecting;
  }
  if (state == FeedState::live) reason = {};
  if (state == symbol.state && state != FeedState::live) return;
  publish_status(symbol, state, reason);
}

void Intake::publish_status(Symbol& symbol, FeedState state, std::string_view reason) {
  symbol.state = state;
  Status status;
  status.state = state;
  status.reason = reason;
  if (state == FeedState::live && symbol.of(Channel::book).wanted) status.integrity = symbol.integrity;
  batch().append(Event::of(*symbol.instrument, now_, 0, status));
}

void Intake::status(FeedState state, std::string_view reason, Micros at) {
  stamp(at);
  Status status;
  status.state = state;
  status.reason = reason;
  status.lag_us = lag_.lag();
  status.skew_us = lag_.skew();
  figures_.lag_us.store(status.lag_us, std::memory_order_relaxed);
  figures_.skew_us.store(status.skew_us, std::memory_order_relaxed);
  batch().append(Event::of(*feed_, now_, 0, status));
}

void Intake::raw(const RawFrame& frame, Micros at) {
  stamp(at);
  batch().append(Event::of(*feed_, now_, 0, frame));
}

void Intake::finish(Micros at) {
  stamp(at);
  for (Symbol& symbol : symbols_) {
    for (std::size_t i = 1; i < kDataChannels; ++i) {
      close_hole(symbol, static_cast<Channel>(i), now_, 0, kUnknown);
    }
  }
}

void Intake::other(const Head& head, const Event& event) noexcept {
  Event relayed = event;
  relayed.instrument = &instruments_.get(head.exchange.empty() ? Text(exchange_) : head.exchange, head.symbol);
  relayed.recv_ts = head.recv_ts != 0 ? head.recv_ts : now_;
  relayed.ts = head.ts;
  batch().append(relayed);
}

void Intake::acknowledged(const Answer& answer) noexcept { wishes_.on_answer(connection_, answer, false); }
void Intake::refused(const Answer& answer) noexcept { wishes_.on_answer(connection_, answer, true); }
void Intake::leaving(Text why) noexcept { wishes_.on_leaving(connection_, why); }
void Intake::reconnect(Text why) noexcept { wishes_.on_reconnect(connection_, why); }
void Intake::listed(const Listing& listing) noexcept { wishes_.on_listing(listing); }
void Intake::more(Text cursor) noexcept { wishes_.on_more(cursor); }

void Intake::condition(FeedState state, Text why) noexcept { wishes_.on_condition(state, excerpt(why)); }

void Intake::clock(Micros exchange_now) noexcept {
  if (connection_ == 0 && asked_ != 0 && exchange_now != 0) lag_.measured(asked_, now_, exchange_now);
}

void Intake::log_fault(const Trouble& trouble) {
  const auto index = static_cast<std::size_t>(trouble.fault);
  if (fault_logged_[index] != 0 && now_ - fault_logged_[index] < kLogInterval) {
    ++fault_unlogged_[index];
    return;
  }
  std::string text = exchange_ + ": ";
  if (!trouble.symbol.empty()) text += excerpt(trouble.symbol) + " ";
  if (trouble.channel != Channel::none) text += std::string(channel_text(trouble.channel)) + ": ";
  text += reason_of(trouble);
  if (fault_unlogged_[index] != 0) text += " (and " + std::to_string(fault_unlogged_[index]) + " like it since)";
  fault_logged_[index] = now_;
  fault_unlogged_[index] = 0;
  wishes_.on_log(trouble.fault == Fault::unknown_kind ? LogLevel::debug : LogLevel::warning, text);
}

void Intake::trouble(const Trouble& trouble) noexcept {
  figures_.faults[static_cast<std::size_t>(trouble.fault)].add();
  log_fault(trouble);
  if (trouble.fault == Fault::unknown_kind) return;
  readable_ = false;
  if (connection_ == 0) return;  // REST: asked again

  const std::string reason = reason_of(trouble);
  if (trouble.symbol.empty() || trouble.channel == Channel::none) {
    // Nobody can say what was in it. Books whose updates do not tell that one is missing are lost with it.
    Gap gap;
    gap.reason = reason;
    gap.from_ts = gap.to_ts = now_;
    gap.lost = 1;
    publish_gap(*feed_, gap);
    if (traits_.checksum_levels != 0 || traits_.chain == Chain::contiguous || traits_.chain == Chain::linked) return;
    for (Symbol& symbol : symbols_) {
      const auto& connections = symbol.of(Channel::book).connections;
      if (std::find(connections.begin(), connections.end(), connection_) != connections.end()) {
        lose_book(symbol, connection_, reason, 0, 0);
      }
    }
    return;
  }
  Symbol* symbol = find(trouble.symbol);
  if (symbol == nullptr || !symbol->of(trouble.channel).wanted) return;
  if (trouble.channel == Channel::book) return lose_book(*symbol, connection_, reason, 0, 0);
  Gap gap;
  gap.channel = trouble.channel;
  gap.reason = reason;
  gap.from_ts = gap.to_ts = now_;
  gap.lost = 1;
  publish_gap(*symbol->instrument, gap);
}

}  // namespace bixws::feed
