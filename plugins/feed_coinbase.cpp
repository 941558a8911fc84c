// SPDX-License-Identifier: Apache-2.0
// Coinbase Exchange, the feed that needs no key: level2_batch, ticker, matches. It has no candles; the core builds
// them. https://docs.cdp.coinbase.com/exchange/websocket-feed: overview, channels, errors, rate limits.
#include <bixws/frame_reader.h>

#include <new>
#include <string>
#include <vector>

namespace {
using namespace bixws;
using Value = FrameReader::Value;

class Coinbase final : public Dialect {
 public:
  explicit Coinbase(const Settings& settings) : url_(settings.get("url")), rest_(settings.get("rest")) {
    traits_.ws = url_;
    traits_.rest = rest_;
    traits_.channels = channel_bit(Channel::ticker) | channel_bit(Channel::trades) | channel_bit(Channel::book);
    traits_.chain = Chain::none;  // level2 has no numbers: whether the book crosses is all that can be seen
    traits_.trade_ids = TradeIds::consecutive;
    traits_.limits.topics_per_connection = 300;
    traits_.limits.requests_per_second = 8;
    traits_.limits.connect_interval = 250'000;
    traits_.limits.list_weight = 1;
  }

  const Traits& traits() const noexcept override { return traits_; }
  Text path(Channel) const noexcept override { return "/"; }

  // {"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches","heartbeat"]}
  void request(const Request& request, TextOut& frame) noexcept override {
    const Text channels[] = {{}, "\"ticker\"", "\"matches\",\"heartbeat\"", "\"level2_batch\""};
    frame << "{\"type\":\"" << (request.subscribe ? "subscribe" : "unsubscribe") << "\",\"product_ids\":[";
    write_quoted(frame, request.symbols);
    frame << "],\"channels\":[" << channels[static_cast<std::size_t>(request.channel)] << "]}";
  }

  void read(const Frame& frame, Out& out) noexcept override {
    clear();
    if (!json_.read_object(frame, out, [this](std::uint64_t name, Value value) { field(name, value); })) return;
    if (type_ == "l2update") return book(BookAction::update, out);
    if (type_ == "match" || type_ == "last_match") return match(out);
    if (type_ == "ticker") return ticker(out);
    if (type_ == "heartbeat") return out.alive();
    if (type_ == "snapshot") return book(BookAction::snapshot, out);
    if (type_ == "subscriptions") return out.acknowledged({});
    if (type_ == "error") return error(out);
    FrameReader::unknown(out, type_);
  }

  void list_path(Text, TextOut& path) noexcept override { path << "/products"; }

  // [{"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD","status":"online","trading_disabled":false}]
  void read_list(const Frame& body, Out& out) noexcept override {
    json_.read_array(body, out, [&](Value product) {
      Listing listing;
      Text status;
      Text disabled;
      json_.collect(product, {{{tag("id"), &listing.id},
                               {tag("base_currency"), &listing.base},
                               {tag("quote_currency"), &listing.quote},
                               {tag("trading_disabled"), &disabled},
                               {tag("status"), &status}}});
      listing.trading = status == "online" && disabled != "true";
      out.listed(listing);
    });
  }

 private:
  void clear() {
    FrameReader::clear(slots_);
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
    json_.place(slots_, name, value);
  }

  // {"type":"snapshot","product_id":"BAND-USD","asks":[["14.8024","12.77"]],"bids":[["14.7802","30.5"]]}
  // {"type":"l2update","product_id":"SKL-BTC","changes":[["sell","0.00001306","660.5"]],"time":"2021-04-17T16:43:37.075687Z"}
  void book(BookAction action, Out& out) {
    BookUpdate update;
    update.action = action;
    update.bids = bids_;
    update.asks = asks_;
    if (action == BookAction::update ? !has_changes_ : !has_bids_ || !has_asks_) json_.require("levels", {});
    if (json_.report(out, Channel::book, product_)) out.book({product_, rfc3339_micros(time_)}, update);
  }

