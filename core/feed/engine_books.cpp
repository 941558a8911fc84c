// SPDX-License-Identifier: Apache-2.0
// Engine: getting books right again, one symbol at a time and no faster than the exchange likes.
#include <algorithm>
#include <map>

#include "feed/engine.h"
#include "feed/path_text.h"

namespace bixws::feed {
namespace {

constexpr Micros kMostDelay = 30'000'000;

/// 0 for the first time, then 0.5 s, 1 s, 2 s ...
Micros storm_guard(std::uint32_t times) {
  return times <= 1 ? 0 : std::min(kMostDelay, Micros{500'000} << std::min<std::uint32_t>(times - 2, 10));
}

}  // namespace

void ExchangeFeed::Engine::want_book(Symbol& symbol, std::uint32_t connection) {
  const bool rest = traits_.snapshots == SnapshotSource::rest;
  add_chore(symbol, rest ? 0 : connection, storm_guard(symbol.resyncs), 0);
}

void ExchangeFeed::Engine::add_chore(Symbol& symbol, std::uint32_t connection, Micros delay, unsigned attempt) {
  const auto same = [&](const Chore& chore) { return chore.symbol == &symbol && chore.connection == connection; };
  if (std::any_of(chores_.begin(), chores_.end(), same)) return;
  chores_.push_back({now() + delay, &symbol, connection, attempt});
  const auto due = loop_.now() + std::chrono::microseconds(delay);
  if (!chore_timer_.active() || chore_timer_.due() > due) chore_timer_.start_at(due);
}

void ExchangeFeed::Engine::do_chores() {
  const Micros time = now();
  std::vector<Chore> due;
  Micros next = INT64_MAX;
  std::erase_if(chores_, [&](const Chore& chore) {
    if (chore.due > time) {
      next = std::min(next, chore.due);
      return false;
    }
    due.push_back(chore);
    return true;
  });
  if (next != INT64_MAX) chore_timer_.start(std::chrono::microseconds(next - time));

  std::map<Link*, std::vector<Symbol*>> anew;
  for (const Chore& chore : due) {
    Symbol& symbol = *chore.symbol;
    const Subscription& subscription = symbol.of(Channel::book);
    if (!subscription.wanted || subscription.connections.empty()) continue;  // a reconnect brings a new book anyway
    if (chore.connection == 0) {
      if (!symbol.book_live()) ask_snapshot(symbol, chore.attempt);
    } else if (Link* link = link_of(chore.connection); link != nullptr && link->open()) {
      if (!symbol.book_live_on(chore.connection)) anew[link].push_back(&symbol);
    }
  }
  for (const auto& [link, symbols] : anew) {
    link->ask(false, Channel::book, symbols);
    link->ask(true, Channel::book, symbols);
  }
}

void ExchangeFeed::Engine::ask_snapshot(Symbol& symbol, unsigned attempt) {
  if (std::find(snapshots_asked_.begin(), snapshots_asked_.end(), &symbol) != snapshots_asked_.end()) return;
  snapshots_asked_.push_back(&symbol);
  PathText path;
  dialect_->snapshot_path(symbol.id, path);
  intake.figures().rest_requests.add();
  rest_->get(path.text_, traits_.limits.snapshot_weight,
             [this, &symbol, attempt, url = rest_->base() + path.text_](const RestQueue::Reply& reply) {
               std::erase(snapshots_asked_, &symbol);
               snapshot_answered(symbol, attempt, url, reply);
               judge_state();
               flush_soon();
             });
}

void ExchangeFeed::Engine::snapshot_answered(Symbol& symbol, unsigned attempt, const std::string& url,
                                             const RestQueue::Reply& reply) {
  const Micros pause = std::min(kMostDelay, Micros{500'000} << std::min(attempt, 10U));
  if (reply.refusal != RestQueue::Refusal::none) {
    intake.figures().rest_failures.add();
    const bool shut = reply.refusal == RestQueue::Refusal::banned || reply.refusal == RestQueue::Refusal::blocked;
    if (shut) rest_problem_ = reply.problem;
    log(LogLevel::warning, std::string(symbol.instrument->symbol) + ": no book snapshot: " + reply.problem);
    return add_chore(symbol, 0, std::max(pause, reply.wait), attempt + 1);
  }
  rest_problem_.clear();
  keep_raw({.connection = 0, .direction = RawFrame::Direction::rest, .url = url, .bytes = reply.body}, now());
  const Subscription& subscription = symbol.of(Channel::book);
  if (!subscription.wanted || subscription.connections.empty() || symbol.book_live()) return;
  if (now() - reply.took < symbol.book_opened_at) return add_chore(symbol, 0, 0, attempt + 1);
  switch (intake.read_snapshot(symbol, padded(reply.body), now())) {
    case Intake::SnapshotOutcome::accepted:
      return;
    case Intake::SnapshotOutcome::too_old:
      log(LogLevel::info, std::string(symbol.instrument->symbol) + ": snapshot older than the updates; once more");
      break;
    case Intake::SnapshotOutcome::unreadable:
      intake.figures().rest_failures.add();
      log(LogLevel::warning, std::string(symbol.instrument->symbol) + ": the answer of " + url + " is no snapshot");
      break;
  }
  add_chore(symbol, 0, pause, attempt + 1);
}

}  // namespace bixws::feed
