// SPDX-License-Identifier: Apache-2.0
// OKX v5: tickers, trades and books on /ws/v5/public, candles on /ws/v5/business.
// https://www.okx.com/docs-v5: WebSocket overview and public channels, notices; "Order Book Channels Checksum Field
// Deprecation" of 2026-05-21.
#include <bixws/exchange_dialect.h>
#include <zlib.h>

#include <array>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Okx final : public ExchangeDialect {
 public:
  explicit Okx(const Settings& settings) : ExchangeDialect(settings), types_(settings.get("types")) {
    traits_.chain = Chain::linked;
    traits_.checksum_levels = 25;
    traits_.trade_ids = TradeIds::rising;  // a message names the last of the matches it merges
    traits_.keep_alive = 20'000'000;       // it hangs up after 30 s of silence
    traits_.silence = 30'000'000;
    traits_.limits.topics_per_connection = 500;  // 64 KiB of arguments
    traits_.limits.requests_per_hour = 480;
    traits_.limits.connect_interval = 350'000;
    traits_.limits.list_weight = 1;
  }

  Text path(Channel channel) const noexcept override {
    return channel == Channel::candle ? "/ws/v5/business" : "/ws/v5/public";
  }

  // {"id":"7","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"books","instId":"ETH-USDT"}]}
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text channels[] = {{}, "tickers", "trades", "books", "candle1m"};
    frame << "{\"id\":\"" << request.id << "\",\"op\":\"" << (request.subscribe ? "subscribe" : "unsubscribe")
          << "\",\"args\":[";
    Text comma;
    for (const Text symbol : request.symbols) {
      frame << comma << "{\"channel\":\"" << channels[static_cast<std::size_t>(request.channel)] << "\",\"instId\":\""
            << symbol << "\"}";
      comma = ",";
    }
    frame << "]}";
  }

  // Neither it nor its answer is JSON.
  void keep_alive(std::uint64_t, TextOut& frame) noexcept override { frame << "ping"; }

  // {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{...}]}; books have an "action" too
  void read(const Frame& frame, Out& out) noexcept override {
    if (frame.bytes == "pong") return out.alive();
    top_.clear();
    arg_.clear();
    rows_.clear();
    candles_.clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    channel_ = arg_.get<"channel">();
    symbol_ = arg_.get<"instId">();
    if (!top_.get<"event">().empty()) return event(out);
    const Channel channel = channel_of(channel_);
    if (channel == Channel::book) return books(out);
    if (channel == Channel::trades) return trades(out);
    if (channel == Channel::ticker) return tickers(out);
    if (channel == Channel::candle) return candles(out);
    FrameReader::unknown(out, channel_);
  }

  // One type of instruments after the other: the cursor is the types still to come, "SWAP+FUTURES".
  void list_path(Text cursor, TextOut& path) noexcept override {
    listing_ = cursor.empty() ? Text(types_) : cursor;
    path << "/api/v5/public/instruments?instType=" << Text(listing_).substr(0, listing_.find('+'));
  }

  // {"code":"0","msg":"","data":[{"instType":"SPOT","instId":"BTC-USDT","baseCcy":"BTC","quoteCcy":"USDT","state":"live"}]}
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_object(body, out, [&](std::uint64_t name, Value value) {
      if (name != tag("data")) return;
      json_.array(value, [&](Value instrument) {
        Fields<"baseCcy", "instId", "quoteCcy", "state"> fields;
        json_.collect(instrument, fields);
        const bool trading = fields.get<"state">() == "live";
        out.listed({fields.get<"instId">(), fields.get<"baseCcy">(), fields.get<"quoteCcy">(), trading, {}});
      });
    });
    if (const std::size_t plus = listing_.find('+'); plus != Text::npos) out.more(Text(listing_).substr(plus + 1));
  }

  // bidPrice:bidSize:askPrice:askSize:... of the best 25; where a side has fewer, its part is left out
  std::uint32_t checksum(std::span<const Level> bids, std::span<const Level> asks) noexcept override {
    uLong crc = 0;
    bool first = true;
    const auto count = [&](const Level& level) {
      for (const Decimal& number : {level.price, level.size}) {
        char text[1 + kDecimalChars] = ":";
        const char* const begin = first ? text + 1 : text;
        const char* const end = write_decimal(text + 1, number);
        crc = crc32(crc, reinterpret_cast<const Bytef*>(begin), static_cast<uInt>(end - begin));
        first = false;
      }
    };
    for (std::size_t i = 0; i < bids.size() || i < asks.size(); ++i) {
      if (i < bids.size()) count(bids[i]);
      if (i < asks.size()) count(asks[i]);
    }
    return static_cast<std::uint32_t>(crc);
  }

 private:
  static Channel channel_of(Text name) {
    if (name == "tickers") return Channel::ticker;
    if (name == "trades" || name == "trades-all") return Channel::trades;
    if (name.starts_with("books") || name == "bbo-tbt") return Channel::book;
    return name.starts_with("candle") ? Channel::candle : Channel::none;
  }

  void field(std::uint64_t name, Value value) {
    if (name == tag("arg")) return json_.collect(value, arg_);
    if (name != tag("data")) return void(json_.place(top_, name, value));
    json_.array(value, [this](Value item) {
      if (json_.is_array(item)) return json_.tokens(item, candles_.emplace_back().data(), 9);
      auto& row = rows_.add();
      json_.object(item, [this, &row](std::uint64_t inner, Value v) {
        if (inner == tag("bids")) return json_.levels(v, row.bids);
        if (inner == tag("asks")) return json_.levels(v, row.asks);
        json_.place(row, inner, v);
      });
    });
  }

  // {"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"30236",
  //  "lastSz":"0.0002","askPx":"30228.7","askSz":"1.55896972","bidPx":"30228.6","bidSz":"0.23393","open24h":"29700.4",
  //  "high24h":"31073","low24h":"28020.3","volCcy24h":"525802090.62716611","vol24h":"17602.13085371","ts":"1652459224956"}]}
  void tickers(Out& out) {
    for (const auto& row : rows_) {
      Ticker ticker;
      json_.number<"last">(row, ticker.price);
      json_.optional_number<"askPx">(row, ticker.ask);
      json_.optional_number<"askSz">(row, ticker.ask_size);
      json_.optional_number<"bidPx">(row, ticker.bid);
      json_.optional_number<"bidSz">(row, ticker.bid_size);
      json_.optional_number<"open24h">(row, ticker.open_24h);
      json_.optional_number<"high24h">(row, ticker.high_24h);
      json_.optional_number<"low24h">(row, ticker.low_24h);
      json_.optional_number<"vol24h">(row, ticker.volume_24h);
      // Of derivatives it is the volume in base currency.
      if (row.get<"instType">() == "SPOT") json_.optional_number<"volCcy24h">(row, ticker.quote_volume_24h);
      if (json_.report(out, Channel::ticker, symbol_))
        out.ticker({symbol_, FrameReader::millis(row.get<"ts">())}, ticker);
    }
  }

  // {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9",
  //  "sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3"}]}; the side is the taker's
  void trades(Out& out) {
    trades_.clear();
    for (const auto& row : rows_) {
      Trade trade;
      trade.id = row.get<"tradeId">();
      json_.require("tradeId", trade.id);
      json_.number<"px">(row, trade.price);
      json_.number<"sz">(row, trade.size);
      trade.side = row.get<"side">() == "sell" ? Side::sell : Side::buy;
      trade.ts = FrameReader::millis(row.get<"ts">());
      if (json_.report(out, Channel::trades, symbol_)) trades_.push_back(trade);
    }
    if (!trades_.empty()) out.trades({symbol_, trades_.back().ts}, {trades_});
  }

  // {"arg":{"channel":"books","instId":"SOL-USDT"},"action":"update","data":[{"asks":[["120.67","60.475897","0","5"]],
  //  "bids":[["120.66","0","0","0"]],"ts":"1790394877300","checksum":0,"seqId":32032594315,"prevSeqId":32032594283}]}
  // The checksum is 0 since 2026-06, ids came in 2023: an update must have one or the other. With the same id as before
  // and no levels it only says that nothing happened for a minute; after maintenance ids may begin anew, linked all the
  // same.
  void books(Out& out) {
    BookUpdate update;
    update.action = top_.get<"action">() == "update" ? BookAction::update : BookAction::snapshot;
    update.depth = channel_ == "bbo-tbt" ? 1 : channel_ == "books5" ? 5 : channel_ == "books50-l2-tbt" ? 50 : 400;
    for (const auto& row : rows_) {
      update.bids = row.bids;
      update.asks = row.asks;
      update.last = FrameReader::id(row.get<"seqId">());
      update.previous = FrameReader::id(row.get<"prevSeqId">());
      const Text checksum = row.get<"checksum">();
      update.has_checksum = !checksum.empty() && checksum != "0";
      update.checksum = static_cast<std::uint32_t>(FrameReader::integer(checksum));  // signed on the wire
      if (update.action == BookAction::update && !update.has_checksum) json_.require_id<"seqId">(row);
      if (json_.report(out, Channel::book, symbol_)) out.book({symbol_, FrameReader::millis(row.get<"ts">())}, update);
    }
  }

  // {"arg":{"channel":"candle1m","instId":"BTC-USDT"},"data":[["1757076060000","112600.1","112631.9","112477.1",
  //  "112477.1","3.10944629","349947.335430728","349947.335430728","0"]]}: start, o, h, l, c, volume, ..., closed
  void candles(Out& out) {
    if (channel_ != "candle1m") return FrameReader::unknown(out, channel_);
    for (const auto& cells : candles_) {
      Candle candle;
      candle.open_ts = FrameReader::millis(cells[0]);
      json_.number("open", cells[1], candle.open);
      json_.number("high", cells[2], candle.high);
      json_.number("low", cells[3], candle.low);
      json_.number("close", cells[4], candle.close);
      json_.number("volume", cells[5], candle.volume);
      candle.closed = cells[8] == "1";
      if (json_.report(out, Channel::candle, symbol_)) out.candle({symbol_}, candle);
    }
  }

  // {"id":"7","event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"94d38802"}, one an argument
  // {"event":"error","msg":"Wrong URL or channel:tickers,instId:X doesn't exist. Please use ...","code":"60018"}
  // {"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please
  // reconnect."}
  void event(Out& out) {
    const Text kind = top_.get<"event">(), message = top_.get<"msg">();
    Answer answer{FrameReader::request_id(top_.get<"id">()), channel_of(channel_), symbol_, message};
    if (kind == "subscribe" || kind == "unsubscribe") return out.acknowledged(answer);
    if (kind == "notice" && top_.get<"code">() == "64008") return out.leaving(message);
    if (kind != "error") return FrameReader::unknown(out, kind);
    const auto named = [message](Text before) {
      const std::size_t at = message.find(before);
      const Text rest = at == Text::npos ? Text() : message.substr(at + before.size());
      return rest.substr(0, rest.find_first_of(", "));
    };
    answer.channel = channel_of(named("channel:"));
    answer.symbol = named("instId:");
    out.refused(answer);
  }

  std::string types_, listing_;
  Text channel_, symbol_;
  Fields<"action", "id", "event", "code", "msg"> top_;
  Fields<"channel", "instId"> arg_;
  Rows<Row<"instType", "tradeId", "px", "sz", "side", "last", "askPx", "askSz", "bidPx", "bidSz", "open24h", "high24h",
           "low24h", "volCcy24h", "vol24h", "ts", "checksum", "seqId", "prevSeqId">>
      rows_;
  std::vector<std::array<Text, 9>> candles_;
  std::vector<Trade> trades_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://ws.okx.com:8443", "https://www.okx.com"),
    {"types", OptionType::list, "SPOT", "SPOT|SWAP|FUTURES: kinds of instruments that symbols are looked up in"},
};
}  // namespace

BIXWS_EXCHANGE_FEED(Okx, "okx", "OKX v5", "1.0", kOptions)
