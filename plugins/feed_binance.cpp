// SPDX-License-Identifier: Apache-2.0
// Binance spot (and binance.us, which speaks the same): combined WebSocket connection, REST for symbols and snapshots.
// https://github.com/binance/binance-spot-api-docs: web-socket-streams.md, rest-api.md.
#include <bixws/exchange_dialect.h>

#include <array>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

/// Binance names nearly every field of an event by one letter.
struct Letters {
  std::array<Text, 'z' - 'A' + 1> tokens{};
  Text& operator[](std::uint64_t letter) { return tokens[letter - 'A']; }
};

struct Figure {
  char letter;
  Text name;
  Decimal Ticker::*into;
};
constexpr Figure kTicker[] = {
    {'c', "price", &Ticker::price},       {'b', "bid", &Ticker::bid},
    {'B', "bid size", &Ticker::bid_size}, {'a', "ask", &Ticker::ask},
    {'A', "ask size", &Ticker::ask_size}, {'o', "open", &Ticker::open_24h},
    {'h', "high", &Ticker::high_24h},     {'l', "low", &Ticker::low_24h},
    {'v', "volume", &Ticker::volume_24h}, {'q', "quote volume", &Ticker::quote_volume_24h},
    {'P', "change", &Ticker::change_24h},
};

class Binance final : public ExchangeDialect {
 public:
  explicit Binance(const Settings& settings)
      : ExchangeDialect(settings),
        trades_(settings.get("trades") == "aggTrade" ? "@aggTrade" : "@trade"),
        best_(settings.boolean("best")),
        levels_(settings.get("snapshot")) {
    traits_.chain = Chain::contiguous;
    traits_.snapshots = SnapshotSource::rest;
    traits_.trade_ids = TradeIds::rising;
    traits_.limits.topics_per_connection = 1024;
    traits_.limits.requests_per_second = 4;  // it disconnects above 5 incoming messages, pongs included
    traits_.limits.connect_interval = 1'000'000;
    traits_.limits.connection_life = 24 * 3600 * 1'000'000LL;
    traits_.limits.rest_weight = 5000;  // of the 6000 a minute that other programs may want too
    traits_.limits.list_weight = 20;
    traits_.limits.snapshot_weight = levels_ == "100" ? 5 : levels_ == "500" ? 25 : levels_ == "1000" ? 50 : 250;
  }

  Text path(Channel) const noexcept override { return "/stream"; }
  std::uint32_t topics_of(Channel channel) const noexcept override {
    return best_ && channel == Channel::ticker ? 2 : 1;
  }

