// SPDX-License-Identifier: Apache-2.0
// The stand-in's OKX v5, after okx.com/docs-v5; on request with the books of 2026, whose checksum is always 0.
#include <algorithm>
#include <limits>

#include "support/standin_venue.h"

namespace bixws::test {

namespace {

constexpr std::size_t all_levels = std::numeric_limits<std::size_t>::max();
constexpr const char* connection_id = R"("connId":"a4d3ae55")";

// bid:size:ask:size of the best 25, read as a signed number.
std::int32_t checksum(const StandinBook& book) {
  const auto bids = book.best(true, 25);
  const auto asks = book.best(false, 25);
  std::string text;
  for (std::size_t i = 0; i < std::max(bids.size(), asks.size()); ++i) {
    if (i < bids.size()) text += bids[i].price + ":" + bids[i].size + ":";
    if (i < asks.size()) text += asks[i].price + ":" + asks[i].size + ":";
  }
  if (!text.empty()) text.pop_back();
  return static_cast<std::int32_t>(crc32_of(text));
}

class OkxVenue final : public Venue {
 public:
  explicit OkxVenue(const VenueOptions& options) : today_(options.today) {}

  FrameMeaning meaning(const RawJson& frame) const override {
    const RawJson& arg = frame["arg"];
    if (!arg.exists() || !frame["data"].exists()) return {};
    FrameMeaning meaning{FrameMeaning::Kind::data, arg["instId"].text(), arg["channel"].text()};
    meaning.book_snapshot = frame["action"].text() == "snapshot";
    meaning.book_update = frame["action"].text() == "update";
    return meaning;
  }

  // A capture of 2022 with today's fields: checksum 0, and ids that chain but do not count by one.
  void study(Capture& capture) override {
    if (!today_) return;
    std::map<std::string, std::int64_t> last;
    for (auto& captured : capture.frames) {
      const auto json = RawJson::parse(captured.payload);
      const std::string action = json ? (*json)["action"].text() : "";
      const std::size_t at = captured.payload.find(R"("checksum":)");
      if (action.empty() || at == std::string::npos) continue;
      std::int64_t& id = last[(*json)["arg"]["instId"].text()];
      const std::int64_t before = action == "snapshot" ? -1 : id;
      id += 3 + static_cast<std::int64_t>(captured.payload.size() % 29);
      captured.payload.replace(
          at, captured.payload.find('}', at) - at,
          R"("checksum":0,"seqId":)" + std::to_string(id) + R"(,"prevSeqId":)" + std::to_string(before));
    }
  }

  // {"arg":{"channel":"books","instId":"X"},"action":"update","data":[{"asks":[["30249.4","0","0","0"],...],"bids":[...],
  // "ts":"1652459225464","checksum":-914047754}]}
  void apply(const TimelineFrame& frame, StandinBook& book) const override {
    if (frame.meaning.book_snapshot) {
      book.clear();
      book.known = true;
      book.updates = 0;
    } else {
      ++book.updates;
    }
    const RawJson& data = frame.json["data"][0];
    for (const bool bid : {true, false}) {
      for (const auto& level : data[bid ? "bids" : "asks"].items()) {
        book.set(bid, {level[0].text(), level[1].text(), std::string(level.raw())});
      }
    }
    book.last_id = data["seqId"].integer().value_or(0);
  }

  InstrumentKeys instrument_keys() const override { return {"/public/instruments", "instId", "baseCcy", "quoteCcy"}; }
  std::string symbol_id(const std::string& base, const std::string& quote) const override { return base + "-" + quote; }

  bool serves(std::string_view path) const override {
    return path == "/ws/v5/public" || path == "/ws/v5/business" || path == "/";
  }

  std::vector<std::string> heard(const std::string& text, Session& session, const Market& market) const override {
    if (text == "ping") return {"pong"};
    const auto request = RawJson::parse(text);
    const std::string op = request ? (*request)["op"].text() : "";
    if (op != "subscribe" && op != "unsubscribe") {
      return {R"({"event":"error","msg":"Invalid request: )" + json_quoted(text).substr(1) + R"(,"code":"60012",)" +
              connection_id + "}"};
    }
    std::vector<std::string> answers;
    for (const auto& arg : (*request)["args"].items()) {
      const Subscription subscription{arg["channel"].text(), arg["instId"].text()};
      if (!offered(subscription, session, market)) {
        answers.push_back(wrong_channel(*request, subscription));
        continue;
      }
      if (op == "subscribe") {
        session.subscriptions.insert(subscription);
      } else {
        session.subscriptions.erase(subscription);
      }
      answers.push_back("{" + echoed(*request, "id") + R"("event":)" + json_quoted(op) + R"(,"arg":)" +
                        std::string(arg.raw()) + "," + connection_id + "}");
    }
    return answers;
  }

