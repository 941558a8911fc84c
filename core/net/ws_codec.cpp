// SPDX-License-Identifier: Apache-2.0
// RFC 6455 frames for both roles: one strict incremental decoder and the encoders. No sockets in here.
#include "net/ws_codec.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "net/deflate.h"

namespace bixws::net {
namespace {

constexpr std::size_t keep_message = 4096;  // an idle connection holds no more than this of an old message

bool is_control(Opcode opcode) noexcept { return static_cast<std::uint8_t>(opcode) >= 8; }

void release(std::string& buffer) {
  if (buffer.capacity() > keep_message) {
    std::string().swap(buffer);
  } else {
    buffer.clear();
  }
}

std::uint64_t big_endian(const unsigned char* bytes, std::size_t count) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

}  // namespace

bool sendable_close_code(std::uint16_t code) noexcept {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

std::uint8_t apply_mask(std::span<char> bytes, const unsigned char mask[4], std::uint8_t at) noexcept {
  char* p = bytes.data();
  const std::size_t size = bytes.size();
  std::array<unsigned char, 8> rotated{};
  for (std::size_t i = 0; i < 8; ++i) rotated[i] = mask[(at + i) & 3];
  std::uint64_t word_mask = 0;
  std::memcpy(&word_mask, rotated.data(), 8);
  std::size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, p + i, 8);
    word ^= word_mask;
    std::memcpy(p + i, &word, 8);
  }
  for (; i < size; ++i) p[i] = static_cast<char>(static_cast<unsigned char>(p[i]) ^ rotated[i & 7]);
  return static_cast<std::uint8_t>((at + size) & 3);
}

bool WsDecoder::fail(std::uint16_t code, const char* text) noexcept {
  failure_code_ = code;
  failure_text_ = text;
  return false;
}

Decode WsDecoder::feed(std::span<char> bytes, WsReceiver& receiver) {
  if (failure_code_ != 0) return Decode::failed;
  if (stopped_) return Decode::stopped;
  char* at = bytes.data();
  char* const end = at + bytes.size();
  while (at != end || (in_payload_ && remaining_ == 0)) {
    bool good = true;
    if (in_payload_) {
      const auto size =
          static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, static_cast<std::uint64_t>(end - at)));
      remaining_ -= size;
      in_payload_ = remaining_ != 0;
      good = take_payload({at, size}, receiver);
      at += size;
    } else {
      const char* next = at;
      good = read_head(next, end);
      at += next - at;
    }
    if (!good) {
      std::string().swap(message_);
      if (failure_code_ != 0) return Decode::failed;
      stopped_ = true;
      return Decode::stopped;
    }
  }
  return Decode::more;
}

bool WsDecoder::read_head(const char*& at, const char* end) {
  while (at != end) {
    const std::size_t take = std::min<std::size_t>(head_need_ - head_have_, static_cast<std::size_t>(end - at));
    std::memcpy(head_ + head_have_, at, take);
    head_have_ = static_cast<std::uint8_t>(head_have_ + take);
    at += take;
    if (head_have_ < head_need_) return true;
    if (head_need_ == 2) {
      if (!check_first_bytes()) return false;
      const std::uint8_t short_length = head_[1] & 0x7f;
      head_need_ = static_cast<std::uint8_t>(2 +
                                             (short_length == 126   ? 2
                                              : short_length == 127 ? 8
                                                                    : 0) +
                                             (role_ == Role::server ? 4 : 0));
      if (head_need_ > 2) continue;
    }
    const std::uint8_t short_length = head_[1] & 0x7f;
    const std::size_t wide = short_length == 126 ? 2 : short_length == 127 ? 8 : 0;
    const std::uint64_t length = wide == 0 ? short_length : big_endian(head_ + 2, wide);
    if (wide == 2 && length < 126) return fail(close_code::protocol_error, "frame length not in its shortest form");
    if (wide == 8 && length < 65536) return fail(close_code::protocol_error, "frame length not in its shortest form");
    if (!check_length(length)) return false;
    if (role_ == Role::server) std::memcpy(mask_, head_ + 2 + wide, 4);
    mask_at_ = 0;
    remaining_ = length;
    in_payload_ = true;
    head_have_ = 0;
    head_need_ = 2;
    return true;
  }
  return true;
}

