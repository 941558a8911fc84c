// SPDX-License-Identifier: Apache-2.0
// Requests: POCO's JSON reader is slow but strict, and clients speak seldom.
#include "server/request.h"

#include <Poco/Dynamic/Var.h>
#include <Poco/Exception.h>
#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "model/nearest.h"
#include "model/text_buffer.h"
#include "model/time_text.h"

namespace bixws::server {
namespace {

using Poco::Dynamic::Var;
using Poco::JSON::Array;
using Poco::JSON::Object;

constexpr std::size_t kLongestEcho = 64;    // of a client's own words in an error
constexpr std::size_t kMostPoints = 1000;   // of one annotation
constexpr std::size_t kLongestText = 2000;  // of one annotation

/// Thrown inside this file only, where a deeply nested check finds something wrong.
struct Refusal {
  ErrorCode code;
  std::string message;
};

[[noreturn]] void refuse(ErrorCode code, std::string message) { throw Refusal{code, std::move(message)}; }

std::string shown(std::string_view text) {
  return std::string(text.substr(0, kLongestEcho)) + (text.size() > kLongestEcho ? "..." : "");
}

std::string as_json_string(std::string_view text) {
  TextBuffer out;
  out.quoted(text);
  return out.str();
}

std::string id_of(const Object& object) {
  if (!object.has("id")) return {};
  const Var id = object.get("id");
  if (id.isString()) return as_json_string(id.extract<std::string>());
  if (id.isNumeric() && !id.isBoolean()) return id.toString();
  refuse(ErrorCode::bad_request, "id must be a number or a string");
}

std::string text_of(const Object& object, const std::string& key, bool required) {
  if (!object.has(key)) {
    if (required) refuse(ErrorCode::bad_request, key + " is missing");
    return {};
  }
  const Var value = object.get(key);
  if (!value.isString()) refuse(ErrorCode::bad_request, key + " must be a string");
  return value.extract<std::string>();
}

std::int64_t integer_of(const Var& value, const std::string& what) {
  if (!value.isInteger() || value.isBoolean()) refuse(ErrorCode::bad_request, what + " must be an integer");
  try {
    return value.convert<std::int64_t>();
  } catch (const Poco::Exception&) {
    refuse(ErrorCode::bad_request, what + " is out of range");
  }
}

std::int64_t integer_of(const Object& object, const std::string& key, std::int64_t fallback) {
  return object.has(key) ? integer_of(object.get(key), key) : fallback;
}

std::vector<std::string> strings_of(const Object& object, const std::string& key) {
  const Array::Ptr array = object.getArray(key);
  if (!array) refuse(ErrorCode::bad_request, key + " must be a list of strings");
  if (array->empty()) refuse(ErrorCode::bad_request, key + " is an empty list; leave it out or name some");
  std::vector<std::string> list;
  for (const Var& item : *array) {
    if (!item.isString()) refuse(ErrorCode::bad_request, key + " must be a list of strings");
    list.push_back(item.extract<std::string>());
  }
  return list;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> list;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    if (comma != 0) list.emplace_back(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
  }
  return list;
}

const Instrument* resolve(std::string_view name, const Labels& labels) {
  const Labels::Match match = labels.find(name);
  if (match.instrument == nullptr) refuse(ErrorCode::unknown_symbol, match.error);
  return match.instrument;
}

void take_symbols(SubscribeRequest& request, const std::vector<std::string>& names, const Labels& labels) {
  request.every = false;
  for (const std::string& name : names) {
    const Instrument* instrument = resolve(name, labels);
    if (std::find(request.instruments.begin(), request.instruments.end(), instrument) == request.instruments.end()) {
      request.instruments.push_back(instrument);
    }
  }
}

ChannelSpec resolve_channel(std::string_view name) {
  const auto spec = parse_channel(name);
  if (!spec) {
    refuse(ErrorCode::unknown_channel,
           "unknown channel " + shown(name) + did_you_mean(name.substr(0, kLongestEcho), channel_names()));
  }
  return *spec;
}

void take_channels(SubscribeRequest& request, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const ChannelSpec spec = resolve_channel(name);
    if (std::find(request.channels.begin(), request.channels.end(), spec) == request.channels.end()) {
      request.channels.push_back(spec);
    }
  }
}

void all_channels(SubscribeRequest& request) {
  for (const std::string& name : channel_names()) request.channels.push_back(*parse_channel(name));
}

Policy resolve_policy(std::string_view text) {
  const auto policy = parse_policy(text);
  if (!policy) {
    refuse(ErrorCode::bad_request, "unknown policy " + shown(text) + "; known: conflate, drop_oldest, lossless");
  }
  return *policy;
}

void take_resume(SubscribeRequest& request, const Object& object, const Labels& labels) {
  const Object::Ptr resume = object.getObject("resume");
  if (!resume) refuse(ErrorCode::bad_request, "resume must be an object");
  request.resume = true;
  request.epoch = text_of(*resume, "epoch", true);
  if (resume->has("gap")) {
    const std::int64_t gap = integer_of(resume->get("gap"), "resume.gap");
    if (gap < 0) refuse(ErrorCode::bad_request, "resume.gap is not negative");
    request.gap = static_cast<std::uint64_t>(gap);
  }
  if (!resume->has("last")) return;
  const Object::Ptr last = resume->getObject("last");
  if (!last) refuse(ErrorCode::bad_request, "resume.last must be an object of symbols");
  for (const auto& [symbol, value] : *last) {
    const Instrument* instrument = resolve(symbol, labels);
    const Object::Ptr positions = last->getObject(symbol);
    if (!positions) refuse(ErrorCode::bad_request, "resume.last." + shown(symbol) + " must be an object of channels");
    for (const auto& [channel, seq] : *positions) {
      const std::int64_t number = integer_of(seq, "resume.last." + shown(symbol) + "." + shown(channel));
      if (number < 0) refuse(ErrorCode::bad_request, "resume.last: a seq is not negative");
      request.last.push_back({instrument, resolve_channel(channel), static_cast<std::uint64_t>(number)});
    }
  }
}

SubscribeRequest read_subscribe(const Object& object, const Labels& labels, bool subscribe) {
  SubscribeRequest request;
  request.subscribe = subscribe;
  if (object.has("symbols")) take_symbols(request, strings_of(object, "symbols"), labels);
  if (object.has("channels")) {
    take_channels(request, strings_of(object, "channels"));
  } else if (subscribe) {
    refuse(ErrorCode::bad_request, "channels is missing; for example \"channels\":[\"trades\",\"book:25\"]");
  } else {
    all_channels(request);
  }
  if (object.has("policy")) request.policy = resolve_policy(text_of(object, "policy", true));
  if (object.has("resume")) take_resume(request, object, labels);
  return request;
}

/// `written`: its digits, if they are known.
Decimal decimal_of(const Var& value, const std::string& what, const std::string& written) {
  if (!value.isNumeric() || value.isBoolean()) refuse(ErrorCode::bad_request, what + " must be a number");
  Decimal number;
  if (parse_decimal(written.empty() ? value.toString() : written, number) != NumberError::none) {
    refuse(ErrorCode::bad_request, what + " is not a number that fits");
  }
  return number;
}

/// The prices of an annotation as they were written: POCO makes doubles of them, which forget a trailing zero.
struct WrittenPrices {
  std::string price;
  std::vector<std::string> points;

