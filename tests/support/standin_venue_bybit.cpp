// SPDX-License-Identifier: Apache-2.0
// The stand-in's Bybit v5 public spot stream, after bybit-exchange.github.io/docs/v5/websocket.
#include <limits>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

constexpr std::size_t all_levels = std::numeric_limits<std::size_t>::max();
constexpr std::size_t most_arguments = 10;
constexpr const char* book_channel = "orderbook.50";

// "orderbook.50.BTCUSDT" -> channel "orderbook.50", symbol "BTCUSDT"
Subscription topic_subscription(const std::string& topic) {
  const std::size_t dot = topic.rfind('.');
  if (dot == std::string::npos) return {topic, ""};
  return {topic.substr(0, dot), topic.substr(dot + 1)};
}

class BybitVenue final : public Venue {
 public:
  FrameMeaning meaning(const RawJson& frame) const override {
    if (!frame["topic"].is_string()) return {};
    const Subscription topic = topic_subscription(frame["topic"].text());
    FrameMeaning meaning{FrameMeaning::Kind::data, topic.symbol, topic.channel};
    const bool whole = frame["type"].text() == "snapshot" || frame["data"]["u"].text() == "1";
    meaning.book_snapshot = topic.channel == book_channel && whole;
    meaning.book_update = topic.channel == book_channel && !whole;
    return meaning;
  }

  // {"topic":"orderbook.50.X","type":"delta","ts":1731035685345,"data":{"s":"X","b":[["75837.13","0"]],"a":[],"u":2876701}}
  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    if (frame.meaning.book_snapshot) {
      book.clear();
      book.known = true;
      book.updates = 0;
    } else {
      ++book.updates;
    }
    const RawJson& data = frame.json["data"];
    for (const bool bid : {true, false}) {
      for (const auto& level : data[bid ? "b" : "a"].items()) {
        book.set(bid, {level[0].text(), level[1].text(), std::string(level.raw())});
      }
    }
    book.last_id = data["u"].integer().value_or(0);
  }

  std::string symbol_id(const std::string& base, const std::string& quote) const override { return base + quote; }
  bool serves(std::string_view path) const override { return path == "/v5/public/spot" || path == "/"; }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const override {
    const auto request = RawJson::parse(text);
    if (!request) return {answer(RawJson(), false, "error:invalid json")};
    const std::string op = (*request)["op"].text();
    if (op == "ping") return {answer(*request, true, "pong")};
    if (op != "subscribe" && op != "unsubscribe") return {answer(*request, false, "error:invalid op")};
    const auto& topics = (*request)["args"].items();
    if (topics.size() > most_arguments) return {answer(*request, false, "args size \\u003e10")};
    // One bad topic spoils the request.
    for (const auto& topic : topics) {
      if (!offered(topic_subscription(topic.text()), market)) {
        return {answer(*request, false, "Invalid topic: " + topic.text())};
      }
    }
    for (const auto& topic : topics) {
      if (op == "subscribe") {
        session.subscriptions.insert(topic_subscription(topic.text()));
      } else {
        session.subscriptions.erase(topic_subscription(topic.text()));
      }
    }
    return {answer(*request, true, op == "subscribe" ? op : "")};
  }

  std::vector<std::string> welcome(const Subscription& asked, const Market& market) const override {
    const StandinBook* book = market.book(asked.symbol);
    if (asked.channel == book_channel && book) {
      const std::string now = std::to_string(market.time_us / 1000);
      return {R"({"topic":"orderbook.50.)" + asked.symbol + R"(","ts":)" + now + R"(,"type":"snapshot","data":{"s":)" +
              json_quoted(asked.symbol) + R"(,"b":[)" + book->raw_levels(true, all_levels) + R"(],"a":[)" +
              book->raw_levels(false, all_levels) + R"(],"u":)" + std::to_string(book->last_id) +
              R"(,"seq":1},"cts":)" + now + "}"};
    }
    const TimelineFrame* last = asked.channel == "tickers" ? market.last_frame("tickers", asked.symbol) : nullptr;
    return last ? std::vector<std::string>{last->payload} : std::vector<std::string>();
  }

  std::string refusal(const RawJson& request, const std::string& why) const override {
    return answer(request, false, why.empty() ? "error:handler not found" : why);
  }

  // The list in pages, as recorded.
  std::optional<HttpReply> rest(std::string_view target, const Market& market, const FirstSnapshot&) const override {
    if (path_of(target) != "/v5/market/instruments-info") return std::nullopt;
    for (const auto& page : market.rest) {
      if (query_value(page.url, "cursor") == query_value(target, "cursor")) return HttpReply{.body = page.body};
    }
    return HttpReply{.body = R"({"retCode":10001,"retMsg":"params error: cursor","result":{},"time":1})"};
  }

 private:
  static std::string answer(const RawJson& request, bool success, const std::string& message) {
    const std::string op = request["op"].exists() ? std::string(request["op"].raw()) : "\"\"";
    return std::string(R"({"success":)") + (success ? "true" : "false") + R"(,"ret_msg":")" + message +
           R"(","conn_id":"d7u3lt5c9enav1at3iug-1yimq",)" + echoed(request, "req_id") + R"("op":)" + op + "}";
  }

  static bool offered(const Subscription& asked, const Market& market) {
    const bool known = asked.channel == "tickers" || asked.channel == "publicTrade" || asked.channel == "kline.1" ||
                       asked.channel == "orderbook.1" || asked.channel == book_channel;
    return known && market.symbols.contains(asked.symbol);
  }
};

}  // namespace

std::unique_ptr<Venue> make_bybit_venue() { return std::make_unique<BybitVenue>(); }

}  // namespace bixws::test
