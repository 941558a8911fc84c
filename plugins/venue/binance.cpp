// SPDX-License-Identifier: Apache-2.0
// Binance spot from the other side: streams, subscriptions, exchangeInfo and depth.
// https://github.com/binance/binance-spot-api-docs: web-socket-streams.md, rest-api.md.
#include <bixws/frame_reader.h>
#include <bixws/venue.h>

#include <algorithm>
#include <map>
#include <new>
#include <set>

#include "venue_json.h"

namespace {
using namespace bixws;
using namespace bixws::venue;

/// "nknusdt@depth@100ms" -> channel "depth@100ms", symbol "NKNUSDT"; "!ticker@arr" is every symbol's ticker.
Wish wish_of(Text stream) {
  const std::size_t at = stream.find('@');
  if (stream.starts_with('!')) return {std::string(stream.substr(1, at == Text::npos ? at : at - 1)), ""};
  return {std::string(at == Text::npos ? Text() : stream.substr(at + 1)), cased(stream.substr(0, at), true)};
}

std::string stream_of(const Wish& wish) {
  return wish.second.empty() ? "!" + wish.first + "@arr" : cased(wish.second, false) + "@" + wish.first;
}

/// What the recording has of a symbol where it has not exactly what is asked: the fills of one taker order for each
/// match and the other way round, and book changes at another pace.
std::string best_offer(const Wish& wish, const VenueMarket& market) {
  static const std::vector<std::vector<std::string>> alike = {{"trade", "aggTrade"},
                                                              {"depth@100ms", "depth", "depth@1000ms"}};
  if (market.has_topic(wish.first, wish.second)) return wish.first;
  for (const auto& group : alike) {
    if (std::find(group.begin(), group.end(), wish.first) == group.end()) continue;
    for (const std::string& other : group) {
      if (market.has_topic(other, wish.second)) return other;
    }
  }
  return wish.first;
}

class Session final : public VenueSession {
 public:
  explicit Session(Text target) : target_(target) {}

  void opened(VenueMarket& market, VenueOut&) noexcept override {
    const Text path = path_of(target_);
    wrapped_ = path == "/stream";
    for (const std::string& stream : split(query_value(target_, "streams"), '/')) add(stream, market);
    if (!path.starts_with("/ws/")) return;
    for (const std::string& stream : split(url_decoded(path.substr(4)), '/')) {
      if (stream.find('@') != std::string::npos) add(stream, market);  // some clients number their connections: /ws/0
    }
  }

  // {"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1} -> {"result":null,"id":1}
  void heard(const Frame& frame, VenueMarket& market, VenueOut& out) noexcept override {
    const auto request = parse(parser_, frame.bytes);
    if (!request) return out.send(R"({"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"})");
    const std::string id = "\"id\":" + raw(field(*request, "id"), "null");
    const std::string method = text(*request, "method");
    const auto params = items(field(*request, "params"));
    std::string result = "null";
    if (method == "SUBSCRIBE") {
      for (const Element& stream : params) add(text(stream), market);
    } else if (method == "UNSUBSCRIBE") {
      for (const Element& stream : params) wishes_.erase(wish_of(text(stream)));
    } else if (method == "LIST_SUBSCRIPTIONS") {
      result.clear();
      for (const auto& [wish, offer] : wishes_) result += (result.empty() ? "" : ",") + json_text(stream_of(wish));
      result = "[" + result + "]";
    } else if (method == "SET_PROPERTY" && params.size() == 2 && text(params[0]) == "combined") {
      bool combined = false;
      if (params[1].get(combined) == simdjson::SUCCESS) wrapped_ = combined;
    } else {
      return out.send(R"({"code":2,"msg":)" +
                      json_text("Invalid request: unknown variant `" + method +
                                "`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`") +
                      "," + id + "}");
    }
    out.send(R"({"result":)" + result + "," + id + "}");
  }

  std::size_t topics() const noexcept override { return wishes_.size(); }

  bool wants(const FrameTopic& topic) const noexcept override {
    return std::any_of(wishes_.begin(), wishes_.end(), [&](const auto& entry) {
      const auto& [wish, offer] = entry;
      return offer == topic.channel && (wish.second.empty() || wish.second == topic.symbol);
    });
  }

  // {"stream":"btcusdt@trade","data":{...}} on /stream, only {...} on /ws.
  Text dressed(const FrameTopic& topic, Text payload) noexcept override {
    constexpr Text kData = "\"data\":";
    const bool recorded_wrapped = payload.starts_with("{\"stream\":");
    if (recorded_wrapped == wrapped_) return payload;
    if (recorded_wrapped) {
      const std::size_t at = payload.find(kData);
      return at == Text::npos ? payload : payload.substr(at + kData.size(), payload.size() - at - kData.size() - 1);
    }
    dress_ = R"({"stream":")" + stream_of({std::string(topic.channel), std::string(topic.symbol)}) + R"(","data":)";
    dress_ += payload;
    dress_ += '}';
    return dress_;
  }

 private:
  void add(const std::string& stream, const VenueMarket& market) {
    const Wish wish = wish_of(stream);
    wishes_[wish] = best_offer(wish, market);
  }

