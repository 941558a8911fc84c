// SPDX-License-Identifier: Apache-2.0
// Renaming by whole words, so that BTC-USDT never touches BTC-USDT-SWAP, and one pass over the capture.
#include "support/standin_timeline.h"

#include <cctype>
#include <stdexcept>

namespace bixws::test {

namespace {

bool part_of_a_symbol(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '/' || c == '_';
}

void replace_words(std::string& text, const std::string& from, const std::string& to) {
  std::size_t at = 0;
  while ((at = text.find(from, at)) != std::string::npos) {
    const std::size_t end = at + from.size();
    const bool alone =
        (at == 0 || !part_of_a_symbol(text[at - 1])) && (end == text.size() || !part_of_a_symbol(text[end]));
    if (alone) text.replace(at, from.size(), to);
    at += alone ? to.size() : 1;
  }
}

// The instrument's own entry gets the new id, base and quote; other entries stay as they are.
void rename_instrument(std::string& body, const InstrumentKeys& keys, const std::string& from, const std::string& to,
                       const std::pair<std::string, std::string>& coins) {
  const auto list = RawJson::parse_or_throw(body);
  const auto rename_in = [&](const RawJson& entries) {
    for (const auto& entry : entries.items()) {
      if (entry[keys.id].text() != from) continue;
      std::string changed(entry.raw());
      const auto set = [&](const std::string& key, const std::string& value) {
        const std::string before = "\"" + key + "\":" + std::string(entry[key].raw());
        const std::size_t at = changed.find(before);
        if (at != std::string::npos) changed.replace(at, before.size(), "\"" + key + "\":" + json_quoted(value));
      };
      set(keys.id, to);
      set(keys.base, coins.first);
      set(keys.quote, coins.second);
      // raw() looks into the reader's own copy of the text: same offset, same length.
      body.replace(static_cast<std::size_t>(entry.raw().data() - list.raw().data()) + body.find(list.raw()),
                   entry.raw().size(), changed);
      return;
    }
  };
  if (list.is_array()) rename_in(list);
  for (const auto& [name, value] : list.members()) {
    if (value.is_array() && value[0][keys.id].exists()) return rename_in(value);
  }
}

void rename(Capture& capture, const Venue& venue, const Renaming& renaming) {
  for (const auto& [from, coins] : renaming) {
    const std::string to = venue.symbol_id(coins.first, coins.second);
    for (auto& frame : capture.frames) {
      replace_words(frame.payload, from, to);
      replace_words(frame.payload, lower_case(from), lower_case(to));
    }
    const InstrumentKeys keys = venue.instrument_keys();
    for (auto& answer : capture.rest) {
      if (!keys.url_part.empty() && answer.url.find(keys.url_part) != std::string::npos) {
        rename_instrument(answer.body, keys, from, to, coins);
      } else {
        replace_words(answer.url, from, to);
        replace_words(answer.body, from, to);
      }
    }
  }
}

}  // namespace

Timeline make_timeline(Capture capture, Venue& venue, const Renaming& renaming) {
  rename(capture, venue, renaming);
  venue.study(capture);
  Timeline timeline;
  timeline.start.rest = std::move(capture.rest);
  venue.prepare(timeline.start);
  for (auto& captured : capture.frames) {
    TimelineFrame frame{captured.time_us, std::move(captured.payload), {}, {}};
    if (auto json = RawJson::parse(frame.payload)) frame.json = *std::move(json);
    frame.meaning = venue.meaning(frame.json);
    switch (frame.meaning.kind) {
      case FrameMeaning::Kind::answer:
        continue;
      case FrameMeaning::Kind::greeting:
        if (timeline.frames.empty()) {
          timeline.greetings.push_back(std::move(frame));
          continue;
        }
        break;
      case FrameMeaning::Kind::data:
        timeline.start.symbols.insert(frame.meaning.symbol);
        break;
      case FrameMeaning::Kind::heartbeat:
        break;
    }
    timeline.frames.push_back(std::move(frame));
  }
  if (timeline.frames.empty()) throw std::runtime_error(capture.name + ": no frame in it that could be played");
  timeline.start.time_us = timeline.frames.front().time_us;
  for (const auto& [from, coins] : renaming) {
    if (!timeline.start.symbols.contains(venue.symbol_id(coins.first, coins.second))) {
      throw std::runtime_error(capture.name + ": no symbol " + from + " to rename");
    }
  }
  for (auto& [symbol, book] : timeline.start.books) {
    StandinBook trial = book;
    for (std::size_t i = 0; i < timeline.frames.size() && trial.updates == 0; ++i) {
      const TimelineFrame& frame = timeline.frames[i];
      if (frame.meaning.book_update && frame.meaning.symbol == symbol) venue.apply(frame, trial);
      if (trial.updates > 0) timeline.first_change[symbol] = i + 1;
    }
  }
  return timeline;
}

std::vector<BookState> book_history(const Timeline& timeline, const Venue& venue, const std::string& symbol,
                                    std::size_t depth) {
  std::vector<BookState> states;
  const StandinBook* start = timeline.start.book(symbol);
  StandinBook book = start ? *start : StandinBook();
  const auto remember = [&](std::uint64_t frame) {
    states.push_back({frame, book.last_id, book.best(true, depth), book.best(false, depth)});
  };
  if (book.known) remember(0);
  for (std::size_t i = 0; i < timeline.frames.size(); ++i) {
    const FrameMeaning& meaning = timeline.frames[i].meaning;
    if (meaning.symbol != symbol || !(meaning.book_update || meaning.book_snapshot)) continue;
    const std::uint64_t updates = book.updates;
    venue.apply(timeline.frames[i], book);
    if (book.updates != updates || meaning.book_snapshot) remember(i + 1);
  }
  return states;
}

}  // namespace bixws::test
