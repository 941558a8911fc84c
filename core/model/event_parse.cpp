// SPDX-License-Identifier: Apache-2.0
// Protocol messages back into events, with simdjson; fields may come in any order.
#include "model/event_parse.h"

#include <simdjson.h>

#include <array>
#include <utility>
#include <vector>

#include "model/event_json.h"

namespace bixws {
namespace {

namespace od = simdjson::ondemand;

/// Thrown and caught inside this file only: a message is refused as a whole.
struct Refused {
  std::string why;
};

constexpr std::array<std::pair<std::string_view, MessageType>, 14> kTypes = {{
    {"initial_data", MessageType::initial_data},
    {"market_update", MessageType::market_update},
    {"trades", MessageType::trades},
    {"book", MessageType::book},
    {"candle", MessageType::candle},
    {"status", MessageType::status},
    {"gap", MessageType::gap},
    {"alert", MessageType::alert},
    {"annotation", MessageType::annotation},
    {"subscribed", MessageType::subscribed},
    {"unsubscribed", MessageType::unsubscribed},
    {"pong", MessageType::pong},
    {"history", MessageType::history},
    {"error", MessageType::error},
}};

template <typename Enum>
Enum by_name(std::string_view name, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    if (name_of(static_cast<Enum>(i)) == name) return static_cast<Enum>(i);
  }
  return Enum{};
}

Decimal decimal_of(od::value value, std::string_view key) {
  std::string_view token = value.raw_json_token();
  while (!token.empty() &&
         (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' || token.back() == '\r')) {
    token.remove_suffix(1);
  }
  Decimal number;
  if (token == "null") return number;
  const NumberError error = parse_decimal(token, number);
  if (error != NumberError::none) {
    throw Refused{std::string(key) +
                  (error == NumberError::too_long ? " has more digits than fit: " : " is not a number: ") +
                  std::string(token.substr(0, 64))};
  }
  return number;
}

/// exchange:SYMBOL without its prefix.
std::string_view plain_symbol(std::string_view label) {
  const auto colon = label.find(':');
  return colon == std::string_view::npos ? label : label.substr(colon + 1);
}

bool is_plain(std::string_view label) { return label.find(':') == std::string_view::npos; }

/// All fields a data message may have; which ones count depends on its type.
struct Fields {
  std::string exchange, symbol;
  Micros ts = 0, recv_ts = 0;
  std::uint64_t seq = 0;
  BookChange book;
  Candle candle;
  Status status;
  ReplayPosition replay;
  Gap gap;
  Mark mark;
  Trades trades;
  Decimal price;
  std::string_view state;
  bool plain = false;  // the symbol had no prefix
};

}  // namespace

struct MessageParser::State {
  explicit State(Instruments& table) : instruments(table) {}

  Instruments& instruments;
  od::parser parser;
  std::string padded;
  std::string plain_exchange;
  std::string assumed_exchange;
  std::vector<Level> bids, asks;
  std::vector<Trade> trades;
  std::vector<Point> points;

  void note_plain(std::string_view exchange) {
    if (plain_exchange != exchange) plain_exchange = exchange;
  }

  void read_levels(od::value value, std::vector<Level>& into) {
    into.clear();
    for (od::array pair : value.get_array()) {
      Level level;
      int index = 0;
      for (od::value number : pair) {
        (index == 0 ? level.price : level.size) = decimal_of(number, "level");
        if (++index == 2) break;
      }
      if (!level.price.has_value() || !level.size.has_value()) throw Refused{"a level has no price or no size"};
      into.push_back(level);
    }
  }

