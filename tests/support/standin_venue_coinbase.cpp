// SPDX-License-Identifier: Apache-2.0
// The stand-in's Coinbase Exchange, after docs.cdp.coinbase.com/exchange/websocket-feed.
#include <algorithm>
#include <limits>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

constexpr std::size_t all_levels = std::numeric_limits<std::size_t>::max();

// level2_batch brings level2's messages, ticker_batch ticker's.
std::string family(const std::string& channel) { return channel.substr(0, channel.find("_batch")); }

std::string error_text(const std::string& message, const std::string& reason) {
  return R"({"type":"error","message":)" + json_quoted(message) + R"(,"reason":)" + json_quoted(reason) + "}";
}

class CoinbaseVenue final : public Venue {
 public:
  FrameMeaning meaning(const RawJson& frame) const override {
    const std::string type = frame["type"].text();
    FrameMeaning meaning{FrameMeaning::Kind::data, frame["product_id"].text(), ""};
    meaning.book_snapshot = type == "snapshot";
    meaning.book_update = type == "l2update";
    if (meaning.book_snapshot || meaning.book_update) {
      meaning.channel = "level2";
    } else if (type == "match" || type == "last_match") {
      meaning.channel = "matches";
    } else if (type == "ticker" || type == "heartbeat") {
      meaning.channel = type;
    } else {
      return {};
    }
    return meaning;
  }

