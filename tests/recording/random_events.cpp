// SPDX-License-Identifier: Apache-2.0
#include "recording/random_events.h"

#include <sstream>

namespace bixws::test {
namespace {

std::string digits(const Decimal& d) {
  if (!d.has_value()) return "-";
  std::ostringstream out;
  out << d.to_string() << "(" << d.high << "." << d.low << "e" << int{d.exponent} << "z" << int{d.zeros} << "n"
      << int{d.negative} << ")";
  return out.str();
}

std::string quoted(Text text) { return "'" + std::string(text) + "'"; }

}  // namespace

std::string describe(const Event& event) {
  std::ostringstream out;
  out << "kind=" << static_cast<int>(event.kind) << " " << event.instrument->exchange << ":" << event.instrument->symbol
      << " recv=" << event.recv_ts << " ts=" << event.ts;
  switch (event.kind) {
    case Kind::ticker: {
      const Ticker& t = event.ticker();
      for (const Decimal& d : {t.price, t.bid, t.ask, t.bid_size, t.ask_size, t.open_24h, t.high_24h, t.low_24h,
                               t.volume_24h, t.quote_volume_24h, t.change_24h}) {
        out << " " << digits(d);
      }
      break;
    }
    case Kind::trades:
      out << " history=" << event.trades().history;
      for (const Trade& t : event.trades().list) {
        out << " [" << digits(t.price) << " " << digits(t.size) << " " << static_cast<int>(t.side) << " "
            << quoted(t.id) << " " << t.ts << "]";
      }
      break;
    case Kind::book: {
      const BookChange& b = event.book();
      out << " action=" << static_cast<int>(b.action) << " state=" << static_cast<int>(b.state) << " depth=" << b.depth;
      for (const auto& side : {b.bids, b.asks}) {
        out << " {";
        for (const Level& l : side) out << " " << digits(l.price) << "x" << digits(l.size);
        out << "}";
      }
      break;
    }
    case Kind::candle: {
      const Candle& c = event.candle();
      out << " seconds=" << c.seconds << " open_ts=" << c.open_ts << " closed=" << c.closed;
      for (const Decimal& d : {c.open, c.high, c.low, c.close, c.volume}) out << " " << digits(d);
      break;
    }
    case Kind::status: {
      const Status& s = event.status();
      out << " state=" << static_cast<int>(s.state) << " integrity=" << static_cast<int>(s.integrity) << " "
          << quoted(s.reason) << " lag=" << s.lag_us << " skew=" << s.skew_us;
      if (s.replay != nullptr) {
        out << " replay=" << s.replay->session << "," << s.replay->position << "," << s.replay->speed << ","
            << quoted(s.replay->state);
      }
      break;
    }
    case Kind::gap: {
      const Gap& g = event.gap();
      out << " channel=" << static_cast<int>(g.channel) << " " << quoted(g.reason) << " " << g.from_ts << ".."
          << g.to_ts << " " << g.from_seq << ".." << g.to_seq << " lost=" << g.lost << " client=" << g.client;
      break;
    }
    case Kind::alert:
    case Kind::annotation: {
      const Mark& m = event.mark();
      out << " " << quoted(m.id) << quoted(m.text) << quoted(m.kind) << quoted(m.color) << " " << digits(m.price)
          << " deleted=" << m.deleted;
      for (const Point& p : m.points) out << " (" << p.ts << " " << digits(p.price) << ")";
      break;
    }
    case Kind::raw: {
      const RawFrame& r = event.raw();
      out << " connection=" << r.connection << " direction=" << static_cast<int>(r.direction) << " " << quoted(r.url)
          << quoted(r.bytes);
      break;
    }
  }
  return out.str();
}

RandomEvents::RandomEvents(Instruments& instruments, std::uint64_t seed) : RandomEvents(instruments, seed, Options{}) {}

RandomEvents::RandomEvents(Instruments& instruments, std::uint64_t seed, const Options& options)
    : options_(options), random_(seed), now_(options.start) {
  for (std::uint32_t i = 0; i < options.instruments; ++i) {
    const std::string exchange = i % 3 == 2 ? "otherex" : "someex";
    instruments_.push_back(&instruments.get(exchange, "SYM" + std::to_string(i) + "USD"));
    mid_.push_back(static_cast<std::int64_t>(100'000 + below(900'000)));
  }
  if (options.nasty) {
    instruments_.push_back(&instruments.get("someex", ""));
    mid_.push_back(1'000'000);
  }
}

