// SPDX-License-Identifier: Apache-2.0
// Coinbase Exchange from the other side: subscriptions, /products, books.
// https://docs.cdp.coinbase.com/exchange/websocket-feed: overview, channels, errors.
#include <bixws/frame_reader.h>
#include <bixws/venue.h>

#include <algorithm>
#include <array>
#include <new>
#include <set>

#include "venue_json.h"

namespace {
using namespace bixws;
using namespace bixws::venue;

/// level2_batch brings level2's messages, ticker_batch ticker's.
std::string family(const std::string& channel) { return channel.substr(0, channel.find("_batch")); }

std::string error_text(Text message, Text reason) {
  return R"({"type":"error","message":)" + json_text(message) + R"(,"reason":)" + json_text(reason) + "}";
}

bool listed(const std::string& product, const VenueMarket& market) {
  if (market.has_symbol(product)) return true;
  const Text products = market.recorded("/products");
  return products.find(R"("id":)" + json_text(product)) != Text::npos;
}

/// Since 2023 the full books need a signature; what it says is not checked here.
std::string refused_channel(const std::string& name, bool is_signed) {
  constexpr std::array<Text, 6> open = {"level2_batch", "ticker", "ticker_batch", "matches", "heartbeat", "status"};
  if (std::find(open.begin(), open.end(), name) != open.end()) return {};
  if (name != "level2" && name != "full") return name + " is not a valid channel";
  return is_signed ? "" : "level2, level3, and full channels now require authentication.";
}

class Session final : public VenueSession {
 public:
  // {"type":"subscribe","product_ids":["BTC-USD"],"channels":["matches",{"name":"ticker","product_ids":["ETH-USD"]}]}
  void heard(const Frame& frame, VenueMarket& market, VenueOut& out) noexcept override {
    const auto request = parse(parser_, frame.bytes);
    if (!request) return out.send(error_text("Malformed JSON", ""));
    const std::string type = text(*request, "type");
    if (type != "subscribe" && type != "unsubscribe") {
      return out.send(error_text("Type has to be either subscribe or unsubscribe", ""));
    }
    std::set<Wish> asked;
    for (const Element& channel : items(field(*request, "channels"))) {
      const bool plain = channel.is_string();
      const std::string name = plain ? text(channel) : text(channel, "name");
      const std::string why = refused_channel(name, field(*request, "signature").has_value());
      if (type == "subscribe" && !why.empty()) return out.send(error_text("Failed to subscribe", why));
      const auto own = plain ? std::nullopt : field(channel, "product_ids");
      for (const Element& product : items(own ? own : field(*request, "product_ids"))) {
        const std::string id = text(product);
        if (!listed(id, market)) return out.send(error_text("Failed to subscribe", id + " is not a valid product"));
        asked.insert({name, id});
      }
    }
    std::vector<Wish> added;
    for (const Wish& wish : asked) {
      if (type == "unsubscribe") {
        wishes_.erase(wish);
      } else if (wishes_.insert(wish).second) {
        added.push_back(wish);
      }
    }
    out.send(acknowledgement());
    for (const Wish& wish : added) welcome(wish, market, out);
  }

  std::size_t topics() const noexcept override { return wishes_.size(); }

  bool wants(const FrameTopic& topic) const noexcept override {
    return std::any_of(wishes_.begin(), wishes_.end(), [&](const Wish& wish) {
      return wish.second == topic.symbol && family(wish.first) == topic.channel;
    });
  }

  // {"type":"heartbeat","sequence":90,"last_trade_id":20,"product_id":"BTC-USD","time":"2014-11-07T08:19:28.464459Z"}
  void pulse(bool, VenueMarket& market, VenueOut& out) noexcept override {
    for (const auto& [channel, product] : wishes_) {
      if (channel != "heartbeat" || market.has_topic("heartbeat", product)) continue;  // else they are played
      const auto trade = parse(parser_, market.last_frame("matches", product));
      const auto number = [&](Text name) { return trade ? raw(field(*trade, name), "0") : std::string("0"); };
      out.send(R"({"type":"heartbeat","sequence":)" + number("sequence") + R"(,"last_trade_id":)" + number("trade_id") +
               R"(,"product_id":)" + json_text(product) + R"(,"time":")" + rfc3339(market.now()) + "\"}");
    }
  }

 private:
  /// All subscriptions of the connection, by channel.
  std::string acknowledgement() const {
    std::string out = R"({"type":"subscriptions","channels":[)";
    std::string channel;
    for (const Wish& wish : wishes_) {
      if (wish.first == channel) {
        out += ',';
      } else {
        if (!channel.empty()) out += "]},";
        channel = wish.first;
        out += R"({"name":)" + json_text(channel) + R"(,"product_ids":[)";
      }
      out += json_text(wish.second);
    }
    return out + (channel.empty() ? "]}" : "]}]}");
  }

