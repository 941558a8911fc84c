// SPDX-License-Identifier: Apache-2.0
// Lines of text into faults and controls.
#include "support/standin_commands.h"

#include <charconv>
#include <map>
#include <stdexcept>
#include <utility>

namespace bixws::test {

namespace {

const std::map<std::string, Fault::Kind, std::less<>> kinds{
    {"skip", Fault::Kind::skip},
    {"duplicate", Fault::Kind::duplicate},
    {"swap", Fault::Kind::swap},
    {"cut", Fault::Kind::cut},
    {"cut_reset", Fault::Kind::cut_reset},
    {"inject_text", Fault::Kind::inject_text},
    {"inject_raw", Fault::Kind::inject_raw},
    {"drop", Fault::Kind::drop},
    {"reset", Fault::Kind::reset},
    {"silence", Fault::Kind::silence},
    {"close", Fault::Kind::close},
    {"ping", Fault::Kind::ping},
    {"shutdown_notice", Fault::Kind::shutdown_notice},
    {"stop_listening", Fault::Kind::stop_listening},
};

template <typename Number>
Number number_of(std::string_view word) {
  Number value{};
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw std::runtime_error("not a number: " + std::string(word));
  }
  return value;
}

std::string_view take_word(std::string_view& line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

std::string bad_payload(std::string_view name) {
  if (name == "html") return bad::html();
  if (name == "json") return bad::truncated_json();
  if (name == "digits") return R"({"price":)" + bad::digits(40) + "}";
  if (name == "utf8") return bad::invalid_utf8();
  if (name == "huge") return std::string(100'000'000, 'x');
  if (name == "announce") return ws_frame_header(WsOpcode::text, std::uint64_t{1} << 62);
  throw std::runtime_error("bad= is html, json, digits, utf8, huge or announce, not " + std::string(name));
}

bool set_field(Fault& fault, std::string_view name, std::string_view value) {
  if (name == "at") {
    fault.at = number_of<std::uint64_t>(value);
  } else if (name == "connection") {
    fault.connection = number_of<int>(value);
  } else if (name == "count") {
    fault.count = number_of<std::uint64_t>(value);
  } else if (name == "bytes") {
    fault.bytes = number_of<std::size_t>(value);
  } else if (name == "lose") {
    fault.lose = number_of<std::uint64_t>(value);
  } else if (name == "symbol") {
    fault.symbol = value;
  } else if (name == "channel") {
    fault.channel = value;
  } else if (name == "bad") {
    fault.payload = bad_payload(value);
  } else {
    return false;
  }
  return true;
}

std::string status_json(const StandinExchange& exchange) {
  const auto number = [](const char* name, std::uint64_t value) {
    return "\"" + std::string(name) + "\":" + std::to_string(value);
  };
  return "{" + number("played", exchange.played()) + "," + number("frames", exchange.frames().size()) + "," +
         number("laps", exchange.laps()) + "," + number("connections", exchange.connections().size()) + "," +
         number("open", exchange.open_connections()) + "," + number("listeners", exchange.listeners()) + "," +
         number("upgrades", exchange.upgrades().size()) + "," + number("rest", exchange.requests().size()) + "," +
         number("subscribe_messages", exchange.subscribe_messages()) + "," + number("pongs", exchange.pongs().size()) +
         "," + number("client_errors", exchange.client_errors().size()) + "}";
}

int count_or_always(std::string_view word) { return word.empty() ? always : number_of<int>(word); }

// False when the word is no control.
bool control(StandinExchange& exchange, std::string_view word, std::string_view rest) {
  if (word == "hold") {
    exchange.hold();
  } else if (word == "play") {
    exchange.play(number_of<std::uint64_t>(take_word(rest)));
  } else if (word == "release") {
    exchange.release();
  } else if (word == "speed") {
    const std::string_view speed = take_word(rest);
    exchange.set_speed(speed == "max" ? full_speed : number_of<double>(speed));
  } else if (word == "upgrades") {
    const HttpReply reply = parse_reply(std::string(take_word(rest)));
    exchange.answer_upgrades(reply, count_or_always(take_word(rest)));
  } else if (word == "rest") {
    const HttpReply reply = parse_reply(std::string(take_word(rest)));
    const int count = count_or_always(take_word(rest));
    exchange.answer_rest(reply, count, std::string(take_word(rest)));
  } else if (word == "rest_delay") {
    exchange.delay_rest(Milliseconds(number_of<int>(take_word(rest))));
  } else if (word == "normal") {
    exchange.answer_normally();
  } else if (word == "refuse") {
    const int count = number_of<int>(take_word(rest));
    exchange.refuse_subscriptions(count, rest.empty() ? "" : std::string(rest.substr(1)));
  } else if (word == "ignore") {
    exchange.ignore_subscriptions(number_of<int>(take_word(rest)));
  } else if (word == "listen") {
    exchange.listen_again();
  } else {
    return false;
  }
  return true;
}

}  // namespace

Fault parse_fault(std::string_view line) {
  const std::string_view word = take_word(line);
  const auto kind = kinds.find(word);
  if (kind == kinds.end()) throw std::runtime_error("no fault " + std::string(word));
  Fault fault;
  fault.kind = kind->second;
  if (fault.kind == Fault::Kind::close) fault.count = 1001;
  while (!line.empty()) {
    std::string_view rest = line;
    const std::string_view field = take_word(rest);
    const std::size_t equals = field.find('=');
    if (equals == std::string_view::npos || !set_field(fault, field.substr(0, equals), field.substr(equals + 1))) {
      fault.payload = line.substr(line.find_first_not_of(' '));
      break;
    }
    line = rest;
  }
  return fault;
}

HttpReply parse_reply(const std::string& word) {
  if (word == "html") return replies::html();
  switch (const int status = number_of<int>(word)) {
    case 418:
      return replies::banned(1);
    case 429:
      return replies::too_many(1);
    case 451:
      return replies::geo_blocked();
    case 503:
      return replies::unavailable();
    default:
      return {.status = status, .body = "", .content_type = "text/plain"};
  }
}

std::string run_command(StandinExchange& exchange, std::string_view line) {
  try {
    std::string_view rest = line;
    const std::string_view word = take_word(rest);
    if (word == "status") return status_json(exchange);
    if (!control(exchange, word, rest)) exchange.add(parse_fault(line));
    return "ok";
  } catch (const std::runtime_error& error) {
    return std::string("error: ") + error.what();
  }
}

}  // namespace bixws::test
