// SPDX-License-Identifier: Apache-2.0
// OKX v5 from the other side: subscriptions, instruments, books with the checksum that the recording has.
// https://www.okx.com/docs-v5: WebSocket overview, public channels.
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

constexpr Text kConnection = R"("connId":"a4d3ae55")";
constexpr std::size_t kChecksumLevels = 25;

/// bid:size:ask:size of the best 25, read as a signed number.
std::int32_t checksum(const VenueBook& book) {
  std::string sum;
  const auto add = [&sum](std::span<const Level> side, std::size_t i) {
    if (i < side.size()) sum += side[i].price.to_string() + ":" + side[i].size.to_string() + ":";
  };
  for (std::size_t i = 0; i < kChecksumLevels; ++i) {
    add(book.bids, i);
    add(book.asks, i);
  }
  if (!sum.empty()) sum.pop_back();
  const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(sum.data()), static_cast<uInt>(sum.size()));
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(crc));
}

std::string sides(const VenueBook& book) {
  return R"("asks":)" + levels(book.asks, "[\"", "\",\"", "\",\"0\",\"1\"]") + R"(,"bids":)" +
         levels(book.bids, "[\"", "\",\"", "\",\"0\",\"1\"]");
}

class Session final : public VenueSession {
 public:
  explicit Session(Text target) : path_(path_of(target)) {}

  // {"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]} ->
  // {"event":"subscribe","arg":{...},"connId":".."}
  void heard(const Frame& frame, VenueMarket& market, VenueOut& out) noexcept override {
    if (frame.bytes == "ping") return out.send("pong");
    const auto request = parse(parser_, frame.bytes);
    const std::string op = request ? text(*request, "op") : std::string();
    if (op != "subscribe" && op != "unsubscribe") {
      out.send(R"({"event":"error","msg":)" + json_text("Invalid request: " + std::string(frame.bytes)) +
               R"(,"code":"60012",)" + std::string(kConnection) + "}");
      return;
    }
    const std::string id = echoed(*request, "id");
    std::vector<Wish> added;
    for (const Element& arg : items(field(*request, "args"))) {
      const Wish wish{text(arg, "channel"), text(arg, "instId")};
      if (!offered(wish, market)) {
        out.send(wrong_channel(id, wish));
        continue;
      }
      if (op == "unsubscribe") {
        wishes_.erase(wish);
      } else if (wishes_.insert(wish).second) {
        added.push_back(wish);
      }
      out.send("{" + id + R"("event":)" + json_text(op) + R"(,"arg":)" + raw(arg, {}) + "," + std::string(kConnection) +
               "}");
    }
    for (const Wish& wish : added) welcome(wish, market, out);
  }

  std::size_t topics() const noexcept override { return wishes_.size(); }
  bool wants(const FrameTopic& topic) const noexcept override {
    return wishes_.contains({std::string(topic.channel), std::string(topic.symbol)});
  }

 private:
  bool offered(const Wish& wish, const VenueMarket& market) const {
    constexpr std::array<Text, 5> general = {"tickers", "trades", "books", "books5", "bbo-tbt"};
    const bool business = wish.first.starts_with("candle") || wish.first == "trades-all";
    const bool open = std::find(general.begin(), general.end(), wish.first) != general.end();
    if (path_ == "/ws/v5/business" ? !business : path_ == "/ws/v5/public" ? !open : !business && !open) return false;
    return market.has_symbol(wish.second) ||
           market.recorded("/public/instruments").find(R"("instId":)" + json_text(wish.second)) != Text::npos;
  }

  static std::string wrong_channel(const std::string& id, const Wish& wish) {
    return "{" + id + R"("event":"error","msg":)" +
           json_text("Wrong URL or channel:" + wish.first + ",instId:" + wish.second +
                     " doesn't exist. Please use the correct URL, channel and parameters referring to API document.") +
           R"(,"code":"60018",)" + std::string(kConnection) + "}";
  }

  static void welcome(const Wish& wish, VenueMarket& market, VenueOut& out) {
    if (wish.first == "tickers") {
      if (const Text last = market.last_frame("tickers", wish.second); !last.empty()) out.send(last);
    }
    VenueBook book;
    if (wish.first != "books" || !market.book(wish.second, kAllLevels, book)) return;
    // Since 2026-06 the checksum is always 0 and ids chain; recordings from before have no ids.
    const std::string integrity = book.last == kNoId
                                      ? R"("checksum":)" + std::to_string(checksum(book))
                                      : R"("checksum":0,"seqId":)" + std::to_string(book.last) + R"(,"prevSeqId":-1)";
    out.send(R"({"arg":{"channel":"books","instId":)" + json_text(wish.second) + R"(},"action":"snapshot","data":[{)" +
             sides(book) + R"(,"ts":")" + std::to_string(market.now() / 1000) + R"(",)" + integrity + "}]}");
  }

  std::string path_;
  std::set<Wish> wishes_;
  simdjson::dom::parser parser_;
};

class Okx final : public Venue {
 public:
  // {"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{...}]}
  FrameTopic topic(const Frame& frame) noexcept override {
    FrameReader::clear(slots_);
    has_data_ = false;
    if (!json_.read_object(frame, deaf_, [this](std::uint64_t name, FrameReader::Value value) {
          if (name == tag("arg")) json_.collect(value, slots_);
          if (name == tag("data")) has_data_ = true;
        })) {
      return {};
    }
    if (!has_data_ || instrument_.empty()) return {};
    return {FrameTopic::Kind::data, channel_, instrument_, channel_ == "books"};
  }

  bool serves(Text path) const noexcept override {
    return path == "/ws/v5/public" || path == "/ws/v5/business" || path == "/";
  }
  VenueSession* connect(Text target) noexcept override { return new (std::nothrow) Session(target); }

  int rest(Text target, VenueMarket& market, TextOut& body) noexcept override {
    const Text path = path_of(target);
    if (path == "/api/v5/public/instruments") return instruments(target, market, body);
    if (path == "/api/v5/public/time") {
      body << R"({"code":"0","msg":"","data":[{"ts":")" << std::to_string(market.now() / 1000) << R"("}]})";
      return 200;
    }
    if (path != "/api/v5/market/books") return 0;
    VenueBook book;
    if (!market.book(query_value(target, "instId"), limit_of(query_value(target, "sz"), 1), book)) {
      body << R"({"code":"51001","msg":"Instrument ID does not exist","data":[]})";
      return 200;
    }
    body << R"({"code":"0","msg":"","data":[{)" << sides(book) << R"(,"ts":")" << std::to_string(market.now() / 1000)
         << R"("}]})";
    return 200;
  }

 private:
  static int instruments(Text target, const VenueMarket& market, TextOut& body) {
    const std::string type = query_value(target, "instType");
    const std::string underlying = query_value(target, "uly");
    std::string part = "/public/instruments?instType=" + type;
    if (!underlying.empty()) part += "&uly=" + underlying;
    const Text recorded = market.recorded(part);
    // A market that was not asked for when this was recorded has nothing to trade here.
    body << (recorded.empty() ? Text(R"({"code":"0","msg":"","data":[]})") : recorded);
    return 200;
  }

  FrameReader json_;
  DeafOut deaf_;
  Text channel_, instrument_;
  bool has_data_ = false;
  const FrameReader::Slot slots_[2] = {{tag("channel"), &channel_}, {tag("instId"), &instrument_}};
};

}  // namespace

BIXWS_EXPORT Venue* bixws_venue_v1() noexcept { return new (std::nothrow) Okx; }
