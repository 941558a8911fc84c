// SPDX-License-Identifier: Apache-2.0
// Kraken spot, WebSocket v2, from the other side. https://docs.kraken.com/api/docs/websocket-v2: book, trade, ticker,
// ohlc, instrument; guides: book checksum.
#include <bixws/frame_reader.h>
#include <bixws/venue.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>

#include "venue_json.h"

namespace {
using namespace bixws;
using namespace bixws::venue;

constexpr std::size_t kChecksumLevels = 10;

/// The digits of a number without point and leading zeros, as the checksum counts them.
std::string checksum_digits(std::string text) {
  std::erase(text, '.');
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  return text;
}

std::uint32_t checksum(const VenueBook& book) {
  std::string sum;
  for (const auto& side : {book.asks, book.bids}) {
    for (const Level& level : side.first(std::min(side.size(), kChecksumLevels))) {
      sum += checksum_digits(level.price.to_string()) + checksum_digits(level.size.to_string());
    }
  }
  return static_cast<std::uint32_t>(
      ::crc32(0, reinterpret_cast<const Bytef*>(sum.data()), static_cast<uInt>(sum.size())));
}

std::string times(const VenueMarket& market) {
  const std::string now = rfc3339(market.now());
  return R"("time_in":")" + now + R"(","time_out":")" + now + "\"";
}

/// REST and v1 say XBT and XDG.
std::string old_name(const std::string& coin) { return coin == "BTC" ? "XBT" : coin == "DOGE" ? "XDG" : coin; }

struct Pair {
  explicit Pair(Text symbol) {
    const std::size_t slash = symbol.find('/');
    base = symbol.substr(0, slash);
    quote = slash == Text::npos ? std::string() : std::string(symbol.substr(slash + 1));
  }
  std::string base, quote;
};

template <typename Each>
void each_symbol(const VenueMarket& market, Each&& each) {
  for (std::size_t i = 0; i < market.symbol_count(); ++i) each(market.symbol(i));
}

class Session final : public VenueSession {
 public:
  explicit Session(std::size_t depth) : depth_(depth) {}

  // {"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10},"req_id":1}
  void heard(const Frame& frame, VenueMarket& market, VenueOut& out) noexcept override {
    const auto parsed = parse(parser_, frame.bytes);
    if (!parsed) return out.send(error_text("\"\"", "", "Malformed request", market));
    const Element request = *parsed;
    const std::string method = text(request, "method");
    if (method == "ping") {
      return out.send(R"({"method":"pong",)" + echoed(request, "req_id") + times(market) + "}");
    }
    if (method != "subscribe" && method != "unsubscribe") return refuse(request, "Event(s) not found", market, out);
    const auto params = field(request, "params");
    const std::string channel = params ? text(*params, "channel") : std::string();
    if (channel == "instrument") {
      acknowledge(request, R"({"channel":"instrument","snapshot":true})", market, out);
      return out.send(instruments(market));
    }
    constexpr std::array<Text, 4> channels = {"book", "ticker", "trade", "ohlc"};
    if (std::find(channels.begin(), channels.end(), channel) == channels.end()) {
      return refuse(request, "Subscription name invalid", market, out);
    }
    // A checksum holds for one depth: a recording can be served at the depth it was made with, and at no other.
    const std::string depth = raw(field(*params, "depth"), "10");
    if (channel == "book" && depth != std::to_string(depth_)) {
      return refuse(request, "Subscription depth not supported", market, out);
    }
    std::vector<Wish> added;
    for (const Element& named : items(field(*params, "symbol"))) {
      const Wish wish{channel, text(named)};
      if (!market.has_symbol(wish.second)) {
        refuse(request, "Currency pair not supported " + wish.second, market, out);
        continue;
      }
      if (method == "unsubscribe" ? wishes_.erase(wish) == 0 : !wishes_.insert(wish).second) {
        refuse(request, method == "unsubscribe" ? "Subscription Not Found" : "Already subscribed", market, out);
        continue;
      }
      std::string result = R"({"channel":)" + json_text(channel);
      if (channel == "book") result += R"(,"depth":)" + depth;
      if (channel == "ohlc") result += R"(,"interval":)" + raw(field(*params, "interval"), "1");
      if (method == "subscribe") {
        result += R"(,"snapshot":true)";
        added.push_back(wish);
      }
      acknowledge(request, result + R"(,"symbol":)" + json_text(wish.second) + "}", market, out);
    }
    for (const Wish& wish : added) welcome(wish, market, out);
  }

