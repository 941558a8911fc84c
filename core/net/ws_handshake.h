// SPDX-License-Identifier: Apache-2.0
// The opening handshake of RFC 6455 section 4 as values, for both roles.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "net/deflate.h"
#include "net/http.h"

namespace bixws::net {

/// What a server makes of a request.
struct WsOffer {
  enum class Kind { page, websocket, refused };
  Kind kind = Kind::page;  // page: the request does not ask for an upgrade
  HttpResponse refusal;    // refused: what to answer (400, 426)
  std::string accept;      // websocket: Sec-WebSocket-Accept
  DeflateAnswer deflate;   // websocket: what could be agreed
};
/// `allow_deflate` false: compression is not agreed to.
WsOffer read_ws_request(const HttpRequest& request, bool allow_deflate);

/// The 101 response, ready to send.
std::string ws_response(const WsOffer& offer);

/// base64(SHA-1(key + the standard's GUID)).
std::string ws_accept(std::string_view key);
/// 16 unpredictable bytes in base64.
std::string make_ws_key();

/// A client's request. `host`: the Host header; `headers`: added as they are.
std::string ws_request(std::string_view host, std::string_view target, std::string_view key, const Headers& headers,
                       bool offer_deflate);

/// Why a 101 response is not an upgrade; nothing if it is one. Fills `agreement`.
std::optional<std::string> check_ws_response(const HttpResponseHead& response, std::string_view key,
                                             bool offered_deflate, DeflateAgreement& agreement);

}  // namespace bixws::net
