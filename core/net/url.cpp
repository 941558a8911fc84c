// SPDX-License-Identifier: Apache-2.0
// URLs of the four schemes bixws speaks, and percent-encoding.
#include "net/url.h"

#include <charconv>
#include <stdexcept>

#include "net/address.h"
#include "net/text.h"

namespace bixws::net {
namespace {

std::uint16_t default_port(std::string_view scheme) noexcept { return scheme == "wss" || scheme == "https" ? 443 : 80; }

[[noreturn]] void refuse(std::string_view text, std::string_view why) {
  // A URL may hold a password or a token: show no more than its beginning.
  std::string_view shown = text.substr(0, text.find_first_of("?#"));
  std::string safe(shown);
  const std::size_t scheme_end = safe.find("://");
  const std::size_t authority = scheme_end == std::string::npos ? 0 : scheme_end + 3;
  const std::size_t at = safe.find('@', authority);
  if (at != std::string::npos) safe = safe.substr(0, authority).append("***").append(safe, at);
  throw std::runtime_error("URL \"" + safe + "\": " + std::string(why));
}

int hex(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char low = lower(c);
  return low >= 'a' && low <= 'f' ? low - 'a' + 10 : -1;
}

bool host_character(char c) noexcept {
  const char low = lower(c);
  return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

}  // namespace

std::string Url::host_header() const {
  std::string name = host;
  if (host.find(':') != std::string::npos) name = std::string("[").append(host).append("]");
  if (port != default_port(scheme)) name.append(":").append(std::to_string(port));
  return name;
}

std::string Url::text() const { return scheme + "://" + host_header() + target.substr(0, target.find('?')); }

Url parse_url(std::string_view text) {
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) {
    refuse(text, "has no scheme; write ws://, wss://, http:// or https:// before the host");
  }
  for (const char c : text.substr(0, scheme_end)) url.scheme += lower(c);
  if (url.scheme != "ws" && url.scheme != "wss" && url.scheme != "http" && url.scheme != "https") {
    refuse(text, "unknown scheme \"" + url.scheme + "\"; known: ws, wss, http, https");
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f) refuse(text, "holds a space or control character");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, authority_end);
  const std::string_view target = authority_end == std::string_view::npos ? "" : rest.substr(authority_end);
  if (!target.starts_with('/')) url.target = '/';
  url.target.append(target);

  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    auto user = percent_decode(authority.substr(0, at));
    if (!user) refuse(text, "broken percent escape in the user name");
    url.user = std::move(*user);
    authority.remove_prefix(at + 1);
  }

  std::string_view port;
  bool has_port = false;
  if (authority.starts_with('[')) {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) refuse(text, "the bracket of an IPv6 address is not closed");
    url.host = authority.substr(1, close - 1);
    const std::string_view after = authority.substr(close + 1);
    if (!after.empty() && after.front() != ':') refuse(text, "unexpected text after the IPv6 address");
    has_port = !after.empty();
    if (has_port) port = after.substr(1);
    if (!Address::parse(url.host, 0) || url.host.find(':') == std::string::npos) {
      refuse(text, "\"" + url.host + "\" is not an IPv6 address");
    }
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    has_port = colon != std::string_view::npos;
    if (has_port) port = authority.substr(colon + 1);
    if (port.find(':') != std::string_view::npos) refuse(text, "an IPv6 address has to stand in [brackets]");
    for (const char c : url.host) {
      if (!host_character(c)) refuse(text, "the host name holds an invalid character");
    }
  }
  if (url.host.empty()) refuse(text, "has no host");

  url.port = default_port(url.scheme);
  if (has_port) {
    unsigned value = 0;
    const auto [end, status] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (port.empty() || status != std::errc() || end != port.data() + port.size() || value == 0 || value > 65535) {
      refuse(text, "the port has to be a number from 1 to 65535");
    }
    url.port = static_cast<std::uint16_t>(value);
  }
  return url;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0) return std::nullopt;
      out += static_cast<char>(hex(text[i + 1]) * 16 + hex(text[i + 2]));
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (host_character(c) || c == '~') {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::optional<Query> parse_query(std::string_view query) {
  Query result;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!name || !value) return std::nullopt;
    result.emplace_back(std::move(*name), std::move(*value));
  }
  return result;
}

const std::string* query_value(const Query& query, std::string_view name) noexcept {
  for (const auto& [key, value] : query) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace bixws::net
