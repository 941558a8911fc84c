// SPDX-License-Identifier: Apache-2.0
// Intake: merges, checks, and turns what is missing into gaps.
#include "feed/intake.h"

#include <bixws/decimal_math.h>

#include <algorithm>
#include <utility>

#include "feed/excerpt.h"
#include "model/event_json.h"

namespace bixws::feed {
namespace {

constexpr Micros kLateTrades = 2'000'000;  // after the end of a candle its last trade may still be on the way

}  // namespace

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
  subscription.refusal = std::string(name_of(channel)) + " refused: " + excerpt(reason);
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

}  // namespace bixws::feed