  /// A book in one piece, the last ticker, and the last trade as history.
  static void welcome(const Wish& wish, VenueMarket& market, VenueOut& out) {
    const std::string channel = family(wish.first);
    if (channel == "level2") {
      VenueBook book;
      if (!market.book(wish.second, kAllLevels, book)) return;
      out.send(R"({"type":"snapshot","product_id":)" + json_text(wish.second) + R"(,"asks":)" +
               levels(book.asks, "[\"", "\",\"", "\"]") + R"(,"bids":)" + levels(book.bids, "[\"", "\",\"", "\"]") +
               "}");
      return;
    }
    if (channel != "ticker" && channel != "matches") return;
    std::string last(market.last_frame(channel, wish.second));
    if (last.empty()) return;
    constexpr Text live = R"("type":"match")";
    if (const std::size_t at = last.find(live); at != std::string::npos) {
      last.replace(at, live.size(), R"("type":"last_match")");
    }
    out.send(last);
  }

  std::set<Wish> wishes_;
  simdjson::dom::parser parser_;
};

class Coinbase final : public Venue {
 public:
  FrameTopic topic(const Frame& frame) noexcept override {
    FrameReader::clear(slots_);
    if (!begins_with_both(frame.bytes) &&
        !json_.read_object(
            frame, deaf_, [this](std::uint64_t name, FrameReader::Value value) { json_.place(slots_, name, value); })) {
      return {};
    }
    if (product_.empty()) return {};
    if (type_ == "l2update" || type_ == "snapshot") return {FrameTopic::Kind::data, "level2", product_, true};
    if (type_ == "match" || type_ == "last_match") return {FrameTopic::Kind::data, "matches", product_, false};
    if (type_ == "ticker" || type_ == "heartbeat") return {FrameTopic::Kind::data, type_, product_, false};
    return {};
  }

  bool serves(Text path) const noexcept override { return path == "/"; }
  VenueSession* connect(Text) noexcept override { return new (std::nothrow) Session; }

  int rest(Text target, VenueMarket& market, TextOut& body) noexcept override {
    const auto parts = split(path_of(target), '/');
    if (parts.size() == 1 && parts[0] == "currencies") return currencies(market, body);
    if (parts.empty() || parts[0] != "products") return 0;
    if (parts.size() == 1) {
      const Text products = market.recorded("/products");
      if (products.empty()) return 0;
      body << products;
      return 200;
    }
    if (!listed(parts[1], market)) {
      body << R"({"message":"NotFound"})";
      return 404;
    }
    if (parts.size() != 3) return 0;
    if (parts[2] == "candles") {
      body << "[]";
      return 200;
    }
    VenueBook book;
    if (parts[2] != "book" || !market.book(parts[1], kAllLevels, book)) return 0;
    body << R"({"bids":)" << levels(book.bids, "[\"", "\",\"", "\",1]") << R"(,"asks":)"
         << levels(book.asks, "[\"", "\",\"", "\",1]") << R"(,"sequence":1})";
    return 200;
  }

 private:
  /// {"type":"l2update","product_id":"BTC-USD",...}: most frames begin with all that is asked for.
  bool begins_with_both(Text frame) {
    constexpr Text before = R"({"type":")", between = R"(","product_id":")";
    if (!frame.starts_with(before) || !frame.ends_with('}')) return false;
    const std::size_t type_end = frame.find('"', before.size());
    if (type_end == Text::npos || !frame.substr(type_end).starts_with(between)) return false;
    const std::size_t product = type_end + between.size();
    const std::size_t product_end = frame.find('"', product);
    if (product_end == Text::npos) return false;
    type_ = frame.substr(before.size(), type_end - before.size());
    product_ = frame.substr(product, product_end - product);
    return true;
  }

  /// What the products are made of.
  int currencies(const VenueMarket& market, TextOut& body) {
    if (const Text recorded = market.recorded("/currencies"); !recorded.empty()) {
      body << recorded;
      return 200;
    }
    std::set<std::string> coins;
    if (const auto products = parse(parser_, market.recorded("/products"))) {
      for (const Element& product : items(*products)) {
        coins.insert(text(product, "base_currency"));
        coins.insert(text(product, "quote_currency"));
      }
    }
    std::string list;
    for (const std::string& coin : coins) {
      list += (list.empty() ? "" : ",") + (R"({"id":)" + json_text(coin)) + R"(,"name":)" + json_text(coin) +
              R"(,"min_size":"0.00000001","max_precision":"0.00000001","status":"online","details":{"type":"crypto"}})";
    }
    body << "[" << list << "]";
    return 200;
  }

  FrameReader json_;
  DeafOut deaf_;
  simdjson::dom::parser parser_;
  Text type_, product_;
  const FrameReader::Slot slots_[2] = {{tag("type"), &type_}, {tag("product_id"), &product_}};
};

}  // namespace

BIXWS_EXPORT Venue* bixws_venue_v1() noexcept { return new (std::nothrow) Coinbase; }
