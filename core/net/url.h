// SPDX-License-Identifier: Apache-2.0
// URLs of the four schemes bixws speaks, and percent-encoding.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bixws::net {

struct Url {
  std::string scheme;  // ws, wss, http, https
  std::string user;    // "name:password", decoded; empty if none (a proxy's URL has one)
  std::string host;    // without the brackets of an IPv6 literal
  std::uint16_t port = 0;
  std::string target;  // path and query as sent in a request line, never empty

  bool tls() const noexcept { return scheme == "wss" || scheme == "https"; }
  bool websocket() const noexcept { return scheme == "ws" || scheme == "wss"; }
  /// For the Host header: the port only where it is not the scheme's own.
  std::string host_header() const;
  /// Without user and password: safe for logs. The query is left out too, since it may carry a token.
  std::string text() const;
};

/// Throws std::runtime_error with the URL and what is wrong with it.
Url parse_url(std::string_view text);

/// Nothing on a broken escape. `plus_is_space` as in queries.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space = false);
/// Leaves only RFC 3986's unreserved characters as they are.
std::string percent_encode(std::string_view text);

/// The decoded pairs of "a=1&b=2", in order; a name without '=' has an empty value. Nothing on a broken escape.
using Query = std::vector<std::pair<std::string, std::string>>;
std::optional<Query> parse_query(std::string_view query);
/// First value of a name, or nullptr.
const std::string* query_value(const Query& query, std::string_view name) noexcept;

}  // namespace bixws::net