  std::size_t topics() const noexcept override { return wishes_.size(); }
  bool wants(const FrameTopic& topic) const noexcept override {
    return wishes_.contains({std::string(topic.channel), std::string(topic.symbol)});
  }
  void pulse(bool idle, VenueMarket&, VenueOut& out) noexcept override {
    if (idle && !wishes_.empty()) out.send(R"({"channel":"heartbeat"})");
  }

 private:
  static std::string error_text(const std::string& method, const std::string& id, const std::string& why,
                                const VenueMarket& market) {
    return R"({"error":)" + json_text(why) + R"(,"method":)" + method + "," + id + R"("success":false,)" +
           times(market) + "}";
  }
  static void refuse(Element request, const std::string& why, const VenueMarket& market, VenueOut& out) {
    out.send(error_text(raw(field(request, "method"), "\"\""), echoed(request, "req_id"), why, market));
  }
  static void acknowledge(Element request, const std::string& result, const VenueMarket& market, VenueOut& out) {
    out.send(R"({"method":)" + raw(field(request, "method"), "\"\"") + "," + echoed(request, "req_id") +
             R"("result":)" + result + R"(,"success":true,)" + times(market) + "}");
  }

  static std::string instruments(const VenueMarket& market) {
    std::string pairs;
    each_symbol(market, [&pairs](Text symbol) {
      const Pair pair(symbol);
      pairs +=
          (pairs.empty() ? "" : ",") + (R"({"symbol":)" + json_text(symbol)) + R"(,"base":)" + json_text(pair.base) +
          R"(,"quote":)" + json_text(pair.quote) +
          R"(,"status":"online","qty_precision":8,"qty_increment":1e-08,"price_precision":1,"price_increment":0.1})";
    });
    return R"({"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[)" + pairs + "]}}";
  }

  void welcome(const Wish& wish, VenueMarket& market, VenueOut& out) const {
    VenueBook book;
    if (wish.first != "book" || !market.book(wish.second, depth_, book)) return;
    out.send(R"({"channel":"book","type":"snapshot","data":[{"symbol":)" + json_text(wish.second) + R"(,"bids":)" +
             levels(book.bids, R"({"price":)", R"(,"qty":)", "}") + R"(,"asks":)" +
             levels(book.asks, R"({"price":)", R"(,"qty":)", "}") + R"(,"checksum":)" + std::to_string(checksum(book)) +
             R"(,"timestamp":")" + rfc3339(market.now()) + "\"}]}");
  }

  std::size_t depth_;
  std::set<Wish> wishes_;
  simdjson::dom::parser parser_;
};

class Kraken final : public Venue {
 public:
  // {"channel":"book","type":"update","data":[{"symbol":"BTC/USD",...}]}
  FrameTopic topic(const Frame& frame) noexcept override {
    channel_ = symbol_ = {};
    const bool good = json_.read_object(frame, deaf_, [this](std::uint64_t name, FrameReader::Value value) {
      if (name == tag("channel")) channel_ = json_.token(value);
      if (name != tag("data") || !json_.is_array(value)) return;
      json_.array(value, [this](FrameReader::Value entry) {
        if (!symbol_.empty() || !json_.is_object(entry)) return;
        json_.object(entry, [this](std::uint64_t inner, FrameReader::Value v) {
          if (inner == tag("symbol")) symbol_ = json_.token(v);
        });
      });
    });
    if (!good) return {};
    if (channel_ == "status") return {FrameTopic::Kind::greeting, channel_, {}, false};
    if (channel_ == "heartbeat") return {FrameTopic::Kind::heartbeat, channel_, {}, false};
    if (channel_.empty() || symbol_.empty()) return {};
    return {FrameTopic::Kind::data, channel_, symbol_, channel_ == "book"};
  }

