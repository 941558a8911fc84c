// SPDX-License-Identifier: Apache-2.0
// An item is the message of its channel without what the answer says for all of them: with that in front of it again,
// it is read like any message.
#include "feed/history_answer.h"

#include <simdjson.h>

#include "model/text_buffer.h"

namespace bixws::feed {
namespace {

constexpr std::string_view kCandles = "candles:";

std::string_view type_of(std::string_view channel) {
  if (channel.starts_with(kCandles)) return "candle";
  if (channel == "alerts") return "alert";
  if (channel == "annotations") return "annotation";
  return channel;
}

}  // namespace

std::string history_request(std::string_view id, std::string_view symbol, std::string_view channel, std::size_t limit) {
  TextBuffer text;
  text.raw("{\"type\":\"history\",\"id\":");
  text.quoted(id);
  text.raw(",\"symbol\":");
  text.quoted(symbol);
  text.raw(",\"channel\":");
  text.quoted(channel);
  text.raw(",\"limit\":");
  text.integer(limit);
  text.raw('}');
  return text.str();
}

bool refuses_history(const ParsedMessage& message) {
  return message.type == MessageType::error && message.id.starts_with('"');
}

std::string read_history(std::string_view answer, MessageParser& parser, EventBatch& into) {
  try {
    const simdjson::padded_string padded(answer);
    simdjson::ondemand::parser reader;
    simdjson::ondemand::document document = reader.iterate(padded);
    TextBuffer about;
    for (const std::string_view name : {"exchange", "symbol"}) {
      about.raw(",\"");
      about.raw(name);
      about.raw("\":");
      about.quoted(document[name].get_string());
    }
    const std::string_view channel = document["channel"].get_string();
    const bool trades = channel == "trades";
    TextBuffer head;
    head.raw("{\"type\":");
    head.quoted(type_of(channel));
    head.raw(about.view());
    if (channel.starts_with(kCandles)) {
      head.raw(",\"timeframe\":");
      head.quoted(channel.substr(kCandles.size()));
    }
    head.raw(trades ? ",\"data\":[" : ",");
    for (simdjson::ondemand::object item : document["data"].get_array()) {
      const std::string_view raw = item.raw_json();
      if (raw.size() < 3) continue;
      std::string message = head.str();
      message += trades ? raw : raw.substr(1);
      if (trades) message += "]}";
      const ParsedMessage parsed = parser.parse(message, into);
      if (!parsed.problem.empty()) return parsed.problem;
    }
  } catch (const simdjson::simdjson_error& error) {
    return error.what();
  }
  return {};
}

}  // namespace bixws::feed
