// SPDX-License-Identifier: Apache-2.0
// Events as JSON, written by hand: the fields are fixed and this runs once per event and topic.
#include "model/event_json.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <iterator>

#include "model/history.h"

namespace bixws {
namespace {

constexpr std::array<std::string_view, 7> kStates = {"", "connecting", "live", "resyncing", "stale", "down", "ended"};
constexpr std::array<std::string_view, 4> kIntegrities = {"", "checksum", "sequence", "snapshot"};
constexpr std::array<std::string_view, 3> kSides = {"", "buy", "sell"};
constexpr std::array<std::string_view, 8> kChannels = {"",       "ticker", "trades", "book",
                                                       "candle", "status", "alert",  "annotation"};

void optional_decimal(TextBuffer& out, std::string_view key, const Decimal& value) {
  if (!value.has_value()) return;
  out.raw(key);
  out.decimal(value);
}

void optional_number(TextBuffer& out, std::string_view key, std::integral auto value) {
  if (value == 0) return;
  out.raw(key);
  out.integer(value);
}

void optional_known(TextBuffer& out, std::string_view key, std::int64_t value) {
  if (value == kUnknown) return;
  out.raw(key);
  out.integer(value);
}

void optional_text(TextBuffer& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.raw(key);
  out.quoted(value);
}

/// {"type":T,"exchange":E,"symbol":S  - names that are empty are left out.
void open_message(TextBuffer& out, std::string_view type, std::string_view exchange, std::string_view label) {
  out.raw("{\"type\":\"");
  out.raw(type);
  out.raw('"');
  optional_text(out, ",\"exchange\":", exchange);
  optional_text(out, ",\"symbol\":", label);
}

void trade_object(TextBuffer& out, const Trade& trade, Micros recv_ts) {
  out.raw("{\"price\":");
  out.decimal(trade.price);
  out.raw(",\"size\":");
  out.decimal(trade.size);
  optional_text(out, ",\"side\":", name_of(trade.side));
  optional_text(out, ",\"id\":", trade.id);
  optional_number(out, ",\"ts\":", trade.ts);
  optional_number(out, ",\"recv_ts\":", recv_ts);
  out.raw('}');
}

void book_fields(TextBuffer& out, const BookMessage& book) {
  optional_number(out, ",\"depth\":", book.depth);
  out.raw(book.action == BookAction::snapshot ? std::string_view(",\"action\":\"snapshot\",\"bids\":")
                                              : std::string_view(",\"action\":\"update\",\"bids\":"));
  append_levels(out, book.bids);
  out.raw(",\"asks\":");
  append_levels(out, book.asks);
  optional_number(out, ",\"ts\":", book.ts);
  optional_number(out, ",\"recv_ts\":", book.recv_ts);
  optional_text(out, ",\"state\":", name_of(book.state));
}

void candle_fields(TextBuffer& out, const Candle& candle) {
  optional_number(out, ",\"open_ts\":", candle.open_ts);
  optional_decimal(out, ",\"open\":", candle.open);
  optional_decimal(out, ",\"high\":", candle.high);
  optional_decimal(out, ",\"low\":", candle.low);
  optional_decimal(out, ",\"close\":", candle.close);
  optional_decimal(out, ",\"volume\":", candle.volume);
  out.raw(candle.closed ? std::string_view(",\"closed\":true") : std::string_view(",\"closed\":false"));
}

void mark_fields(TextBuffer& out, const Event& event) {
  const Mark& mark = event.mark();
  out.raw(",\"id\":");
  out.quoted(mark.id);
  optional_number(out, ",\"ts\":", event.ts);
  optional_decimal(out, ",\"price\":", mark.price);
  optional_text(out, ",\"text\":", mark.text);
  optional_text(out, ",\"kind\":", mark.kind);
  if (!mark.points.empty()) {
    out.raw(",\"points\":");
    append_points(out, mark.points);
  }
  optional_text(out, ",\"color\":", mark.color);
  if (mark.deleted) out.raw(",\"deleted\":true");
  optional_number(out, ",\"recv_ts\":", event.recv_ts);
}

void trades_message(TextBuffer& out, const Event& event, std::string_view label) {
  open_message(out, "trades", event.instrument->exchange, label);
  out.raw(",\"seq\":");
  out.integer(event.seq);
  if (event.trades().history) out.raw(",\"history\":true");
  out.raw(",\"data\":[");
  bool first = true;
  for (const Trade& trade : event.trades().list) {
    if (!first) out.raw(',');
    first = false;
    trade_object(out, trade, event.recv_ts);
  }
  out.raw("]}");
}

void status_message(TextBuffer& out, const Event& event, std::string_view label) {
  const Status& status = event.status();
  open_message(out, "status", event.instrument->exchange, label);
  out.raw(",\"state\":\"");
  out.raw(name_of(status.state));
  out.raw('"');
  optional_text(out, ",\"integrity\":", name_of(status.integrity));
  optional_known(out, ",\"lag_us\":", status.lag_us);
  optional_known(out, ",\"skew_us\":", status.skew_us);
  optional_text(out, ",\"reason\":", status.reason);
  optional_number(out, ",\"ts\":", event.recv_ts);
  if (status.replay != nullptr) {
    out.raw(",\"replay\":{\"session\":");
    out.integer(status.replay->session);
    out.raw(",\"position\":");
    out.integer(status.replay->position);
    if (status.replay->speed > 0) {
      char text[32];
      const auto end = std::to_chars(text, text + sizeof text, status.replay->speed, std::chars_format::fixed).ptr;
      out.raw(",\"speed\":");
      out.raw({text, static_cast<std::size_t>(end - text)});
    } else {
      out.raw(",\"speed\":\"max\"");
    }
    optional_text(out, ",\"state\":", status.replay->state);
    optional_number(out, ",\"from\":", status.replay->from);
    optional_number(out, ",\"to\":", status.replay->to);
    out.raw('}');
  }
  out.raw('}');
}

void gap_message(TextBuffer& out, const Event& event, std::string_view label) {
  const Gap& gap = event.gap();
  open_message(out, "gap", event.instrument->exchange, label);
  optional_text(out, ",\"channel\":", name_of(gap.channel));
  optional_text(out, ",\"reason\":", gap.reason);
  optional_number(out, ",\"from_ts\":", gap.from_ts);
  optional_number(out, ",\"to_ts\":", gap.to_ts);
  optional_number(out, ",\"from_seq\":", gap.from_seq);
  optional_number(out, ",\"to_seq\":", gap.to_seq);
  optional_known(out, ",\"lost\":", gap.lost);
  if (gap.client) out.raw(",\"scope\":\"client\"");
  optional_number(out, ",\"ts\":", event.recv_ts);
  out.raw('}');
}

void mark_message(TextBuffer& out, const Event& event, std::string_view label) {
  open_message(out, event.kind == Kind::alert ? "alert" : "annotation", event.instrument->exchange, label);
  mark_fields(out, event);
  out.raw('}');
}

}  // namespace

std::string_view name_of(FeedState state) { return kStates[static_cast<std::size_t>(state)]; }
std::string_view name_of(Integrity integrity) { return kIntegrities[static_cast<std::size_t>(integrity)]; }
std::string_view name_of(Side side) { return kSides[static_cast<std::size_t>(side)]; }
std::string_view name_of(Channel channel) { return kChannels[static_cast<std::size_t>(channel)]; }

Channel channel_of(Kind kind) {
  switch (kind) {
    case Kind::ticker:
      return Channel::ticker;
    case Kind::trades:
      return Channel::trades;
    case Kind::book:
      return Channel::book;
    case Kind::candle:
      return Channel::candle;
    case Kind::status:
      return Channel::status;
    case Kind::alert:
      return Channel::alert;
    case Kind::annotation:
      return Channel::annotation;
    case Kind::gap:
    case Kind::raw:
      break;
  }
  return Channel::none;
}

void append_timeframe(TextBuffer& out, std::int32_t seconds) {
  struct Unit {
    std::int32_t seconds;
    char letter;
  };
  for (const Unit unit : {Unit{604800, 'w'}, Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}}) {
    if (seconds % unit.seconds == 0) {
      out.integer(seconds / unit.seconds);
      out.raw(unit.letter);
      return;
    }
  }
  out.integer(seconds);
  out.raw('s');
}