  // {"method":"subscribe","result":{"channel":"book","depth":25,...},"success":true}
  void study(const Frame& answer) noexcept override {
    const auto parsed = parse(parser_, answer.bytes);
    const auto result = parsed ? field(*parsed, "result") : std::nullopt;
    const auto depth = result ? field(*result, "depth") : std::nullopt;
    std::uint64_t value = 0;
    if (depth && depth->get(value) == simdjson::SUCCESS && value > 0) depth_ = static_cast<std::size_t>(value);
  }

  bool serves(Text path) const noexcept override { return path == "/v2" || path == "/"; }
  VenueSession* connect(Text) noexcept override { return new (std::nothrow) Session(depth_); }

  int rest(Text target, VenueMarket& market, TextOut& body) noexcept override {
    const Text path = path_of(target);
    if (path == "/0/public/AssetPairs") return asset_pairs(market, body);
    if (path == "/0/public/Assets") return assets(market, body);
    if (path == "/0/public/Depth") return depth(query_value(target, "pair"), market, body);
    if (path == "/0/public/Time") {
      body << R"({"error":[],"result":{"unixtime":)" << std::to_string(market.now() / 1'000'000) << "}}";
      return 200;
    }
    return 0;
  }

 private:
  static int asset_pairs(const VenueMarket& market, TextOut& body) {
    if (const Text recorded = market.recorded("/0/public/AssetPairs"); !recorded.empty()) {
      body << recorded;
      return 200;
    }
    std::string pairs;
    each_symbol(market, [&pairs](Text symbol) {
      const Pair pair(symbol);
      const std::string base = old_name(pair.base);
      const std::string quote = old_name(pair.quote);
      pairs += (pairs.empty() ? "" : ",") + json_text(base + quote) + R"(:{"altname":)" + json_text(base + quote) +
               R"(,"wsname":)" + json_text(base + "/" + quote) + R"(,"base":)" + json_text(base) + R"(,"quote":)" +
               json_text(quote) + R"(,"pair_decimals":1,"lot_decimals":8,"status":"online"})";
    });
    body << R"({"error":[],"result":{)" << pairs << "}}";
    return 200;
  }

  static int assets(const VenueMarket& market, TextOut& body) {
    if (const Text recorded = market.recorded("/0/public/Assets"); !recorded.empty()) {
      body << recorded;
      return 200;
    }
    std::set<std::string> coins;
    each_symbol(market, [&coins](Text symbol) {
      const Pair pair(symbol);
      coins.insert(old_name(pair.base));
      coins.insert(old_name(pair.quote));
    });
    std::string list;
    for (const std::string& coin : coins) {
      list += (list.empty() ? "" : ",") + json_text(coin) + R"(:{"aclass":"currency","altname":)" + json_text(coin) +
              R"(,"decimals":8,"display_decimals":5,"status":"enabled"})";
    }
    body << R"({"error":[],"result":{)" << list << "}}";
    return 200;
  }

  static int depth(const std::string& pair_asked, VenueMarket& market, TextOut& body) {
    constexpr std::size_t kMost = 500;
    std::string found;
    each_symbol(market, [&](Text symbol) {
      const Pair pair(symbol);
      if (old_name(pair.base) + old_name(pair.quote) == pair_asked || symbol == pair_asked) found = symbol;
    });
    VenueBook book;
    if (found.empty() || !market.book(found, kMost, book)) {
      body << R"({"error":["EQuery:Unknown asset pair"]})";
      return 200;
    }
    body << R"({"error":[],"result":{)" << json_text(pair_asked) << R"(:{"asks":)"
         << levels(book.asks, "[\"", "\",\"", "\",0]") << R"(,"bids":)" << levels(book.bids, "[\"", "\",\"", "\",0]")
         << "}}}";
    return 200;
  }

  FrameReader json_;
  DeafOut deaf_;
  simdjson::dom::parser parser_;
  Text channel_, symbol_;
  std::size_t depth_ = 10;
};

}  // namespace

BIXWS_EXPORT Venue* bixws_venue_v1() noexcept { return new (std::nothrow) Kraken; }
