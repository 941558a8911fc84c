// SPDX-License-Identifier: Apache-2.0
// Bitstamp: live trades, and the differences of the whole book onto a REST snapshot. It has neither tickers nor candles
// here: a ticker is made of the trades and of the best of order_book, candles by the core.
// https://www.bitstamp.net/websocket/v2 and https://www.bitstamp.net/api: order book, markets.
#include <bixws/exchange_dialect.h>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Bitstamp final : public ExchangeDialect {
 public:
  explicit Bitstamp(const Settings& settings) : ExchangeDialect(settings) {
    traits_.channels = channel_bit(Channel::ticker) | channel_bit(Channel::trades) | channel_bit(Channel::book);
    traits_.chain = Chain::rising;
    traits_.snapshots = SnapshotSource::rest;
    traits_.trade_ids = TradeIds::rising;
    traits_.keep_alive = 20'000'000;
    traits_.silence = 60'000'000;
    traits_.limits.symbols_per_request = 1;
    traits_.limits.connect_interval = 1'000'000;
    traits_.limits.connection_life = 90 * 24 * 3600 * 1'000'000LL;
    traits_.limits.rest_weight = 8000;  // of 10,000
    traits_.limits.rest_span = 600'000'000;
    traits_.limits.list_weight = 1;
    traits_.limits.snapshot_weight = 1;
  }

  Text path(Channel) const noexcept override { return "/"; }

  // {"event":"bts:subscribe","data":{"channel":"diff_order_book_btcusd"}}: one channel of one symbol at a time
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text channels[] = {{}, "order_book_", "live_trades_", "diff_order_book_"};
    tickers_ = tickers_ || request.channel == Channel::ticker;
    frame << "{\"event\":\"" << (request.subscribe ? "bts:subscribe" : "bts:unsubscribe")
          << "\",\"data\":{\"channel\":\"" << channels[static_cast<std::size_t>(request.channel)]
          << request.symbols.front() << "\"}}";
  }

  void keep_alive(std::uint64_t, TextOut& frame) noexcept override { frame << "{\"event\":\"bts:heartbeat\"}"; }

  // {"event":"trade","channel":"live_trades_btcusd","data":{...}}
  void read(const Frame& frame, Out& out) noexcept override {
    top_.clear();
    data_.clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    const Text event = top_.get<"event">(), name = top_.get<"channel">();
    const std::size_t end = name.rfind('_');
    symbol_ = end == Text::npos ? Text() : name.substr(end + 1);
    const Channel channel = channel_of(name.substr(0, end));
    if (event == "trade") return trade(out);
    if (event == "data" && channel == Channel::book) return book(BookAction::update, symbol_, out);
    if (event == "data" && channel == Channel::ticker) return best(out);
    // {"event":"bts:subscription_succeeded","channel":"live_trades_btcusd","data":{}}
    if (event == "bts:subscription_succeeded" || event == "bts:unsubscription_succeeded") {
      return out.acknowledged({0, channel, symbol_, {}});
    }
    // {"event":"bts:heartbeat","channel":"","data":{"status":"success"}}
    if (event == "bts:heartbeat") return out.alive();
    // {"event":"bts:request_reconnect","channel":"","data":""}
    if (event == "bts:request_reconnect") return out.leaving(event);
    // {"event":"bts:error","channel":"","data":{"code":null,"message":"Bad subscription string."}}
    if (event == "bts:error") return out.refused({0, channel, symbol_, data_.get<"message">()});
    FrameReader::unknown(out, event);
  }

  void list_path(Text, TextOut& path) noexcept override { path << "/api/v2/markets/"; }

  // [{"name":"BTC/USD","market_symbol":"btcusd","base_currency":"BTC","counter_currency":"USD","trading":"Enabled"}]
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_array(body, out, [&](Value market) {
      Fields<"market_symbol", "base_currency", "counter_currency", "trading"> fields;
      json_.collect(market, fields);
      const bool trading = fields.get<"trading">() == "Enabled";
      out.listed({fields.get<"market_symbol">(),
                  fields.get<"base_currency">(),
                  fields.get<"counter_currency">(),
                  trading,
                  {}});
    });
  }

  void snapshot_path(Text symbol, TextOut& path) noexcept override { path << "/api/v2/order_book/" << symbol << "/"; }

  // {"timestamp":"1643643584","microtimestamp":"1643643584684047","bids":[["34.50","0.25000000"]],"asks":[["35.00","1.0"]]}
  void read_snapshot(Text symbol, const Frame& body, Out& out) noexcept override {
    data_.clear();
    if (!json_.read_object(body, out, [this](std::uint64_t name, Value value) { inside(name, value); })) return;
    book(BookAction::snapshot, symbol, out);
  }

 private:
  static Channel channel_of(Text name) {
    if (name == "live_trades") return Channel::trades;
    if (name == "diff_order_book") return Channel::book;
    return name == "order_book" ? Channel::ticker : Channel::none;
  }

  void field(std::uint64_t name, Value value) {
    if (name != tag("data")) return void(json_.place(top_, name, value));
    if (json_.is_object(value)) json_.object(value, [this](std::uint64_t inner, Value v) { inside(inner, v); });
  }
  void inside(std::uint64_t name, Value value) {
    if (name == tag("bids")) return json_.levels(value, data_.bids);
    if (name == tag("asks")) return json_.levels(value, data_.asks);
    json_.place(data_, name, value);
  }

  Micros time() const { return FrameReader::micros(data_.get<"microtimestamp">()); }

  // {"event":"trade","channel":"live_trades_btcusd","data":{"id":98000129,"timestamp":"1569888000","amount":0.02834,
  //  "amount_str":"0.02834000","price":8304.47,"price_str":"8304.47","type":0,"microtimestamp":"1569888000557673",
  //  "buy_order_id":4173504870,"sell_order_id":4173504860}}; type 0: the taker bought
  void trade(Out& out) {
    Trade trade;
    Ticker ticker;
    trade.id = data_.get<"id">();
    json_.require("id", trade.id);
    json_.number<"price_str">(data_, trade.price);
    json_.number<"amount_str">(data_, trade.size);
    trade.side = data_.get<"type">() == "1" ? Side::sell : Side::buy;
    trade.ts = time();
    if (!json_.report(out, Channel::trades, symbol_)) return;
    out.trades({symbol_, trade.ts}, {{&trade, 1}});
    ticker.price = trade.price;
    if (tickers_) out.ticker({symbol_, trade.ts}, ticker);
  }

  // {"event":"data","channel":"diff_order_book_bchusd","data":{"timestamp":"1554076800",
  //  "microtimestamp":"1554076800436165","bids":[],"asks":[["168.75","2.00000000"]]}}
  // What is not newer than the snapshot is in it; nothing tells that one is missing.
  void book(BookAction action, Text symbol, Out& out) {
    BookUpdate update;
    update.action = action;
    update.bids = data_.bids;
    update.asks = data_.asks;
    update.last = json_.require_id<"microtimestamp">(data_);
    if (json_.report(out, Channel::book, symbol)) out.book({symbol, time()}, update);
  }

  // {"event":"data","channel":"order_book_btcusd","data":{"timestamp":"1643643584","microtimestamp":"1643643584684047",
  //  "bids":[["38000.01","0.25000000"],...],"asks":[["38000.15","1.00000000"],...]}}: the best hundred a side
  void best(Out& out) {
    Ticker ticker;
    if (!data_.bids.empty()) {
      ticker.bid = data_.bids.front().price;
      ticker.bid_size = data_.bids.front().size;
    }
    if (!data_.asks.empty()) {
      ticker.ask = data_.asks.front().price;
      ticker.ask_size = data_.asks.front().size;
    }
    if (json_.report(out, Channel::ticker, symbol_)) out.ticker({symbol_, time()}, ticker);
  }

  bool tickers_ = false;  // somebody asked for them
  Text symbol_;
  Fields<"event", "channel"> top_;
  Row<"id", "amount_str", "price_str", "type", "microtimestamp", "message"> data_;
};

constexpr Option kOptions[] = {BIXWS_EXCHANGE_OPTIONS("wss://ws.bitstamp.net", "https://www.bitstamp.net")};
}  // namespace

BIXWS_EXCHANGE_FEED(Bitstamp, "bitstamp", "Bitstamp", "1.0", kOptions)