  std::vector<std::string> welcome(const Subscription& asked, const Market& market) const override {
    if (asked.channel == "tickers") {
      const TimelineFrame* last = market.last_frame("tickers", asked.symbol);
      return last ? std::vector<std::string>{last->payload} : std::vector<std::string>();
    }
    const StandinBook* book = market.book(asked.symbol);
    if (asked.channel != "books" || !book) return {};
    const std::string integrity =
        today_ ? R"("checksum":0,"seqId":)" + std::to_string(book->last_id) + R"(,"prevSeqId":-1)"
               : R"("checksum":)" + std::to_string(checksum(*book));
    return {R"({"arg":{"channel":"books","instId":)" + json_quoted(asked.symbol) +
            R"(},"action":"snapshot","data":[{)" + sides(*book, all_levels) + R"(,"ts":")" +
            std::to_string(market.time_us / 1000) + R"(",)" + integrity + "}]}"};
  }

  std::string refusal(const RawJson& request, const std::string& why) const override {
    return "{" + echoed(request, "id") + R"("event":"error","msg":)" +
           json_quoted(why.empty() ? "Too many requests" : why) + R"(,"code":"50011",)" + connection_id + "}";
  }

  std::string shutdown_notice(const Session&) const override {
    return std::string(R"({"event":"notice","code":"64008","msg":"The connection will soon be closed for a service )") +
           R"(upgrade. Please reconnect.",)" + connection_id + "}";
  }

  std::optional<HttpReply> rest(std::string_view target, const Market& market, const FirstSnapshot&) const override {
    const std::string_view path = path_of(target);
    if (path == "/api/v5/public/instruments") return instruments(target, market);
    if (path != "/api/v5/market/books") return std::nullopt;
    const StandinBook* book = market.book(query_value(target, "instId"));
    if (!book) return HttpReply{.body = R"({"code":"51001","msg":"Instrument ID does not exist","data":[]})"};
    const std::string asked = query_value(target, "sz");
    return HttpReply{.body = R"({"code":"0","msg":"","data":[{)" + sides(*book, asked.empty() ? 1 : std::stoul(asked)) +
                             R"(,"ts":")" + std::to_string(market.time_us / 1000) + "\"}]}"};
  }

 private:
  static std::string sides(const StandinBook& book, std::size_t depth) {
    return R"("asks":[)" + book.raw_levels(false, depth) + R"(],"bids":[)" + book.raw_levels(true, depth) + "]";
  }

  static bool offered(const Subscription& asked, const Session& session, const Market& market) {
    const bool business = asked.channel.starts_with("candle") || asked.channel == "trades-all";
    const bool general = asked.channel == "tickers" || asked.channel == "trades" || asked.channel == "books" ||
                         asked.channel == "books5" || asked.channel == "bbo-tbt";
    const std::string_view path = path_of(session.target);
    if (path == "/ws/v5/business" ? !business : path == "/ws/v5/public" ? !general : !business && !general)
      return false;
    if (market.symbols.contains(asked.symbol)) return true;
    return std::any_of(market.rest.begin(), market.rest.end(), [&](const CapturedRest& answer) {
      return answer.body.find(R"("instId":)" + json_quoted(asked.symbol)) != std::string::npos;
    });
  }

  static std::string wrong_channel(const RawJson& request, const Subscription& asked) {
    return "{" + echoed(request, "id") + R"("event":"error","msg":)" +
           json_quoted(
               "Wrong URL or channel:" + asked.channel + ",instId:" + asked.symbol +
               " doesn't exist. Please use the correct URL, channel and parameters referring to API document.") +
           R"(,"code":"60018",)" + connection_id + "}";
  }

  static std::optional<HttpReply> instruments(std::string_view target, const Market& market) {
    const std::string type = query_value(target, "instType");
    const std::string underlying = query_value(target, "uly");
    for (const auto& answer : market.rest) {
      if (answer.url.find("/public/instruments") == std::string::npos) continue;
      if (query_value(answer.url, "instType") != type || query_value(answer.url, "uly") != underlying) continue;
      return HttpReply{.body = answer.body};
    }
    return HttpReply{.status = 400, .body = R"({"code":"51000","msg":"Parameter instType error","data":[]})"};
  }

  bool today_;
};

}  // namespace

std::unique_ptr<Venue> make_okx_venue(const VenueOptions& options) { return std::make_unique<OkxVenue>(options); }

}  // namespace bixws::test
