// SPDX-License-Identifier: Apache-2.0
// The stand-in's Bitstamp, after www.bitstamp.net/websocket/v2 and www.bitstamp.net/api.
#include <limits>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

constexpr std::size_t all_levels = std::numeric_limits<std::size_t>::max();
constexpr const char* book_channel = "diff_order_book";

// "diff_order_book_btcusd" -> channel "diff_order_book", symbol "btcusd"
Subscription channel_subscription(const std::string& name) {
  const std::size_t end = name.rfind('_');
  if (end == std::string::npos) return {name, ""};
  return {name.substr(0, end), name.substr(end + 1)};
}

std::string event_text(const std::string& event, const std::string& channel, const std::string& data) {
  return R"({"event":)" + json_quoted(event) + R"(,"channel":)" + json_quoted(channel) + R"(,"data":)" + data + "}";
}

class BitstampVenue final : public Venue {
 public:
  FrameMeaning meaning(const RawJson& frame) const override {
    const std::string event = frame["event"].text();
    if (event != "data" && event != "trade") return {};
    const Subscription named = channel_subscription(frame["channel"].text());
    FrameMeaning meaning{FrameMeaning::Kind::data, named.symbol, named.channel};
    meaning.book_update = named.channel == book_channel;
    return meaning;
  }

  // The start of each book is a REST answer.
  void prepare(Market& market) const override {
    for (const auto& answer : market.rest) {
      const auto parts = split_at(path_of(answer.url), '/');
      if (parts.size() < 2 || parts[parts.size() - 2] != "order_book") continue;
      StandinBook& book = market.books[parts.back()];
      const auto snapshot = RawJson::parse_or_throw(answer.body);
      set_levels(snapshot, book);
      book.base_id = book.last_id = snapshot["microtimestamp"].integer().value_or(0);
      book.known = true;
    }
  }

  // {"event":"data","channel":"diff_order_book_bchusd","data":{"microtimestamp":"1554076800436165","bids":[],
  // "asks":[["168.75","2.00000000"]]}}
  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    const RawJson& data = frame.json["data"];
    const std::int64_t id = data["microtimestamp"].integer().value_or(0);
    if (!book.known || id <= book.last_id) return;
    set_levels(data, book);
    book.last_id = id;
    ++book.updates;
  }

  std::string symbol_id(const std::string& base, const std::string& quote) const override {
    return lower_case(base + quote);
  }
  bool serves(std::string_view path) const override { return path == "/"; }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const override {
    const auto request = RawJson::parse(text);
    if (!request) return {error_text("Incorrect JSON format.")};
    const std::string event = (*request)["event"].text();
    if (event == "bts:heartbeat") return {event_text(event, "", R"({"status":"success"})")};
    const std::string name = (*request)["data"]["channel"].text();
    const Subscription asked = channel_subscription(name);
    const bool known = asked.channel == book_channel || asked.channel == "live_trades" || asked.channel == "order_book";
    if (!known || !market.symbols.contains(asked.symbol)) return {error_text("Bad subscription string.")};
    if (event == "bts:subscribe") {
      session.subscriptions.insert(asked);
      return {event_text("bts:subscription_succeeded", name, "{}")};
    }
    if (event != "bts:unsubscribe") return {error_text("Bad event type.")};
    session.subscriptions.erase(asked);
    return {event_text("bts:unsubscription_succeeded", name, "{}")};
  }

  std::string refusal(const RawJson&, const std::string& why) const override {
    return error_text(why.empty() ? "Bad subscription string." : why);
  }

  std::string shutdown_notice(const Session&) const override { return event_text("bts:request_reconnect", "", "\"\""); }

  std::optional<HttpReply> rest(std::string_view target, const Market& market, const FirstSnapshot&) const override {
    const auto parts = split_at(path_of(target), '/');
    if (parts.size() < 3 || parts[0] != "api" || parts[1] != "v2") return std::nullopt;
    if (parts[2] == "markets") {
      for (const auto& answer : market.rest) {
        if (answer.url.ends_with("/markets/")) return HttpReply{.body = answer.body};
      }
    }
    if (parts[2] != "order_book" || parts.size() < 4) return std::nullopt;
    const StandinBook* book = market.book(parts[3]);
    if (!book) return HttpReply{.status = 404, .body = R"({"code":"not_found"})"};
    return HttpReply{.body = R"({"timestamp":")" + std::to_string(book->last_id / 1'000'000) +
                             R"(","microtimestamp":")" + std::to_string(book->last_id) + R"(","bids":[)" +
                             book->raw_levels(true, all_levels) + R"(],"asks":[)" +
                             book->raw_levels(false, all_levels) + "]}"};
  }

 private:
  static std::string error_text(const std::string& message) {
    return event_text("bts:error", "", R"({"code":null,"message":)" + json_quoted(message) + "}");
  }

  static void set_levels(const RawJson& sides, StandinBook& book) {
    for (const bool bid : {true, false}) {
      for (const auto& level : sides[bid ? "bids" : "asks"].items()) {
        book.set(bid, {level[0].text(), level[1].text(), std::string(level.raw())});
      }
    }
  }
};

}  // namespace

std::unique_ptr<Venue> make_bitstamp_venue() { return std::make_unique<BitstampVenue>(); }

}  // namespace bixws::test