std::string RandomEvents::text(std::size_t longest) {
  std::string text;
  for (std::size_t left = below(longest + 1); left > 0; --left) {
    text += options_.nasty ? static_cast<char>(1 + below(126)) : static_cast<char>('a' + below(26));
  }
  return text;
}

Decimal RandomEvents::number() {
  static const std::vector<std::string> kSpecial = {"0",
                                                    "0.00000000",
                                                    "-0",
                                                    "-0.00",
                                                    "1",
                                                    "10",
                                                    "1000000000000000000000",
                                                    "5123456789012.00000000",
                                                    "9999999999999999999999999999",
                                                    "0.0000000000000000000000000001",
                                                    "-92233720368547758.08",
                                                    "9223372036854775807",
                                                    "9223372036854775808",
                                                    "18446744073709551615",
                                                    "-18446744073709551616",
                                                    "4611686018427387904",
                                                    "4611686018427387903.5",
                                                    "123456789012345678.000",
                                                    "79228162514264337593.54395033",
                                                    "0.10",
                                                    "61234.56789012345678",
                                                    "1e-08",
                                                    "1E5",
                                                    "12345.600000000000000000000000",
                                                    "-1.50",
                                                    "100000000000000000000.0"};
  Decimal d;
  if (chance(10)) return d;
  if (chance(30)) {
    parse_decimal(kSpecial[below(kSpecial.size())], d);
    return d;
  }
  std::string text = chance(20) ? "-" : "";
  const std::size_t whole = 1 + below(12);
  for (std::size_t i = 0; i < whole; ++i) text += static_cast<char>('0' + below(10));
  if (const std::size_t decimals = below(14); decimals > 0) {
    text += '.';
    for (std::size_t i = 0; i < decimals; ++i) text += static_cast<char>('0' + (chance(30) ? 0 : below(10)));
  }
  parse_decimal(text, d);
  return d;
}

Decimal RandomEvents::market_price(std::size_t instrument) {
  mid_[instrument] += static_cast<std::int64_t>(below(21)) - 10;
  return Decimal::of(mid_[instrument], -2);
}