  explicit WrittenPrices(std::string_view text) {
    namespace od = simdjson::ondemand;
    try {
      od::parser parser;
      const simdjson::padded_string padded(text);
      od::document document = parser.iterate(padded);
      for (auto field : document.get_object()) {
        const std::string_view key = field.unescaped_key();
        if (key == "price") price = token(field.value());
        if (key != "points") continue;
        for (auto point : field.value().get_array()) {
          std::string last;
          for (auto part : point.get_array()) last = token(part.value());
          points.push_back(std::move(last));
        }
      }
    } catch (const simdjson::simdjson_error&) {
      price.clear();  // whatever is wrong with it is said by the checks of each field
      points.clear();
    }
  }

 private:
  static std::string token(simdjson::ondemand::value value) {
    std::string_view text = value.raw_json_token();
    while (!text.empty() && (text.back() == ' ' || text.back() == '\n' || text.back() == '\r' || text.back() == '\t')) {
      text.remove_suffix(1);
    }
    return std::string(text);
  }
};

/// Absent: nothing. null: an empty one, for what is to be taken away.
std::optional<std::string> changed_text(const Object& object, const std::string& key) {
  if (!object.has(key)) return std::nullopt;
  if (object.isNull(key)) return std::string();
  return text_of(object, key, true);
}

std::vector<Point> points_of(const Object& object, const WrittenPrices& written) {
  if (object.isNull("points")) return {};
  const Array::Ptr list = object.getArray("points");
  if (!list) refuse(ErrorCode::bad_request, "points must be a list of [ts,price]");
  if (list->size() > kMostPoints) refuse(ErrorCode::too_many, "more than " + std::to_string(kMostPoints) + " points");
  std::vector<Point> points;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const Array::Ptr point = list->getArray(static_cast<unsigned>(i));
    if (!point || point->size() != 2) refuse(ErrorCode::bad_request, "points must be a list of [ts,price]");
    points.push_back(
        {integer_of(point->get(0), "a point's ts"),
         decimal_of(point->get(1), "a point's price", i < written.points.size() ? written.points[i] : std::string())});
  }
  return points;
}

