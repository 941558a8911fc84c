// SPDX-License-Identifier: Apache-2.0
// Intake: books, believed only while every frame fits, and taken anew when one does not.
#include <algorithm>
#include <utility>

#include "feed/intake.h"

namespace bixws::feed {
namespace {

constexpr Micros kCalm = 60'000'000;  // a book live this long may break again without being slowed down

}  // namespace

bool Symbol::book_live() const {
  return std::any_of(books.begin(), books.end(), [](const OwnedBook& book) { return book.machine->live(); });
}

bool Symbol::book_live_on(std::uint32_t connection) const {
  return std::any_of(books.begin(), books.end(), [&](const OwnedBook& book) {
    return (book.connection == 0 || book.connection == connection) && book.machine->live();
  });
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

}  // namespace bixws::feed
