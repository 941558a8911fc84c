// SPDX-License-Identifier: Apache-2.0
// Past: sessions from the newest to the oldest (or the other way round), and in each the chunks, until the page is
// full.
#include "recording/past.h"

#include <algorithm>
#include <utility>

#include "model/event_json.h"
#include "recording/format.h"
#include "recording/image.h"
#include "recording/past_candles.h"

namespace bixws::recording {
namespace {

constexpr std::size_t kLeastCost = 64;  // of a chunk, in events

// How far the exchange's clock, by which candles are cut, may be from ours, by which chunks are found.
constexpr Micros kSkew = 60'000'000;

Micros earlier(Micros time, Micros by) { return time < INT64_MIN + by ? INT64_MIN : time - by; }
Micros later(Micros time, Micros by) { return time > INT64_MAX - by ? INT64_MAX : time + by; }

bool is_of(const Event& event, const Instrument& instrument) {
  return event.instrument->symbol == instrument.symbol && event.instrument->exchange == instrument.exchange;
}

/// Whether a session that lists these symbols ("BTCUSDT, kraken:BTCUSD") can have the instrument.
bool lists(const std::string& symbols, const Instrument& instrument) {
  return symbols.empty() || symbols.find(instrument.symbol) != std::string::npos;
}

/// Where a session's chunks begin, and which reaches a time.
class Chunks {
 public:
  Chunks(const std::string& path, std::int64_t session)
      : recording_(path),
        session_(session),
        select_(recording_.database().prepare("SELECT first_seq, end_ts FROM chunks WHERE id = ?1")) {}

  /// The first of `count` chunks that reaches `ts`; `count`: none does.
  [[nodiscard]] std::int64_t reaching(Micros ts, std::int64_t count) {
    std::int64_t low = 0;
    std::int64_t high = count;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (load(middle) && end_ts_ < ts) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }
  [[nodiscard]] std::uint64_t first_seq(std::int64_t number) { return load(number) ? first_seq_ : 0; }

 private:
  bool load(std::int64_t number) {
    select_.bind(1, chunk_id(session_, number));
    const bool found = select_.step();
    if (found) {
      first_seq_ = static_cast<std::uint64_t>(select_.integer(0));
      end_ts_ = select_.integer(1);
    }
    select_.reset();
    return found;
  }