AnnotateRequest read_annotate(const Object& object, std::string_view text, const Labels& labels) {
  AnnotateRequest request;
  const WrittenPrices written(text);
  if (object.has("id")) request.mark = object.get("id").toString();
  if (request.mark.size() > kLongestEcho) refuse(ErrorCode::too_large, "id is longer than 64 bytes");
  request.instrument = resolve(text_of(object, "symbol", true), labels);
  if (object.has("ts")) request.ts = integer_of(object.get("ts"), "ts");
  if (object.has("price")) {
    request.price = object.isNull("price") ? Decimal{} : decimal_of(object.get("price"), "price", written.price);
  }
  request.text = changed_text(object, "text");
  request.kind = changed_text(object, "kind");
  request.color = changed_text(object, "color");
  const std::string none;
  if (request.text.value_or(none).size() + request.kind.value_or(none).size() + request.color.value_or(none).size() >
      kLongestText) {
    refuse(ErrorCode::too_large, "text, kind and color are longer than " + std::to_string(kLongestText) + " bytes");
  }
  if (object.has("points")) request.points = points_of(object, written);
  if (object.has("delete")) {
    const Var remove = object.get("delete");
    if (!remove.isBoolean()) refuse(ErrorCode::bad_request, "delete must be true or false");
    request.remove = remove.convert<bool>();
    if (request.remove && request.mark.empty()) refuse(ErrorCode::bad_request, "delete needs the annotation's id");
  }
  return request;
}

/// Microseconds, or a text of RFC 3339.
Micros time_of(const Object& object, const std::string& key) {
  const Var value = object.get(key);
  if (!value.isString()) return integer_of(value, key);
  const auto& text = value.extract<std::string>();
  const auto time = parse_rfc3339(text);
  if (!time)
    refuse(ErrorCode::bad_request, key + ": " + shown(text) + " is no time; expected microseconds or RFC 3339");
  return *time;
}

HistoryRequest read_history(const Object& object, const Labels& labels) {
  HistoryRequest request;
  HistoryQuery& query = request.query;
  query.instrument = resolve(text_of(object, "symbol", true), labels);
  const std::string channel = text_of(object, "channel", true);
  const ChannelSpec what = resolve_channel(channel);
  if (what.channel == Channel::status) {
    refuse(ErrorCode::unknown_channel,
           "no history of " + channel +
               " is kept; there are ticker, trades, book, candles:1m (and other timeframes), alerts and annotations");
  }
  if (what.channel == Channel::book && what.param != 0) {
    refuse(ErrorCode::unknown_channel, "no history of " + channel + " is kept; ask for book, which has every level");
  }
  query.channel = what.channel;
  query.seconds = static_cast<std::int32_t>(what.param);
  const std::int64_t limit = integer_of(object, "limit", 100);
  if (limit < 1) refuse(ErrorCode::bad_request, "limit must be at least 1");
  const std::size_t most = what.channel == Channel::book ? HistoryRequest::kMostBooks : HistoryRequest::kMostItems;
  if (limit > static_cast<std::int64_t>(most)) {
    refuse(ErrorCode::too_many, "limit must be at most " + std::to_string(most));
  }
  query.limit = static_cast<std::size_t>(limit);
  if (object.has("from")) {
    query.from = time_of(object, "from");
    query.forward = true;
  }
  if (object.has("to")) query.to = time_of(object, "to");
  if (query.from >= query.to) refuse(ErrorCode::bad_request, "from must be before to");
  return request;
}

void read_seek(ReplayRequest& request, const Var& value) {
  if (value.isInteger()) {
    request.time = integer_of(value, "value");
    return;
  }
  if (!value.isString()) refuse(ErrorCode::bad_request, "seek: value must be a time");
  const auto& text = value.extract<std::string>();
  request.relative = !text.empty() && text.front() == '+';
  const auto time = parse_time(text, 0);
  if (!time)
    refuse(ErrorCode::bad_request, "seek: " + shown(text) + " is no time; expected RFC 3339, +90s or microseconds");
  request.time = *time;
}

void read_speed(ReplayRequest& request, const Var& value) {
  if (value.isString() && value.extract<std::string>() == "max") {
    request.factor = 0;
    return;
  }
  if (!value.isNumeric() || value.isBoolean())
    refuse(ErrorCode::bad_request, "speed: value must be a factor or \"max\"");
  request.factor = value.convert<double>();
  if (!std::isfinite(request.factor) || request.factor <= 0) {
    refuse(ErrorCode::bad_request, "speed: value must be above 0");
  }
}

