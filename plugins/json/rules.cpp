// SPDX-License-Identifier: Apache-2.0
// Rules: read with Tree like any message, and refused with the place that is wrong.
#include "rules.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "model/nearest.h"
#include "model/time_text.h"

namespace bixws::json {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20;

/// Caught in load_rules.
class Refused : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename Value>
using Choices = std::vector<std::pair<const char*, Value>>;

template <typename Value>
Value choose(const std::string& where, Text text, const Choices<Value>& choices) {
  std::vector<std::string> names;
  for (const auto& [name, value] : choices) {
    if (text == name) return value;
    names.emplace_back(name);
  }
  throw Refused(where + ": unknown \"" + std::string(text) + "\"" + did_you_mean(text, names));
}

class Reader {
 public:
  explicit Reader(const Tree& tree) : tree_(tree) {}
  void read(Rules& rules) const;

 private:
  void top(const Node& node, Rules& rules) const;
  Rule rule(const Node& object, const std::string& where) const;
  void templates(const Node& object, const std::string& where, std::array<Template, 4>& out) const;
  [[nodiscard]] Template message(const Node& node, const std::string& where) const;
  void write(const Node& node, std::string& out) const;

  static void want(const Node& node, Node::Type type, const std::string& where) {
    if (node.type == type) return;
    constexpr const char* names[] = {"null", "a number or a truth value", "a text", "an object", "a list"};
    throw Refused(where + " must be " + names[static_cast<std::size_t>(type)]);
  }
  static std::string string(const Node& node, const std::string& where) {
    want(node, Node::Type::string, where);
    return std::string(node.text);
  }
  static std::uint32_t number(const Node& node, const std::string& where) {
    std::uint32_t value = 0;
    const auto result = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (node.type != Node::Type::scalar || result.ec != std::errc() ||
        result.ptr != node.text.data() + node.text.size()) {
      throw Refused(where + " must be a whole number");
    }
    return value;
  }
  static Micros duration(const Node& node, const std::string& where) {
    const auto value = parse_duration(string(node, where));
    if (!value || *value <= 0) throw Refused(where + " must be a duration such as \"20s\"");
    return *value;
  }
  static Pointer pointer(const Node& node, const std::string& where) {
    Pointer made;
    if (!made.parse(string(node, where))) {
      throw Refused(where + ": \"" + std::string(node.text) + "\" is no JSON pointer such as \"/data/price\"");
    }
    return made;
  }