  std::string target_;
  bool wrapped_ = false;
  std::map<Wish, std::string> wishes_;  // what is asked, and the recorded channel that answers it
  simdjson::dom::parser parser_;
  std::string dress_;
};

class Binance final : public Venue {
 public:
  FrameTopic topic(const Frame& frame) noexcept override {
    stream_ = event_ = symbol_ = interval_ = update_ = {};
    if (!json_.read_object(frame, deaf_, [this](std::uint64_t name, FrameReader::Value value) { root(name, value); })) {
      return {};
    }
    if (!stream_.empty()) {
      const std::size_t at = stream_.find('@');
      name_ = cased(stream_.substr(0, at), true);
      channel_ = at == Text::npos ? Text() : stream_.substr(at + 1);
    } else if (!event_.empty() && !symbol_.empty()) {
      name_ = symbol_;
      channel_ = channel_of(event_);
    } else if (!update_.empty() && !symbol_.empty()) {
      name_ = symbol_;
      channel_ = "bookTicker";
    } else {
      return {};
    }
    return {FrameTopic::Kind::data, channel_, name_, event_ == "depthUpdate"};
  }

  Text book_of(Text url) noexcept override {
    name_ = url.find("/api/v3/depth") == Text::npos ? std::string() : query_value(url, "symbol");
    return name_;
  }

  bool serves(Text path) const noexcept override {
    return path == "/ws" || path.starts_with("/ws/") || path == "/stream" || path == "/";
  }
  VenueSession* connect(Text target) noexcept override { return new (std::nothrow) Session(target); }

  int rest(Text target, VenueMarket& market, TextOut& body) noexcept override {
    const Text path = path_of(target);
    if (path == "/api/v3/exchangeInfo") return exchange_info(target, market, body);
    if (path == "/api/v3/depth") return depth(target, market, body);
    if (path == "/api/v3/ping") return answer(200, "{}", body);
    if (path == "/api/v3/time") {
      return answer(200, R"({"serverTime":)" + std::to_string(market.now() / 1000) + "}", body);
    }
    // Clients that know the derivatives markets too ask for their lists: there are none here.
    if (path == "/fapi/v1/exchangeInfo" || path == "/dapi/v1/exchangeInfo") {
      return answer(200, R"({"timezone":"UTC","rateLimits":[],"symbols":[]})", body);
    }
    return 0;
  }

 private:
  void root(std::uint64_t name, FrameReader::Value value) {
    if (name == tag("stream")) {
      stream_ = json_.token(value);
    } else if (name == tag("data")) {
      json_.object(value, [this](std::uint64_t inner, FrameReader::Value v) { event(inner, v); });
    } else {
      event(name, value);
    }
  }
  void event(std::uint64_t name, FrameReader::Value value) {
    if (name == 'e') event_ = json_.token(value);
    if (name == 's') symbol_ = json_.token(value);
    if (name == 'u') update_ = json_.token(value);
    if (name != 'k' || !json_.is_object(value)) return;
    json_.object(value, [this](std::uint64_t inner, FrameReader::Value v) {
      if (inner == 'i') interval_ = json_.token(v);
    });
  }

  Text channel_of(Text event) {
    if (event == "depthUpdate") return "depth@100ms";
    if (event == "24hrTicker") return "ticker";
    if (event == "24hrMiniTicker") return "miniTicker";
    if (event != "kline") return event;
    kline_ = "kline_" + std::string(interval_);
    return kline_;
  }

  static int answer(int status, Text text, TextOut& body) {
    body << text;
    return status;
  }

  // Everything, or only ?symbol=X or ?symbols=["X","Y"].
  int exchange_info(Text target, const VenueMarket& market, TextOut& body) {
    const Text whole = market.recorded("/exchangeInfo");
    if (whole.empty()) return 0;
    std::set<std::string> asked;
    if (const std::string one = query_value(target, "symbol"); !one.empty()) asked.insert(one);
    const std::string listed = query_value(target, "symbols");
    if (!listed.empty()) {
      if (const auto list = parse(parser_, listed)) {
        for (const Element& symbol : items(*list)) asked.insert(text(symbol));
      }
    }
    if (asked.empty()) return answer(200, whole, body);
    const auto info = parse(parser_, whole);
    std::string symbols;
    if (info) {
      for (const Element& symbol : items(field(*info, "symbols"))) {
        if (asked.erase(text(symbol, "symbol")) == 0) continue;
        symbols += (symbols.empty() ? "" : ",") + raw(symbol, {});
      }
    }
    if (!asked.empty()) return answer(400, R"({"code":-1121,"msg":"Invalid symbol."})", body);
    return answer(200, R"({"timezone":"UTC","symbols":[)" + symbols + "]}", body);
  }

  static int depth(Text target, VenueMarket& market, TextOut& body) {
    VenueBook book;
    const std::size_t limit = limit_of(query_value(target, "limit"), 100);
    // What the recorded client could not know lies beyond level 1000; nothing is cut off a full request.
    const std::size_t levels_asked = limit >= 1000 ? kAllLevels : limit;
    if (!market.book(query_value(target, "symbol"), levels_asked, book)) {
      return answer(400, R"({"code":-1121,"msg":"Invalid symbol."})", body);
    }
    return answer(200,
                  R"({"lastUpdateId":)" + std::to_string(book.last) + R"(,"bids":)" +
                      levels(book.bids, "[\"", "\",\"", "\"]") + R"(,"asks":)" +
                      levels(book.asks, "[\"", "\",\"", "\"]") + "}",
                  body);
  }

  FrameReader json_;
  DeafOut deaf_;
  simdjson::dom::parser parser_;
  Text stream_, event_, symbol_, interval_, update_, channel_;
  std::string name_, kline_;
};

}  // namespace

BIXWS_EXPORT Venue* bixws_venue_v1() noexcept { return new (std::nothrow) Binance; }