ReplayRequest read_replay(const Object& object) {
  static const std::vector<std::string> actions = {"pause", "resume", "step", "seek", "speed"};
  ReplayRequest request;
  const std::string action = text_of(object, "action", true);
  const auto at = std::find(actions.begin(), actions.end(), action);
  if (at == actions.end()) {
    refuse(ErrorCode::bad_request,
           "unknown action " + shown(action) + did_you_mean(action.substr(0, kLongestEcho), actions));
  }
  request.action = static_cast<ReplayRequest::Action>(at - actions.begin());
  const bool has_value = object.has("value");
  switch (request.action) {
    case ReplayRequest::Action::step:
      request.steps = has_value ? integer_of(object.get("value"), "value") : 1;
      if (request.steps < 1) refuse(ErrorCode::bad_request, "step: value must be at least 1");
      break;
    case ReplayRequest::Action::seek:
      if (!has_value) refuse(ErrorCode::bad_request, "value is missing");
      read_seek(request, object.get("value"));
      break;
    case ReplayRequest::Action::speed:
      if (!has_value) refuse(ErrorCode::bad_request, "value is missing");
      read_speed(request, object.get("value"));
      break;
    case ReplayRequest::Action::pause:
    case ReplayRequest::Action::resume:
      break;
  }
  return request;
}

Request read_object(const Object& object, std::string_view text, const std::string& id, const Labels& labels) {
  static const std::vector<std::string> types = {"subscribe", "unsubscribe", "ping", "history", "annotate", "replay"};
  const auto with_id = [&id](auto request) -> Request {
    request.id = id;
    return request;
  };
  const std::string type = text_of(object, "type", true);
  if (type == "subscribe") return with_id(read_subscribe(object, labels, true));
  if (type == "unsubscribe") return with_id(read_subscribe(object, labels, false));
  if (type == "ping") return with_id(PingRequest{});
  if (type == "history") return with_id(read_history(object, labels));
  if (type == "annotate") return with_id(read_annotate(object, text, labels));
  if (type == "replay") return with_id(read_replay(object));
  refuse(ErrorCode::unknown_type, "unknown type " + shown(type) + did_you_mean(type.substr(0, kLongestEcho), types));
}

}  // namespace

std::string_view name_of(ErrorCode code) {
  static constexpr std::array<std::string_view, 8> names = {"bad_json",       "bad_request",     "unknown_type",
                                                            "unknown_symbol", "unknown_channel", "too_many",
                                                            "rate_limited",   "too_large"};
  return names[static_cast<std::size_t>(code)];
}

const SubscribeRequest::Position* SubscribeRequest::position(const ChannelSpec& what,
                                                             const Instrument& instrument) const {
  const auto at = std::find_if(last.begin(), last.end(), [&](const Position& position) {
    return position.what == what && position.instrument == &instrument;
  });
  return at == last.end() ? nullptr : &*at;
}

Request parse_request(std::string_view text, const Labels& labels) {
  Var parsed;
  try {
    Poco::JSON::Parser parser;
    parsed = parser.parse(std::string(text));
  } catch (const Poco::Exception&) {
    return RequestError{{}, ErrorCode::bad_json, "the message is not JSON"};
  }
  if (parsed.type() != typeid(Object::Ptr)) {
    return RequestError{{}, ErrorCode::bad_request, "the message is not a JSON object"};
  }
  const Object::Ptr object = parsed.extract<Object::Ptr>();
  std::string id;
  try {
    id = id_of(*object);
    return read_object(*object, text, id, labels);
  } catch (const Refusal& refusal) {
    return RequestError{id, refusal.code, refusal.message};
  } catch (const Poco::Exception& error) {
    return RequestError{id, ErrorCode::bad_request, error.displayText()};
  }
}

std::variant<std::monostate, SubscribeRequest, RequestError> parse_query(std::optional<std::string_view> symbols,
                                                                         std::optional<std::string_view> channels,
                                                                         std::optional<std::string_view> policy,
                                                                         const Labels& labels) {
  if (!symbols && !channels) return std::monostate{};
  try {
    SubscribeRequest request;
    if (symbols) {
      const auto names = split(*symbols);
      if (names.empty()) refuse(ErrorCode::bad_request, "symbols is empty; leave it out or name some");
      take_symbols(request, names, labels);
    }
    if (channels) {
      const auto names = split(*channels);
      if (names.empty()) refuse(ErrorCode::bad_request, "channels is empty; leave it out or name some");
      take_channels(request, names);
    } else {
      take_channels(request, {"ticker", "status"});
    }
    if (policy) request.policy = resolve_policy(*policy);
    return request;
  } catch (const Refusal& refusal) {
    return RequestError{{}, refusal.code, refusal.message};
  }
}

}  // namespace bixws::server
