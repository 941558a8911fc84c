// SPDX-License-Identifier: Apache-2.0
// RFC 6455 frames for both roles: one strict incremental decoder and the encoders. No sockets in here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "net/utf8.h"

namespace bixws::net {

class Deflater;
class Inflater;

enum class Role : std::uint8_t { server, client };
enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// RFC 6455 section 7.4 and the IANA registry; 1005 and 1006 never travel.
namespace close_code {
inline constexpr std::uint16_t normal = 1000;
inline constexpr std::uint16_t going_away = 1001;
inline constexpr std::uint16_t protocol_error = 1002;
inline constexpr std::uint16_t unsupported = 1003;
inline constexpr std::uint16_t none_given = 1005;
inline constexpr std::uint16_t abnormal = 1006;
inline constexpr std::uint16_t bad_payload = 1007;
inline constexpr std::uint16_t policy = 1008;
inline constexpr std::uint16_t too_big = 1009;
inline constexpr std::uint16_t internal_error = 1011;
inline constexpr std::uint16_t try_again_later = 1013;
}  // namespace close_code

/// May a close frame carry this code?
bool sendable_close_code(std::uint16_t code) noexcept;

/// Gets what a decoder finds. The views live until the call returns. Returning false stops the decoder for good.
class WsReceiver {
 public:
  virtual bool on_ws_message(Opcode kind, std::string_view payload) = 0;
  virtual bool on_ws_ping(std::string_view payload) = 0;
  virtual bool on_ws_pong(std::string_view payload) = 0;
  /// `code` is close_code::none_given if the frame carried none. The decoder stops after it by itself.
  virtual bool on_ws_close(std::uint16_t code, std::string_view reason) = 0;

 protected:
  ~WsReceiver() = default;
};

enum class Decode : std::uint8_t { more, stopped, failed };

/// Checks masking, reserved bits, opcodes, lengths, fragmentation, close codes and UTF-8, each at the first byte that
/// proves the error. A message inside one buffer is delivered from that buffer; only a cut or fragmented one is
/// copied, and only as far as it has arrived: an announced length never allocates.
class WsDecoder {
 public:
  /// `max_message`: bytes of a whole message, after inflating.
  WsDecoder(Role role, std::size_t max_message) noexcept : max_message_(max_message), role_(role) {}

  /// permessage-deflate was agreed: compressed messages are accepted and inflated by `inflater`, which must outlive
  /// this or be replaced.
  void set_inflater(Inflater* inflater) noexcept { inflater_ = inflater; }

  /// Decodes bytes as they came, in pieces of any size; they are unmasked in place.
  Decode feed(std::span<char> bytes, WsReceiver& receiver);

  /// After Decode::failed: what the connection is to be closed with.
  std::uint16_t failure_code() const noexcept { return failure_code_; }
  const char* failure_text() const noexcept { return failure_text_; }
  /// Bytes held for an unfinished message.
  std::size_t held() const noexcept { return message_.size() + control_.size(); }

 private:
  bool fail(std::uint16_t code, const char* text) noexcept;
  bool read_head(const char*& at, const char* end);
  bool check_first_bytes();
  bool check_length(std::uint64_t length);
  bool take_payload(std::span<char> chunk, WsReceiver& receiver);
  bool take_data(std::string_view chunk, WsReceiver& receiver);
  bool end_message(std::string_view whole, WsReceiver& receiver);
  bool end_control(std::string_view payload, WsReceiver& receiver);

  std::size_t max_message_;
  Inflater* inflater_ = nullptr;
  std::uint64_t remaining_ = 0;  // of the current frame's payload
  std::string message_;          // what came of an unfinished message
  std::string control_;          // what came of an unfinished control frame
  const char* failure_text_ = "";
  std::uint16_t failure_code_ = 0;
  Utf8Check utf8_;
  Role role_;
  Opcode opcode_ = Opcode::continuation;  // of the current frame
  Opcode kind_ = Opcode::continuation;    // of the current message; continuation: none is open
  bool final_ = false;
  bool compressed_ = false;
  bool in_payload_ = false;
  bool stopped_ = false;
  std::uint8_t head_have_ = 0;
  std::uint8_t head_need_ = 2;
  std::uint8_t mask_at_ = 0;
  unsigned char mask_[4] = {};
  unsigned char head_[14] = {};
};

/// Bytes of an unmasked frame's head.
constexpr std::size_t frame_head_size(std::size_t payload) noexcept {
  return payload < 126 ? 2 : payload < 65536 ? 4 : 10;
}
/// Appends an unmasked frame's head; the payload is appended after it. `compressed` sets RSV1.
void append_server_head(std::string& out, Opcode opcode, std::size_t payload, bool compressed = false);
/// Appends a whole frame as `role` has to send it: the client's is masked with unpredictable bytes.
void append_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, bool compressed = false);
/// Appends a close frame; `reason` is cut to what fits, at a character. close_code::none_given: an empty frame.
void append_close(std::string& out, Role role, std::uint16_t code, std::string_view reason);
/// Compresses once what many connections may share. False, and nothing appended, when it would not get smaller.
bool append_compressed_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, Deflater& deflater);

/// From the kernel's generator, refilled in blocks per thread.
void random_bytes(std::span<unsigned char> out);

/// XORs with the mask, beginning at its byte `at` (0 to 3); returns where the next byte continues.
std::uint8_t apply_mask(std::span<char> bytes, const unsigned char mask[4], std::uint8_t at) noexcept;

}  // namespace bixws::net
