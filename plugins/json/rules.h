// SPDX-License-Identifier: Apache-2.0
// Rules: the file that tells feed_json how an exchange speaks. docs/feed-json.md is its reference.
#pragma once

#include <bixws/dialect.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "tree.h"

namespace bixws::json {

/// What a rule may point at; the names in the file stand in kFieldNames, in this order.
// clang-format off
enum class Field : std::uint8_t {
  symbol, time, price, size, side, id,
  bid, ask, bid_size, ask_size, open_24h, high_24h, low_24h, volume_24h, quote_volume_24h, change_24h,  // tickers
  bids, asks, changes, level_price, level_size, level_side, first_id, last_id, previous_id,             // books
  text                                                                                                  // refusals
};
inline constexpr const char* kFieldNames[] = {
    "symbol", "time", "price", "size", "side", "id",
    "bid", "ask", "bid_size", "ask_size", "open_24h", "high_24h", "low_24h", "volume_24h", "quote_volume_24h",
    "change_24h",
    "bids", "asks", "changes", "level_price", "level_size", "level_side", "first_id", "last_id", "previous_id",
    "text"};
// clang-format on
inline constexpr std::size_t kFields = std::size(kFieldNames);

/// One kind of message.
struct Rule {
  enum class Kind : std::uint8_t { ticker, trades, book, acknowledged, refused, ignore };
  struct Condition {
    Pointer at;
    std::string text;
    bool present = false;  ///< anything but null will do
  };
  Kind kind = Kind::ignore;
  BookAction action = BookAction::update;
  std::vector<Condition> when;
  Pointer each;
  std::array<Pointer, kFields> fields;
  std::string constant_symbol;
  std::string before_symbol, after_symbol;  ///< what stands around it in the text that `symbol` points at
  std::vector<std::string> buy;             ///< texts of `side` that mean a buy; empty: the usual ones
  bool maker = false;                       ///< `side` is the maker's
  bool history = false;                     ///< trades from before the subscription

  [[nodiscard]] const Pointer& field(Field field) const { return fields[static_cast<std::size_t>(field)]; }
  [[nodiscard]] bool fits(const Tree& tree) const;
};

/// A message to send: text with a place for the symbols.
struct Template {
  std::string head, element, tail;  ///< `element` stands once for each symbol, between the two
  [[nodiscard]] bool empty() const { return head.empty() && element.empty(); }
  /// It can name only one symbol.
  bool single = false;
  void write(const Request& request, TextOut& out) const;
};

struct Rules {
  std::string url;
  std::vector<std::pair<std::string, std::string>> symbols;  ///< as users see them, as the exchange writes them
  std::array<Template, 4> subscribe, unsubscribe;            ///< by Channel
  std::string keep_alive;
  Micros keep_alive_every = 0;
  bool acknowledges = false;  ///< some rule says so
  Chain chain = Chain::none;
  TradeIds trade_ids = TradeIds::none;
  Micros silence = 0;
  Limits limits;
  std::vector<Rule> messages;
};

/// Empty: `rules` is filled. Otherwise why not: a sentence that names the file and the place in it.
std::string load_rules(const std::string& path, Rules& rules);

}  // namespace bixws::json
