// SPDX-License-Identifier: Apache-2.0
// An ExchangeFeed on a real socket, and everything it published, to be asked about while it runs.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "feed/exchange_feed.h"
#include "market/book.h"
#include "model/batch.h"
#include "support/standin_exchange.h"
#include "support/wait.h"

namespace bixws::test {

/// Those of the BINANCE capture.
inline const std::vector<std::string> kBinanceSymbols = {"NKNUSDT", "BLZETH", "LRCBTC", "RUNEEUR"};

// Impatient times, so that no test waits for the exchange's own.
feed::FeedConfig quick_config(const std::string& exchange, std::vector<std::string> symbols);
/// The same for tests that have no use for a lost connection: a busy machine must not lose it either.
feed::FeedConfig steady_config(const std::string& exchange, std::vector<std::string> symbols);

// What the events say about one symbol so far.
struct SymbolView {
  market::Book book;
  FeedState state = FeedState::none;  // of the latest status
  std::size_t updates = 0, snapshots = 0;
};

class FeedRun {
 public:
  // Points the dialect's url and rest at the stand-in. Throws as load_dialect does.
  FeedRun(const std::string& plugin, const StandinExchange& standin, feed::FeedConfig config,
          std::map<std::string, std::string> options = {});
  FeedRun(const std::string& plugin, const std::map<std::string, std::string>& options, feed::FeedConfig config);
  FeedRun(std::unique_ptr<Dialect> dialect, feed::FeedConfig config);
  ~FeedRun();

  void start() { feed_->start(); }
  void stop() { feed_->stop(); }
  feed::ExchangeFeed& feed() { return *feed_; }
  const feed::Figures& figures() const { return feed_->figures(); }

  // Batches in order; they never change.
  std::vector<SharedBatch> batches() const;
  std::vector<const Event*> events() const;
  std::vector<const Event*> events(Kind kind) const;
  // "exchange|channel|reason" of each gap of a symbol, "" being the feed.
  std::vector<std::string> gaps(const std::string& symbol) const;
  SymbolView view(const std::string& symbol) const;
  // The latest status of the feed itself.
  FeedState state() const;
  std::string reason() const;
  std::vector<std::string> refusals() const;
  std::vector<std::string> log() const;
  // True once a status of the feed had that state and a reason that contains the text.
  bool saw_status(FeedState state, const std::string& reason_part) const;

 private:
  std::unique_ptr<feed::ExchangeFeed> feed_;
  Instruments instruments_;
  SystemClock clock_;
  mutable std::mutex mutex_;
  std::vector<SharedBatch> batches_;
  std::vector<std::string> refusals_, log_;
};

// The stand-in's own book, level by level with every digit, against ours. Empty: they are the same.
std::string difference(const StandinBook& theirs, const market::Book& ours);

}  // namespace bixws::test
