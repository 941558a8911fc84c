// SPDX-License-Identifier: Apache-2.0
// The stand-in's Kraken spot v2, after docs.kraken.com/api/docs/websocket-v2 and the guide to its book checksum.
#include <algorithm>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

// The digits of a number without point and leading zeros, as the checksum counts them.
std::string checksum_digits(std::string text) {
  std::erase(text, '.');
  text.erase(0, std::min(text.find_first_not_of('0'), text.size()));
  return text;
}

std::uint32_t checksum(const StandinBook& book) {
  std::string text;
  for (const bool bid : {false, true}) {
    for (const auto& level : book.best(bid, 10)) text += checksum_digits(level.price) + checksum_digits(level.size);
  }
  return crc32_of(text);
}

std::string times(const Market& market) {
  const std::string now = rfc3339_us(market.time_us);
  return R"("time_in":")" + now + R"(","time_out":")" + now + "\"";
}

std::string error_text(const RawJson& request, const std::string& why, const Market& market) {
  return R"({"error":)" + json_quoted(why) + R"(,"method":)" +
         (request["method"].exists() ? std::string(request["method"].raw()) : "\"\"") + "," +
         echoed(request, "req_id") + R"("success":false,)" + times(market) + "}";
}

class KrakenVenue final : public Venue {
 public:
  FrameMeaning meaning(const RawJson& frame) const override {
    const std::string channel = frame["channel"].text();
    if (channel == "status") return {FrameMeaning::Kind::greeting, "", channel};
    if (channel == "heartbeat") return {FrameMeaning::Kind::heartbeat, "", channel};
    const RawJson& symbol = frame["data"][0]["symbol"];
    if (!symbol.is_string()) return {};
    FrameMeaning meaning{FrameMeaning::Kind::data, symbol.text(), channel};
    meaning.book_snapshot = channel == "book" && frame["type"].text() == "snapshot";
    meaning.book_update = channel == "book" && !meaning.book_snapshot;
    return meaning;
  }

  // A checksum holds for one depth: a recording can be served at the depth it was made with, and at no other.
  void study(Capture& capture) override {
    for (const auto& frame : capture.frames) {
      const auto json = RawJson::parse(frame.payload);
      if (const auto depth = json ? (*json)["result"]["depth"].integer() : std::nullopt) {
        depth_ = static_cast<std::size_t>(*depth);
        return;
      }
    }
  }

