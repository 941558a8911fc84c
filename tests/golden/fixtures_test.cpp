// SPDX-License-Identifier: Apache-2.0
// fixtures/<exchange>/*.frames: what a dialect says and hears, written by hand after the exchange's documents, odd
// frames included. A new exchange brings its own folder and nothing here changes.
//
//   # a remark                          @options key=value        the dialect is made anew
//   < a frame of the socket             @subscribe CHANNEL ID...  > the frame that asks (also @unsubscribe,
//   @keep_alive) = what the dialect makes of it      @list BODY                > also @list_path [CURSOR],
//   @snapshot_path ID
//                                       @snapshot ID BODY
// Every action is followed by all that must come of it, in order.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "model/event_json.h"
#include "support/dialect_run.h"

namespace bixws::test {
namespace {

std::string fields(std::initializer_list<std::pair<const char*, std::string>> list) {
  std::string text;
  for (const auto& [name, value] : list) {
    if (!value.empty()) text += " " + std::string(name) + "=" + value;
  }
  return text;
}
std::string number(std::uint64_t value) { return value == kNoId ? "" : std::to_string(value); }
std::string time_text(Micros ts) { return ts == 0 ? "" : std::to_string(ts); }
std::string channel_text(Channel channel) { return channel == Channel::none ? "" : std::string(name_of(channel)); }

std::string levels_text(std::span<const Level> side) {
  std::string text;
  for (const Level& level : side) text += " " + level.price.to_string() + "x" + level.size.to_string();
  return text;
}

// Everything a dialect says, a line each.
class Lines final : public Out, public TextOut {
 public:
  void ticker(const Head& head, const Ticker& t) noexcept override {
    say("ticker " + name(head) +
        fields({{"price", t.price.to_string()},
                {"bid", t.bid.to_string()},
                {"bid_size", t.bid_size.to_string()},
                {"ask", t.ask.to_string()},
                {"ask_size", t.ask_size.to_string()},
                {"open", t.open_24h.to_string()},
                {"high", t.high_24h.to_string()},
                {"low", t.low_24h.to_string()},
                {"volume", t.volume_24h.to_string()},
                {"quote_volume", t.quote_volume_24h.to_string()},
                {"change", t.change_24h.to_string()}}));
  }
  void trades(const Head& head, const Trades& trades) noexcept override {
    std::string list;
    for (const Trade& trade : trades.list) {
      list += (list.empty() ? " " : "; ") + trade.price.to_string() + "x" + trade.size.to_string() +
              (trade.side == Side::sell ? " sell" : " buy") +
              fields({{"id", std::string(trade.id)}, {"ts", time_text(trade.ts)}});
    }
    say((trades.history ? "history " : "trades ") + name(head) + list);
  }
  void candle(const Head& head, const Candle& c) noexcept override {
    say("candle " + name(head) +
        fields({{"seconds", std::to_string(c.seconds)},
                {"open_ts", time_text(c.open_ts)},
                {"open", c.open.to_string()},
                {"high", c.high.to_string()},
                {"low", c.low.to_string()},
                {"close", c.close.to_string()},
                {"volume", c.volume.to_string()}}) +
        (c.closed ? " closed" : ""));
  }
  void book(const Head& head, const BookUpdate& update) noexcept override {
    say((update.action == BookAction::snapshot ? "snapshot " : "update ") + name(head) +
        fields({{"depth", update.depth == 0 ? "" : std::to_string(update.depth)},
                {"first", number(update.first)},
                {"last", number(update.last)},
                {"previous", number(update.previous)},
                {"checksum", update.has_checksum ? std::to_string(update.checksum) : ""}}) +
        " bids" + levels_text(update.bids) + " asks" + levels_text(update.asks));
  }
  void other(const Head& head, const Event&) noexcept override { say("other " + name(head)); }
  void acknowledged(const Answer& answer) noexcept override { say("acknowledged" + text_of(answer)); }
  void refused(const Answer& answer) noexcept override { say("refused" + text_of(answer)); }
  void alive() noexcept override { say("alive"); }
  void leaving(Text why) noexcept override { say("leaving " + std::string(why)); }
  void reconnect(Text why) noexcept override { say("reconnect " + std::string(why)); }
  void condition(FeedState state, Text why) noexcept override {
    say("condition " + std::string(name_of(state)) + fields({{"why", std::string(why)}}));
  }
  void clock(Micros now) noexcept override { say("clock " + std::to_string(now)); }
  void trouble(const Trouble& trouble) noexcept override {
    const char* names[] = {"not_json", "truncated", "number_too_long", "not_a_number", "missing_field", "unknown_kind"};
    say("trouble " + std::string(names[static_cast<std::size_t>(trouble.fault)]) +
        fields({{"channel", channel_text(trouble.channel)},
                {"symbol", std::string(trouble.symbol)},
                {"field", std::string(trouble.field)},
                {"text", std::string(trouble.text.substr(0, 60))}}));
  }
  void listed(const Listing& listing) noexcept override {
    say("listed " + std::string(listing.id) +
        fields({{"base", std::string(listing.base)}, {"quote", std::string(listing.quote)}}) +
        (listing.trading ? "" : " not trading"));
  }
  void more(Text cursor) noexcept override { say("more " + std::string(cursor)); }
  void append(Text text) noexcept override { sent += text; }

