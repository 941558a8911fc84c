// SPDX-License-Identifier: Apache-2.0
// Past: pages of a recording's trades, tickers, books, candles and marks, for `history`. Reads the chunks, so that
// every digit is as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "market/book.h"
#include "model/history.h"
#include "recording/recording.h"

namespace bixws::recording {

/// Reads while others write; opens the file anew for each page. One thread at a time.
class Past {
 public:
  /// Events that one page may read, about half a second of a processor. A chunk counts as 64 at least.
  static constexpr std::size_t kMostEvents = 1'000'000;

  /// `session`: only that one; 0: all sessions of the file. Where sessions overlap, the one that began later counts.
  Past(std::string path, std::int64_t session, std::size_t most_events = kMostEvents)
      : path_(std::move(path)), only_(session), most_events_(most_events) {}

  /// Candles that were not recorded are made from the recorded minutes, or else from the trades. Throws RecordingError.
  [[nodiscard]] HistoryPage read(const HistoryQuery& query);

 private:
  /// A session, and the time in which it is the one that counts.
  struct Span {
    std::int64_t session = 0;
    Micros begin = 0, end = 0;
  };
  /// Gets the events of one chunk; false: no more is needed.
  using Visit = std::function<bool(std::span<const Event>)>;

  [[nodiscard]] std::vector<Span> spans(const Instrument& instrument) const;
  /// Chunk by chunk in the query's direction, from where `from` to `to` (recv_ts) begins. True: to the end of it.
  [[nodiscard]] bool scan(const HistoryQuery& query, Micros from, Micros to, const Visit& visit);
  [[nodiscard]] HistoryPage items(const HistoryQuery& query);
  /// An update says nothing without what it changes: the first becomes the whole book as it was then.
  [[nodiscard]] HistoryPage books(const HistoryQuery& query);
  [[nodiscard]] bool book_at_first(const HistoryQuery& query, std::span<const Event> page, market::Book& book) const;
  [[nodiscard]] HistoryPage candles(const HistoryQuery& query);

  std::string path_;
  std::int64_t only_;
  std::size_t most_events_;
};

}  // namespace bixws::recording