  // {"type":"snapshot","product_id":"X","asks":[["14.8024","12.77"],...],"bids":[...]}
  // {"type":"l2update","product_id":"X","changes":[["sell","0.00001306","660.5"]],"time":"..."}
  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    if (frame.meaning.book_snapshot) {
      book.clear();
      book.known = true;
      book.updates = 0;
      for (const bool bid : {true, false}) {
        for (const auto& level : frame.json[bid ? "bids" : "asks"].items()) {
          book.set(bid, {level[0].text(), level[1].text(), std::string(level.raw())});
        }
      }
      return;
    }
    for (const auto& change : frame.json["changes"].items()) {
      const std::string raw = "[" + std::string(change[1].raw()) + "," + std::string(change[2].raw()) + "]";
      book.set(change[0].text() == "buy", {change[1].text(), change[2].text(), raw});
    }
    ++book.updates;
  }

  InstrumentKeys instrument_keys() const override { return {"/products", "id", "base_currency", "quote_currency"}; }
  std::string symbol_id(const std::string& base, const std::string& quote) const override { return base + "-" + quote; }

  bool serves(std::string_view path) const override { return path == "/"; }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const override {
    const auto request = RawJson::parse(text);
    if (!request) return {error_text("Malformed JSON", "")};
    const std::string type = (*request)["type"].text();
    if (type != "subscribe" && type != "unsubscribe")
      return {error_text("Type has to be either subscribe or unsubscribe", "")};
    std::set<Subscription> asked;
    for (const auto& channel : (*request)["channels"].items()) {
      const RawJson& own = channel["product_ids"];
      const std::string name = channel.is_string() ? channel.text() : channel["name"].text();
      const std::string why = refused_channel(name, *request);
      if (type == "subscribe" && !why.empty()) {
        return {error_text("Failed to subscribe", why)};
      }
      for (const auto& product : (own.exists() ? own : (*request)["product_ids"]).items()) {
        if (!listed(product.text(), market)) {
          return {error_text("Failed to subscribe", product.text() + " is not a valid product")};
        }
        asked.insert({name, product.text()});
      }
    }
    for (const auto& subscription : asked) {
      if (type == "subscribe") {
        session.subscriptions.insert(subscription);
      } else {
        session.subscriptions.erase(subscription);
      }
    }
    return {acknowledgement(session)};
  }

  // A book in one piece, the last ticker, and the last trade as history.
  std::vector<std::string> welcome(const Subscription& asked, const Market& market) const override {
    const std::string channel = family(asked.channel);
    if (channel == "level2") {
      const StandinBook* book = market.book(asked.symbol);
      if (!book) return {};
      return {R"({"type":"snapshot","product_id":)" + json_quoted(asked.symbol) + R"(,"asks":[)" +
              book->raw_levels(false, all_levels) + R"(],"bids":[)" + book->raw_levels(true, all_levels) + "]}"};
    }
    const TimelineFrame* last = market.last_frame(channel, asked.symbol);
    if (!last || (channel != "ticker" && channel != "matches")) return {};
    std::string payload = last->payload;
    const std::string live = R"("type":"match")";
    if (const std::size_t at = payload.find(live); at != std::string::npos) {
      payload.replace(at, live.size(), R"("type":"last_match")");
    }
    return {payload};
  }

  bool wants(const Session& session, const FrameMeaning& meaning) const override {
    return std::any_of(session.subscriptions.begin(), session.subscriptions.end(), [&](const Subscription& asked) {
      return asked.symbol == meaning.symbol && family(asked.channel) == meaning.channel;
    });
  }

  std::string refusal(const RawJson&, const std::string& why) const override {
    return error_text("Failed to subscribe", why.empty() ? "refused" : why);
  }

  std::vector<std::string> pulse(const Session& session, const Market& market, bool) const override {
    std::vector<std::string> beats;
    for (const auto& subscription : session.subscriptions) {
      if (subscription.channel != "heartbeat") continue;
      const TimelineFrame* trade = market.last_frame("matches", subscription.symbol);
      const RawJson none;
      const RawJson& json = trade ? trade->json : none;
      const auto number = [&](const char* key) { return json[key].exists() ? std::string(json[key].raw()) : "0"; };
      beats.push_back(R"({"type":"heartbeat","sequence":)" + number("sequence") + R"(,"last_trade_id":)" +
                      number("trade_id") + R"(,"product_id":)" + json_quoted(subscription.symbol) + R"(,"time":")" +
                      rfc3339_us(market.time_us) + "\"}");
    }
    return beats;
  }

  std::optional<HttpReply> rest(std::string_view target, const Market& market, const FirstSnapshot&) const override {
    const auto parts = split_at(path_of(target), '/');
    if (parts.empty() || parts[0] != "products") return std::nullopt;
    if (parts.size() == 1) {
      const CapturedRest* products = products_of(market);
      return products ? std::optional(HttpReply{.body = products->body}) : std::nullopt;
    }
    if (!listed(parts[1], market)) return HttpReply{.status = 404, .body = R"({"message":"NotFound"})"};
    if (parts.size() == 3 && parts[2] == "candles") return HttpReply{.body = "[]"};
    const StandinBook* book = market.book(parts[1]);
    if (parts.size() != 3 || parts[2] != "book" || !book) return std::nullopt;
    return HttpReply{.body = R"({"bids":)" + rest_levels(*book, true) + R"(,"asks":)" + rest_levels(*book, false) +
                             R"(,"sequence":1})"};
  }

 private:
  static const CapturedRest* products_of(const Market& market) {
    const auto found = std::find_if(market.rest.begin(), market.rest.end(),
                                    [](const CapturedRest& answer) { return answer.url.ends_with("/products"); });
    return found == market.rest.end() ? nullptr : &*found;
  }

  static bool listed(const std::string& product, const Market& market) {
    if (market.symbols.contains(product)) return true;
    const CapturedRest* products = products_of(market);
    return products && products->body.find(R"("id":)" + json_quoted(product)) != std::string::npos;
  }

  // Since 2023 the full books need a signature; what it says is not checked here.
  static std::string refused_channel(const std::string& name, const RawJson& request) {
    for (const char* open : {"level2_batch", "ticker", "ticker_batch", "matches", "heartbeat", "status"}) {
      if (name == open) return {};
    }
    if (name != "level2" && name != "full") return name + " is not a valid channel";
    return request["signature"].exists() ? "" : "level2, level3, and full channels now require authentication.";
  }

  // All subscriptions of the connection, by channel.
  static std::string acknowledgement(const Session& session) {
    std::string text = R"({"type":"subscriptions","channels":[)";
    std::string channel;
    for (const auto& subscription : session.subscriptions) {
      if (subscription.channel != channel) {
        if (!channel.empty()) text += "]},";
        channel = subscription.channel;
        text += R"({"name":)" + json_quoted(channel) + R"(,"product_ids":[)";
      } else {
        text += ',';
      }
      text += json_quoted(subscription.symbol);
    }
    return text + (channel.empty() ? "]}" : "]}]}");
  }

  static std::string rest_levels(const StandinBook& book, bool bid) {
    std::string text;
    for (const auto& level : book.best(bid, all_levels)) {
      text += (text.empty() ? "[[\"" : ",[\"") + level.price + "\",\"" + level.size + "\",1]";
    }
    return text.empty() ? "[]" : text + "]";
  }
};

}  // namespace

std::unique_ptr<Venue> make_coinbase_venue() { return std::make_unique<CoinbaseVenue>(); }

}  // namespace bixws::test
