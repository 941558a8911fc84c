// SPDX-License-Identifier: Apache-2.0
// feed_json: any exchange that speaks JSON over a WebSocket, told by a file of rules (docs/feed-json.md) which field is
// what. The core does for it all that it does for the exchanges it knows.
#include <bixws/describe.h>
#include <bixws/dialect.h>
#include <bixws/time_text.h>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <new>
#include <string>
#include <vector>

#include "json/rules.h"
#include "json/tree.h"

namespace bixws::json {
namespace {

constexpr std::size_t kMostExcerpt = 120;

/// A time in whichever unit its size fits, with or without decimals, or RFC 3339. 0: none.
Micros micros_of(Text text) {
  if (text.find('-') != Text::npos) return rfc3339_micros(text);
  std::int64_t whole = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (result.ec != std::errc() || whole <= 0) return 0;
  std::int64_t unit = 1;  // microseconds in one of it; in 1973 to 5138 the four cannot be mistaken
  if (whole < 100'000'000'000) {
    unit = 1'000'000;
  } else if (whole < 100'000'000'000'000) {
    unit = 1'000;
  } else if (whole >= 100'000'000'000'000'000) {
    return whole / 1000;
  }
  Micros micros = whole * unit;
  const char* at = result.ptr;
  if (at != text.data() + text.size() && *at == '.') {
    for (++at; at != text.data() + text.size() && *at >= '0' && *at <= '9' && unit >= 10; ++at) {
      unit /= 10;
      micros += (*at - '0') * unit;
    }
  }
  return micros;
}

std::uint64_t id_of(Text text) {
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return text.empty() || result.ec != std::errc() || result.ptr != text.data() + text.size() ? kNoId : value;
}

class JsonFeed final : public Dialect {
 public:
  explicit JsonFeed(Rules rules) : rules_(std::move(rules)) {
    traits_.ws = rules_.url;
    for (const Rule& rule : rules_.messages) {
      if (rule.kind == Rule::Kind::ticker) traits_.channels |= channel_bit(Channel::ticker);
      if (rule.kind == Rule::Kind::trades) traits_.channels |= channel_bit(Channel::trades);
      if (rule.kind == Rule::Kind::book) traits_.channels |= channel_bit(Channel::book);
    }
    traits_.has_list = !rules_.symbols.empty();
    traits_.chain = rules_.chain;
    traits_.trade_ids = rules_.trade_ids;
    traits_.acknowledges = rules_.acknowledges;
    traits_.keep_alive = rules_.keep_alive.empty() ? 0 : rules_.keep_alive_every;
    traits_.keep_alive_always = true;
    traits_.silence = rules_.silence;
    traits_.limits = rules_.limits;
  }

  const Traits& traits() const noexcept override { return traits_; }
  Text path(Channel) const noexcept override { return "/"; }

  void request(const Request& request, TextOut& frame) noexcept override {
    const auto& templates = request.subscribe ? rules_.subscribe : rules_.unsubscribe;
    templates[static_cast<std::size_t>(request.channel)].write(request, frame);
  }
  void keep_alive(std::uint64_t id, TextOut& frame) noexcept override {
    Template{rules_.keep_alive, {}, {}}.write({.id = id}, frame);
  }

  void read_list(const Frame&, Out& out) noexcept override {
    for (const auto& [shown, theirs] : rules_.symbols) out.listed({.id = theirs, .base = shown});
  }

  void read(const Frame& frame, Out& out) noexcept override {
    if (tree_.read(frame.bytes) != Tree::Outcome::good) return unreadable(frame.bytes, out);
    const auto rule = std::find_if(rules_.messages.begin(), rules_.messages.end(),
                                   [this](const Rule& candidate) { return candidate.fits(tree_); });
    if (rule == rules_.messages.end()) {
      return out.trouble({.fault = Fault::unknown_kind, .text = frame.bytes.substr(0, kMostExcerpt)});
    }
    const Node* items = rule->each ? tree_.find(tree_.root(), rule->each) : nullptr;
    switch (rule->kind) {
      case Rule::Kind::trades:
        return trades(*rule, items, out);
      case Rule::Kind::ticker:
        return each(*rule, items, [&](const Node& item) { ticker(*rule, item, out); });
      case Rule::Kind::book:
        return each(*rule, items, [&](const Node& item) { book(*rule, item, out); });
      case Rule::Kind::acknowledged:
        return out.acknowledged(answer(*rule));
      case Rule::Kind::refused:
        return out.refused(answer(*rule));
      case Rule::Kind::ignore:
        return out.alive();
    }
  }

 private:
  void unreadable(Text bytes, Out& out) {
    const std::size_t start = bytes.find_first_not_of(" \t\r\n");
    const bool begins = start != Text::npos && (bytes[start] == '{' || bytes[start] == '[');
    out.trouble({.fault = begins ? Fault::truncated : Fault::not_json, .text = bytes});
  }

