// SPDX-License-Identifier: Apache-2.0
// CaptureFeed: the part of a live feed that needs no socket.
#include "capture/capture_feed.h"

#include <algorithm>
#include <utility>

#include "model/symbol.h"

namespace bixws::capture {
namespace {

using Direction = RawFrame::Direction;

class PathText final : public TextOut {
 public:
  void append(Text text) noexcept override { text_ += text; }
  std::string text_;
};

/// Path and query of a URL, or of text that has neither scheme nor host.
std::string_view target_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return url;
  const std::size_t slash = url.find('/', scheme + 3);
  return slash == std::string_view::npos ? std::string_view("/") : url.substr(slash);
}

std::string_view path_of(std::string_view url) {
  const std::string_view target = target_of(url);
  return target.substr(0, target.find('?'));
}

/// One name=value after the other.
template <typename Each>
void each_parameter(std::string_view url, Each&& each) {
  const std::string_view target = target_of(url);
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return;
  std::string_view query = target.substr(question + 1);
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    each(query.substr(0, end));
    query.remove_prefix(std::min(end + 1, query.size()));
  }
}

bool has_parameter(std::string_view url, std::string_view wanted) {
  bool found = false;
  each_parameter(url, [&](std::string_view parameter) { found = found || parameter == wanted; });
  return found;
}

/// Whether `url` asks what `ours` would, for this symbol: other people ask for another depth.
bool same_question(std::string_view url, std::string_view ours, std::string_view symbol) {
  if (path_of(url) != path_of(ours)) return false;
  bool named = path_of(ours).find(symbol) != std::string_view::npos;
  bool same = true;
  each_parameter(ours, [&](std::string_view parameter) {
    if (parameter.substr(parameter.find('=') + 1) != symbol) return;
    named = true;
    same = same && has_parameter(url, parameter);
  });
  return named && same;
}

}  // namespace

CaptureFeed::CaptureFeed(std::unique_ptr<Dialect> dialect, std::string exchange, Instruments& instruments, LogLine log)
    : dialect_(std::move(dialect)), intake_(*dialect_, std::move(exchange), instruments, *this), log_(std::move(log)) {}

std::string_view CaptureFeed::padded(std::string_view text) {
  buffer_.assign(text);
  buffer_.append(kFramePadding, '\0');
  return {buffer_.data(), text.size()};
}

/// Some start several times before they get anywhere. Only what the connection found is of use, and the session need
/// not begin with minutes of nothing.
void CaptureFeed::begin() {
  begun_ = true;
  for (const Record& answer : std::exchange(early_, {})) take(answer);
}

void CaptureFeed::take(const Record& record) {
  if (!begun_) {
    if (record.direction == Direction::rest) {
      std::erase_if(early_, [&](const Record& earlier) { return earlier.url == record.url; });
      early_.push_back(record);
      return;
    }
    begin();
  }
  now_ = std::max(now_, record.at);
  switch (record.direction) {
    case Direction::connected:
      return connected(record);
    case Direction::disconnected:
      return disconnected(record.connection, record.bytes);
    case Direction::rest:
      return answered(record);
    case Direction::sent:
      intake_.raw({record.connection, record.direction, {}, record.bytes}, record.at);
      return;
    case Direction::received:
      break;
  }
  ++frames_;
  open_[record.connection] = record.at;
  intake_.raw({record.connection, record.direction, {}, record.bytes}, record.at);
  intake_.read(record.connection, padded(record.bytes), record.at);
}

void CaptureFeed::connected(const Record& record) {
  open_[record.connection] = record.at;
  std::string url = record.url;
  if (url.empty()) {
    url = dialect_->traits().ws;
    url += dialect_->path(Channel::book);
  }
  intake_.raw({record.connection, record.direction, url, {}}, record.at);
  dialect_->opened(record.connection);
}

void CaptureFeed::disconnected(std::uint32_t connection, std::string_view why) {
  const auto known = open_.find(connection);
  if (known == open_.end()) return;
  const Micros last = known->second;
  open_.erase(known);
  intake_.raw({connection, Direction::disconnected, {}, why}, now_);
  intake_.left(connection, last, std::string(why), now_);
}

void CaptureFeed::answered(const Record& record) {
  intake_.raw({0, record.direction, record.url, record.bytes}, record.at);
  PathText list;
  dialect_->list_path({}, list);
  if (!list.text_.empty() && path_of(record.url) == path_of(list.text_)) {
    intake_.read_list(padded(record.bytes), 0, record.at);
    return;
  }
  const std::string id = snapshot_of(record.url);
  if (id.empty()) return;
  feed::Symbol& symbol = symbol_of(id, Channel::book);
  if (symbol.book_live()) return;
  // A quiet symbol's snapshot may come before its first update.
  if (symbol.of(Channel::book).connections.empty() && !open_.empty()) {
    intake_.opened(symbol, Channel::book, open_.begin()->first, record.at);
  }
  if (symbol.of(Channel::book).connections.empty()) return;
  if (intake_.read_snapshot(symbol, padded(record.bytes), record.at) == feed::Intake::SnapshotOutcome::unreadable) {
    log_(LogLevel::warning, std::string(record.url) + ": the answer is no snapshot");
  }
}

std::string CaptureFeed::snapshot_of(std::string_view url) {
  const auto asks_for = [&](const std::string& id) {
    PathText ours;
    dialect_->snapshot_path(id, ours);
    return !ours.text_.empty() && same_question(url, ours.text_, id);
  };
  for (const feed::Symbol& symbol : intake_.symbols()) {
    if (asks_for(symbol.id)) return symbol.id;
  }
  for (const auto& [id, name] : names_) {
    if (asks_for(id)) return id;
  }
  return {};
}

feed::Symbol& CaptureFeed::symbol_of(std::string_view id, Channel channel) {
  feed::Symbol* symbol = intake_.find(id);
  if (symbol == nullptr) {
    const auto listed = names_.find(id);
    symbol = &intake_.add(id, listed != names_.end() ? listed->second : symbol_key(id));
  }
  if (!symbol->of(channel).wanted) intake_.want(*symbol, channel, true);
  return *symbol;
}

feed::Symbol* CaptureFeed::on_unwanted(Text id, Channel channel) {
  return id.empty() ? nullptr : &symbol_of(id, channel);
}

void CaptureFeed::on_listing(const Listing& listing) {
  std::string name(listing.id);
  if (!listing.base.empty()) name = symbol_key(std::string(listing.base)) + symbol_key(std::string(listing.quote));
  names_.emplace(listing.id, std::move(name));
}

void CaptureFeed::finish() {
  if (!begun_) begin();
  // Nothing is lost by a capture's end; only holes that were open already are told.
  for (const auto& [connection, last] : open_) {
    intake_.raw({connection, Direction::disconnected, {}, "the capture ends"}, now_);
  }
  open_.clear();
  intake_.finish(now_);
}

}  // namespace bixws::capture
