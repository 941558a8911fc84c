// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>

#include "capture/capture.h"
#include "capture/capture_feed.h"
#include "host/registry.h"
#include "host/spec.h"
#include "market/book.h"
#include "model/symbol.h"

namespace bixws::bench {
namespace {

constexpr std::size_t kFramesABatch = 100;
constexpr Micros kUsualDistance = 3'000;  // of two messages, where the capture has them further apart

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Value of "name":123, and where its digits stand.
bool number_after(std::string_view text, std::string_view name, std::size_t& at, std::uint64_t& value) {
  at = text.find(name);
  if (at == std::string_view::npos) return false;
  at += name.size();
  value = 0;
  for (std::size_t i = at; i < text.size() && is_digit(text[i]); ++i) {
    value = value * 10 + static_cast<unsigned>(text[i] - '0');
  }
  return true;
}

void add_to_number(std::string& text, std::string_view name, std::uint64_t more) {
  std::size_t at = 0;
  std::uint64_t value = 0;
  if (!number_after(text, name, at, value)) return;
  std::size_t end = at;
  while (end < text.size() && is_digit(text[end])) ++end;
  text.replace(at, end - at, std::to_string(value + more));
}

/// Draws the last two decimals of the number at `at` anew; a zero keeps its meaning.
void redraw(std::string& text, std::size_t at, std::mt19937_64& random) {
  std::size_t end = at;
  bool decimals = false;
  bool zero = true;
  for (; end < text.size() && (is_digit(text[end]) || text[end] == '.'); ++end) {
    decimals = decimals || text[end] == '.';
    zero = zero && (text[end] == '0' || text[end] == '.');
  }
  if (zero || !decimals || !is_digit(text[end - 2])) return;
  const std::uint64_t draw = random();
  text[end - 2] = static_cast<char>('0' + draw % 10);
  text[end - 1] = static_cast<char>('1' + draw / 10 % 9);
}

/// One change of a level, as ["buy","0.7921","1263.1"] says it.
struct Change {
  bool bid = false;
  double price = 0, size = 0;
  std::size_t size_at = 0;
};

std::vector<Change> changes_of(const std::string& text) {
  std::vector<Change> changes;
  for (std::size_t at = text.find("\"changes\":["); at != std::string::npos;) {
    const std::size_t buy = text.find("[\"buy\",\"", at);
    const std::size_t sell = text.find("[\"sell\",\"", at);
    if (buy == std::string::npos && sell == std::string::npos) break;
    Change change;
    change.bid = buy < sell;
    const std::size_t price = change.bid ? buy + 8 : sell + 9;
    change.size_at = text.find("\",\"", price) + 3;
    change.price = std::strtod(text.c_str() + price, nullptr);
    change.size = std::strtod(text.c_str() + change.size_at, nullptr);
    changes.push_back(change);
    at = change.size_at;
  }
  return changes;
}

/// Prices stay, or books would cross that never did.
void redraw_sizes_and_times(std::string& text, std::mt19937_64& random) {
  for (const Change& change : changes_of(text)) redraw(text, change.size_at, random);
  if (const std::size_t at = text.find("\"size\":\""); at != std::string::npos) redraw(text, at + 8, random);
  if (const std::size_t at = text.find("Z\""); at != std::string::npos && at > 3) {
    for (std::size_t i = at - 3; i < at; ++i) text[i] = static_cast<char>('0' + random() % 10);
  }
}

/// Where the capture begins again, its first changes meet the book of its end.
class Crossing {
 public:
  void apply(const Event& event) {
    if (event.kind == Kind::book) books_[std::string(event.instrument->symbol)].apply(event.book());
  }
  bool would_cross(const std::string& symbol, const std::string& text) const {
    const auto known = books_.find(symbol);
    if (known == books_.end()) return false;
    for (const Change& change : changes_of(text)) {
      const auto best = (change.bid ? known->second.asks() : known->second.bids()).top(1);
      if (change.size == 0 || best.empty()) continue;
      if (change.bid ? change.price >= best[0].price.to_double() : change.price <= best[0].price.to_double()) {
        return true;
      }
    }
    return false;
  }

