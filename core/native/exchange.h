// SPDX-License-Identifier: Apache-2.0
// Exchange: the state of a recorded exchange at one place of its raw frames: books, newest frames, REST answers. What
// frames mean comes from a plugin, as a Venue and a Dialect; no name of an exchange stands here.
#pragma once

#include <bixws/venue.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "market/book.h"

namespace bixws::native {

/// Which of the recording's connections brings a topic: of redundant ones only one is played.
class Source {
 public:
  /// A frame of this connection came at `at`: is it the one?
  bool takes(std::uint32_t connection, Micros at);
  void ended(std::uint32_t connection) {
    if (connection_ == connection) connection_ = 0;
  }

 private:
  std::uint32_t connection_ = 0;  // 0: none at present
  Micros seen_ = 0;               // when it brought it last
};

/// A topic of the recording: one channel of one symbol.
struct Topic {
  std::uint32_t id = 0;  ///< dense from 0
  FrameTopic::Kind kind = FrameTopic::Kind::data;
  std::string channel, symbol;
  bool book = false;
  Source played, booked;     ///< as of play() and of keep_books()
  std::string last;          ///< newest frame, unless it is a book's
  std::uint64_t frames = 0;  ///< played so far

  [[nodiscard]] FrameTopic view() const { return {kind, channel, symbol, book}; }
};

/// Not thread-safe.
class Exchange final : public VenueMarket, private DeafOut {
 public:
  Exchange(std::unique_ptr<Venue> venue, std::unique_ptr<Dialect> dialect);

  [[nodiscard]] Venue& venue() { return *venue_; }

  /// Before anything is played, for every raw frame in order: learns symbols and REST answers.
  void study(const RawFrame& frame, Micros at);
  /// After the last of them: the books that begin with a REST answer are there from the start.
  void studied();
  /// The next raw frame of the recording, received at `at`. Answers its topic if it is to be played; a copy that
  /// another connection of the recording brought too is not.
  const Topic* play(const RawFrame& frame, Micros at);
  /// Books cost more than all the rest and are seldom asked for, so that they follow later: `catch_up`, called before a
  /// book is answered, has to call keep_books() for every frame that play() has had, once and in order. It may throw
  /// nothing.
  void set_catch_up(std::function<void()> catch_up) { catch_up_ = std::move(catch_up); }
  void keep_books(const RawFrame& frame, Micros at);
  /// Back to the start of the recording.
  void rewind();

  /// What was sent when somebody connected.
  [[nodiscard]] const std::vector<std::string>& greetings() const { return greetings_; }
  /// Body of the recorded answer with this path and query; nullptr if there is none.
  [[nodiscard]] const std::string* recorded_at(std::string_view target) const;
  [[nodiscard]] std::uint64_t frames() const { return frames_; }  ///< that will be played in all

  std::size_t symbol_count() const noexcept override { return symbols_.size(); }
  Text symbol(std::size_t index) const noexcept override { return symbols_[index]; }
  bool has_symbol(Text symbol) const noexcept override { return known_symbols_.contains(symbol); }
  bool has_topic(Text channel, Text symbol) const noexcept override;
  bool book(Text symbol, std::size_t depth, VenueBook& book) noexcept override;
  Text last_frame(Text channel, Text symbol) const noexcept override;
  Text recorded(Text part_of_url) const noexcept override;
  Micros now() const noexcept override { return now_; }

 private:
  struct Book {
    market::Book levels;
    std::uint64_t last = kNoId;
    bool known = false;
  };
  struct Rest {
    std::string url, body;
  };

  Frame padded(Text bytes);
  const std::string& key_of(Text channel, Text symbol) const;
  Topic& topic_of(const FrameTopic& topic);
  void read_snapshot(Text url, Text body);
  void connection_ended(std::uint32_t connection, Source Topic::*source);

  // Of what the dialect reads, only books matter here.
  void book(const Head& head, const BookUpdate& update) noexcept override;

  std::unique_ptr<Venue> venue_;
  std::unique_ptr<Dialect> dialect_;
  std::function<void()> catch_up_;
  std::string padded_;
  mutable std::string key_;
  std::unordered_map<std::string, std::unique_ptr<Topic>> topics_;  // by channel, a zero, symbol
  std::map<std::string, Book, std::less<>> books_;
  std::vector<Rest> rest_;  // the first of each URL, in order
  std::set<std::string, std::less<>> rest_urls_;
  std::set<std::string, std::less<>> known_symbols_, known_topics_;
  std::vector<Text> symbols_;
  std::vector<std::string> greetings_;
  std::vector<Level> bids_, asks_;  // of the last book() answered
  bool any_data_ = false;
  Micros began_ = 0, now_ = 0;
  std::uint64_t frames_ = 0;
};

}  // namespace bixws::native