  // {"type":"match","trade_id":280232,"side":"sell","size":"985","price":"0.00001305","product_id":"SKL-BTC",
  //  "sequence":177100030,"time":"2021-04-17T16:43:37.089723Z"}; last_match is the one before the subscription
  void match(Out& out) {
    Trade trade;
    json_.require_id("trade_id", trade_id_);
    json_.number("price", price_, trade.price);
    json_.number("size", size_, trade.size);
    trade.side = side_ == "sell" ? Side::buy : Side::sell;  // side is the maker's
    trade.id = trade_id_;
    trade.ts = rfc3339_micros(time_);
    if (!json_.report(out, Channel::trades, product_)) return;
    out.trades({product_, trade.ts}, {{&trade, 1}, type_ == "last_match"});
  }

  // {"type":"ticker","sequence":50978628538,"product_id":"BTC-USD","price":"17165.16","open_24h":"16437.94",
  //  "volume_24h":"42492.05081975","low_24h":"16423.37","high_24h":"17259.37","best_bid":"17165.15",
  //  "best_bid_size":"0.61540890","best_ask":"17167.76","best_ask_size":"0.18528568","time":"2022-12-01T00:00:00.122581Z"}
  void ticker(Out& out) {
    Ticker ticker;
    json_.number("price", price_, ticker.price);
    json_.optional_number("open_24h", open_, ticker.open_24h);
    json_.optional_number("high_24h", high_, ticker.high_24h);
    json_.optional_number("low_24h", low_, ticker.low_24h);
    json_.optional_number("volume_24h", volume_, ticker.volume_24h);
    json_.optional_number("best_bid", bid_, ticker.bid);
    json_.optional_number("best_bid_size", bid_size_, ticker.bid_size);
    json_.optional_number("best_ask", ask_, ticker.ask);
    json_.optional_number("best_ask_size", ask_size_, ticker.ask_size);
    if (!json_.report(out, Channel::ticker, product_)) return;
    out.ticker({product_, rfc3339_micros(time_), FrameReader::id(sequence_)}, ticker);
  }

  // {"type":"error","message":"Failed to subscribe","reason":"XXX-YYY is not a valid product"}
  void error(Out& out) {
    Answer answer;
    answer.reason = reason_.empty() ? message_ : reason_;
    out.refused(answer);
  }

  std::string url_, rest_;
  Traits traits_;
  FrameReader json_;
  Text type_, product_, time_, sequence_, trade_id_, side_, size_, price_, open_, high_, low_, volume_;
  Text bid_, bid_size_, ask_, ask_size_, message_, reason_;
  const FrameReader::Slot slots_[18] = {
      {tag("type"), &type_},
      {tag("sequence"), &sequence_},
      {tag("trade_id"), &trade_id_},
      {tag("side"), &side_},
      {tag("size"), &size_},
      {tag("product_id"), &product_},
      {tag("price"), &price_},
      {tag("open_24h"), &open_},
      {tag("volume_24h"), &volume_},
      {tag("low_24h"), &low_},
      {tag("high_24h"), &high_},
      {tag("best_bid"), &bid_},
      {tag("best_bid_size"), &bid_size_},
      {tag("best_ask"), &ask_},
      {tag("best_ask_size"), &ask_size_},
      {tag("message"), &message_},
      {tag("reason"), &reason_},
      {tag("time"), &time_},
  };
  bool has_bids_ = false, has_asks_ = false, has_changes_ = false;
  std::vector<Level> bids_, asks_;
};

constexpr Option kOptions[] = {
    BIXWS_EXCHANGE_OPTIONS("wss://ws-feed.exchange.coinbase.com", "https://api.exchange.coinbase.com")};
Dialect* make(const Settings& settings, Error&) noexcept { return new (std::nothrow) Coinbase(settings); }
constexpr Descriptor kDescriptor = {
    kPluginMagic, BIXWS_ABI_MAJOR,     BIXWS_ABI_MINOR, sizeof(Descriptor),  BIXWS_TOOLCHAIN, "feed", "coinbase",
    "1.0",        "Coinbase Exchange", kOptions,        std::size(kOptions), nullptr,         make,   nullptr};
}  // namespace

BIXWS_EXPORT const Descriptor* bixws_plugin_v1() noexcept { return &kDescriptor; }
