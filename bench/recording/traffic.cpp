// SPDX-License-Identifier: Apache-2.0
#include "traffic.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <stdexcept>
#include <utility>

#include "capture/capture.h"
#include "capture/capture_feed.h"
#include "host/registry.h"
#include "host/spec.h"

namespace bixws::bench {
namespace {

constexpr std::size_t kFramesABatch = 100;

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

/// The last two digits of each decimal fraction; a size that is zero keeps its meaning.
void redraw_fractions(std::string& text, std::mt19937_64& random) {
  for (std::size_t dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1)) {
    std::size_t end = dot + 1;
    while (end < text.size() && is_digit(text[end])) ++end;
    if (end - dot < 3) continue;
    const std::string_view fraction = std::string_view(text).substr(dot + 1, end - dot - 1);
    if (fraction.find_first_not_of('0') == std::string_view::npos) continue;
    const std::uint64_t draw = random();
    text[end - 2] = static_cast<char>('0' + draw % 10);
    text[end - 1] = static_cast<char>('1' + draw / 10 % 9);
  }
}

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
  const auto keep = [&] {
    auto batch = feed.events();
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
  const Micros span = lap.back().at - lap.front().at + 1'000;
  for (std::size_t made = 0; made < options.messages; ++made) {
    const capture::Record& from = lap[made % lap.size()];
    const std::uint64_t round = made / lap.size();
    record.at = from.at + static_cast<Micros>(round) * span;
    record.bytes = from.bytes;
    redraw_fractions(record.bytes, random);
    if (const auto range = ids.find(product_of(record.bytes)); range != ids.end()) {
      add_to_number(record.bytes, "\"trade_id\":", round * (range->second.second - range->second.first + 1));
    }
    traffic.bytes += record.bytes.size();
    traffic.frames.push_back(record.bytes);
    traffic.times.push_back(record.at);
    feed.take(record);
    if (made % kFramesABatch == kFramesABatch - 1) keep();
  }
  keep();
  return traffic;
}

}  // namespace bixws::bench