  void read_trades(od::array list, Fields& fields, Arena& arena) {
    trades.clear();
    for (od::object object : list) {
      Trade trade;
      for (auto field : object) {
        const std::string_view key = field.unescaped_key();
        if (key == "price") {
          trade.price = decimal_of(field.value(), key);
        } else if (key == "size") {
          trade.size = decimal_of(field.value(), key);
        } else if (key == "side") {
          trade.side = by_name<Side>(field.value().get_string(), 3);
        } else if (key == "id") {
          trade.id = arena.copy(std::string_view(field.value().get_string()));
        } else if (key == "ts") {
          trade.ts = field.value().get_int64();
        } else if (key == "recv_ts") {
          fields.recv_ts = field.value().get_int64();
        }
      }
      if (!trade.price.has_value() || !trade.size.has_value()) throw Refused{"a trade has no price or no size"};
      trades.push_back(trade);
    }
    fields.trades.list = trades;
    if (!trades.empty()) fields.ts = trades.back().ts;
  }

  void read_ticker(std::string_view label, od::object object, std::uint64_t seq, EventBatch& into) {
    Ticker t;
    std::string exchange;
    Micros ts = 0;
    Micros recv_ts = 0;
    const std::array<std::pair<std::string_view, Decimal*>, 11> numbers = {{{"price", &t.price},
                                                                            {"bid", &t.bid},
                                                                            {"ask", &t.ask},
                                                                            {"bid_size", &t.bid_size},
                                                                            {"ask_size", &t.ask_size},
                                                                            {"open_24h", &t.open_24h},
                                                                            {"high_24h", &t.high_24h},
                                                                            {"low_24h", &t.low_24h},
                                                                            {"volume_24h", &t.volume_24h},
                                                                            {"quote_volume_24h", &t.quote_volume_24h},
                                                                            {"change_24h", &t.change_24h}}};
    for (auto field : object) {
      const std::string_view key = field.unescaped_key();
      if (key == "exchange") {
        exchange = std::string_view(field.value().get_string());
      } else if (key == "ts") {
        ts = field.value().get_int64();
      } else if (key == "recv_ts") {
        recv_ts = field.value().get_int64();
      } else {
        for (const auto& [name, number] : numbers) {
          if (key == name) {
            *number = decimal_of(field.value(), key);
            break;
          }
        }
      }
    }
    if (exchange.empty()) exchange = assumed_exchange;
    if (exchange.empty()) throw Refused{"the ticker of " + std::string(label) + " names no exchange"};
    if (is_plain(label)) note_plain(exchange);
    Event event = Event::of(instruments.get(exchange, plain_symbol(label)), recv_ts, ts, t);
    event.seq = seq;
    into.append(event);
  }

  void read_points(od::array list, Fields& fields) {
    points.clear();
    for (od::array pair : list) {
      Point point;
      int index = 0;
      for (od::value number : pair) {
        if (index++ == 0) {
          point.ts = number.get_int64();
        } else {
          point.price = decimal_of(number, "point");
        }
      }
      points.push_back(point);
    }
    fields.mark.points = points;
  }

  static void read_positions(od::object object, std::vector<ParsedMessage::Position>& into) {
    for (auto entry : object) {
      const std::string symbol(std::string_view(entry.unescaped_key()));
      for (auto channel : entry.value().get_object()) {
        std::string name(std::string_view(channel.unescaped_key()));
        into.push_back({symbol, std::move(name), channel.value().get_uint64()});
      }
    }
  }

  void read_replay(od::object object, Fields& fields, Arena& arena) {
    for (auto field : object) {
      const std::string_view key = field.unescaped_key();
      if (key == "session") {
        fields.replay.session = field.value().get_int64();
      } else if (key == "position") {
        fields.replay.position = field.value().get_int64();
      } else if (key == "speed") {
        od::value speed = field.value();
        fields.replay.speed = speed.type() == od::json_type::number ? double(speed.get_double()) : 0.0;
      } else if (key == "state") {
        fields.replay.state = arena.copy(std::string_view(field.value().get_string()));
      } else if (key == "from") {
        fields.replay.from = field.value().get_int64();
      } else if (key == "to") {
        fields.replay.to = field.value().get_int64();
      }
    }
    fields.status.replay = &fields.replay;
  }

