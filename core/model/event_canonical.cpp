// SPDX-License-Identifier: Apache-2.0
// The canonical form of events, over which digests are computed: every key in byte order, so each kind is spelled out
// once more.
#include "model/event_json.h"

namespace bixws {
namespace {

/// Writes "key": with the comma it needs.
class SortedObject {
 public:
  explicit SortedObject(TextBuffer& out) : out_(out) { out_.raw('{'); }
  ~SortedObject() { out_.raw('}'); }
  SortedObject(const SortedObject&) = delete;
  SortedObject& operator=(const SortedObject&) = delete;

  TextBuffer& key(std::string_view name) {
    out_.raw(first_ ? std::string_view("\"") : std::string_view(",\""));
    first_ = false;
    out_.raw(name);
    out_.raw("\":");
    return out_;
  }
  void decimal(std::string_view name, const Decimal& value) {
    if (value.has_value()) key(name).decimal(value);
  }
  void time(std::string_view name, Micros value) {
    if (value != 0) key(name).integer(value);
  }
  void text(std::string_view name, std::string_view value) {
    if (!value.empty()) key(name).quoted(value);
  }

 private:
  TextBuffer& out_;
  bool first_ = true;
};

void canonical_ticker(TextBuffer& out, const Event& event) {
  const Ticker& t = event.ticker();
  SortedObject envelope(out);
  envelope.key("data");
  {
    SortedObject data(out);
    out.quoted(event.instrument->symbol);
    out.raw(':');
    SortedObject o(out);
    o.decimal("ask", t.ask);
    o.decimal("ask_size", t.ask_size);
    o.decimal("bid", t.bid);
    o.decimal("bid_size", t.bid_size);
    o.decimal("change_24h", t.change_24h);
    o.text("exchange", event.instrument->exchange);
    o.decimal("high_24h", t.high_24h);
    o.decimal("low_24h", t.low_24h);
    o.decimal("open_24h", t.open_24h);
    o.decimal("price", t.price);
    o.decimal("quote_volume_24h", t.quote_volume_24h);
    o.time("recv_ts", event.recv_ts);
    o.time("ts", event.ts);
    o.decimal("volume_24h", t.volume_24h);
  }
  envelope.time("ts", event.recv_ts);
  envelope.text("type", "market_update");
}

void canonical_trades(TextBuffer& out, const Event& event) {
  SortedObject message(out);
  message.key("data");
  out.raw('[');
  bool first = true;
  for (const Trade& trade : event.trades().list) {
    if (!first) out.raw(',');
    first = false;
    SortedObject o(out);
    o.text("id", trade.id);
    o.decimal("price", trade.price);
    o.time("recv_ts", event.recv_ts);
    o.text("side", name_of(trade.side));
    o.decimal("size", trade.size);
    o.time("ts", trade.ts);
  }
  out.raw(']');
  message.text("exchange", event.instrument->exchange);
  if (event.trades().history) message.key("history").raw("true");
  message.text("symbol", event.instrument->symbol);
  message.text("type", "trades");
}

void canonical_book(TextBuffer& out, const Event& event) {
  const BookChange& book = event.book();
  SortedObject message(out);
  message.text("action", book.action == BookAction::snapshot ? "snapshot" : "update");
  append_levels(message.key("asks"), book.asks);
  append_levels(message.key("bids"), book.bids);
  if (book.depth != 0) message.key("depth").integer(book.depth);
  message.text("exchange", event.instrument->exchange);
  message.time("recv_ts", event.recv_ts);
  message.text("symbol", event.instrument->symbol);
  message.time("ts", event.ts);
  message.text("type", "book");
}

void canonical_candle(TextBuffer& out, const Event& event) {
  const Candle& candle = event.candle();
  SortedObject message(out);
  message.decimal("close", candle.close);
  message.key("closed").raw(candle.closed ? "true" : "false");
  message.text("exchange", event.instrument->exchange);
  message.decimal("high", candle.high);
  message.decimal("low", candle.low);
  message.decimal("open", candle.open);
  message.time("open_ts", candle.open_ts);
  message.time("recv_ts", event.recv_ts);
  message.text("symbol", event.instrument->symbol);
  message.key("timeframe").raw('"');
  append_timeframe(out, candle.seconds);
  out.raw('"');
  message.text("type", "candle");
  message.decimal("volume", candle.volume);
}

void canonical_gap(TextBuffer& out, const Event& event) {
  const Gap& gap = event.gap();
  SortedObject message(out);
  message.text("channel", name_of(gap.channel));
  message.text("exchange", event.instrument->exchange);
  if (gap.from_seq != 0) message.key("from_seq").integer(gap.from_seq);
  message.time("from_ts", gap.from_ts);
  if (gap.lost != kUnknown) message.key("lost").integer(gap.lost);
  message.text("reason", gap.reason);
  message.text("symbol", event.instrument->symbol);
  if (gap.to_seq != 0) message.key("to_seq").integer(gap.to_seq);
  message.time("to_ts", gap.to_ts);
  message.time("ts", event.recv_ts);
  message.text("type", "gap");
}

void canonical_mark(TextBuffer& out, const Event& event) {
  const Mark& mark = event.mark();
  SortedObject message(out);
  message.text("color", mark.color);
  if (mark.deleted) message.key("deleted").raw("true");
  message.text("exchange", event.instrument->exchange);
  message.key("id").quoted(mark.id);
  message.text("kind", mark.kind);
  if (!mark.points.empty()) append_points(message.key("points"), mark.points);
  message.decimal("price", mark.price);
  message.time("recv_ts", event.recv_ts);
  message.text("symbol", event.instrument->symbol);
  message.text("text", mark.text);
  message.time("ts", event.ts);
  message.text("type", event.kind == Kind::alert ? "alert" : "annotation");
}

}  // namespace

void append_canonical(TextBuffer& out, const Event& event) {
  switch (event.kind) {
    case Kind::ticker:
      canonical_ticker(out, event);
      break;
    case Kind::trades:
      canonical_trades(out, event);
      break;
    case Kind::book:
      canonical_book(out, event);
      break;
    case Kind::candle:
      canonical_candle(out, event);
      break;
    case Kind::gap:
      if (!event.gap().client) canonical_gap(out, event);
      break;
    case Kind::alert:
    case Kind::annotation:
      canonical_mark(out, event);
      break;
    case Kind::status:
    case Kind::raw:
      break;
  }
}

}  // namespace bixws