bool WsDecoder::check_first_bytes() {
  constexpr auto error = close_code::protocol_error;
  final_ = (head_[0] & 0x80) != 0;
  const bool rsv1 = (head_[0] & 0x40) != 0;
  const std::uint8_t code = head_[0] & 0x0f;
  const bool masked = (head_[1] & 0x80) != 0;
  if ((head_[0] & 0x30) != 0) return fail(error, "reserved bits set");
  if ((code > 2 && code < 8) || code > 10) return fail(error, "unknown opcode");
  opcode_ = static_cast<Opcode>(code);
  if (masked != (role_ == Role::server)) {
    return fail(error, masked ? "masked frame from a server" : "unmasked frame from a client");
  }
  if (is_control(opcode_)) {
    if (rsv1) return fail(error, "reserved bits set on a control frame");
    if (!final_) return fail(error, "fragmented control frame");
    if ((head_[1] & 0x7f) > 125) return fail(error, "control frame of more than 125 bytes");
    return true;
  }
  if (opcode_ == Opcode::continuation) {
    if (kind_ == Opcode::continuation) return fail(error, "continuation without a message");
    if (rsv1) return fail(error, "reserved bits set on a continuation");
    return true;
  }
  if (kind_ != Opcode::continuation) return fail(error, "a new message inside a fragmented one");
  if (rsv1 && inflater_ == nullptr) return fail(error, "compressed frame, but no compression was agreed");
  kind_ = opcode_;
  compressed_ = rsv1;
  utf8_.reset();
  return true;
}

bool WsDecoder::check_length(std::uint64_t length) {
  if (length >> 63 != 0) return fail(close_code::protocol_error, "frame length with its highest bit set");
  if (is_control(opcode_)) return true;
  if (length > max_message_ || message_.size() + length > max_message_) {
    return fail(close_code::too_big, "message too big");
  }
  return true;
}

bool WsDecoder::take_payload(std::span<char> chunk, WsReceiver& receiver) {
  if (role_ == Role::server) mask_at_ = apply_mask(chunk, mask_, mask_at_);
  const std::string_view bytes(chunk.data(), chunk.size());
  if (!is_control(opcode_)) return take_data(bytes, receiver);
  if (!in_payload_ && control_.empty()) return end_control(bytes, receiver);
  control_.append(bytes);
  if (in_payload_) return true;
  const bool good = end_control(control_, receiver);
  control_.clear();
  return good;
}

bool WsDecoder::take_data(std::string_view chunk, WsReceiver& receiver) {
  const bool text = kind_ == Opcode::text && !compressed_;
  if (text && !utf8_.feed(chunk)) return fail(close_code::bad_payload, "text is not UTF-8");
  const bool ends = !in_payload_ && final_;
  if (ends && text && !utf8_.complete()) return fail(close_code::bad_payload, "text is not UTF-8");
  if (ends && message_.empty()) return end_message(chunk, receiver);
  message_.append(chunk);
  if (!ends) return true;
  const bool good = end_message(message_, receiver);
  release(message_);
  return good;
}

bool WsDecoder::end_message(std::string_view whole, WsReceiver& receiver) {
  const Opcode kind = kind_;
  kind_ = Opcode::continuation;
  if (!compressed_) return receiver.on_ws_message(kind, whole);
  switch (inflater_->inflate(whole, max_message_)) {
    case Inflater::Outcome::ok:
      break;
    case Inflater::Outcome::too_big:
      return fail(close_code::too_big, "message too big");
    case Inflater::Outcome::broken:
      return fail(close_code::bad_payload, "compressed data is broken");
  }
  if (kind == Opcode::text && !valid_utf8(inflater_->output())) {
    return fail(close_code::bad_payload, "text is not UTF-8");
  }
  const bool good = receiver.on_ws_message(kind, inflater_->output());
  if (inflater_ != nullptr) inflater_->release();
  return good;
}

