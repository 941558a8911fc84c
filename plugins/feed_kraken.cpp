// SPDX-License-Identifier: Apache-2.0
// Kraken spot, WebSocket API v2: ticker, trade, book with its checksum, ohlc. Numbers are bare JSON whose digits count.
// https://docs.kraken.com/api/docs/websocket-v2: ticker, trade, book, ohlc, heartbeat, status; guide book-checksum-v2
#include <bixws/decimal_math.h>
#include <bixws/exchange_dialect.h>
#include <zlib.h>

#include <algorithm>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Kraken final : public ExchangeDialect {
 public:
  explicit Kraken(const Settings& settings)
      : ExchangeDialect(settings), depth_(static_cast<std::uint32_t>(FrameReader::integer(settings.get("depth")))) {
    traits_.chain = Chain::none;  // the checksum is all there is, and it says nothing about levels below the tenth
    traits_.checksum_levels = 10;
    traits_.trade_ids = TradeIds::consecutive;
    traits_.candles_say_closed = false;
    traits_.silence = 10'000'000;  // a heartbeat a second
    traits_.limits.topics_per_connection = 400;
    traits_.limits.requests_per_second = 5;
    traits_.limits.connect_interval = 4'000'000;  // 150 in ten minutes
    traits_.limits.list_weight = 1;
  }

  Text path(Channel) const noexcept override { return "/v2"; }

  // {"method":"subscribe","params":{"channel":"book","depth":10,"snapshot":true,"symbol":["BTC/USD"]},"req_id":1}
  void request(const Request& request, TextOut& frame) noexcept override {
    frame << "{\"method\":\"" << (request.subscribe ? "subscribe" : "unsubscribe") << "\",\"params\":{";
    if (request.channel == Channel::ticker) frame << R"("channel":"ticker","event_trigger":"bbo","snapshot":true)";
    // The last 50: after a reconnect they may fill the hole.
    if (request.channel == Channel::trades) frame << R"("channel":"trade","snapshot":true)";
    if (request.channel == Channel::book) frame << R"("channel":"book","depth":)" << depth_ << R"(,"snapshot":true)";
    if (request.channel == Channel::candle) frame << R"("channel":"ohlc","interval":1,"snapshot":false)";
    frame << ",\"symbol\":[";
    write_quoted(frame, request.symbols);
    frame << "]},\"req_id\":" << request.id << "}";
  }

  // {"channel":"trade","type":"update","data":[{...},{...}]}
  void read(const Frame& frame, Out& out) noexcept override {
    top_.clear();
    result_.clear();
    rows_.clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    const Text channel = top_.get<"channel">();
    if (channel == "book") return books(out);
    if (channel == "trade") return trades(out);
    if (channel == "ticker") return tickers(out);
    if (channel == "ohlc") return candles(out);
    if (channel == "heartbeat") return out.alive();
    if (channel == "status") return status(out);
    // {"Error":"Exceeded msg rate"}
    if (const Text error = top_.get<"Error">(); !error.empty()) return out.reconnect(error);
    if (!top_.get<"method">().empty()) return answer(out);
    FrameReader::unknown(out, channel);
  }

  void list_path(Text, TextOut& path) noexcept override { path << "/0/public/AssetPairs"; }

  // {"error":[],"result":{"XXBTZUSD":{"altname":"XBTUSD","wsname":"XBT/USD","base":"XXBT","quote":"ZUSD","status":"online"}}}
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_object(body, out, [&](std::uint64_t name, Value value) {
      if (name != tag("result")) return;
      json_.object(value, [&](std::uint64_t, Value pair) {
        Fields<"wsname", "status"> fields;
        json_.collect(pair, fields);
        const Text old_name = fields.get<"wsname">();
        const std::size_t slash = old_name.find('/');
        if (slash == Text::npos) return;  // a dark pool has no name here
        Listing listing;
        listing.base = new_name(old_name.substr(0, slash));
        listing.quote = new_name(old_name.substr(slash + 1));
        const std::string id = std::string(listing.base) + "/" + std::string(listing.quote);
        listing.id = id;
        listing.trading = fields.get<"status">() == "online";
        out.listed(listing);
      });
    });
  }

  // Of each level of the ten best asks, then bids: price and quantity without point and leading zeros.
  std::uint32_t checksum(std::span<const Level> bids, std::span<const Level> asks) noexcept override {
    uLong crc = 0;
    const auto count = [&crc](const Decimal& number) {
      char text[kDecimalChars];
      const char* const end = std::remove(text, write_decimal(text, number), '.');
      const char* const begin = std::find_if(static_cast<const char*>(text), end, [](char c) { return c != '0'; });
      crc = crc32(crc, reinterpret_cast<const Bytef*>(begin), static_cast<uInt>(end - begin));
    };
    for (const auto side : {asks, bids}) {
      for (const Level& level : side) {
        count(level.price);
        count(level.size);
      }
    }
    return static_cast<std::uint32_t>(crc);
  }

 private:
  // {"channel":"status","type":"update","data":[{"system":"online","api_version":"v2"}]}: when connected, when changed
  void status(Out& out) {
    const Text system = rows_.size() == 0 ? Text() : rows_[0].get<"system">();
    if (system.empty()) return out.alive();
    out.condition(system == "maintenance" ? FeedState::down : FeedState::live, system == "online" ? Text() : system);
  }

  // REST and API v1 say XBT and XDG.
  static Text new_name(Text coin) { return coin == "XBT" ? "BTC" : coin == "XDG" ? "DOGE" : coin; }

  void field(std::uint64_t name, Value value) {
    if (name == tag("result")) return json_.collect(value, result_);
    if (name != tag("data")) return void(json_.place(top_, name, value));
    json_.array(value, [this](Value item) {
      auto& row = rows_.add();
      json_.object(item, [this, &row](std::uint64_t inner, Value v) {
        if (inner == tag("bids")) return levels(v, row.bids);
        if (inner == tag("asks")) return levels(v, row.asks);
        json_.place(row, inner, v);
      });
    });
  }

  // [{"price":63004.9,"qty":0.01876947}]
  void levels(Value value, std::vector<Level>& into) {
    json_.array(value, [&](Value level) {
      Fields<"price", "qty"> fields;
      json_.collect(level, fields);
      json_.level(fields.get<"price">(), fields.get<"qty">(), into);
    });
  }

  // {"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000}],"asks":[],
  //  "checksum":3726153463,"timestamp":"2026-08-02T03:35:51.660084Z"}]}
  // Levels pushed out of the depth are never deleted: the core cuts them.
  void books(Out& out) {
    BookUpdate update;
    update.action = top_.get<"type">() == "snapshot" ? BookAction::snapshot : BookAction::update;
    update.depth = depth_;
    for (const auto& row : rows_) {
      update.bids = row.bids;
      update.asks = row.asks;
      update.has_checksum = !row.get<"checksum">().empty();
      if (update.has_checksum) update.checksum = static_cast<std::uint32_t>(json_.require_id<"checksum">(row));
      const Text symbol = row.get<"symbol">();
      if (json_.report(out, Channel::book, symbol)) out.book({symbol, rfc3339_micros(row.get<"timestamp">())}, update);
    }
  }

  // {"channel":"trade","type":"update","data":[{"symbol":"MATIC/USD","side":"sell","price":0.5117,"qty":40.0,
  //  "ord_type":"market","trade_id":4665906,"timestamp":"2023-09-25T07:49:37.708706Z"}]}; the side is the taker's
  void trades(Out& out) {
    for (std::size_t i = 0; i < rows_.size();) {
      const Text symbol = rows_[i].get<"symbol">();
      trades_.clear();
      for (; i < rows_.size() && rows_[i].get<"symbol">() == symbol; ++i) {
        const auto& row = rows_[i];
        Trade trade;
        json_.require_id<"trade_id">(row);
        json_.number<"price">(row, trade.price);
        json_.number<"qty">(row, trade.size);
        trade.side = row.get<"side">() == "sell" ? Side::sell : Side::buy;
        trade.id = row.get<"trade_id">();
        trade.ts = rfc3339_micros(row.get<"timestamp">());
        if (json_.report(out, Channel::trades, symbol)) trades_.push_back(trade);
      }
      if (!trades_.empty()) out.trades({symbol, trades_.back().ts}, {trades_, top_.get<"type">() == "snapshot"});
    }
  }

  // {"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":108359.8,"bid_qty":0.01362603,"ask":108359.9,
  //  "ask_qty":17.17988863,"last":108359.8,"volume":2158.32346723,"low":106824,"high":111300,"change":-2679.9,
  //  "change_pct":-2.41,"timestamp":"2026-07-10T00:00:02.123456Z"}]}; the open is what the change started from
  void tickers(Out& out) {
    for (const auto& row : rows_) {
      Ticker ticker;
      Decimal change;
      json_.optional_number<"last">(row, ticker.price);
      json_.number<"bid">(row, ticker.bid);
      json_.optional_number<"bid_qty">(row, ticker.bid_size);
      json_.number<"ask">(row, ticker.ask);
      json_.optional_number<"ask_qty">(row, ticker.ask_size);
      json_.optional_number<"low">(row, ticker.low_24h);
      json_.optional_number<"high">(row, ticker.high_24h);
      json_.optional_number<"volume">(row, ticker.volume_24h);
      json_.optional_number<"change_pct">(row, ticker.change_24h);
      json_.optional_number<"change">(row, change);
      ticker.open_24h = subtract(ticker.price, change);
      const Head head{row.get<"symbol">(), rfc3339_micros(row.get<"timestamp">())};
      if (json_.report(out, Channel::ticker, head.symbol)) out.ticker(head, ticker);
    }
  }

  // {"channel":"ohlc","type":"update","timestamp":"2023-10-04T16:26:30.524394914Z","data":[{"symbol":"MATIC/USD",
  //  "open":0.5624,"high":0.5628,"low":0.5622,"close":0.5627,"trades":12,"volume":30927.68066226,"vwap":0.5626,
  //  "interval_begin":"2023-10-04T16:25:00.000000000Z","interval":5,"timestamp":"2023-10-04T16:30:00.000000Z"}]}
  void candles(Out& out) {
    for (const auto& row : rows_) {
      Candle candle;
      candle.seconds = FrameReader::minutes(row.get<"interval">());
      if (candle.seconds == 0) json_.require("interval", {});
      candle.open_ts = rfc3339_micros(row.get<"interval_begin">());
      json_.number<"open">(row, candle.open);
      json_.number<"high">(row, candle.high);
      json_.number<"low">(row, candle.low);
      json_.number<"close">(row, candle.close);
      json_.number<"volume">(row, candle.volume);
      const Head head{row.get<"symbol">(), rfc3339_micros(top_.get<"timestamp">())};
      if (json_.report(out, Channel::candle, head.symbol)) out.candle(head, candle);
    }
  }

  // {"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true,
  //  "req_id":1,"time_in":"2026-08-01T02:53:53.184174Z","time_out":"2026-08-01T02:53:53.184216Z"}, one a symbol
  // {"error":"Currency pair not supported X/USD","method":"subscribe","req_id":1,"success":false,"symbol":"X/USD"}
  void answer(Out& out) {
    const Text error = top_.get<"error">();
    Answer answer{FrameReader::request_id(top_.get<"req_id">()), Channel::none, result_.get<"symbol">(), error};
    // The exchange has the last word on how deep the book is, and its checksums hold for no other depth.
    if (const auto depth = FrameReader::integer(result_.get<"depth">()); depth > 0)
      depth_ = static_cast<std::uint32_t>(depth);
    if (top_.get<"success">() == "true") return out.acknowledged(answer);
    if (top_.get<"method">() == "pong") return out.alive();
    answer.symbol = top_.get<"symbol">();
    if (answer.symbol.empty() && error.find('/') != Text::npos) answer.symbol = error.substr(error.rfind(' ') + 1);
    if (error.starts_with("Already subscribed")) return out.acknowledged(answer);
    out.refused(answer);
  }

  std::uint32_t depth_;
  Fields<"channel", "type", "timestamp", "error", "method", "success", "symbol", "req_id", "Error"> top_;
  Fields<"channel", "depth", "symbol"> result_;
  Rows<Row<"symbol", "checksum", "timestamp", "side", "price", "qty", "trade_id", "bid", "bid_qty", "ask", "ask_qty",
           "last", "volume", "low", "high", "change", "change_pct", "open", "close", "interval_begin", "interval",
           "system">>
      rows_;
  std::vector<Trade> trades_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://ws.kraken.com", "https://api.kraken.com"),
    {"depth", OptionType::string, "10", "10|25|100|500|1000: levels a side of a book; its checksum covers the best 10"},
};
}  // namespace

BIXWS_EXCHANGE_FEED(Kraken, "kraken", "Kraken spot v2", "1.0", kOptions)