std::string candles_channel(std::int32_t seconds) {
  TextBuffer text;
  text.raw("candles:");
  append_timeframe(text, seconds);
  return text.str();
}

std::int32_t parse_timeframe(std::string_view text) {
  if (text.size() < 2) return 0;
  std::int64_t count = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto result = std::from_chars(text.data(), end, count);
  if (result.ec != std::errc() || result.ptr != end || count <= 0 || count > 86400) return 0;
  switch (text.back()) {
    case 's':
      break;
    case 'm':
      count *= 60;
      break;
    case 'h':
      count *= 3600;
      break;
    case 'd':
      count *= 86400;
      break;
    case 'w':
      count *= 604800;
      break;
    default:
      return 0;
  }
  return count > 10 * 604800 ? 0 : static_cast<std::int32_t>(count);
}

void append_levels(TextBuffer& out, std::span<const Level> list) {
  out.raw('[');
  bool first = true;
  for (const Level& level : list) {
    out.raw(first ? std::string_view("[") : std::string_view(",["));
    first = false;
    out.decimal(level.price);
    out.raw(',');
    out.decimal(level.size);
    out.raw(']');
  }
  out.raw(']');
}

void append_points(TextBuffer& out, std::span<const Point> list) {
  out.raw('[');
  bool first = true;
  for (const Point& point : list) {
    out.raw(first ? std::string_view("[") : std::string_view(",["));
    first = false;
    out.integer(point.ts);
    out.raw(',');
    if (point.price.has_value()) {
      out.decimal(point.price);
    } else {
      out.raw("null");
    }
    out.raw(']');
  }
  out.raw(']');
}

