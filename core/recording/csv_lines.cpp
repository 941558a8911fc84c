// SPDX-License-Identifier: Apache-2.0
#include "recording/csv_lines.h"

#include <concepts>

#include "model/event_json.h"

namespace bixws::recording {
namespace {

/// One line of CSV; RFC 4180 quoting where a text needs it.
class CsvLine {
 public:
  explicit CsvLine(TextBuffer& out) : out_(out) {}
  ~CsvLine() { out_.raw('\n'); }
  CsvLine(const CsvLine&) = delete;
  CsvLine& operator=(const CsvLine&) = delete;

  CsvLine& number(std::integral auto value) {
    next();
    out_.integer(value);
    return *this;
  }
  CsvLine& known(std::int64_t value, std::int64_t unknown) {
    next();
    if (value != unknown) out_.integer(value);
    return *this;
  }
  CsvLine& decimal(const Decimal& value) {
    next();
    if (value.has_value()) out_.decimal(value);
    return *this;
  }
  CsvLine& text(std::string_view value) {
    next();
    if (value.find_first_of(",\"\r\n") == std::string_view::npos) {
      out_.raw(value);
      return *this;
    }
    out_.raw('"');
    for (const char c : value) {
      if (c == '"') out_.raw('"');
      out_.raw(c);
    }
    out_.raw('"');
    return *this;
  }

 private:
  void next() {
    if (!first_) out_.raw(',');
    first_ = false;
  }
  TextBuffer& out_;
  bool first_ = true;
};

}  // namespace

std::string_view csv_header(Kind kind) {
  switch (kind) {
    case Kind::ticker:
      return "seq,exchange,symbol,price,bid,ask,bid_size,ask_size,open_24h,high_24h,low_24h,volume_24h,"
             "quote_volume_24h,change_24h,ts,recv_ts\n";
    case Kind::trades:
      return "seq,exchange,symbol,price,size,side,trade_id,ts,recv_ts\n";
    case Kind::book:
      return "seq,exchange,symbol,action,side,price,size,ts,recv_ts\n";
    case Kind::candle:
      return "seq,exchange,symbol,timeframe,open_ts,open,high,low,close,volume,closed,recv_ts\n";
    case Kind::status:
      return "seq,exchange,symbol,state,integrity,reason,lag_us,skew_us,recv_ts\n";
    case Kind::gap:
      return "seq,exchange,symbol,channel,reason,from_ts,to_ts,from_seq,to_seq,lost,recv_ts\n";
    case Kind::alert:
    case Kind::annotation:
      return "seq,exchange,symbol,id,kind,text,price,color,deleted,ts,recv_ts\n";
    case Kind::raw:
      break;
  }
  return {};
}

void append_csv(TextBuffer& out, const Event& event) {
  const Instrument& i = *event.instrument;
  const auto begin = [&](CsvLine& line) -> CsvLine& { return line.number(event.seq).text(i.exchange).text(i.symbol); };
  switch (event.kind) {
    case Kind::ticker: {
      const Ticker& t = event.ticker();
      CsvLine line(out);
      begin(line);
      for (const Decimal* d : {&t.price, &t.bid, &t.ask, &t.bid_size, &t.ask_size, &t.open_24h, &t.high_24h, &t.low_24h,
                               &t.volume_24h, &t.quote_volume_24h, &t.change_24h}) {
        line.decimal(*d);
      }
      line.known(event.ts, 0).number(event.recv_ts);
      break;
    }
    case Kind::trades:
      for (const Trade& t : event.trades().list) {
        CsvLine line(out);
        begin(line).decimal(t.price).decimal(t.size).text(name_of(t.side)).text(t.id);
        line.known(t.ts, 0).number(event.recv_ts);
      }
      break;
    case Kind::book:
      for (const bool bids : {true, false}) {
        for (const Level& level : bids ? event.book().bids : event.book().asks) {
          CsvLine line(out);
          begin(line).text(event.book().action == BookAction::snapshot ? "snapshot" : "update");
          line.text(bids ? "bid" : "ask").decimal(level.price).decimal(level.size);
          line.known(event.ts, 0).number(event.recv_ts);
        }
      }
      break;
    case Kind::candle: {
      const Candle& c = event.candle();
      TextBuffer timeframe;
      append_timeframe(timeframe, c.seconds);
      CsvLine line(out);
      begin(line).text(timeframe.view()).number(c.open_ts);
      line.decimal(c.open).decimal(c.high).decimal(c.low).decimal(c.close).decimal(c.volume);
      line.number(c.closed ? 1 : 0).number(event.recv_ts);
      break;
    }
    case Kind::status: {
      const Status& s = event.status();
      CsvLine line(out);
      begin(line).text(name_of(s.state)).text(name_of(s.integrity)).text(s.reason);
      line.known(s.lag_us, kUnknown).known(s.skew_us, kUnknown).number(event.recv_ts);
      break;
    }
    case Kind::gap: {
      const Gap& g = event.gap();
      CsvLine line(out);
      begin(line).text(name_of(g.channel)).text(g.reason).known(g.from_ts, 0).known(g.to_ts, 0);
      line.known(static_cast<std::int64_t>(g.from_seq), 0).known(static_cast<std::int64_t>(g.to_seq), 0);
      line.known(g.lost, kUnknown).number(event.recv_ts);
      break;
    }
    case Kind::alert:
    case Kind::annotation: {
      const Mark& m = event.mark();
      CsvLine line(out);
      begin(line).text(m.id).text(m.kind).text(m.text).decimal(m.price).text(m.color);
      line.number(m.deleted ? 1 : 0).known(event.ts, 0).number(event.recv_ts);
      break;
    }
    case Kind::raw:
      break;
  }
}

}  // namespace bixws::recording
