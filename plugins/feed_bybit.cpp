// SPDX-License-Identifier: Apache-2.0
// Bybit v5, public spot stream. Its tickers have no bid and ask: these come from orderbook.1.
// https://bybit-exchange.github.io/docs/v5/websocket: connect, public/{ticker,orderbook,trade,kline}, rate limits.
#include <bixws/decimal_math.h>
#include <bixws/exchange_dialect.h>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Bybit final : public ExchangeDialect {
 public:
  explicit Bybit(const Settings& settings) : ExchangeDialect(settings), depth_(settings.get("depth")) {
    traits_.chain = Chain::contiguous;
    traits_.trade_ids = TradeIds::rising;
    traits_.keep_alive = 20'000'000;
    traits_.keep_alive_always = true;
    traits_.silence = 60'000'000;
    traits_.limits.topics_per_connection = 600;  // 21,000 characters of arguments
    traits_.limits.symbols_per_request = 5;      // ten topics: a ticker is two of them
    traits_.limits.connect_interval = 600'000;   // 500 in five minutes
    traits_.limits.rest_weight = 500;            // of 600 in five seconds
    traits_.limits.rest_span = 5'000'000;
    traits_.limits.list_weight = 1;
    traits_.limits.ban_wait = 600'000'000;  // "403, access too frequent"
  }

  Text path(Channel) const noexcept override { return "/v5/public/spot"; }
  std::uint32_t topics_of(Channel channel) const noexcept override { return channel == Channel::ticker ? 2 : 1; }

  // {"req_id":"7","op":"subscribe","args":["tickers.BTCUSDT","orderbook.1.BTCUSDT"]}
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text topics[] = {{}, "tickers.", "publicTrade.", "orderbook.", "kline.1."};
    frame << "{\"req_id\":\"" << request.id << "\",\"op\":\"" << (request.subscribe ? "subscribe" : "unsubscribe")
          << "\",\"args\":[";
    Text comma;
    for (const Text symbol : request.symbols) {
      frame << comma << "\"" << topics[static_cast<std::size_t>(request.channel)];
      if (request.channel == Channel::book) frame << depth_ << ".";
      frame << symbol << "\"";
      if (request.channel == Channel::ticker) frame << ",\"orderbook.1." << symbol << "\"";
      comma = ",";
    }
    frame << "]}";
  }

  void keep_alive(std::uint64_t id, TextOut& frame) noexcept override {
    frame << "{\"req_id\":\"" << id << "\",\"op\":\"ping\"}";
  }

  // {"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1682084122523,"data":[{...}]}; data may be an object
  void read(const Frame& frame, Out& out) noexcept override {
    top_.clear();
    rows_.clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    const Text topic = top_.get<"topic">();
    if (topic.empty()) return answer(out);
    const std::size_t dot = topic.rfind('.');  // neither a symbol of spot nor the words before it have one
    symbol_ = dot == Text::npos ? Text() : topic.substr(dot + 1);
    sent_ = FrameReader::millis(top_.get<"ts">());
    const Text kind = topic.substr(0, dot);
    if (kind == "publicTrade") return trades(out);
    if (kind == "tickers") return tickers(out);
    if (kind.starts_with("orderbook.")) return book(kind.substr(10), out);
    if (kind.starts_with("kline.")) return candles(kind.substr(6), out);
    FrameReader::unknown(out, topic);
  }

  void list_path(Text cursor, TextOut& path) noexcept override {
    path << "/v5/market/instruments-info?category=spot&limit=1000";
    if (!cursor.empty()) path << "&cursor=" << cursor;
  }

  // {"retCode":0,"retMsg":"OK","result":{"category":"spot","list":[{"symbol":"BTCUSDT","baseCoin":"BTC",
  //  "quoteCoin":"USDT","status":"Trading"}],"nextPageCursor":""},"time":1672712495660}
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_object(body, out, [&](std::uint64_t name, Value value) {
      if (name == tag("time")) return out.clock(FrameReader::millis(json_.token(value)));
      if (name != tag("result")) return;
      json_.object(value, [&](std::uint64_t inner, Value v) {
        if (inner == tag("nextPageCursor")) {
          const Text cursor = json_.token(v);
          if (!cursor.empty()) out.more(cursor);
        }
        if (inner != tag("list")) return;
        json_.array(v, [&](Value instrument) {
          Fields<"symbol", "baseCoin", "quoteCoin", "status"> fields;
          json_.collect(instrument, fields);
          const bool trading = fields.get<"status">() == "Trading";
          out.listed({fields.get<"symbol">(), fields.get<"baseCoin">(), fields.get<"quoteCoin">(), trading, {}});
        });
      });
    });
  }

 private:
  void field(std::uint64_t name, Value value) {
    if (name != tag("data")) return void(json_.place(top_, name, value));
    const auto row = [this](Value item) {
      auto& into = rows_.add();
      json_.object(item, [this, &into](std::uint64_t inner, Value v) {
        if (inner == tag("b")) return json_.levels(v, into.bids);
        if (inner == tag("a")) return json_.levels(v, into.asks);
        json_.place(into, inner, v);
      });
    };
    if (json_.is_array(value)) return json_.array(value, row);
    row(value);
  }

  // {"topic":"tickers.BTCUSDT","ts":1682083233096,"type":"snapshot","cs":792472763,"data":{"symbol":"BTCUSDT",
  //  "lastPrice":"27579.99","highPrice24h":"35000","lowPrice24h":"26900","prevPrice24h":"29005.97",
  //  "volume24h":"240.62801","turnover24h":"6905439.32558533","price24hPcnt":"-0.0492","usdIndexPrice":"28190.58"}}
  // price24hPcnt is a ratio. Deltas, and tickers without the price of a day ago, are those of derivatives.
  void tickers(Out& out) {
    for (const auto& row : rows_) {
      if (top_.get<"type">() != "snapshot" || row.get<"prevPrice24h">().empty()) {
        FrameReader::unknown(out, "ticker of a derivative");
        continue;
      }
      Ticker ticker;
      Decimal ratio;
      json_.number<"lastPrice">(row, ticker.price);
      json_.optional_number<"prevPrice24h">(row, ticker.open_24h);
      json_.optional_number<"highPrice24h">(row, ticker.high_24h);
      json_.optional_number<"lowPrice24h">(row, ticker.low_24h);
      json_.optional_number<"volume24h">(row, ticker.volume_24h);
      json_.optional_number<"turnover24h">(row, ticker.quote_volume_24h);
      json_.optional_number<"bid1Price">(row, ticker.bid);
      json_.optional_number<"bid1Size">(row, ticker.bid_size);
      json_.optional_number<"ask1Price">(row, ticker.ask);
      json_.optional_number<"ask1Size">(row, ticker.ask_size);
      json_.optional_number<"price24hPcnt">(row, ratio);
      ticker.change_24h = shift(ratio, 2);
      if (json_.report(out, Channel::ticker, symbol_)) out.ticker({symbol_, sent_}, ticker);
    }
  }

  // {"topic":"publicTrade.BTCUSDT","ts":1682084122523,"type":"snapshot","data":[{"i":"2100000000019296063",
  //  "T":1682084122521,"p":"27200","v":"0.000221","S":"Buy","s":"BTCUSDT","BT":false}]}
  // All of them are new, whatever the type says; the side is the taker's.
  void trades(Out& out) {
    trades_.clear();
    for (const auto& row : rows_) {
      Trade trade;
      trade.id = row.get<"i">();
      json_.require("i", trade.id);
      json_.number<"p">(row, trade.price);
      json_.number<"v">(row, trade.size);
      trade.side = row.get<"S">() == "Sell" ? Side::sell : Side::buy;
      trade.ts = FrameReader::millis(row.get<"T">());
      if (json_.report(out, Channel::trades, symbol_)) trades_.push_back(trade);
    }
    if (!trades_.empty()) out.trades({symbol_, trades_.back().ts}, {trades_});
  }

  // {"topic":"orderbook.50.BTCUSDT","ts":1731035685345,"type":"delta","data":{"s":"BTCUSDT","b":[["75837.13","0"]],
  //  "a":[["75848.89","0.088149"]],"u":2876701,"seq":47474967823},"cts":1731035685342}
  // A snapshot may come at any time; u is 1 after a restart of the service, whatever the type says.
  void book(Text depth, Out& out) {
    for (const auto& row : rows_) {
      BookUpdate update;
      update.depth = static_cast<std::uint32_t>(FrameReader::integer(depth));
      update.last = json_.require_id<"u">(row);
      update.bids = row.bids;
      update.asks = row.asks;
      if (top_.get<"type">() == "snapshot" || update.last == 1) update.action = BookAction::snapshot;
      if (depth == depth_) {
        if (json_.report(out, Channel::book, symbol_)) out.book({symbol_, sent_}, update);
      } else if (depth == "1") {
        if (json_.report(out, Channel::ticker, symbol_)) best(update, out);
      } else {
        FrameReader::unknown(out, "book of another depth");
      }
    }
  }

  // {"topic":"orderbook.1.BTCUSDT","ts":1680652806615,"type":"delta","data":{"s":"BTCUSDT","b":[["28165.07","0.166754"]],
  //  "a":[],"u":20404755,"seq":4281281875}}: deltas until 2025; one may remove the old price beside the new one
  void best(const BookUpdate& update, Out& out) {
    Ticker ticker;
    const auto newest = [](std::span<const Level> side, Decimal& price, Decimal& size) {
      for (const Level& level : side) {
        if (level.size.is_zero()) continue;
        price = level.price;
        size = level.size;
      }
    };
    newest(update.bids, ticker.bid, ticker.bid_size);
    newest(update.asks, ticker.ask, ticker.ask_size);
    out.ticker({symbol_, sent_}, ticker);
  }

  // {"topic":"kline.5.BTCUSDT","data":[{"start":1672324800000,"end":1672325099999,"interval":"5","open":"16649.5",
  //  "close":"16677","high":"16677","low":"16608","volume":"2.081","turnover":"34666.4005","confirm":false,
  //  "timestamp":1672324988882}],"ts":1672324988882,"type":"snapshot"}
  void candles(Text minutes, Out& out) {
    for (const auto& row : rows_) {
      Candle candle;
      candle.seconds = FrameReader::minutes(minutes);
      if (candle.seconds == 0) return FrameReader::unknown(out, top_.get<"topic">());
      candle.open_ts = FrameReader::millis(row.get<"start">());
      json_.number<"open">(row, candle.open);
      json_.number<"high">(row, candle.high);
      json_.number<"low">(row, candle.low);
      json_.number<"close">(row, candle.close);
      json_.number<"volume">(row, candle.volume);
      candle.closed = row.get<"confirm">() == "true";
      if (json_.report(out, Channel::candle, symbol_)) out.candle({symbol_, sent_}, candle);
    }
  }

  // {"success":true,"ret_msg":"subscribe","conn_id":"13ac3a8f","req_id":"7","op":"subscribe"}, one for the whole
  // request
  // {"success":false,"ret_msg":"Invalid topic: orderbook.50.X","conn_id":"13ac3a8f","req_id":"7","op":"subscribe"}
  // {"success":true,"ret_msg":"pong","conn_id":"0970e817","op":"ping"}; of other streams
  // {"op":"pong","args":["1757405570352"]}
  void answer(Out& out) {
    const Text op = top_.get<"op">();
    const Answer answer{FrameReader::request_id(top_.get<"req_id">()), Channel::none, {}, top_.get<"ret_msg">()};
    if (op == "ping" || op == "pong") return out.alive();
    if (top_.get<"success">() == "false") return out.refused(answer);
    if (op == "subscribe" || op == "unsubscribe") return out.acknowledged(answer);
    FrameReader::unknown(out, op);
  }

  std::string depth_;
  Text symbol_;
  Micros sent_ = 0;
  Fields<"topic", "ts", "type", "success", "ret_msg", "req_id", "op"> top_;
  Rows<Row<"s", "u", "i", "T", "p", "v", "S", "lastPrice", "highPrice24h", "lowPrice24h", "prevPrice24h", "volume24h",
           "turnover24h", "price24hPcnt", "bid1Price", "bid1Size", "ask1Price", "ask1Size", "start", "open", "close",
           "high", "low", "volume", "confirm">>
      rows_;
  std::vector<Trade> trades_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://stream.bybit.com", "https://api.bybit.com"),
    {"depth", OptionType::string, "50", "50|200|1000: levels a side of a book"},
};
}  // namespace

BIXWS_EXCHANGE_FEED(Bybit, "bybit", "Bybit v5 spot", "1.0", kOptions)
