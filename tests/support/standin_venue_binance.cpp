// SPDX-License-Identifier: Apache-2.0
// The stand-in's Binance spot, after binance/binance-spot-api-docs web-socket-streams.md and rest-api.md.
#include <algorithm>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

constexpr std::size_t all_levels = static_cast<std::size_t>(-1);

// "nknusdt@depth@100ms" -> channel "depth@100ms", symbol "NKNUSDT"; "!ticker@arr" is every symbol's ticker.
Subscription stream_subscription(std::string_view stream) {
  const std::size_t at = stream.find('@');
  if (stream.starts_with('!')) return {std::string(stream.substr(1, at - 1)), ""};
  return {std::string(at == std::string_view::npos ? "" : stream.substr(at + 1)), upper_case(stream.substr(0, at))};
}

std::string stream_name(const Subscription& subscription) {
  if (subscription.symbol.empty()) return "!" + subscription.channel + "@arr";
  return lower_case(subscription.symbol) + "@" + subscription.channel;
}

// The kind of data a stream carries, told apart no further than a capture of 2021 can serve it: @trade is answered with
// aggTrade, @ticker with bookTicker.
std::string family(std::string_view channel) {
  if (channel.starts_with("depth")) return "depth";
  if (channel.starts_with("kline")) return std::string(channel);
  if (channel == "trade" || channel == "aggTrade") return "trade";
  return "ticker";
}

class BinanceVenue final : public Venue {
 public:
  explicit BinanceVenue(const VenueOptions& options) : options_(options) {}

  // {"stream":"nknusdt@depth@100ms","data":{...}}
  FrameMeaning meaning(const RawJson& frame) const override {
    const RawJson& stream = frame["stream"];
    if (!stream.is_string()) return {};
    const Subscription named = stream_subscription(stream.text());
    FrameMeaning meaning{FrameMeaning::Kind::data, named.symbol, named.channel};
    meaning.book_update = frame["data"]["e"].text() == "depthUpdate";
    return meaning;
  }

