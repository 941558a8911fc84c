// SPDX-License-Identifier: Apache-2.0
// Coinbase Exchange, the feed that needs no key: level2_batch, ticker, matches. It has no candles; the core builds
// them. https://docs.cdp.coinbase.com/exchange/websocket-feed: overview, channels, errors, rate limits.
#include <bixws/exchange_dialect.h>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Coinbase final : public ExchangeDialect {
 public:
  explicit Coinbase(const Settings& settings) : ExchangeDialect(settings) {
    traits_.channels = channel_bit(Channel::ticker) | channel_bit(Channel::trades) | channel_bit(Channel::book);
    traits_.chain = Chain::none;  // level2 has no numbers: whether the book crosses is all that can be seen
    traits_.trade_ids = TradeIds::consecutive;
    traits_.limits.topics_per_connection = 300;
    traits_.limits.requests_per_second = 8;
    traits_.limits.connect_interval = 250'000;
    traits_.limits.list_weight = 1;
  }

  Text path(Channel) const noexcept override { return "/"; }

  // {"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches","heartbeat"]}
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text channels[] = {{}, "\"ticker\"", "\"matches\",\"heartbeat\"", "\"level2_batch\""};
    frame << "{\"type\":\"" << (request.subscribe ? "subscribe" : "unsubscribe") << "\",\"product_ids\":[";
    write_quoted(frame, request.symbols);
    frame << "],\"channels\":[" << channels[static_cast<std::size_t>(request.channel)] << "]}";
  }

  // {"type":"subscriptions","channels":[{"name":"ticker","product_ids":["BTC-USD"]}]}: all there are, whatever was
  // asked
  // {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}
  void read(const Frame& frame, Out& out) noexcept override {
    clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    product_ = fields_.get<"product_id">();
    time_ = rfc3339_micros(fields_.get<"time">());
    const Text type = fields_.get<"type">();
    if (type == "l2update") return book(BookAction::update, out);
    if (type == "match" || type == "last_match") return match(type == "last_match", out);
    if (type == "ticker") return ticker(out);
    if (type == "heartbeat") return out.alive();
    if (type == "snapshot") return book(BookAction::snapshot, out);
    if (type == "subscriptions") return out.acknowledged({});
    if (type == "error") return error(out);
    FrameReader::unknown(out, type);
  }

  void list_path(Text, TextOut& path) noexcept override { path << "/products"; }

  // [{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online","trading_disabled":false}]
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_array(body, out, [&](Value product) {
      Fields<"id", "base_currency", "quote_currency", "trading_disabled", "status"> fields;
      json_.collect(product, fields);
      const bool trading = fields.get<"status">() == "online" && fields.get<"trading_disabled">() != "true";
      out.listed({fields.get<"id">(), fields.get<"base_currency">(), fields.get<"quote_currency">(), trading, {}});
    });
  }

 private:
  void clear() {
    fields_.clear();
    has_bids_ = has_asks_ = has_changes_ = false;
    bids_.clear();
    asks_.clear();
  }

  void field(std::uint64_t name, Value value) {
    if (name == tag("changes")) {
      has_changes_ = true;
      return json_.array(value, [this](Value change) {
        Text cell[3];
        json_.tokens(change, cell, 3);
        json_.level(cell[1], cell[2], cell[0] == "buy" ? bids_ : asks_);
      });
    }
    if (name == tag("bids")) {
      has_bids_ = true;
      return json_.levels(value, bids_);
    }
    if (name == tag("asks")) {
      has_asks_ = true;
      return json_.levels(value, asks_);
    }
    json_.place(fields_, name, value);
  }

  // {"type":"snapshot","product_id":"BAND-USD","asks":[["14.8024","12.77"]],"bids":[["14.7802","30.5"]]}
  // {"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"]],"time":"2021-04-17T16:43:37.075687Z"}
  void book(BookAction action, Out& out) {
    BookUpdate update;
    update.action = action;
    update.bids = bids_;
    update.asks = asks_;
    if (action == BookAction::update ? !has_changes_ : !has_bids_ || !has_asks_) json_.require("levels", {});
    if (json_.report(out, Channel::book, product_)) out.book({product_, time_}, update);
  }

  // {"type":"match","trade_id":280232,"side":"sell","size":"985","price":"0.00001305","product_id":"SKL-BTC",
  //  "sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}; last_match is the one before the subscription
  void match(bool history, Out& out) {
    Trade trade;
    json_.require_id<"trade_id">(fields_);
    json_.number<"price">(fields_, trade.price);
    json_.number<"size">(fields_, trade.size);
    trade.side = fields_.get<"side">() == "sell" ? Side::buy : Side::sell;  // side is the maker's
    trade.id = fields_.get<"trade_id">();
    trade.ts = time_;
    if (json_.report(out, Channel::trades, product_)) out.trades({product_, time_}, {{&trade, 1}, history});
  }

  // {"type":"ticker","sequence":50978628538,"product_id":"BTC-USD","price":"17165.16","open_24h":"16437.94",
  //  "volume_24h":"42492.05081975","low_24h":"16423.37","high_24h":"17259.37","best_bid":"17165.15",
  //  "best_bid_size":"0.61540890","best_ask":"17167.76","best_ask_size":"0.18528568","time":"2022-12-01T00:00:00.122581Z"}
  void ticker(Out& out) {
    Ticker ticker;
    json_.number<"price">(fields_, ticker.price);
    json_.optional_number<"open_24h">(fields_, ticker.open_24h);
    json_.optional_number<"high_24h">(fields_, ticker.high_24h);
    json_.optional_number<"low_24h">(fields_, ticker.low_24h);
    json_.optional_number<"volume_24h">(fields_, ticker.volume_24h);
    json_.optional_number<"best_bid">(fields_, ticker.bid);
    json_.optional_number<"best_bid_size">(fields_, ticker.bid_size);
    json_.optional_number<"best_ask">(fields_, ticker.ask);
    json_.optional_number<"best_ask_size">(fields_, ticker.ask_size);
    if (!json_.report(out, Channel::ticker, product_)) return;
    out.ticker({product_, time_, FrameReader::id(fields_.get<"sequence">())}, ticker);
  }

  // {"type":"error","message":"Failed to subscribe","reason":"XXX-YYY is not a valid product"}
  void error(Out& out) {
    const Text reason = fields_.get<"reason">();
    out.refused({0, Channel::none, {}, reason.empty() ? fields_.get<"message">() : reason});
  }

  Text product_;
  Micros time_ = 0;
  Fields<"type", "sequence", "trade_id", "side", "size", "product_id", "price", "open_24h", "volume_24h", "low_24h",
         "high_24h", "best_bid", "best_bid_size", "best_ask", "best_ask_size", "message", "reason", "time">
      fields_;
  bool has_bids_ = false, has_asks_ = false, has_changes_ = false;
  std::vector<Level> bids_, asks_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com")};
}  // namespace

BIXWS_EXCHANGE_FEED(Coinbase, "coinbase", "Coinbase Exchange", "1.0", kOptions)
