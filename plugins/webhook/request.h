// SPDX-License-Identifier: Apache-2.0
// What is sent: an alert in the shape its receiver takes, signed.
#pragma once

#include <string>
#include <string_view>

#include "net/http_client.h"
#include "outbox.h"

namespace bixws::webhook {

enum class Shape : std::uint8_t { json, slack, discord, telegram };

struct Target {
  net::Url url;
  Shape shape = Shape::json;
  std::string chat;    ///< telegram: whom
  std::string secret;  ///< key of the signature; empty: none
};

/// "" of what is no shape.
[[nodiscard]] std::string body_of(const Waiting& alert, const Target& target);

/// The whole call. `now` in seconds since 1970 is signed along, so that a receiver can refuse old copies.
[[nodiscard]] net::HttpCall call_of(const Waiting& alert, const Target& target, std::int64_t now);

/// "sha256=" and the HMAC-SHA256 of "<now>.<body>" in hex.
[[nodiscard]] std::string signature(std::string_view secret, std::int64_t now, std::string_view body);

/// Where a redirect may be followed to: 307 and 308, which keep the method, to the same host and port, or from http to
/// https of the same host; never elsewhere, since the signed message would go to whoever answered. nullopt: not.
[[nodiscard]] std::optional<net::Url> redirect_of(const net::Url& from, const net::HttpReply& reply);

}  // namespace bixws::webhook