  std::vector<std::string> all;
  std::string sent;

 private:
  void say(const std::string& line) { all.push_back("= " + line); }
  static std::string name(const Head& head) {
    return std::string(head.symbol) + fields({{"ts", time_text(head.ts)}, {"id", number(head.id)}});
  }
  static std::string text_of(const Answer& answer) {
    return fields({{"request", answer.request == 0 ? "" : std::to_string(answer.request)},
                   {"channel", channel_text(answer.channel)},
                   {"symbol", std::string(answer.symbol)},
                   {"reason", std::string(answer.reason)}});
  }
};

// The first word of a text, which is shortened by it.
std::string take_word(std::string& text) {
  const std::size_t space = text.find(' ');
  const std::string word = text.substr(0, space);
  text.erase(0, space == std::string::npos ? text.size() : space + 1);
  return word;
}

std::map<std::string, std::string> options_in(std::string text) {
  std::map<std::string, std::string> options;
  while (!text.empty()) {
    const std::string pair = take_word(text);
    options[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  }
  return options;
}

class Script {
 public:
  explicit Script(std::string exchange) : exchange_(std::move(exchange)), dialect_(load_dialect(exchange_)) {}

  // What comes of an action, each line as it stands in the file.
  std::vector<std::string> act(const std::string& line) {
    Lines lines;
    std::string rest = line;
    const std::string verb = take_word(rest);
    if (verb == "<") {
      dialect_->read({padded(rest), 1}, lines);
    } else if (verb == "@options") {
      dialect_ = load_dialect(exchange_, options_in(rest));
    } else if (verb == "@subscribe" || verb == "@unsubscribe") {
      const std::string channel = take_word(rest);
      std::vector<std::string> ids;
      while (!rest.empty()) ids.push_back(take_word(rest));
      const std::vector<Text> symbols(ids.begin(), ids.end());
      dialect_->request({verb == "@subscribe", channel_named(channel), symbols, 7}, lines);
    } else if (verb == "@keep_alive") {
      dialect_->keep_alive(8, lines);
    } else if (verb == "@list") {
      dialect_->read_list({padded(rest), 0}, lines);
    } else if (verb == "@list_path") {
      dialect_->list_path(rest, lines);
    } else if (verb == "@snapshot_path") {
      dialect_->snapshot_path(rest, lines);
    } else if (verb == "@snapshot") {
      const std::string id = take_word(rest);
      dialect_->read_snapshot(id, {padded(rest), 0}, lines);
    } else {
      ADD_FAILURE() << "no such action: " << line;
    }
    if (!lines.sent.empty()) lines.all.insert(lines.all.begin(), "> " + lines.sent);
    return lines.all;
  }

 private:
  static Channel channel_named(const std::string& name) {
    for (const Channel channel : {Channel::ticker, Channel::trades, Channel::book, Channel::candle}) {
      if (name_of(channel) == name) return channel;
    }
    ADD_FAILURE() << "no such channel: " << name;
    return Channel::none;
  }
  Text padded(const std::string& text) {
    frame_ = text;
    frame_.append(kFramePadding, '\0');
    return {frame_.data(), text.size()};
  }

  std::string exchange_, frame_;
  std::unique_ptr<Dialect> dialect_;
};

std::vector<std::string> fixtures() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BIXWS_SOURCE_DIR "/fixtures")) {
    if (entry.path().extension() == ".frames") names.push_back(entry.path().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

class Fixture : public testing::TestWithParam<std::string> {};

TEST_P(Fixture, SaysWhatStandsInIt) {
  std::ifstream file(GetParam());
  ASSERT_TRUE(file) << GetParam();
  Script script(std::filesystem::path(GetParam()).parent_path().filename().string());
  std::string action;
  std::size_t action_line = 0;
  std::size_t actions = 0;
  std::vector<std::string> said;
  std::vector<std::string> wanted;
  const auto settle = [&] {
    EXPECT_EQ(said, wanted) << GetParam() << ":" << action_line << ": " << action;
    wanted.clear();
  };
  std::string line;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '=' || line[0] == '>') {
      wanted.push_back(line);
      continue;
    }
    settle();
    action = line;
    action_line = number;
    ++actions;
    said = script.act(line);
  }
  settle();
  EXPECT_GT(actions, 5U) << "a fixture that says nothing";
}

INSTANTIATE_TEST_SUITE_P(FeedGolden, Fixture, testing::ValuesIn(fixtures()), [](const auto& name) {
  const std::filesystem::path path(name.param);
  return path.parent_path().filename().string() + "_" + path.stem().string();
});

}  // namespace
}  // namespace bixws::test
