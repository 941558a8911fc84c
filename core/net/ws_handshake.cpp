// SPDX-License-Identifier: Apache-2.0
// The opening handshake of RFC 6455 section 4 as values, for both roles.
#include "net/ws_handshake.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <array>
#include <cstring>

#include "net/text.h"
#include "net/ws_codec.h"

namespace bixws::net {
namespace {

std::string base64(const unsigned char* bytes, int size) {
  std::string text(static_cast<std::size_t>((size + 2) / 3 * 4 + 1), '\0');
  const int written = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bytes, size);
  text.resize(static_cast<std::size_t>(written));
  return text;
}

// base64 of 16 bytes: 22 characters and "==".
bool plausible_key(std::string_view key) noexcept {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  for (const char c : key.substr(0, 22)) {
    const char low = lower(c);
    if (!((low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/')) return false;
  }
  return true;
}

}  // namespace

std::string ws_accept(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(digest.data(), SHA_DIGEST_LENGTH);
}

std::string make_ws_key() {
  std::array<unsigned char, 16> bytes{};
  random_bytes(bytes);
  return base64(bytes.data(), 16);
}

WsOffer read_ws_request(const HttpRequest& request, bool allow_deflate) {
  WsOffer offer;
  if (!request.headers.lists("Upgrade", "websocket")) return offer;
  const auto refuse = [&](int status, std::string text) {
    offer.kind = WsOffer::Kind::refused;
    offer.refusal.status = status;
    offer.refusal.body = std::move(text) + "\n";
    return offer;
  };
  if (request.method != "GET" || request.minor < 1)
    return refuse(400, "a WebSocket upgrade has to be a GET in HTTP/1.1");
  if (!request.headers.lists("Connection", "Upgrade")) return refuse(400, "Connection: Upgrade is missing");
  const std::string* version = request.headers.find("Sec-WebSocket-Version");
  if (version == nullptr || *version != "13") {
    offer.refusal.headers.add("Sec-WebSocket-Version", "13");
    return refuse(426, "only WebSocket version 13 is spoken here");
  }
  const std::string* key = request.headers.find("Sec-WebSocket-Key");
  if (key == nullptr || request.headers.count("Sec-WebSocket-Key") != 1 || !plausible_key(*key)) {
    return refuse(400, "Sec-WebSocket-Key has to be 16 bytes in base64");
  }
  offer.kind = WsOffer::Kind::websocket;
  offer.accept = ws_accept(*key);
  if (allow_deflate) offer.deflate = answer_deflate_offer(request.headers.joined("Sec-WebSocket-Extensions"));
  return offer;
}

std::string ws_response(const WsOffer& offer) {
  std::string out =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
  out += offer.accept;
  if (!offer.deflate.header.empty()) out.append("\r\nSec-WebSocket-Extensions: ").append(offer.deflate.header);
  out += "\r\n\r\n";
  return out;
}

std::string ws_request(std::string_view host, std::string_view target, std::string_view key, const Headers& headers,
                       bool offer_deflate) {
  std::string out = "GET ";
  out.append(target).append(" HTTP/1.1\r\nHost: ").append(host);
  out.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
  out.append(key).append("\r\n");
  if (offer_deflate) out.append("Sec-WebSocket-Extensions: ").append(deflate_offer).append("\r\n");
  for (const auto& [name, value] : headers) out.append(name).append(": ").append(value).append("\r\n");
  out.append("\r\n");
  return out;
}

std::optional<std::string> check_ws_response(const HttpResponseHead& response, std::string_view key,
                                             bool offered_deflate, DeflateAgreement& agreement) {
  if (!response.headers.lists("Upgrade", "websocket")) return "the answer has no Upgrade: websocket";
  if (!response.headers.lists("Connection", "Upgrade")) return "the answer has no Connection: Upgrade";
  const std::string* accept = response.headers.find("Sec-WebSocket-Accept");
  if (accept == nullptr || *accept != ws_accept(key)) return "Sec-WebSocket-Accept is missing or wrong";
  if (response.headers.has("Sec-WebSocket-Protocol")) return "the server chose a subprotocol nobody offered";
  agreement = {};
  const std::string extensions = response.headers.joined("Sec-WebSocket-Extensions");
  if (extensions.empty()) return std::nullopt;
  if (!offered_deflate) return "the server chose an extension nobody offered: " + extensions;
  const auto agreed = read_deflate_answer(extensions);
  if (!agreed) return "the server's choice of extensions does not fit the offer: " + extensions;
  agreement = *agreed;
  return std::nullopt;
}

}  // namespace bixws::net