  // {"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":63004.9,"qty":0.01876947},...],
  // "asks":[...],"checksum":2531248887,"timestamp":"..."}]}
  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    if (frame.meaning.book_snapshot) {
      book.clear();
      book.known = true;
      book.updates = 0;
    } else {
      ++book.updates;
    }
    for (const auto& entry : frame.json["data"].items()) {
      for (const bool bid : {true, false}) {
        for (const auto& level : entry[bid ? "bids" : "asks"].items()) {
          book.set(bid, {std::string(level["price"].raw()), std::string(level["qty"].raw()), std::string(level.raw())});
        }
      }
    }
    book.truncate(depth_);
  }

  std::string symbol_id(const std::string& base, const std::string& quote) const override { return base + "/" + quote; }

  bool serves(std::string_view path) const override { return path == "/v2" || path == "/"; }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const override {
    const auto parsed = RawJson::parse(text);
    if (!parsed) return {error_text(RawJson(), "Malformed request", market)};
    const RawJson& request = *parsed;
    const std::string method = request["method"].text();
    if (method == "ping") return {R"({"method":"pong",)" + echoed(request, "req_id") + times(market) + "}"};
    if (method != "subscribe" && method != "unsubscribe") return {error_text(request, "Event(s) not found", market)};
    const RawJson& params = request["params"];
    const std::string channel = params["channel"].text();
    if (channel == "instrument") {
      return {acknowledgement(request, R"({"channel":"instrument","snapshot":true})", market), instruments(market)};
    }
    if (channel != "book" && channel != "ticker" && channel != "trade" && channel != "ohlc") {
      return {error_text(request, "Subscription name invalid", market)};
    }
    const auto depth = params["depth"].integer().value_or(10);
    if (channel == "book" && static_cast<std::size_t>(depth) != depth_) {
      return {error_text(request, "Subscription depth not supported", market)};
    }
    std::vector<std::string> answers;
    for (const auto& named : params["symbol"].items()) {
      const Subscription subscription{channel, named.text()};
      std::string why;
      if (!market.symbols.contains(subscription.symbol)) {
        why = "Currency pair not supported " + subscription.symbol;
      } else if (method == "unsubscribe") {
        if (session.subscriptions.erase(subscription) == 0) why = "Subscription Not Found";
      } else if (!session.subscriptions.insert(subscription).second) {
        why = "Already subscribed";
      }
      if (!why.empty()) {
        answers.push_back(error_text(request, why, market));
        continue;
      }
      std::string result = R"({"channel":)" + json_quoted(channel);
      if (channel == "book") result += R"(,"depth":)" + std::to_string(depth_);
      if (channel == "ohlc") result += R"(,"interval":)" + std::string(params["interval"].raw());
      if (method == "subscribe") result += R"(,"snapshot":true)";
      answers.push_back(
          acknowledgement(request, result + R"(,"symbol":)" + json_quoted(subscription.symbol) + "}", market));
    }
    return answers;
  }

  std::vector<std::string> welcome(const Subscription& asked, const Market& market) const override {
    const StandinBook* book = market.book(asked.symbol);
    if (asked.channel != "book" || !book) return {};
    return {R"({"channel":"book","type":"snapshot","data":[{"symbol":)" + json_quoted(asked.symbol) + R"(,"bids":[)" +
            book->raw_levels(true, depth_) + R"(],"asks":[)" + book->raw_levels(false, depth_) + R"(],"checksum":)" +
            std::to_string(checksum(*book)) + R"(,"timestamp":")" + rfc3339_us(market.time_us) + "\"}]}"};
  }

  std::string refusal(const RawJson& request, const std::string& why) const override {
    return error_text(request, why.empty() ? "Malformed request" : why, Market());
  }

  std::vector<std::string> pulse(const Session&, const Market&, bool idle) const override {
    if (!idle) return {};
    return {R"({"channel":"heartbeat"})"};
  }

  std::string shutdown_notice(const Session&) const override {
    return R"({"channel":"status","type":"update","data":[{"version":"2.0.10","system":"maintenance",)"
           R"("api_version":"v2","connection_id":7204881492680171915}]})";
  }

  std::optional<HttpReply> rest(std::string_view target, const Market& market, const FirstSnapshot&) const override {
    if (path_of(target) == "/0/public/AssetPairs") return HttpReply{.body = asset_pairs(market)};
    if (path_of(target) == "/0/public/Depth") return depth_answer(query_value(target, "pair"), market);
    return std::nullopt;
  }

 private:
  static std::string acknowledgement(const RawJson& request, const std::string& result, const Market& market) {
    return R"({"method":)" + std::string(request["method"].raw()) + "," + echoed(request, "req_id") + R"("result":)" +
           result + R"(,"success":true,)" + times(market) + "}";
  }

  // Increments come in exponent form here, which the books never do.
  static std::string instruments(const Market& market) {
    std::string pairs;
    for (const auto& symbol : market.symbols) {
      const auto coins = split_at(symbol, '/');
      pairs +=
          (pairs.empty() ? "" : ",") + (R"({"symbol":)" + json_quoted(symbol)) + R"(,"base":)" +
          json_quoted(coins.front()) + R"(,"quote":)" + json_quoted(coins.back()) +
          R"(,"status":"online","qty_precision":8,"qty_increment":1e-08,"price_precision":1,"price_increment":0.1})";
    }
    return R"({"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[)" + pairs + "]}}";
  }

  // REST and v1 say XBT and XDG.
  static std::string old_name(const std::string& coin) { return coin == "BTC" ? "XBT" : coin == "DOGE" ? "XDG" : coin; }

  static std::string rest_id(const std::string& symbol) {
    const auto coins = split_at(symbol, '/');
    return old_name(coins.front()) + old_name(coins.back());
  }

  static std::string asset_pairs(const Market& market) {
    std::string pairs;
    for (const auto& symbol : market.symbols) {
      const auto coins = split_at(symbol, '/');
      const std::string base = old_name(coins.front());
      const std::string quote = old_name(coins.back());
      pairs += (pairs.empty() ? "" : ",") + json_quoted(base + quote) + R"(:{"altname":)" + json_quoted(base + quote) +
               R"(,"wsname":)" + json_quoted(base + "/" + quote) + R"(,"base":)" + json_quoted(base) + R"(,"quote":)" +
               json_quoted(quote) + R"(,"pair_decimals":1,"lot_decimals":8,"status":"online"})";
    }
    return R"({"error":[],"result":{)" + pairs + "}}";
  }

  static std::optional<HttpReply> depth_answer(const std::string& pair, const Market& market) {
    for (const auto& symbol : market.symbols) {
      const StandinBook* book = market.book(symbol);
      if (!book || rest_id(symbol) != pair) continue;
      std::string sides;
      for (const bool bid : {false, true}) {
        std::string levels;
        for (const auto& level : book->best(bid, 500)) {
          levels += (levels.empty() ? "[\"" : ",[\"") + level.price + "\",\"" + level.size + "\",0]";
        }
        sides += (bid ? R"(,"bids":[)" : R"("asks":[)") + levels + "]";
      }
      return HttpReply{.body = R"({"error":[],"result":{)" + json_quoted(pair) + ":{" + sides + "}}}"};
    }
    return HttpReply{.body = R"({"error":["EQuery:Unknown asset pair"]})"};
  }

  std::size_t depth_ = 10;
};

}  // namespace

std::unique_ptr<Venue> make_kraken_venue() { return std::make_unique<KrakenVenue>(); }

}  // namespace bixws::test