  /// One field of a data message. Times, texts and numbers are taken whatever the type: names mean one thing each.
  void read_field(std::string_view key, od::value value, Fields& f, Arena& arena) {
    const auto text = [&] { return arena.copy(std::string_view(value.get_string())); };
    if (key == "exchange") {
      f.exchange = std::string_view(value.get_string());
    } else if (key == "symbol") {
      const std::string_view label = value.get_string();
      f.plain = is_plain(label);
      f.symbol = plain_symbol(label);
    } else if (key == "ts") {
      f.ts = value.get_int64();
    } else if (key == "recv_ts") {
      f.recv_ts = value.get_int64();
    } else if (key == "state") {
      f.state = text();
    } else if (key == "bids") {
      read_levels(value, bids);
      f.book.bids = bids;
    } else if (key == "asks") {
      read_levels(value, asks);
      f.book.asks = asks;
    } else if (key == "action") {
      f.book.action = std::string_view(value.get_string()) == "snapshot" ? BookAction::snapshot : BookAction::update;
    } else if (key == "depth") {
      f.book.depth = static_cast<std::uint32_t>(std::uint64_t(value.get_uint64()));
    } else if (key == "timeframe") {
      f.candle.seconds = parse_timeframe(value.get_string());
      if (f.candle.seconds == 0) throw Refused{"timeframe is none"};
    } else if (key == "open_ts") {
      f.candle.open_ts = value.get_int64();
    } else if (key == "open") {
      f.candle.open = decimal_of(value, key);
    } else if (key == "high") {
      f.candle.high = decimal_of(value, key);
    } else if (key == "low") {
      f.candle.low = decimal_of(value, key);
    } else if (key == "close") {
      f.candle.close = decimal_of(value, key);
    } else if (key == "volume") {
      f.candle.volume = decimal_of(value, key);
    } else if (key == "closed") {
      f.candle.closed = value.get_bool();
    } else if (key == "integrity") {
      f.status.integrity = by_name<Integrity>(value.get_string(), 4);
    } else if (key == "lag_us") {
      f.status.lag_us = value.get_int64();
    } else if (key == "skew_us") {
      f.status.skew_us = value.get_int64();
    } else if (key == "reason") {
      f.status.reason = f.gap.reason = text();
    } else if (key == "replay") {
      read_replay(value.get_object(), f, arena);
    } else if (key == "channel") {
      f.gap.channel = by_name<Channel>(value.get_string(), 8);
    } else if (key == "from_ts") {
      f.gap.from_ts = value.get_int64();
    } else if (key == "to_ts") {
      f.gap.to_ts = value.get_int64();
    } else if (key == "from_seq") {
      f.gap.from_seq = value.get_uint64();
    } else if (key == "to_seq") {
      f.gap.to_seq = value.get_uint64();
    } else if (key == "lost") {
      f.gap.lost = value.get_int64();
    } else if (key == "scope") {
      f.gap.client = std::string_view(value.get_string()) == "client";
    } else if (key == "price") {
      f.mark.price = decimal_of(value, key);
    } else if (key == "text") {
      f.mark.text = text();
    } else if (key == "kind") {
      f.mark.kind = text();
    } else if (key == "color") {
      f.mark.color = text();
    } else if (key == "points") {
      read_points(value.get_array(), f);
    } else if (key == "deleted") {
      f.mark.deleted = value.get_bool();
    } else if (key == "history") {
      f.trades.history = value.get_bool();
    }
  }