  Recording recording_;
  std::int64_t session_;
  Statement select_;
  std::uint64_t first_seq_ = 0;
  Micros end_ts_ = 0;
};

}  // namespace

std::vector<Past::Span> Past::spans(const Instrument& instrument) const {
  Recording recording(path_);
  std::vector<SessionRow> sessions =
      only_ != 0 ? std::vector<SessionRow>{recording.session(only_)} : recording.sessions();
  std::erase_if(sessions, [&](const SessionRow& row) { return row.events == 0 || !lists(row.symbols, instrument); });
  std::stable_sort(sessions.begin(), sessions.end(),
                   [](const SessionRow& a, const SessionRow& b) { return a.started_ts < b.started_ts; });
  std::vector<Span> list;
  for (const SessionRow& row : sessions) {
    if (!list.empty()) list.back().end = std::min(list.back().end, row.started_ts);
    list.push_back({row.id, row.started_ts, INT64_MAX});
  }
  return list;
}

bool Past::scan(const HistoryQuery& query, Micros from, Micros to, const Visit& visit) {
  std::vector<Span> list = spans(*query.instrument);
  if (!query.forward) std::reverse(list.begin(), list.end());
  to = std::min(to, later(query.now, 1));
  std::size_t cost = 0;
  EventBatch chunk;
  std::vector<Event> wanted;
  for (const Span& span : list) {
    const Micros begin = std::max(from, span.begin);
    const Micros end = std::min(to, span.end);
    if (begin >= end) continue;
    Instruments names;  // the file may know more instruments than the server shall
    SessionReader reader(path_, span.session, names);
    Chunks chunks(path_, span.session);
    const std::int64_t count = reader.session().chunks;
    std::int64_t number = std::min(chunks.reaching(query.forward ? begin : end, count), count - 1);
    for (bool inside = true; inside && number >= 0 && number < count; number += query.forward ? 1 : -1) {
      if (cost >= most_events_ || query.over()) return false;
      chunk.clear();
      wanted.clear();
      try {
        const std::uint64_t first_seq = chunks.first_seq(number);
        if (first_seq == 0) return false;
        reader.seek_seq(first_seq, nullptr);
        reader.next(chunk, SIZE_MAX);
      } catch (const DamageError&) {
        return false;  // what lies on this side of it is good
      }
      cost += std::max(chunk.size(), kLeastCost);
      Micros first = INT64_MAX;
      Micros last = INT64_MIN;
      for (const Event& event : std::as_const(chunk).events()) {
        first = std::min(first, event.recv_ts);
        last = std::max(last, event.recv_ts);
        if (event.recv_ts < begin || event.recv_ts >= end || !is_of(event, *query.instrument)) continue;
        wanted.push_back(event);
        wanted.back().instrument = query.instrument;
      }
      if (!wanted.empty() && !visit(wanted)) return true;
      inside = query.forward ? last < end : first >= begin;
    }
  }
  return true;
}

HistoryPage Past::items(const HistoryQuery& query) {
  std::vector<std::unique_ptr<EventBatch>> parts;
  std::size_t count = 0;
  const bool whole = scan(query, query.from, query.to, [&](std::span<const Event> events) {
    auto part = std::make_unique<EventBatch>();
    for (const Event& event : events) {
      if (channel_of(event.kind) == query.channel) append_items(*part, event);
    }
    count += part->size();
    if (!part->empty()) parts.push_back(std::move(part));
    return count <= query.limit;
  });
  HistoryPage page;
  page.more = !whole || count > query.limit;
  if (!query.forward) std::reverse(parts.begin(), parts.end());
  const std::size_t surplus = count - std::min(count, query.limit);
  const std::size_t begin = query.forward ? 0 : surplus;
  const std::size_t end = query.forward ? count - surplus : count;
  std::size_t at = 0;
  for (const auto& part : parts) {
    for (const Event& event : std::as_const(*part).events()) {
      if (at >= begin && at < end) page.events->append(event);
      ++at;
    }
  }
  return page;
}

/// `book` becomes what it was right after the first event of the page; false: the recording does not say.
bool Past::book_at_first(const HistoryQuery& query, std::span<const Event> page, market::Book& book) const {
  const Micros at = page.front().recv_ts;
  // Several may have come at that time: of the last ones a page has the end, of the first ones the beginning.
  const auto in_page = std::count_if(page.begin(), page.end(), [&](const Event& event) { return event.recv_ts == at; });
  std::int64_t session = 0;
  for (const Span& span : spans(*query.instrument)) {
    if (span.begin <= at && at < span.end) session = span.session;
  }
  if (session == 0) return false;
  Instruments names;
  EventBatch events;
  SessionReader reader(path_, session, names);
  SessionImage image;
  reader.seek_time(at, &image);
  image.append_to(events);
  bool known = false;
  for (const Event& event : std::as_const(events).events()) {
    if (event.kind != Kind::book || !is_of(event, *query.instrument)) continue;
    book.apply(event.book());
    known = true;
  }
  std::vector<Event> then;  // of that time, in order
  events.clear();
  for (bool there = true; there;) {
    const std::size_t before = events.size();
    there = reader.next(events, 64) && std::as_const(events).events().back().recv_ts <= at;
    if (events.size() == before) break;
  }
  for (const Event& event : std::as_const(events).events()) {
    if (event.recv_ts == at && event.kind == Kind::book && is_of(event, *query.instrument)) then.push_back(event);
  }
  const auto count = static_cast<std::ptrdiff_t>(then.size());
  const auto last = query.forward ? 0 : count - in_page;
  for (std::ptrdiff_t i = 0; i < count && i <= last; ++i) {
    known = known || then[static_cast<std::size_t>(i)].book().action == BookAction::snapshot;
    book.apply(then[static_cast<std::size_t>(i)].book());
  }
  return known;
}

HistoryPage Past::books(const HistoryQuery& query) {
  HistoryPage page = items(query);
  std::span<const Event> list = std::as_const(*page.events).events();
  if (list.empty() || list.front().book().action == BookAction::snapshot) return page;
  market::Book book;
  bool known = false;
  try {
    known = book_at_first(query, list, book);
  } catch (const DamageError&) {
    page.more = true;
  }
  HistoryPage whole;
  whole.more = page.more;
  if (known) {
    const Event& first = list.front();
    const std::vector<Level> bids = book.bids().top(SIZE_MAX);
    const std::vector<Level> asks = book.asks().top(SIZE_MAX);
    const BookChange all{BookAction::snapshot, first.book().state, first.book().depth, bids, asks};
    whole.events->append(Event::of(*query.instrument, first.recv_ts, first.ts, all));
    list = list.subspan(1);
  } else {
    while (!list.empty() && list.front().book().action != BookAction::snapshot) list = list.subspan(1);
  }
  for (const Event& event : list) whole.events->append(event);
  return whole;
}

HistoryPage Past::candles(const HistoryQuery& query) {
  PastCandles made(query.seconds);
  const Micros width = Micros{query.seconds} * 1'000'000;
  // A bucket is fed for as long as it lasts. Read from the other side, the last one found may be half of one.
  const Micros from = earlier(query.from, kSkew);
  const Micros to = later(later(query.to, width), kSkew);
  const std::size_t enough = query.limit + 3;
  const bool whole = scan(query, from, to, [&](std::span<const Event> events) {
    std::vector<const Event*> list;
    for (const Event& event : events) list.push_back(&event);
    made.add(list, !query.forward);
    return made.buckets() < enough;
  });
  EventBatch all;
  made.append_to(all, *query.instrument, query.from, query.to);
  HistoryPage page;
  std::span<const Event> list = std::as_const(all).events();
  const bool stopped = !whole || made.buckets() >= enough;
  if (stopped && !list.empty()) list = query.forward ? list.first(list.size() - 1) : list.subspan(1);
  page.more = stopped || list.size() > query.limit;
  if (list.size() > query.limit) list = query.forward ? list.first(query.limit) : list.last(query.limit);
  for (const Event& event : list) page.events->append(event);
  return page;
}

HistoryPage Past::read(const HistoryQuery& query) {
  if (query.channel == Channel::candle) return candles(query);
  return query.channel == Channel::book ? books(query) : items(query);
}

}  // namespace bixws::recording
