// SPDX-License-Identifier: Apache-2.0
// What the dialects of the stand-in exchange share.
#include "support/standin_venue.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <stdexcept>

namespace bixws::test {

const StandinBook* Market::book(const std::string& symbol) const {
  const auto found = books.find(symbol);
  return found == books.end() || !found->second.known ? nullptr : &found->second;
}

const TimelineFrame* Market::last_frame(const std::string& channel, const std::string& symbol) const {
  const auto found = last.find({channel, symbol});
  return found == last.end() ? nullptr : found->second;
}

bool Venue::wants(const Session& session, const FrameMeaning& meaning) const {
  return std::any_of(session.subscriptions.begin(), session.subscriptions.end(), [&](const Subscription& asked) {
    return (asked.symbol.empty() || asked.symbol == meaning.symbol) &&
           (asked.channel.empty() || asked.channel == meaning.channel);
  });
}

std::unique_ptr<Venue> make_venue(std::string_view name, const VenueOptions& options) {
  if (name == "binance") return make_binance_venue(options);
  if (name == "bitstamp") return make_bitstamp_venue();
  if (name == "bybit") return make_bybit_venue();
  if (name == "coinbase") return make_coinbase_venue();
  if (name == "kraken") return make_kraken_venue();
  if (name == "okx") return make_okx_venue(options);
  throw std::runtime_error("no stand-in for exchange " + std::string(name) +
                           "; there are binance, bitstamp, bybit, coinbase, kraken and okx");
}

bool asks_to_subscribe(std::string_view text) {
  const auto request = RawJson::parse(text);
  if (!request) return false;
  for (const char* key : {"method", "op", "type", "event"}) {
    if (lower_case((*request)[key].text()).ends_with("subscribe")) {
      return lower_case((*request)[key].text()).find("unsub") == std::string::npos;
    }
  }
  return false;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string upper_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::toupper(c); });
  return out;
}

std::vector<std::string> split_at(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    if (!text.substr(0, end).empty()) parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string url_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned int code = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, code, 16).ptr == text.data() + i + 3) {
      out += static_cast<char>(code);
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string query_value(std::string_view target, std::string_view name) {
  const std::size_t question = target.find('?');
  if (question == std::string_view::npos) return {};
  for (const auto& pair : split_at(target.substr(question + 1), '&')) {
    const std::size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name) return equals == std::string::npos ? "" : url_decoded(pair.substr(equals + 1));
  }
  return {};
}

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

std::string echoed(const RawJson& request, const char* key) {
  const RawJson& id = request[key];
  return id.exists() ? "\"" + std::string(key) + "\":" + std::string(id.raw()) + "," : "";
}

std::string rfc3339_us(std::int64_t time_us) {
  const std::time_t seconds = time_us / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", parts.tm_year + 1900, parts.tm_mon + 1,
                parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, static_cast<int>(time_us % 1'000'000));
  return text;
}

}  // namespace bixws::test