  template <typename Visit>
  void each(const Rule& rule, const Node* items, Visit&& visit) {
    if (!rule.each) return visit(tree_.root());
    if (items != nullptr && items->type == Node::Type::array) return tree_.each(*items, visit);
    if (items != nullptr) visit(*items);
  }

  /// The symbol's id in the core's words; `scratch` holds it where it is not the exchange's text.
  Text symbol(const Rule& rule, const Node& item, std::string& scratch) const {
    Text text = rule.constant_symbol;
    if (text.empty()) text = tree_.text(item, rule.field(Field::symbol));
    if (text.size() < rule.before_symbol.size() + rule.after_symbol.size()) return {};
    if (!text.starts_with(rule.before_symbol) || !text.ends_with(rule.after_symbol)) return {};
    text.remove_prefix(rule.before_symbol.size());
    text.remove_suffix(rule.after_symbol.size());
    if (traits_.has_list) return text;
    // Without a list symbols are known as users write them.
    scratch.clear();
    for (const char c : text) {
      if (c == '-' || c == '/' || c == '_' || c == ':') continue;
      scratch += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
    return scratch;
  }

  Answer answer(const Rule& rule) const {
    Answer made;
    const std::uint64_t id = id_of(tree_.text(tree_.root(), rule.field(Field::id)));
    if (id != kNoId) made.request = id;
    made.reason = tree_.text(tree_.root(), rule.field(Field::text));
    return made;
  }

  /// False, and `trouble_` says why: it is there, and no number; or it is not there and must be.
  bool number(const Rule& rule, const Node& item, Field field, bool required, Decimal& out) {
    return number_text(kFieldNames[static_cast<std::size_t>(field)], tree_.text(item, rule.field(field)), required,
                       out);
  }
  bool number_text(Text field, Text text, bool required, Decimal& out) {
    Trouble found;
    if (text.empty()) {
      if (!required) return true;
      found.fault = Fault::missing_field;
    } else {
      switch (parse_decimal(text, out)) {
        case NumberError::none:
          return true;
        case NumberError::too_long:
          found.fault = Fault::number_too_long;
          break;
        case NumberError::malformed:
          found.fault = Fault::not_a_number;
          break;
      }
    }
    found.field = field;
    found.text = text;
    trouble_ = found;
    return false;
  }
  void report(Channel channel, Text symbol, Out& out) {
    trouble_.channel = channel;
    trouble_.symbol = symbol;
    out.trouble(trouble_);
  }

  static Side side(const Rule& rule, Text text) {
    if (text.empty()) return Side::none;
    if (!rule.buy.empty()) {
      return std::find(rule.buy.begin(), rule.buy.end(), text) != rule.buy.end() ? Side::buy : Side::sell;
    }
    switch (text.front() | 0x20) {
      case 'b':  // buy, bid
        return Side::buy;
      case 's':  // sell
      case 'a':  // ask
        return Side::sell;
      default:
        return Side::none;
    }
  }
  static Side taker_side(const Rule& rule, Text text) {
    const Side named = side(rule, text);
    if (!rule.maker || named == Side::none) return named;
    return named == Side::buy ? Side::sell : Side::buy;
  }

  void trades(const Rule& rule, const Node* items, Out& out) {
    list_.clear();
    symbol_.clear();
    history_ = rule.history;
    each(rule, items, [&](const Node& item) {
      const Text symbol_here = symbol(rule, item, scratch_);
      if (symbol_here != symbol_) flush_trades(out);
      symbol_ = symbol_here;
      Trade trade;
      if (symbol_here.empty()) {
        trouble_ = {.fault = Fault::missing_field, .field = "symbol"};
        return report(Channel::trades, {}, out);
      }
      if (!number(rule, item, Field::price, true, trade.price) || !number(rule, item, Field::size, true, trade.size)) {
        return report(Channel::trades, symbol_, out);
      }
      trade.side = taker_side(rule, tree_.text(item, rule.field(Field::side)));
      trade.id = tree_.text(item, rule.field(Field::id));
      trade.ts = micros_of(tree_.text(item, rule.field(Field::time)));
      list_.push_back(trade);
    });
    flush_trades(out);
  }
  void flush_trades(Out& out) {
    if (!list_.empty()) out.trades({symbol_, list_.back().ts}, {list_, history_});
    list_.clear();
  }

  void ticker(const Rule& rule, const Node& item, Out& out) {
    Ticker made;
    const std::pair<Field, Decimal*> numbers[] = {{Field::price, &made.price},
                                                  {Field::bid, &made.bid},
                                                  {Field::ask, &made.ask},
                                                  {Field::bid_size, &made.bid_size},
                                                  {Field::ask_size, &made.ask_size},
                                                  {Field::open_24h, &made.open_24h},
                                                  {Field::high_24h, &made.high_24h},
                                                  {Field::low_24h, &made.low_24h},
                                                  {Field::volume_24h, &made.volume_24h},
                                                  {Field::quote_volume_24h, &made.quote_volume_24h},
                                                  {Field::change_24h, &made.change_24h}};
    const Text id = symbol(rule, item, scratch_);
    for (const auto& [field, decimal] : numbers) {
      if (!number(rule, item, field, false, *decimal)) return report(Channel::ticker, id, out);
    }
    out.ticker(
        {id, micros_of(tree_.text(item, rule.field(Field::time))), id_of(tree_.text(item, rule.field(Field::id)))},
        made);
  }

  bool level(const Rule& rule, const Node& node, const Pointer& price, const Pointer& size, std::vector<Level>& out) {
    Level& made = out.emplace_back();
    return number_text("level_price",
                       tree_.text(node, rule.field(Field::level_price) ? rule.field(Field::level_price) : price), true,
                       made.price) &&
           number_text("level_size",
                       tree_.text(node, rule.field(Field::level_size) ? rule.field(Field::level_size) : size), true,
                       made.size);
  }
  /// Levels of both sides; false: one of them cannot be read.
  bool levels(const Rule& rule, const Node& item) {
    bids_.clear();
    asks_.clear();
    bool good = true;
    for (const auto& [field, side] : {std::pair{Field::bids, &bids_}, std::pair{Field::asks, &asks_}}) {
      const Node* list = rule.field(field) ? tree_.find(item, rule.field(field)) : nullptr;
      if (list == nullptr) continue;
      tree_.each(*list,
                 [&, side = side](const Node& node) { good = good && level(rule, node, cell_[0], cell_[1], *side); });
    }
    // Changes of both sides in one list: [side, price, size].
    const Node* list = rule.field(Field::changes) ? tree_.find(item, rule.field(Field::changes)) : nullptr;
    if (list == nullptr) return good;
    tree_.each(*list, [&](const Node& node) {
      const Text named = tree_.text(node, rule.field(Field::level_side) ? rule.field(Field::level_side) : cell_[0]);
      good = good && level(rule, node, cell_[1], cell_[2], side(rule, named) == Side::buy ? bids_ : asks_);
    });
    return good;
  }

  void book(const Rule& rule, const Node& item, Out& out) {
    const Text id = symbol(rule, item, scratch_);
    if (!levels(rule, item)) return report(Channel::book, id, out);
    BookUpdate update;
    update.action = rule.action;
    update.bids = bids_;
    update.asks = asks_;
    update.first = id_of(tree_.text(item, rule.field(Field::first_id)));
    update.last = id_of(tree_.text(item, rule.field(Field::last_id)));
    update.previous = id_of(tree_.text(item, rule.field(Field::previous_id)));
    out.book({id, micros_of(tree_.text(item, rule.field(Field::time)))}, update);
  }

  static Pointer item_pointer(Text text) {
    Pointer made;
    made.parse(text);
    return made;
  }

  Rules rules_;
  Traits traits_;
  Tree tree_;
  Trouble trouble_;
  std::string scratch_, symbol_;
  bool history_ = false;
  std::vector<Trade> list_;
  std::vector<Level> bids_, asks_;
  const Pointer cell_[3] = {item_pointer("/0"), item_pointer("/1"), item_pointer("/2")};
};

constexpr Option kOptions[] = {
    {"file", OptionType::string, nullptr, "the file of rules; docs/feed-json.md describes it"},
    {"url", OptionType::string, "", "WebSocket endpoint instead of the file's: ws:// or wss://"},
    {"connections", OptionType::integer, "1", "live connections per subscription, merged; 2: losing one loses nothing"},
};

Dialect* refuse(Error& error, const std::string& text) {
  std::snprintf(error.text, sizeof error.text, "%s", text.c_str());
  return nullptr;
}

Dialect* make(const Settings& settings, Error& error) noexcept try {
  Rules rules;
  const std::string path(settings.get("file"));
  if (const std::string problem = load_rules(path, rules); !problem.empty()) return refuse(error, problem);
  if (!settings.get("url").empty()) rules.url = settings.get("url");
  if (rules.url.empty()) return refuse(error, path + " has no \"url\", and url= is not given");
  return new JsonFeed(std::move(rules));
} catch (const std::bad_alloc&) {
  return refuse(error, "out of memory");
}

constexpr Descriptor kDescriptor = describe_dialect(
    "json", BIXWS_VERSION, "any exchange that speaks JSON over a WebSocket, by a file of rules", kOptions, &make);

}  // namespace
}  // namespace bixws::json

BIXWS_EXPORT const bixws::Descriptor* bixws_plugin_v1() noexcept { return &bixws::json::kDescriptor; }
