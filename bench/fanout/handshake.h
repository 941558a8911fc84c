// SPDX-License-Identifier: Apache-2.0
// The opening handshake as these clients do it: one fixed key, whose answer is known (RFC 6455 section 1.3).
#pragma once

#include <string>
#include <string_view>

namespace bixws::bench {

inline std::string handshake_request(std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}

/// What is wrong with a complete answer; empty: nothing.
inline std::string check_handshake(std::string_view head) {
  if (!head.starts_with("HTTP/1.1 101 ")) return "answered " + std::string(head.substr(0, head.find('\r')));
  if (head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") == std::string_view::npos) return "a wrong Sec-WebSocket-Accept";
  return {};
}

}  // namespace bixws::bench
