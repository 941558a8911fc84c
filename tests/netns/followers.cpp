// SPDX-License-Identifier: Apache-2.0
// followers: many clients on one thread, each with a few symbols, that move to the next server when theirs goes away or
// falls silent, and resume there. Each message of theirs is checked: a hole that no gap names, or a repeat, is counted.
// Every line on stdin is answered with one of JSON; the end of stdin ends it.
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/ws_client.h"

namespace {

using namespace bixws::net;

constexpr Duration kRedial = std::chrono::milliseconds(300);
constexpr Duration kSilent = std::chrono::seconds(3);  // a server that is cut off says nothing at all

/// The text behind `"name":`, up to the next comma or brace; without its quotes.
std::string_view field(std::string_view text, std::string_view name) {
  const std::string key = '"' + std::string(name) + "\":";
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + key.size());
  if (text.starts_with('"')) return text.substr(1, text.find('"', 1) - 1);
  return text.substr(0, text.find_first_of(",}]"));
}

std::uint64_t number(std::string_view text, std::string_view name) {
  const std::string_view digits = field(text, name);
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

struct Tally {
  std::uint64_t messages = 0, repeats = 0, holes = 0, moves = 0, epochs = 0;
  std::map<std::string, std::uint64_t> gaps;
  std::string first_hole;
};

class Follower final : public WsClient::Owner {
 public:
  Follower(Loop& loop, Tally& tally, const std::vector<Url>& servers, std::size_t first,
           std::vector<std::string> symbols)
      : loop_(loop),
        tally_(tally),
        servers_(servers),
        server_(first % servers.size()),
        symbols_(std::move(symbols)),
        client_(loop, WsClientOptions{}, *this),
        redial_(loop, [this] { client_.connect(servers_[server_]); }),
        silence_(loop, [this] { move_on(); }),
        heard_(loop.now()) {
    client_.connect(servers_[server_]);
  }
  Instant heard() const { return heard_; }
  bool open() const { return client_.open(); }
  std::size_t server() const { return server_; }

 private:
  struct Place {
    std::uint64_t seq = 0, excused = 0;
  };

  void on_open(WsClient&) override {
    client_.send_text(subscription());
    silence_.start(kSilent);
  }
  void on_failed(WsClient&, const NetFailure&) override { next_server(); }
  void on_closed(WsClient&, const WsEnd&) override { next_server(); }
  void on_message(WsClient&, Opcode, std::string_view text) override {
    const std::string_view type = field(text, "type");
    if (type == "initial_data" || type == "subscribed") return epoch(field(text, "epoch"));
    if (type == "gap") return gap(text);
    if (type != "trades" && type != "book") return;
    heard_ = loop_.now();
    silence_.start(kSilent);
    ++tally_.messages;
    follow(text, type);
  }

  void move_on() {
    client_.stop();
    next_server();
  }
  void next_server() {
    silence_.cancel();
    server_ = (server_ + 1) % servers_.size();
    ++tally_.moves;
    redial_.start(kRedial);
  }

  void epoch(std::string_view name) {
    if (name.empty() || name == epoch_) return;
    if (!epoch_.empty()) ++tally_.epochs;
    epoch_ = name;
    places_.clear();
  }

  void gap(std::string_view text) {
    ++tally_.gaps[std::string(field(text, "reason"))];
    const std::uint64_t to = number(text, "to_seq");
    Place& place = places_[{std::string(field(text, "symbol")), std::string(field(text, "channel"))}];
    place.excused = std::max(place.excused, to);
  }

  void follow(std::string_view text, std::string_view channel) {
    Place& place = places_[{std::string(field(text, "symbol")), std::string(channel)}];
    const std::uint64_t seq = number(text, "seq");
    const std::uint64_t from = text.find("\"from_seq\":") != text.npos ? number(text, "from_seq") : seq;
    const bool state = field(text, "action") == "snapshot";
    if (!state && place.seq != 0) {
      if (seq <= place.seq) ++tally_.repeats;
      if (from > std::max(place.seq, place.excused) + 1 && ++tally_.holes == 1) {
        tally_.first_hole = "after " + std::to_string(place.seq) + ": " + std::string(text.substr(0, 150));
      }
    }
    place.seq = std::max(place.seq, seq);
  }

  std::string subscription() const {
    std::string names, last;
    for (const std::string& symbol : symbols_) {
      names += (names.empty() ? "\"" : ",\"") + symbol + '"';
      std::string channels;
      for (const char* channel : {"trades", "book"}) {
        const auto place = places_.find({symbol, channel});
        if (place == places_.end() || place->second.seq == 0) continue;
        channels +=
            (channels.empty() ? "\"" : ",\"") + std::string(channel) + "\":" + std::to_string(place->second.seq);
      }
      if (!channels.empty()) last += (last.empty() ? "\"" : ",\"") + symbol + "\":{" + channels + "}";
    }
    std::string text =
        R"({"type":"subscribe","id":1,"policy":"lossless","channels":["trades","book"],"symbols":[)" + names + "]";
    if (!epoch_.empty()) text += R"(,"resume":{"epoch":")" + epoch_ + R"(","last":{)" + last + "}}";
    return text + "}";
  }

  Loop& loop_;
  Tally& tally_;
  const std::vector<Url>& servers_;
  std::size_t server_;
  const std::vector<std::string> symbols_;
  WsClient client_;
  Timer redial_, silence_;
  Instant heard_;
  std::string epoch_;
  std::map<std::pair<std::string, std::string>, Place> places_;
};

class Questions final : public Pollable {
 public:
  Questions(Loop& loop, const Tally& tally, std::size_t servers,
            const std::vector<std::unique_ptr<Follower>>& followers)
      : loop_(loop), tally_(tally), servers_(servers), followers_(followers) {
    loop.add(STDIN_FILENO, *this);
  }
  ~Questions() { loop_.remove(STDIN_FILENO, *this); }

 private:
  void on_ready(std::uint32_t) override {
    char text[256];
    const ssize_t got = ::read(STDIN_FILENO, text, sizeof text);
    if (got <= 0) return loop_.stop();
    for (ssize_t i = 0; i < got; ++i) {
      if (text[i] == '\n') answer();
    }
  }
  void answer() const {
    Instant stalest = loop_.now();
    std::size_t open = 0;
    std::vector<std::size_t> at(servers_);
    for (const auto& follower : followers_) {
      stalest = std::min(stalest, follower->heard());
      open += follower->open() ? 1 : 0;
      at[follower->server()] += follower->open() ? 1 : 0;
    }
    std::string gaps, hole, places;
    for (const std::size_t count : at) places += (places.empty() ? "" : ",") + std::to_string(count);
    for (const auto& [reason, count] : tally_.gaps) {
      gaps += (gaps.empty() ? "\"" : ",\"") + reason + "\":" + std::to_string(count);
    }
    for (const char c : tally_.first_hole) hole += c == '"' ? '\'' : c;
    std::printf(
        R"({"open":%zu,"stalest":%.3f,"messages":%llu,"repeats":%llu,"holes":%llu,"moves":%llu,"epochs":%llu,"at":[%s],"gaps":{%s},"first_hole":"%s"})"
        "\n",
        open, std::chrono::duration<double>(loop_.now() - stalest).count(),
        static_cast<unsigned long long>(tally_.messages), static_cast<unsigned long long>(tally_.repeats),
        static_cast<unsigned long long>(tally_.holes), static_cast<unsigned long long>(tally_.moves),
        static_cast<unsigned long long>(tally_.epochs), places.c_str(), gaps.c_str(), hole.c_str());
    std::fflush(stdout);
  }

  Loop& loop_;
  const Tally& tally_;
  const std::size_t servers_;
  const std::vector<std::unique_ptr<Follower>>& followers_;
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

}  // namespace

int main(int count, char** arguments) try {
  if (count < 5) {
    std::fputs("usage: followers CLIENTS SYMBOLS_EACH SYMBOL,SYMBOL,... URL...\n", stderr);
    return 2;
  }
  const auto clients = static_cast<std::size_t>(std::stoul(arguments[1]));
  const auto each = static_cast<std::size_t>(std::stoul(arguments[2]));
  const std::vector<std::string> symbols = split(arguments[3]);
  std::vector<Url> servers;
  for (int i = 4; i < count; ++i) servers.push_back(parse_url(arguments[i]));
  Loop loop;
  Tally tally;
  std::vector<std::unique_ptr<Follower>> followers;
  const Questions questions(loop, tally, servers.size(), followers);
  for (std::size_t i = 0; i < clients; ++i) {
    std::vector<std::string> own;
    for (std::size_t j = 0; j < each; ++j) own.push_back(symbols[(i + j * 37) % symbols.size()]);
    followers.push_back(std::make_unique<Follower>(loop, tally, servers, i, std::move(own)));
  }
  loop.run();
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "followers: %s\n", error.what());
  return 1;
}