void append_ticker(TextBuffer& out, const Event& event) {
  const Ticker& t = event.ticker();
  const std::size_t start = out.size();
  optional_decimal(out, ",\"price\":", t.price);
  optional_decimal(out, ",\"bid\":", t.bid);
  optional_decimal(out, ",\"ask\":", t.ask);
  optional_decimal(out, ",\"bid_size\":", t.bid_size);
  optional_decimal(out, ",\"ask_size\":", t.ask_size);
  optional_decimal(out, ",\"open_24h\":", t.open_24h);
  optional_decimal(out, ",\"high_24h\":", t.high_24h);
  optional_decimal(out, ",\"low_24h\":", t.low_24h);
  optional_decimal(out, ",\"volume_24h\":", t.volume_24h);
  optional_decimal(out, ",\"quote_volume_24h\":", t.quote_volume_24h);
  optional_decimal(out, ",\"change_24h\":", t.change_24h);
  out.raw(",\"exchange\":");
  out.quoted(event.instrument->exchange);
  optional_number(out, ",\"ts\":", event.ts);
  optional_number(out, ",\"recv_ts\":", event.recv_ts);
  *out.at(start) = '{';  // every field brings its comma; the first one's place is the brace's
  out.raw('}');
}

void append_item(TextBuffer& out, const Event& item) {
  const std::size_t start = out.size();
  switch (item.kind) {
    case Kind::ticker:
      append_ticker(out, item);
      return;
    case Kind::trades:
      if (!item.trades().list.empty()) trade_object(out, item.trades().list.front(), item.recv_ts);
      return;
    case Kind::candle:
      candle_fields(out, item.candle());
      optional_number(out, ",\"recv_ts\":", item.recv_ts);
      break;
    case Kind::alert:
    case Kind::annotation:
      mark_fields(out, item);
      break;
    case Kind::book: {
      const BookChange& book = item.book();
      book_fields(out,
                  {{}, {}, 0, 0, book.depth, book.action, book.bids, book.asks, item.ts, item.recv_ts, book.state});
      break;
    }
    case Kind::status:
    case Kind::gap:
    case Kind::raw:
      return;
  }
  *out.at(start) = '{';
  out.raw('}');
}

void append_book(TextBuffer& out, const BookMessage& book) {
  open_message(out, "book", book.exchange, book.label);
  out.raw(",\"seq\":");
  out.integer(book.seq);
  optional_number(out, ",\"from_seq\":", book.from_seq);
  book_fields(out, book);
  out.raw('}');
}

void append_candle(TextBuffer& out, const CandleMessage& message) {
  const Candle& candle = *message.candle;
  open_message(out, "candle", message.exchange, message.label);
  out.raw(",\"timeframe\":\"");
  append_timeframe(out, candle.seconds);
  out.raw("\",\"seq\":");
  out.integer(message.seq);
  optional_number(out, ",\"from_seq\":", message.from_seq);
  candle_fields(out, candle);
  if (message.derived) out.raw(",\"derived\":true");
  optional_number(out, ",\"recv_ts\":", message.recv_ts);
  out.raw('}');
}

void append_message(TextBuffer& out, const Event& event, std::string_view label) {
  switch (event.kind) {
    case Kind::ticker:
      out.raw("{\"type\":\"market_update\",\"seq\":");
      out.integer(event.seq);
      out.raw(",\"ts\":");
      out.integer(event.recv_ts);
      out.raw(",\"data\":{");
      out.quoted(label);
      out.raw(':');
      append_ticker(out, event);
      out.raw("}}");
      break;
    case Kind::trades:
      trades_message(out, event, label);
      break;
    case Kind::book: {
      const BookChange& book = event.book();
      append_book(out, {event.instrument->exchange, label, event.seq, 0, book.depth, book.action, book.bids, book.asks,
                        event.ts, event.recv_ts, book.state});
      break;
    }
    case Kind::candle:
      append_candle(out, {event.instrument->exchange, label, event.seq, 0, event.recv_ts, &event.candle(), false});
      break;
    case Kind::status:
      status_message(out, event, label);
      break;
    case Kind::gap:
      gap_message(out, event, label);
      break;
    case Kind::alert:
    case Kind::annotation:
      mark_message(out, event, label);
      break;
    case Kind::raw:
      break;
  }
}

}  // namespace bixws