 private:
  std::map<std::string, market::Book> books_;
};

std::unique_ptr<Dialect> load_dialect(const TrafficOptions& options) {
  host::Registry registry({options.plugin_directory});
  const Descriptor& plugin = registry.load("feed", options.feed);
  const host::SpecSettings settings({options.feed, {}},
                                    {"feed " + options.feed, {plugin.options, plugin.option_count}, {}, ~0U});
  Error error{};
  std::unique_ptr<Dialect> dialect(plugin.make_dialect(settings, error));
  if (!dialect) throw std::runtime_error(error.text);
  return dialect;
}

std::string product_of(const std::string& frame) {
  const std::size_t at = frame.find("\"product_id\":\"");
  return at == std::string::npos ? std::string() : frame.substr(at + 14, frame.find('"', at + 14) - at - 14);
}

}  // namespace

Traffic make_traffic(const TrafficOptions& options) {
  Traffic traffic;
  traffic.instruments = std::make_unique<Instruments>();
  std::vector<capture::Record> rest, lap;
  capture::Capture capture(options.capture, capture::Format::cryptofeed);
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> ids;  // of a product's trades
  for (capture::Record record; capture.next(record);) {
    if (record.direction != RawFrame::Direction::received) {
      if (record.direction == RawFrame::Direction::rest) rest.push_back(record);
      continue;
    }
    const std::string& text = record.bytes;
    const bool match = text.find("\"type\":\"match\"") != std::string::npos;
    if (!match && text.find("\"type\":\"l2update\"") == std::string::npos &&
        text.find("\"type\":\"ticker\"") == std::string::npos) {
      if (text.find("\"type\":\"last_match\"") == std::string::npos) traffic.start.push_back(text);
      continue;
    }
    if (options.trades_only && !match) continue;
    std::size_t at = 0;
    std::uint64_t id = 0;
    if (match && number_after(text, "\"trade_id\":", at, id)) {
      auto& range = ids.emplace(product_of(text), std::pair(id, id)).first->second;
      range = {std::min(range.first, id), std::max(range.second, id)};
    }
    lap.push_back(record);
  }
  if (lap.empty()) throw std::runtime_error("nothing of use in " + options.capture.front());

  capture::CaptureFeed feed(load_dialect(options), options.feed, *traffic.instruments, [](LogLevel, auto) {});
  for (const capture::Record& record : rest) feed.take(record);
  capture::Record record;
  record.at = lap.front().at;
  record.connection = 1;
  record.direction = RawFrame::Direction::connected;
  feed.take(record);
  record.direction = RawFrame::Direction::received;
  for (const std::string& text : traffic.start) {
    record.bytes = text;
    feed.take(record);
  }
  Crossing crossing;
  std::unique_ptr<EventBatch> waiting;
  const auto note = [&] {
    auto batch = feed.events();
    if (!batch) return;
    if (!waiting) waiting = std::make_unique<EventBatch>();
    for (const Event& event : std::as_const(*batch).events()) {
      crossing.apply(event);
      waiting->append(event);
    }
  };
  const auto keep = [&] {
    note();
    auto batch = std::move(waiting);
    if (!batch) return;
    auto without = std::make_unique<EventBatch>();
    for (const Event& event : std::as_const(*batch).events()) {
      if (event.kind != Kind::raw) without->append(event);
    }
    traffic.events += without->size();
    traffic.batches.emplace_back(std::move(without));
    traffic.with_frames.emplace_back(std::move(batch));
  };
  keep();
  std::mt19937_64 random(options.seed);
  const Micros start = lap.front().at;
  const Micros span = lap.back().at - start + 1'000;
  // Few trades among many updates become many trades.
  const double pace =
      std::min(1.0, static_cast<double>(kUsualDistance) * static_cast<double>(lap.size()) / static_cast<double>(span));
  for (std::size_t taken = 0; traffic.frames.size() < options.messages; ++taken) {
    const capture::Record& from = lap[taken % lap.size()];
    const std::uint64_t round = taken / lap.size();
    record.at =
        start + static_cast<Micros>(static_cast<double>(from.at - start + static_cast<Micros>(round) * span) * pace);
    record.bytes = from.bytes;
    const std::string product = product_of(record.bytes);
    if (crossing.would_cross(symbol_key(product), record.bytes)) continue;
    redraw_sizes_and_times(record.bytes, random);
    if (const auto range = ids.find(product); range != ids.end()) {
      add_to_number(record.bytes, "\"trade_id\":", round * (range->second.second - range->second.first + 1));
    }
    traffic.bytes += record.bytes.size();
    traffic.frames.push_back(record.bytes);
    traffic.times.push_back(record.at);
    feed.take(record);
    note();
    if (traffic.frames.size() % kFramesABatch == 0) keep();
  }
  keep();
  return traffic;
}

}  // namespace bixws::bench