bool WsDecoder::end_control(std::string_view payload, WsReceiver& receiver) {
  if (opcode_ == Opcode::ping) return receiver.on_ws_ping(payload);
  if (opcode_ == Opcode::pong) return receiver.on_ws_pong(payload);
  if (payload.empty()) {
    receiver.on_ws_close(close_code::none_given, {});
    return false;
  }
  if (payload.size() == 1) return fail(close_code::protocol_error, "close frame with half a code");
  const auto code = static_cast<std::uint16_t>(big_endian(reinterpret_cast<const unsigned char*>(payload.data()), 2));
  if (!sendable_close_code(code)) return fail(close_code::protocol_error, "close frame with an invalid code");
  const std::string_view reason = payload.substr(2);
  if (!valid_utf8(reason)) return fail(close_code::bad_payload, "close reason is not UTF-8");
  receiver.on_ws_close(code, reason);
  return false;
}

namespace {

std::size_t put_head(char* head, Opcode opcode, std::size_t payload, bool compressed, bool masked) noexcept {
  const unsigned mask_bit = masked ? 0x80 : 0;
  head[0] = static_cast<char>(0x80U | (compressed ? 0x40U : 0U) | static_cast<unsigned>(opcode));
  if (payload < 126) {
    head[1] = static_cast<char>(mask_bit | payload);
    return 2;
  }
  const std::size_t wide = payload < 65536 ? 2 : 8;
  head[1] = static_cast<char>(mask_bit | (wide == 2 ? 126U : 127U));
  for (std::size_t i = 0; i < wide; ++i) head[2 + i] = static_cast<char>(payload >> (8 * (wide - 1 - i)) & 0xff);
  return 2 + wide;
}

}  // namespace

void append_server_head(std::string& out, Opcode opcode, std::size_t payload, bool compressed) {
  char head[10];
  out.append(head, put_head(head, opcode, payload, compressed, false));
}

void append_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, bool compressed) {
  char head[14];
  std::size_t size = put_head(head, opcode, payload.size(), compressed, role == Role::client);
  if (role == Role::server) {
    out.append(head, size).append(payload);
    return;
  }
  unsigned char mask[4];
  random_bytes(mask);
  std::memcpy(head + size, mask, 4);
  out.append(head, size + 4);
  const std::size_t begin = out.size();
  out.append(payload);
  apply_mask({out.data() + begin, payload.size()}, mask, 0);
}

void append_close(std::string& out, Role role, std::uint16_t code, std::string_view reason) {
  if (!sendable_close_code(code)) {
    append_frame(out, role, Opcode::close, {});
    return;
  }
  std::size_t size = std::min<std::size_t>(reason.size(), 123);
  while (size > 0 && size < reason.size() && (static_cast<unsigned char>(reason[size]) & 0xc0) == 0x80) --size;
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  payload.append(reason.substr(0, size));
  append_frame(out, role, Opcode::close, payload);
}

bool append_compressed_frame(std::string& out, Role role, Opcode opcode, std::string_view payload, Deflater& deflater) {
  const std::string_view smaller = deflater.deflate(payload);
  if (smaller.empty() || smaller.size() >= payload.size()) return false;
  append_frame(out, role, opcode, smaller, true);
  return true;
}

void random_bytes(std::span<unsigned char> out) {
  thread_local std::array<unsigned char, 4096> pool;
  thread_local std::size_t used = pool.size();
  for (unsigned char& byte : out) {
    if (used == pool.size()) {
      for (std::size_t have = 0; have < pool.size();) {
        const ssize_t got = ::getrandom(pool.data() + have, pool.size() - have, 0);
        if (got < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "getrandom");
        if (got > 0) have += static_cast<std::size_t>(got);
      }
      used = 0;
    }
    byte = pool[used++];
  }
}

}  // namespace bixws::net