  // The start of each book is a REST answer.
  void prepare(Market& market) const override {
    for (const auto& answer : market.rest) {
      if (path_of(answer.url).find("/api/v3/depth") == std::string_view::npos) continue;
      const std::string symbol = query_value(answer.url, "symbol");
      StandinBook& book = market.books[symbol];
      if (book.known) continue;
      const auto snapshot = RawJson::parse_or_throw(answer.body);
      set_levels(snapshot["bids"], true, book);
      set_levels(snapshot["asks"], false, book);
      book.base_id = book.last_id = snapshot["lastUpdateId"].integer().value_or(0);
      book.known = true;
    }
  }

  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    const RawJson& data = frame.json["data"];
    const std::int64_t last = data["u"].integer().value_or(0);
    if (!book.known || last <= book.last_id) return;
    set_levels(data["b"], true, book);
    set_levels(data["a"], false, book);
    book.last_id = last;
    ++book.updates;
  }

  InstrumentKeys instrument_keys() const override { return {"/exchangeInfo", "symbol", "baseAsset", "quoteAsset"}; }
  std::string symbol_id(const std::string& base, const std::string& quote) const override { return base + quote; }

  bool serves(std::string_view path) const override {
    return path == "/ws" || path.starts_with("/ws/") || path == "/stream" || path == "/";
  }

  void opened(Session& session, const Market&) const override {
    const std::string_view path = path_of(session.target);
    session.wrapped = path == "/stream";
    for (const auto& stream : split_at(query_value(session.target, "streams"), '/')) {
      session.subscriptions.insert(stream_subscription(stream));
    }
    if (!path.starts_with("/ws/")) return;
    for (const auto& stream : split_at(url_decoded(path.substr(4)), '/')) {
      // ccxt numbers its connections /ws/0, /ws/1: no streams.
      if (stream.find('@') != std::string::npos) session.subscriptions.insert(stream_subscription(stream));
    }
  }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market&) const override {
    const auto request = RawJson::parse(text);
    if (!request) return {R"({"code":3,"msg":"Invalid JSON: expected value at line 1 column 1"})"};
    const std::string id = "\"id\":" + std::string((*request)["id"].exists() ? (*request)["id"].raw() : "null");
    const std::string method = (*request)["method"].text();
    const RawJson& params = (*request)["params"];
    std::string result = "null";
    if (method == "SUBSCRIBE") {
      for (const auto& stream : params.items()) session.subscriptions.insert(stream_subscription(stream.text()));
    } else if (method == "UNSUBSCRIBE") {
      for (const auto& stream : params.items()) session.subscriptions.erase(stream_subscription(stream.text()));
    } else if (method == "LIST_SUBSCRIPTIONS") {
      result = "[";
      for (const auto& subscription : session.subscriptions) {
        if (result.size() > 1) result += ',';
        result += json_quoted(stream_name(subscription));
      }
      result += ']';
    } else if (method == "SET_PROPERTY" && params[0].text() == "combined") {
      session.wrapped = params[1].is_true();
    } else {
      return {R"({"code":2,"msg":"Invalid request: unknown variant `)" + method +
              "`, expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`\"," +
              id + "}"};
    }
    return {R"({"result":)" + result + "," + id + "}"};
  }

  bool wants(const Session& session, const FrameMeaning& meaning) const override {
    return std::any_of(session.subscriptions.begin(), session.subscriptions.end(), [&](const Subscription& asked) {
      if (!asked.symbol.empty() && asked.symbol != meaning.symbol) return false;
      return options_.whole_symbol || family(asked.channel) == family(meaning.channel);
    });
  }

  std::string_view dressed(const Session& session, const TimelineFrame& frame) const override {
    return session.wrapped ? std::string_view(frame.payload) : frame.json["data"].raw();
  }

  std::string refusal(const RawJson& request, const std::string& why) const override {
    return R"({"code":2,"msg":)" + json_quoted(why.empty() ? "Invalid request: refused" : why) + R"(,"id":)" +
           std::string(request["id"].exists() ? request["id"].raw() : "null") + "}";
  }

  std::string shutdown_notice(const Session& session) const override {
    const std::string event = R"({"e":"serverShutdown","E":1770123456789})";
    return session.wrapped ? R"({"stream":"!serverShutdown","data":)" + event + "}" : event;
  }

  std::optional<HttpReply> rest(std::string_view target, const Market& market,
                                const FirstSnapshot& first) const override {
    const std::string_view path = path_of(target);
    if (path == "/api/v3/exchangeInfo") return exchange_info(target, market);
    if (path == "/api/v3/ping") return HttpReply{.body = "{}"};
    if (path == "/api/v3/time") {
      return HttpReply{.body = R"({"serverTime":)" + std::to_string(market.time_us / 1000) + "}"};
    }
    if (path == "/api/v3/depth") return depth(target, market, first);
    return std::nullopt;
  }

 private:
  // Everything, or only ?symbol=X or ?symbols=["X","Y"].
  static std::optional<HttpReply> exchange_info(std::string_view target, const Market& market) {
    const auto found = std::find_if(market.rest.begin(), market.rest.end(), [](const CapturedRest& answer) {
      return answer.url.find("/exchangeInfo") != std::string::npos;
    });
    if (found == market.rest.end()) return std::nullopt;
    std::set<std::string> asked;
    if (const std::string one = query_value(target, "symbol"); !one.empty()) asked.insert(one);
    if (const auto list = RawJson::parse(query_value(target, "symbols"))) {
      for (const auto& symbol : list->items()) asked.insert(symbol.text());
    }
    if (asked.empty()) return HttpReply{.body = found->body};
    std::string symbols;
    std::size_t listed = 0;
    const auto info = RawJson::parse_or_throw(found->body);
    for (const auto& symbol : info["symbols"].items()) {
      if (!asked.contains(symbol["symbol"].text())) continue;
      if (listed++ > 0) symbols += ',';
      symbols += symbol.raw();
    }
    if (listed != asked.size()) return HttpReply{.status = 400, .body = R"({"code":-1121,"msg":"Invalid symbol."})"};
    return HttpReply{.body = R"({"timezone":"UTC","symbols":[)" + symbols + "]}"};
  }

  static void set_levels(const RawJson& levels, bool bid, StandinBook& book) {
    for (const auto& level : levels.items()) {
      book.set(bid, {level[0].text(), level[1].text(), std::string(level.raw())});
    }
  }

  static HttpReply depth(std::string_view target, const Market& market, const FirstSnapshot& first) {
    const std::string symbol = query_value(target, "symbol");
    const StandinBook* book = market.book(symbol);
    if (!book) return {.status = 400, .body = R"({"code":-1121,"msg":"Invalid symbol."})"};
    const std::string asked = query_value(target, "limit");
    const std::size_t limit = asked.empty() ? 100 : std::stoul(asked);
    if (limit >= 1000 && first(symbol)) {
      for (const auto& answer : market.rest) {
        const bool fits = answer.url.find("/depth?") != std::string::npos;
        if (fits && query_value(answer.url, "symbol") == symbol) return {.body = answer.body};
      }
    }
    // What the capture's client could not know lies beyond level 1000; nothing is cut off a full request.
    const std::size_t levels = limit >= 1000 ? all_levels : limit;
    return {.body = R"({"lastUpdateId":)" + std::to_string(book->last_id) + R"(,"bids":[)" +
                    book->raw_levels(true, levels) + R"(],"asks":[)" + book->raw_levels(false, levels) + "]}"};
  }

  VenueOptions options_;
};

}  // namespace

std::unique_ptr<Venue> make_binance_venue(const VenueOptions& options) {
  return std::make_unique<BinanceVenue>(options);
}

}  // namespace bixws::test