std::vector<Level> RandomEvents::levels(std::size_t instrument, bool bids, bool snapshot) {
  std::vector<Level> list(below(options_.levels + 1));
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (options_.nasty) {
      do {
        list[i].price = number();
      } while (!list[i].price.has_value());
      do {
        list[i].size = number();
      } while (!list[i].size.has_value());
      continue;
    }
    const auto away = static_cast<std::int64_t>(snapshot ? i + 1 : 1 + below(30));
    list[i].price = Decimal::of(mid_[instrument] + (bids ? -away : away), -2);
    list[i].size = Decimal::of(!snapshot && chance(30) ? 0 : static_cast<std::int64_t>(1 + below(100'000)), -5);
  }
  return list;
}

void RandomEvents::append_to(EventBatch& batch) {
  const std::size_t which = below(instruments_.size());
  const Instrument& instrument = *instruments_[which];
  now_ += static_cast<Micros>(below(static_cast<std::uint64_t>(options_.step) + 1));
  const Micros recv_ts = now_;
  const Micros ts = options_.nasty && chance(20) ? 0 : now_ - static_cast<Micros>(below(5'000));
  const auto price = [&] { return options_.nasty ? number() : market_price(which); };
  const auto size = [&] {
    return options_.nasty ? number() : Decimal::of(static_cast<std::int64_t>(below(100'000)), -4);
  };
  switch (below(options_.raw ? 22 : 20)) {
    case 0:
    case 1:
    case 2: {
      Ticker t;
      for (Decimal* field : {&t.price, &t.bid, &t.ask, &t.open_24h, &t.high_24h, &t.low_24h}) *field = price();
      for (Decimal* field : {&t.bid_size, &t.ask_size, &t.volume_24h, &t.quote_volume_24h, &t.change_24h})
        *field = size();
      batch.append(Event::of(instrument, recv_ts, ts, t));
      break;
    }
    case 3:
    case 4:
    case 5:
    case 6:
    case 7: {
      std::vector<Trade> list(options_.nasty ? below(4) : 1 + below(2));
      std::vector<std::string> ids;
      for (std::size_t i = 0; i < list.size(); ++i) {
        ids.push_back(options_.nasty && chance(40) ? (chance(50) ? text(12) : "007")
                                                   : std::to_string(trade_id_ += below(3)));
      }
      for (std::size_t i = 0; i < list.size(); ++i) {
        do {
          list[i].price = price();
        } while (!list[i].price.has_value());
        do {
          list[i].size = size();
        } while (!list[i].size.has_value());
        list[i].side = static_cast<Side>(below(3));
        list[i].id = ids[i];
        list[i].ts = ts;
        if (options_.nasty && chance(30)) list[i].ts = ts - static_cast<Micros>(below(1'000'000'000'000));
      }
      Trades trades{list, options_.nasty && chance(10)};
      batch.append(Event::of(instrument, recv_ts, ts, trades));
      break;
    }
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 13: {
      BookChange book;
      const bool snapshot = chance(5);
      book.action = snapshot ? BookAction::snapshot : BookAction::update;
      book.state = options_.nasty ? static_cast<FeedState>(below(7)) : FeedState::live;
      book.depth = options_.nasty && chance(20) ? static_cast<std::uint32_t>(below(1'000'000)) : 25;
      const auto bids = levels(which, true, snapshot);
      const auto asks = chance(50) ? std::vector<Level>() : levels(which, false, snapshot);
      book.bids = bids;
      book.asks = asks;
      batch.append(Event::of(instrument, recv_ts, ts, book));
      break;
    }
    case 14: {
      Candle c;
      c.seconds = static_cast<std::int32_t>(chance(70) ? 60 : 3600);
      c.open_ts = recv_ts / 60'000'000 * 60'000'000;
      for (Decimal* field : {&c.open, &c.high, &c.low, &c.close}) *field = price();
      c.volume = size();
      c.closed = chance(20);
      batch.append(Event::of(instrument, recv_ts, ts, c));
      break;
    }
    case 15: {
      const std::string reason = text(30);
      const std::string state = text(8);
      ReplayPosition replay{static_cast<std::int64_t>(below(100)), recv_ts, 0.1 * static_cast<double>(below(100)),
                            state};
      Status s;
      s.state = static_cast<FeedState>(below(7));
      s.integrity = static_cast<Integrity>(below(4));
      s.reason = reason;
      if (chance(50)) s.lag_us = static_cast<std::int64_t>(below(10'000)) - 5'000;
      if (chance(50)) s.skew_us = -static_cast<std::int64_t>(below(10'000));
      if (options_.nasty && chance(20)) s.replay = &replay;
      batch.append(Event::of(instrument, recv_ts, ts, s));
      break;
    }
    case 16: {
      const std::string reason = text(30);
      Gap g;
      g.channel = static_cast<Channel>(below(8));
      g.reason = reason;
      if (chance(50)) g.from_ts = recv_ts - static_cast<Micros>(below(1'000'000));
      if (chance(50)) g.to_ts = recv_ts;
      g.from_seq = chance(50) ? random_() : 0;
      g.to_seq = below(1000);
      if (chance(50)) g.lost = static_cast<std::int64_t>(below(1000));
      g.client = options_.nasty && chance(20);
      batch.append(Event::of(instrument, recv_ts, ts, g));
      break;
    }
    case 17:
    case 18:
    case 19: {
      const std::string id = chance(80) ? "m" + std::to_string(below(20)) : text(10);
      const std::string words = text(40);
      const std::string kind = text(8);
      const std::string color = chance(50) ? "#ff0000" : "";
      std::vector<Point> points(below(4));
      for (Point& p : points) p = {recv_ts - static_cast<Micros>(below(1'000'000)), price()};
      Mark m;
      m.id = id;
      m.text = words;
      m.kind = kind;
      m.color = color;
      m.price = price();
      m.points = points;
      m.deleted = chance(10);
      batch.append(chance(50) ? Event::alert(instrument, recv_ts, ts, m)
                              : Event::annotation(instrument, recv_ts, ts, m));
      break;
    }
    default: {
      std::string bytes = text(200);
      if (options_.nasty && chance(20)) bytes.push_back('\0');
      const std::string url = chance(30) ? "wss://example.org/" + text(10) : "";
      RawFrame r;
      r.connection = static_cast<std::uint32_t>(below(5));
      r.direction = static_cast<RawFrame::Direction>(below(5));
      r.url = url;
      r.bytes = bytes;
      batch.append(Event::of(instrument, recv_ts, ts, r));
      break;
    }
  }
}

std::unique_ptr<EventBatch> RandomEvents::batch(std::size_t events) {
  auto batch = std::make_unique<EventBatch>();
  for (std::size_t i = 0; i < events; ++i) append_to(*batch);
  return batch;
}

}  // namespace bixws::test
