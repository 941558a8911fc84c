// SPDX-License-Identifier: Apache-2.0
// Exchange: what is learnt before the first frame, and what each frame changes.
#include "native/exchange.h"

#include <algorithm>

namespace bixws::native {
namespace {

constexpr Micros kLostAfter = 10'000'000;

/// "/api/v3/depth?symbol=X" of "https://api.example.com/api/v3/depth?symbol=X".
std::string_view target_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const std::size_t path = url.find('/', scheme + 3);
  return path == std::string_view::npos ? std::string_view("/") : url.substr(path);
}

}  // namespace

Exchange::Exchange(std::unique_ptr<Venue> venue, std::unique_ptr<Dialect> dialect)
    : venue_(std::move(venue)), dialect_(std::move(dialect)) {}

Frame Exchange::padded(Text bytes) {
  padded_.assign(bytes);
  padded_.append(kFramePadding, '\0');
  return {{padded_.data(), bytes.size()}, 1};
}

const std::string& Exchange::key_of(Text channel, Text symbol) const {
  key_.assign(channel);
  key_ += '\0';
  key_ += symbol;
  return key_;
}

Topic& Exchange::topic_of(const FrameTopic& topic) {
  auto& slot = topics_[key_of(topic.channel, topic.symbol)];
  if (!slot) {
    slot = std::make_unique<Topic>();
    slot->id = static_cast<std::uint32_t>(topics_.size() - 1);
    slot->kind = topic.kind;
    slot->channel = topic.channel;
    slot->symbol = topic.symbol;
    slot->book = topic.book;
  }
  return *slot;
}

void Exchange::study(const RawFrame& frame, Micros at) {
  if (began_ == 0) began_ = at;
  if (frame.direction == RawFrame::Direction::rest) {
    if (rest_urls_.insert(std::string(frame.url)).second) {
      rest_.push_back({std::string(frame.url), std::string(frame.bytes)});
    }
    return;
  }
  if (frame.direction != RawFrame::Direction::received) return;
  const Frame text = padded(frame.bytes);
  const FrameTopic topic = venue_->topic(text);
  switch (topic.kind) {
    case FrameTopic::Kind::answer:
      venue_->study(text);
      dialect_->read(text, *this);  // how deep the books are, say
      return;
    case FrameTopic::Kind::greeting:
      if (any_data_ || std::find(greetings_.begin(), greetings_.end(), frame.bytes) != greetings_.end()) return;
      greetings_.emplace_back(frame.bytes);
      return;
    case FrameTopic::Kind::data:
      any_data_ = true;
      if (!known_symbols_.contains(topic.symbol)) known_symbols_.emplace(topic.symbol);
      known_topics_.insert(key_of(topic.channel, topic.symbol));
      break;
    case FrameTopic::Kind::heartbeat:
      break;
  }
  ++frames_;
}

void Exchange::studied() {
  symbols_.assign(known_symbols_.begin(), known_symbols_.end());
  rewind();
}

void Exchange::rewind() {
  books_.clear();
  topics_.clear();
  now_ = began_;
  dialect_->opened(1);
  for (const Rest& answer : rest_) {
    const Text symbol = venue_->book_of(answer.url);
    if (!symbol.empty() && !books_.contains(symbol)) read_snapshot(answer.url, answer.body);
  }
}

void Exchange::read_snapshot(Text url, Text body) {
  const std::string symbol(venue_->book_of(url));
  if (!symbol.empty()) dialect_->read_snapshot(symbol, padded(body), *this);
}

void Exchange::book(const Head& head, const BookUpdate& update) noexcept {
  auto found = books_.find(head.symbol);
  if (found == books_.end()) found = books_.emplace(std::string(head.symbol), Book()).first;
  Book& book = found->second;
  const bool numbered = update.last != kNoId && book.last != kNoId;
  const bool rest = dialect_->traits().snapshots == SnapshotSource::rest;
  // A REST answer is as old as its request; updates that it contains already come again behind it.
  if (book.known && rest && numbered && update.last <= book.last) return;
  if (!book.known && update.action == BookAction::update) return;
  book.levels.apply({update.action, FeedState::live, update.depth, update.bids, update.asks});
  book.known = true;
  book.last = update.last;
}

bool Source::takes(std::uint32_t connection, Micros at) {
  // A recorder that was killed does not say that its connections ended.
  if (connection_ == 0 || at - seen_ > kLostAfter) connection_ = connection;
  if (connection_ != connection) return false;
  seen_ = at;
  return true;
}

void Exchange::connection_ended(std::uint32_t connection, Source Topic::*source) {
  for (const auto& [key, topic] : topics_) ((*topic).*source).ended(connection);
}

const Topic* Exchange::play(const RawFrame& frame, Micros at) {
  now_ = at;
  if (frame.direction == RawFrame::Direction::disconnected) connection_ended(frame.connection, &Topic::played);
  if (frame.direction != RawFrame::Direction::received) return nullptr;
  const FrameTopic about = venue_->topic(padded(frame.bytes));
  if (about.kind == FrameTopic::Kind::answer || about.kind == FrameTopic::Kind::greeting) return nullptr;
  Topic& topic = topic_of(about);
  if (!topic.played.takes(frame.connection, at)) return nullptr;
  ++topic.frames;
  if (!topic.book) topic.last.assign(frame.bytes);
  return &topic;
}

void Exchange::keep_books(const RawFrame& frame, Micros at) {
  if (frame.direction == RawFrame::Direction::rest) return read_snapshot(frame.url, frame.bytes);
  if (frame.direction == RawFrame::Direction::disconnected) connection_ended(frame.connection, &Topic::booked);
  if (frame.direction != RawFrame::Direction::received) return;
  const Frame text = padded(frame.bytes);
  const FrameTopic about = venue_->topic(text);
  if (!about.book || about.kind != FrameTopic::Kind::data) return;
  if (topic_of(about).booked.takes(frame.connection, at)) dialect_->read(text, *this);
}

const std::string* Exchange::recorded_at(std::string_view target) const {
  for (const Rest& answer : rest_) {
    if (target_of(answer.url) == target) return &answer.body;
  }
  return nullptr;
}

bool Exchange::book(Text symbol, std::size_t depth, VenueBook& book) noexcept {
  const std::string name(symbol);  // may be in a frame that is read over meanwhile
  if (catch_up_) catch_up_();
  const auto found = books_.find(name);
  if (found == books_.end() || !found->second.known) return false;
  bids_ = found->second.levels.bids().top(depth);
  asks_ = found->second.levels.asks().top(depth);
  book = {bids_, asks_, found->second.last};
  return true;
}

bool Exchange::has_topic(Text channel, Text symbol) const noexcept {
  return known_topics_.contains(key_of(channel, symbol));
}

Text Exchange::last_frame(Text channel, Text symbol) const noexcept {
  const auto found = topics_.find(key_of(channel, symbol));
  return found == topics_.end() ? Text() : Text(found->second->last);
}

Text Exchange::recorded(Text part_of_url) const noexcept {
  for (const Rest& answer : rest_) {
    if (answer.url.find(part_of_url) != std::string::npos) return answer.body;
  }
  return {};
}

}  // namespace bixws::native
