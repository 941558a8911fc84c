// SPDX-License-Identifier: Apache-2.0
// RFC 6455 frames and handshake keys, as the tests' own client and server need them. It builds wrong frames as readily
// as right ones, and shares nothing with the codec it is used to check.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace bixws::test {

enum class WsOpcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

struct WsFrame {
  bool fin = true;
  std::uint8_t rsv = 0;  // the three reserved bits as a number 0..7; 4 is RSV1
  WsOpcode opcode = WsOpcode::text;
  bool masked = false;
  std::string payload;  // unmasked
};

struct WsFrameShape {
  bool fin = true;
  std::uint8_t rsv = 0;
  bool masked = false;
  std::uint32_t mask = 0x12345678;
};

// A frame header announcing `length` payload bytes, whether they come or not (2^62 is fine).
std::string ws_frame_header(WsOpcode opcode, std::uint64_t length, const WsFrameShape& shape = {});
std::string ws_frame(WsOpcode opcode, std::string_view payload, const WsFrameShape& shape = {});
std::string ws_close_payload(std::uint16_t code, std::string_view reason);
// 1005 when the payload carries none.
std::uint16_t ws_close_code(std::string_view payload);

// Takes frames off the front of a growing buffer.
class WsFrameReader {
 public:
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next complete frame; nullopt when more bytes are needed.
  std::optional<WsFrame> next();
  // Bytes of an incomplete frame.
  std::size_t pending() const { return buffer_.size() - at_; }

 private:
  std::string buffer_;
  std::size_t at_ = 0;
};

// The Sec-WebSocket-Accept that belongs to a key.
std::string ws_accept(std::string_view key);

// The head of an HTTP request or answer.
struct HttpHead {
  std::string first_line;
  std::map<std::string, std::string> headers;  // names in lower case; repeated ones joined with ", "
  std::string header(const std::string& lower_case_name) const;
};

// The text up to and including the empty line; nullopt when it is no HTTP head.
std::optional<HttpHead> parse_http_head(std::string_view text);

}  // namespace bixws::test