  // {"method":"SUBSCRIBE","params":["btcusdt@depth@100ms","ethusdt@depth@100ms"],"id":1}
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text names[] = {{}, "@ticker", trades_, "@depth@100ms", "@kline_1m"};
    frame << (request.subscribe ? "{\"method\":\"SUBSCRIBE\"" : "{\"method\":\"UNSUBSCRIBE\"") << ",\"params\":[";
    Text comma;
    for (const Text symbol : request.symbols) {
      name_ = symbol;
      for (char& c : name_) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      frame << comma << "\"" << name_ << names[static_cast<std::size_t>(request.channel)] << "\"";
      if (best_ && request.channel == Channel::ticker) frame << ",\"" << name_ << "@bookTicker\"";
      comma = ",";
    }
    frame << "],\"id\":" << request.id << "}";
  }

  // {"stream":"btcusdt@trade","data":{...}}; without the envelope on a raw connection.
  void read(const Frame& frame, Out& out) noexcept override {
    clear();
    const auto root = [this](std::uint64_t name, Value value) {
      if (name != tag("data")) return field(name, value);
      json_.object(value, [this](std::uint64_t inner, Value v) { field(inner, v); });
    };
    if (!json_.read_object(frame, out, root)) return;
    const Text kind = f_['e'];
    if (kind == "depthUpdate") return depth(out);
    if (kind == "trade") return trade(f_['t'], out);
    if (kind == "aggTrade") return trade(f_['a'], out);
    if (kind == "24hrTicker" || kind == "24hrMiniTicker") return ticker(kNoId, out);
    if (kind == "kline") return candle(out);
    if (kind == "serverShutdown") return out.leaving(kind);
    if (!kind.empty()) return FrameReader::unknown(out, kind);
    if (!names_.get<"lastUpdateId">().empty()) return partial_depth(out);
    if (!f_['u'].empty()) return ticker(FrameReader::id(f_['u']), out);
    answer(out);
  }

  void list_path(Text, TextOut& path) noexcept override { path << "/api/v3/exchangeInfo"; }

  // {"serverTime":1633998511098,"symbols":[{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC"}]}
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_object(body, out, [&](std::uint64_t name, Value value) {
      if (name == tag("serverTime")) out.clock(FrameReader::millis(json_.token(value)));
      if (name != tag("symbols")) return;
      json_.array(value, [&](Value symbol) {
        Fields<"symbol", "status", "baseAsset", "quoteAsset"> fields;
        json_.collect(symbol, fields);
        const bool trading = fields.get<"status">() == "TRADING";
        out.listed({fields.get<"symbol">(), fields.get<"baseAsset">(), fields.get<"quoteAsset">(), trading, {}});
      });
    });
  }

  void snapshot_path(Text symbol, TextOut& path) noexcept override {
    path << "/api/v3/depth?symbol=" << symbol << "&limit=" << levels_;
  }

  // {"lastUpdateId":499869752,"bids":[["0.35210000","672.00000000"]],"asks":[["0.35260000","3199.00000000"]]}
  void read_snapshot(Text symbol, const Frame& body, Out& out) noexcept override {
    clear();
    if (json_.read_object(body, out, [this](std::uint64_t name, Value value) { field(name, value); })) {
      whole_book(symbol, 0, out);
    }
  }

 private:
  void clear() {
    f_ = {};
    names_.clear();
    k_.clear();
    sides_ = 0;
    bids_.clear();
    asks_.clear();
  }

  void field(std::uint64_t name, Value value) {
    const bool bids = name == tag("bids") || (name == 'b' && json_.is_array(value));
    if (bids || name == tag("asks") || (name == 'a' && json_.is_array(value))) {
      ++sides_;
      return json_.levels(value, bids ? bids_ : asks_);
    }
    if (name == 'k') return json_.collect(value, k_);
    if (name >= 'A' && name <= 'z') {
      f_[name] = json_.token(value);
    } else if (name == tag("error")) {  // {"error":{"code":2,"msg":"..."},"id":1}
      json_.collect(value, names_);
    } else {
      json_.place(names_, name, value);
    }
  }

  // {"e":"trade","E":1554076800945,"s":"BNBBTC","t":40756030,"p":"0.00426990","q":"33.82000000","T":1554076800940,"m":false}
  // {"e":"aggTrade","E":1633998288468,"s":"OMGBUSD","a":425085,"p":"13.80480000","q":"2.10000000","f":439577,"l":439577,
  //  "T":1633998288467,"m":false}
  void trade(Text id, Out& out) {
    Trade trade;
    json_.require("id", id);
    json_.number("price", f_['p'], trade.price);
    json_.number("size", f_['q'], trade.size);
    trade.side = f_['m'] == "true" ? Side::sell : Side::buy;  // m: the buyer is the maker, so the taker sold
    trade.id = id;
    trade.ts = FrameReader::millis(f_['T']);
    if (json_.report(out, Channel::trades, f_['s'])) out.trades({f_['s'], trade.ts}, {{&trade, 1}});
  }

  // {"e":"depthUpdate","E":1633998512068,"s":"NKNUSDT","U":499869750,"u":499869752,"b":[["0.35130000","6195.00000000"]],"a":[]}
  void depth(Out& out) {
    BookUpdate update;
    update.bids = bids_;
    update.asks = asks_;
    update.first = json_.require_id("U", f_['U']);
    update.last = json_.require_id("u", f_['u']);
    if (sides_ != 2) json_.require("b and a", {});
    if (json_.report(out, Channel::book, f_['s'])) out.book({f_['s'], FrameReader::millis(f_['E'])}, update);
  }

  // {"stream":"btcusdt@depth20","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}}
  void partial_depth(Out& out) {
    const Text stream = names_.get<"stream">();  // the envelope alone names the symbol
    name_ = stream.substr(0, stream.find('@'));
    for (char& c : name_) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    const std::size_t at = stream.find("@depth");
    const std::int64_t depth = at == Text::npos ? 0 : FrameReader::integer(stream.substr(at + 6));
    whole_book(name_, depth > 0 ? static_cast<std::uint32_t>(depth) : 20, out);
  }

  void whole_book(Text symbol, std::uint32_t depth, Out& out) {
    BookUpdate book;
    book.action = BookAction::snapshot;
    book.depth = depth;
    book.bids = bids_;
    book.asks = asks_;
    book.last = json_.require_id<"lastUpdateId">(names_);
    if (sides_ != 2) json_.require("bids and asks", {});
    if (json_.report(out, Channel::book, symbol)) out.book({symbol}, book);
  }

  // {"u":499869768,"s":"NKNUSDT","b":"0.35210000","B":"672.00000000","a":"0.35260000","A":"3199.00000000"}
  // {"e":"24hrTicker","E":1569805259092,"s":"DOGEBNB","P":"2.068","c":"0.00014360","b":"0.00014365","B":"7080.00000000",
  //  "a":"0.00014498","A":"275033.00000000","o":"0.00014069","h":"0.00014550","l":"0.00013851","v":"20014582.00000000",
  //  "q":"2839.62578157"}; 24hrMiniTicker has only c o h l v q
  void ticker(std::uint64_t id, Out& out) {
    Ticker ticker;
    for (const auto& figure : kTicker) {
      json_.optional_number(figure.name, f_[static_cast<std::uint64_t>(figure.letter)], ticker.*figure.into);
    }
    json_.require("price", id == kNoId ? f_['c'] : f_['b']);
    if (json_.report(out, Channel::ticker, f_['s'])) out.ticker({f_['s'], FrameReader::millis(f_['E']), id}, ticker);
  }

  // {"e":"kline","E":1633998288469,"s":"OMGBUSD","k":{"t":1633998240000,"T":1633998299999,"i":"1m","o":"13.72120000",
  //  "c":"13.80480000","h":"13.80480000","l":"13.72120000","v":"183.49000000","x":false}}
  void candle(Out& out) {
    if (k_.get<"i">() != "1m") return FrameReader::unknown(out, "kline of another interval");
    Candle candle;
    json_.number<"o">(k_, candle.open);
    json_.number<"h">(k_, candle.high);
    json_.number<"l">(k_, candle.low);
    json_.number<"c">(k_, candle.close);
    json_.number<"v">(k_, candle.volume);
    candle.open_ts = FrameReader::millis(k_.get<"t">());
    candle.closed = k_.get<"x">() == "true";
    if (json_.report(out, Channel::candle, f_['s'])) out.candle({f_['s'], FrameReader::millis(f_['E'])}, candle);
  }

  // {"result":null,"id":1}; {"code":2,"msg":"Invalid request: unknown variant","id":1}
  void answer(Out& out) {
    const Answer answer{FrameReader::request_id(names_.get<"id">()), Channel::none, {}, names_.get<"msg">()};
    if (!names_.get<"code">().empty()) return out.refused(answer);
    if (!names_.get<"id">().empty()) return out.acknowledged(answer);
    FrameReader::unknown(out, names_.get<"stream">());
  }

  Text trades_;
  bool best_;
  std::string levels_, name_;
  Letters f_;
  Fields<"t", "i", "o", "c", "h", "l", "v", "x"> k_;
  Fields<"stream", "id", "code", "msg", "lastUpdateId"> names_;
  int sides_ = 0;
  std::vector<Level> bids_, asks_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://stream.binance.com:9443", "https://api.binance.com"),
    {"trades", OptionType::string, "trade", "trade|aggTrade: each match, or the fills of one taker order at one price"},
    {"best", OptionType::boolean, "false", "best bid and ask in real time (@bookTicker), not once a second"},
    {"snapshot", OptionType::string, "1000", "100|500|1000|5000: levels a side of a book snapshot"},
};
}  // namespace

BIXWS_EXCHANGE_FEED(Binance, "binance", "Binance spot", "1.0", kOptions)