  void append(MessageType type, Fields& f, EventBatch& into) {
    const bool data = type == MessageType::trades || type == MessageType::book || type == MessageType::candle ||
                      type == MessageType::status || type == MessageType::gap || type == MessageType::alert ||
                      type == MessageType::annotation;
    if (!data) return;
    // The status of a replay as a whole is of no exchange.
    if (f.exchange.empty()) f.exchange = assumed_exchange;
    if (f.exchange.empty() && type != MessageType::status) throw Refused{"no exchange"};
    const Instrument& instrument = instruments.get(f.exchange, f.symbol);
    if (f.plain && !f.symbol.empty()) note_plain(f.exchange);
    Event event;
    switch (type) {
      case MessageType::trades:
        event = Event::of(instrument, f.recv_ts, f.ts, f.trades);
        break;
      case MessageType::book:
        f.book.state = by_name<FeedState>(f.state, 7);
        event = Event::of(instrument, f.recv_ts, f.ts, f.book);
        break;
      case MessageType::candle:
        event = Event::of(instrument, f.recv_ts, f.ts, f.candle);
        break;
      case MessageType::status:
        f.status.state = by_name<FeedState>(f.state, 7);
        event = Event::of(instrument, f.ts, 0, f.status);
        break;
      case MessageType::gap:
        event = Event::of(instrument, f.ts, 0, f.gap);
        break;
      case MessageType::alert:
        if (f.trades.history) return;  // fired before we came: known, but not ours to tell again
        event = Event::alert(instrument, f.recv_ts, f.ts, f.mark);
        break;
      case MessageType::annotation:
        event = Event::annotation(instrument, f.recv_ts, f.ts, f.mark);
        break;
      default:
        return;
    }
    event.seq = f.seq;
    into.append(event);
  }

  void parse(std::string_view text, EventBatch& into, ParsedMessage& result) {
    padded.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    padded.assign(text);
    od::document document = parser.iterate(padded.data(), text.size(), padded.capacity());
    // `type` decides what `data` is, and data may come first: look for it once, then walk the fields in their order.
    const std::string_view type_name = document.get_object()["type"].get_string();
    for (const auto& [name, type] : kTypes) {
      if (name == type_name) result.type = type;
    }
    document.rewind();
    Fields fields;
    const bool tickers = result.type == MessageType::initial_data || result.type == MessageType::market_update;
    // The seq of a market_update is that of its newest ticker and stands before `data` in what bixws writes.
    for (auto field : document.get_object()) {
      const std::string_view key = field.unescaped_key();
      if (key == "type") continue;
      if (key == "data" && tickers) {
        for (auto entry : field.value().get_object()) {
          const std::string label(std::string_view(entry.unescaped_key()));
          read_ticker(label, entry.value().get_object(), result.seq, into);
        }
      } else if (key == "data" && result.type == MessageType::trades) {
        read_trades(field.value().get_array(), fields, into.arena());
      } else if (key == "seq") {
        result.seq = fields.seq = field.value().get_uint64();
      } else if (key == "epoch") {
        result.epoch = std::string_view(field.value().get_string());
      } else if (result.type == MessageType::subscribed && (key == "symbols" || key == "channels")) {
        auto& names = key == "symbols" ? result.symbols : result.channels;
        for (std::string_view name : field.value().get_array()) names.emplace_back(name);
      } else if (key == "last" && result.type == MessageType::subscribed) {
        read_positions(field.value().get_object(), result.positions);
      } else if (key == "id" && (result.type == MessageType::alert || result.type == MessageType::annotation)) {
        fields.mark.id = into.arena().copy(std::string_view(field.value().get_string()));
      } else if (key == "id") {
        result.id = std::string(std::string_view(field.value().raw_json_token()));
      } else if (key == "code") {
        result.code = std::string_view(field.value().get_string());
      } else if (key == "message") {
        result.message = std::string_view(field.value().get_string());
      } else {
        read_field(key, field.value(), fields, into.arena());
      }
    }
    result.ts = fields.ts;
    append(result.type, fields, into);
  }
};

MessageParser::MessageParser(Instruments& instruments) : state_(std::make_unique<State>(instruments)) {}
MessageParser::~MessageParser() = default;

void MessageParser::assume_exchange(std::string exchange) { state_->assumed_exchange = std::move(exchange); }

std::string_view MessageParser::plain_exchange() const { return state_->plain_exchange; }

ParsedMessage MessageParser::parse(std::string_view text, EventBatch& into) {
  ParsedMessage result;
  const std::size_t before = into.size();
  try {
    state_->parse(text, into, result);
  } catch (const Refused& refused) {
    result.problem = refused.why;
  } catch (const simdjson::simdjson_error& error) {
    result.problem = std::string("not a protocol message: ") + error.what();
  }
  if (!result.problem.empty()) into.truncate(before);
  return result;
}

}  // namespace bixws