  const Tree& tree_;
};

/// The node as JSON again, numbers as they stood.
void Reader::write(const Node& node, std::string& out) const {
  const auto quoted = [&out](Text text) {
    out += '"';
    for (const char c : text) {
      constexpr const char* hex = "0123456789abcdef";
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (byte < 0x20) {
        out += "\\u00";
        out += hex[byte >> 4U];
        out += hex[byte & 15U];
      } else {
        out += c;
      }
    }
    out += '"';
  };
  switch (node.type) {
    case Node::Type::null:
      out += "null";
      return;
    case Node::Type::scalar:
      out += node.text;
      return;
    case Node::Type::string:
      if (node.text == "{id}") {
        out += node.text;  // a number
      } else {
        quoted(node.text);
      }
      return;
    case Node::Type::object:
    case Node::Type::array:
      break;
  }
  const bool object = node.type == Node::Type::object;
  char before = object ? '{' : '[';
  if (node.first == 0) out += before;
  tree_.each(node, [&](const Node& child) {
    out += before;
    before = ',';
    if (object) {
      quoted(child.key);
      out += ':';
    }
    write(child, out);
  });
  out += object ? '}' : ']';
}

Template Reader::message(const Node& node, const std::string& where) const {
  std::string text;
  if (node.type == Node::Type::string) {
    text = node.text;  // an exchange that wants plain text
  } else if (node.container()) {
    write(node, text);
  } else {
    throw Refused(where + " must be an object, a list or a text");
  }
  Template made;
  std::size_t at = std::min(text.find("{symbol}"), text.find("{lower}"));
  if (at == std::string::npos) {
    made.head = std::move(text);
    return made;
  }
  // An item of a list is repeated for each symbol; anywhere else there is room for one.
  const std::size_t open = text.rfind('"', at);
  const std::size_t close = text.find('"', at);
  const bool item = open != std::string::npos && close != std::string::npos && open > 0 && close + 1 < text.size() &&
                    (text[open - 1] == '[' || text[open - 1] == ',') &&
                    (text[close + 1] == ']' || text[close + 1] == ',');
  made.single = !item;
  made.head = item ? text.substr(0, open) : std::string();
  made.element = item ? text.substr(open, close + 1 - open) : text;
  made.tail = item ? text.substr(close + 1) : std::string();
  return made;
}

void Reader::templates(const Node& object, const std::string& where, std::array<Template, 4>& out) const {
  want(object, Node::Type::object, where);
  tree_.each(object, [&](const Node& member) {
    const Choices<Channel> channels = {
        {"ticker", Channel::ticker}, {"trades", Channel::trades}, {"book", Channel::book}};
    const Channel channel = choose(where, member.key, channels);
    out[static_cast<std::size_t>(channel)] = message(member, where + "." + std::string(member.key));
  });
}

Rule Reader::rule(const Node& object, const std::string& where) const {
  want(object, Node::Type::object, where);
  Rule made;
  bool has_kind = false;
  std::vector<std::string> known = {"kind", "when", "each", "action", "symbol_in", "buy", "side_of", "history"};
  known.insert(known.end(), std::begin(kFieldNames), std::end(kFieldNames));
  tree_.each(object, [&](const Node& member) {
    const std::string at = where + "." + std::string(member.key);
    if (member.key == "kind") {
      has_kind = true;
      using Kind = Rule::Kind;
      made.kind = choose(at, string(member, at),
                         Choices<Kind>{{"ticker", Kind::ticker},
                                       {"trades", Kind::trades},
                                       {"book", Kind::book},
                                       {"acknowledged", Kind::acknowledged},
                                       {"refused", Kind::refused},
                                       {"ignore", Kind::ignore}});
    } else if (member.key == "when") {
      want(member, Node::Type::object, at);
      tree_.each(member, [&](const Node& condition) {
        Rule::Condition& made_condition = made.when.emplace_back();
        if (!made_condition.at.parse(condition.key)) {
          throw Refused(at + ": \"" + std::string(condition.key) + "\" is no JSON pointer such as \"/type\"");
        }
        if (condition.container() || condition.type == Node::Type::null) {
          throw Refused(at + ": \"" + std::string(condition.key) + "\" must be compared with a text or a number");
        }
        made_condition.text = condition.text;
        made_condition.present = condition.text == "*";
      });
    } else if (member.key == "each") {
      made.each = pointer(member, at);
    } else if (member.key == "action") {
      made.action = choose(at, string(member, at),
                           Choices<BookAction>{{"snapshot", BookAction::snapshot}, {"update", BookAction::update}});
    } else if (member.key == "symbol_in") {
      const std::string text = string(member, at);
      const std::size_t mark = text.find("{symbol}");
      if (mark == std::string::npos) throw Refused(at + " must show where {symbol} stands, as in \"book.{symbol}.50\"");
      made.before_symbol = text.substr(0, mark);
      made.after_symbol = text.substr(mark + 8);
    } else if (member.key == "buy") {
      if (member.type == Node::Type::array) {
        tree_.each(member, [&](const Node& text) { made.buy.emplace_back(text.text); });
      } else {
        made.buy.emplace_back(member.text);
      }
    } else if (member.key == "side_of") {
      made.maker = choose(at, string(member, at), Choices<bool>{{"taker", false}, {"maker", true}});
    } else if (member.key == "history") {
      made.history = choose(at, member.text, Choices<bool>{{"true", true}, {"false", false}});
    } else {
      const auto* name = std::find(std::begin(kFieldNames), std::end(kFieldNames), member.key);
      if (name == std::end(kFieldNames)) throw Refused("unknown " + at + did_you_mean(member.key, known));
      const auto index = static_cast<std::size_t>(name - std::begin(kFieldNames));
      const Text text = member.text;
      if (index == static_cast<std::size_t>(Field::symbol) && !text.starts_with('/') && !text.starts_with('^')) {
        made.constant_symbol = string(member, at);
      } else {
        made.fields[index] = pointer(member, at);
      }
    }
  });
  if (!has_kind) throw Refused(where + " has no \"kind\"");
  const auto need = [&](Field field) {
    if (!made.field(field)) throw Refused(where + " has no \"" + kFieldNames[static_cast<std::size_t>(field)] + "\"");
  };
  const bool data = made.kind == Rule::Kind::ticker || made.kind == Rule::Kind::trades || made.kind == Rule::Kind::book;
  if (data && made.constant_symbol.empty()) need(Field::symbol);
  if (made.kind == Rule::Kind::trades) {
    need(Field::price);
    need(Field::size);
  }
  const bool some_levels = made.field(Field::bids) || made.field(Field::asks) || made.field(Field::changes);
  if (made.kind == Rule::Kind::book && !some_levels) need(Field::bids);
  return made;
}

void Reader::top(const Node& node, Rules& rules) const {
  const std::string key(node.key);
  if (key == "url") {
    rules.url = string(node, key);
  } else if (key == "symbols") {
    want(node, Node::Type::object, key);
    tree_.each(node, [&](const Node& symbol) {
      rules.symbols.emplace_back(symbol.key, string(symbol, key + "." + std::string(symbol.key)));
    });
  } else if (key == "subscribe") {
    templates(node, key, rules.subscribe);
  } else if (key == "unsubscribe") {
    templates(node, key, rules.unsubscribe);
  } else if (key == "keep_alive") {
    const Template made = message(node, key);
    if (!made.element.empty()) throw Refused(key + " has no symbol to name");
    rules.keep_alive = made.head;
    if (rules.keep_alive_every == 0) rules.keep_alive_every = 20'000'000;
  } else if (key == "keep_alive_every") {
    rules.keep_alive_every = duration(node, key);
  } else if (key == "silence") {
    rules.silence = duration(node, key);
  } else if (key == "chain") {
    rules.chain = choose(key, string(node, key),
                         Choices<Chain>{{"none", Chain::none},
                                        {"contiguous", Chain::contiguous},
                                        {"linked", Chain::linked},
                                        {"rising", Chain::rising}});
  } else if (key == "trade_ids") {
    rules.trade_ids =
        choose(key, string(node, key),
               Choices<TradeIds>{
                   {"none", TradeIds::none}, {"rising", TradeIds::rising}, {"consecutive", TradeIds::consecutive}});
  } else if (key == "topics_per_connection") {
    rules.limits.topics_per_connection = number(node, key);
  } else if (key == "symbols_per_request") {
    rules.limits.symbols_per_request = std::max(1U, number(node, key));
  } else if (key == "requests_per_second") {
    rules.limits.requests_per_second = number(node, key);
  } else if (key == "messages") {
    want(node, Node::Type::array, key);
    tree_.each(node, [&](const Node& one) {
      rules.messages.push_back(rule(one, key + "[" + std::to_string(rules.messages.size()) + "]"));
    });
  } else {
    const std::vector<std::string> known = {"url",
                                            "symbols",
                                            "subscribe",
                                            "unsubscribe",
                                            "messages",
                                            "keep_alive",
                                            "silence",
                                            "keep_alive_every",
                                            "chain",
                                            "trade_ids",
                                            "symbols_per_request",
                                            "topics_per_connection",
                                            "requests_per_second"};
    throw Refused("unknown \"" + key + "\"" + did_you_mean(key, known));
  }
}

void Reader::read(Rules& rules) const {
  want(tree_.root(), Node::Type::object, "the whole");
  tree_.each(tree_.root(), [&](const Node& node) { top(node, rules); });
  if (rules.messages.empty()) throw Refused("there are no \"messages\": nothing would ever be read");
  for (const Rule& rule : rules.messages) {
    rules.acknowledges = rules.acknowledges || rule.kind == Rule::Kind::acknowledged;
  }
  for (const auto& list : {&rules.subscribe, &rules.unsubscribe}) {
    for (const Template& one : *list) {
      if (one.single) rules.limits.symbols_per_request = 1;
    }
  }
}

/// "{symbol}", "{lower}" and "{id}" in `text` replaced.
void fill(Text text, Text symbol, std::uint64_t id, TextOut& out) {
  while (!text.empty()) {
    const std::size_t at = text.find('{');
    out << text.substr(0, at);
    if (at == Text::npos) return;
    text.remove_prefix(at);
    if (text.starts_with("{symbol}")) {
      out << symbol;
      text.remove_prefix(8);
    } else if (text.starts_with("{lower}")) {
      for (const char c : symbol) {
        const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        out << Text(&lower, 1);
      }
      text.remove_prefix(7);
    } else if (text.starts_with("{id}")) {
      out << id;
      text.remove_prefix(4);
    } else {
      out << text.substr(0, 1);
      text.remove_prefix(1);
    }
  }
}

}  // namespace

bool Rule::fits(const Tree& tree) const {
  return std::all_of(when.begin(), when.end(), [&](const Condition& condition) {
    const Node* node = tree.find(tree.root(), condition.at);
    if (node == nullptr || node->type == Node::Type::null) return false;
    return condition.present || (!node->container() && node->text == condition.text);
  });
}

void Template::write(const Request& request, TextOut& out) const {
  fill(head, {}, request.id, out);
  Text comma;
  for (const Text symbol : element.empty() ? std::span<const Text>() : request.symbols) {
    out << comma;
    fill(element, symbol, request.id, out);
    comma = ",";
  }
  fill(tail, {}, request.id, out);
}

std::string load_rules(const std::string& path, Rules& rules) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream content;
  if (!file || !(content << file.rdbuf())) return "cannot read " + path;
  std::string text = content.str();
  if (text.size() > kMostBytes) return path + " is larger than 1 MiB";
  const std::size_t size = text.size();
  text.append(kFramePadding, '\0');
  Tree tree;
  if (tree.read({text.data(), size}) != Tree::Outcome::good) return path + " is not JSON";
  try {
    Reader(tree).read(rules);
  } catch (const Refused& e) {
    return path + ": " + e.what();
  }
  return {};
}

}  // namespace bixws::json
