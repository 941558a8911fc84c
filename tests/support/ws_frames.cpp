// SPDX-License-Identifier: Apache-2.0
// Frames by hand, after RFC 6455 sections 4.2.2 and 5.2.
#include "support/ws_frames.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

namespace bixws::test {

namespace {

std::uint8_t byte_at(std::string_view bytes, std::size_t index) { return static_cast<std::uint8_t>(bytes[index]); }

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xFF);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string ws_frame_header(WsOpcode opcode, std::uint64_t length, const WsFrameShape& shape) {
  std::string out;
  out += static_cast<char>((shape.fin ? 0x80 : 0) | (shape.rsv << 4) | static_cast<int>(opcode));
  const int mask_bit = shape.masked ? 0x80 : 0;
  if (length < 126) {
    out += static_cast<char>(mask_bit | static_cast<int>(length));
  } else if (length < 65536) {
    out += static_cast<char>(mask_bit | 126);
    append_big_endian(out, length, 2);
  } else {
    out += static_cast<char>(mask_bit | 127);
    append_big_endian(out, length, 8);
  }
  if (shape.masked) append_big_endian(out, shape.mask, 4);
  return out;
}

std::string ws_frame(WsOpcode opcode, std::string_view payload, const WsFrameShape& shape) {
  std::string out = ws_frame_header(opcode, payload.size(), shape);
  const std::size_t start = out.size();
  out += payload;
  if (shape.masked) {
    for (std::size_t i = 0; i < payload.size(); ++i) {
      out[start + i] = static_cast<char>(out[start + i] ^ static_cast<char>(shape.mask >> (24 - 8 * (i % 4))));
    }
  }
  return out;
}

std::string ws_close_payload(std::uint16_t code, std::string_view reason) {
  std::string out;
  append_big_endian(out, code, 2);
  return out.append(reason);
}

std::uint16_t ws_close_code(std::string_view payload) {
  if (payload.size() < 2) return 1005;
  return static_cast<std::uint16_t>(byte_at(payload, 0) << 8 | byte_at(payload, 1));
}

std::optional<WsFrame> WsFrameReader::next() {
  const std::string_view bytes = std::string_view(buffer_).substr(at_);
  if (bytes.size() < 2) return std::nullopt;
  WsFrame frame;
  frame.fin = byte_at(bytes, 0) & 0x80;
  frame.rsv = (byte_at(bytes, 0) >> 4) & 7;
  frame.opcode = static_cast<WsOpcode>(byte_at(bytes, 0) & 0x0F);
  frame.masked = byte_at(bytes, 1) & 0x80;
  std::uint64_t length = byte_at(bytes, 1) & 0x7F;
  std::size_t head = 2;
  if (length >= 126) {
    const std::size_t extra = length == 126 ? 2 : 8;
    if (bytes.size() < head + extra) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < extra; ++i) length = length << 8 | byte_at(bytes, head + i);
    head += extra;
  }
  std::string_view mask;
  if (frame.masked) {
    if (bytes.size() < head + 4) return std::nullopt;
    mask = bytes.substr(head, 4);
    head += 4;
  }
  if (bytes.size() - head < length) return std::nullopt;
  frame.payload = bytes.substr(head, length);
  if (frame.masked) {
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
      frame.payload[i] = static_cast<char>(frame.payload[i] ^ mask[i % 4]);
    }
  }
  at_ += head + length;
  if (at_ > 1 << 20 || at_ == buffer_.size()) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  return frame;
}

std::string ws_accept(std::string_view key) {
  const std::string joined = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int digest_size = 0;
  EVP_Digest(joined.data(), joined.size(), digest.data(), &digest_size, EVP_sha1(), nullptr);
  std::array<unsigned char, 64> encoded{};
  const int size = EVP_EncodeBlock(encoded.data(), digest.data(), static_cast<int>(digest_size));
  return std::string(encoded.begin(), encoded.begin() + size);
}

std::string HttpHead::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? std::string() : found->second;
}

std::optional<HttpHead> parse_http_head(std::string_view text) {
  HttpHead head;
  bool first = true;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (line.empty()) break;
    if (first) {
      head.first_line = line;
      first = false;
      continue;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string& value = head.headers[lower_case(line.substr(0, colon))];
    if (!value.empty()) value += ", ";
    value += trimmed(line.substr(colon + 1));
  }
  if (first || head.first_line.find("HTTP/") == std::string::npos) return std::nullopt;
  return head;
}

}  // namespace bixws::test
