// SPDX-License-Identifier: Apache-2.0
// Stream: frames and the two numbers in each message.
#include "stream.h"

#include <algorithm>

namespace bixws::bench {
namespace {

constexpr std::string_view kTrades = R"({"type":"trades",)";
constexpr std::string_view kGap = R"({"type":"gap",)";
constexpr std::string_view kError = R"({"type":"error",)";
constexpr std::string_view kSeq = R"("seq":)";
constexpr std::string_view kReceived = R"("recv_ts":)";
constexpr std::size_t kTimeDigits = 16;  // microseconds since the epoch, until the year 2286

Stream::Outcome complain(Tally& tally, std::string text) {
  if (tally.complaint.empty()) tally.complaint = std::move(text);
  return Stream::Outcome::broken;
}

std::uint64_t number_at(std::string_view text, std::size_t at) {
  std::uint64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    value = value * 10 + static_cast<std::uint64_t>(text[at] - '0');
  }
  return value;
}

}  // namespace

std::string client_frame(unsigned opcode, std::string_view payload) {
  constexpr char kMask[4] = {0x37, 0x11, 0x5a, 0x2c};  // any will do: nothing here is meant to be unpredictable
  std::string frame;
  frame += static_cast<char>(0x80U | opcode);
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += static_cast<char>(0x80U | 126U);
    frame += static_cast<char>(payload.size() >> 8U);
    frame += static_cast<char>(payload.size());
  }
  frame.append(kMask, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ kMask[i % 4]);
  return frame;
}

Stream::Outcome Stream::take(std::string_view bytes, std::int64_t now, Tally& tally, std::string& reply) {
  if (rest_.empty()) {
    const Outcome outcome = take_frames(bytes, now, tally, reply);
    if (outcome == Outcome::more) rest_.assign(bytes);
    return outcome;
  }
  rest_.append(bytes);
  std::string_view all = rest_;
  const Outcome outcome = take_frames(all, now, tally, reply);
  rest_.erase(0, rest_.size() - all.size());
  return outcome;
}

// Leaves in `bytes` what is not a whole frame yet.
Stream::Outcome Stream::take_frames(std::string_view& bytes, std::int64_t now, Tally& tally, std::string& reply) {
  while (bytes.size() >= 2) {
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(bytes[i])}; };
    const unsigned opcode = static_cast<unsigned>(byte(0)) & 15U;
    std::size_t size = byte(1);
    std::size_t head = 2;
    if ((byte(0) & 0xf0U) != 0x80U) return complain(tally, "a fragment, or a reserved bit");
    if (size > 127) return complain(tally, "a masked frame");
    if (size == 126) {
      if (bytes.size() < 4) break;
      size = byte(2) << 8U | byte(3);
      head = 4;
      if (size < 126) return complain(tally, "a length that is not in its shortest form");
    } else if (size == 127) {
      if (bytes.size() < 10) break;
      size = 0;
      for (std::size_t i = 2; i < 10; ++i) size = size << 8U | byte(i);
      head = 10;
      if (size < 65536 || size > (std::size_t{1} << 24U)) return complain(tally, "an odd frame length");
    }
    if (bytes.size() - head < size) break;
    const std::string_view payload = bytes.substr(head, size);
    bytes.remove_prefix(head + size);
    if (opcode == 1) {
      if (!message(payload, now, tally)) return Outcome::broken;
    } else if (const Outcome outcome = control(opcode, payload, tally, reply); outcome != Outcome::more) {
      return outcome;
    }
  }
  return Outcome::more;
}

Stream::Outcome Stream::control(unsigned opcode, std::string_view payload, Tally& tally, std::string& reply) {
  if (payload.size() > 125) return complain(tally, "a control frame that is too long");
  switch (opcode) {
    case 8:
      if (payload.size() >= 2) {
        close_code_ = static_cast<std::uint16_t>(static_cast<unsigned char>(payload[0]) << 8U |
                                                 static_cast<unsigned char>(payload[1]));
        close_reason_ = payload.substr(2);
      }
      return Outcome::closed;
    case 9:
      reply += client_frame(10, payload);
      return Outcome::more;
    case 10:
      return Outcome::more;
    default:
      return complain(tally, "opcode " + std::to_string(opcode));
  }
}

bool Stream::message(std::string_view text, std::int64_t now, Tally& tally) {
  if (!text.starts_with(kTrades)) {
    if (text.starts_with(kError)) return complain(tally, std::string(text)), false;
    ++tally.others;
    if (text.starts_with(kGap)) {
      ++tally.gaps;
      gap_told_ = true;
    }
    return true;
  }
  const bool as_before = seq_at_ + kSeq.size() < text.size() && text.compare(seq_at_, kSeq.size(), kSeq) == 0;
  if (!as_before) seq_at_ = std::min(text.find(kSeq), text.size());
  const std::size_t time_at = text.size() < 64 ? 0 : text.size() - kTimeDigits - 3;  // }]} follow it
  if (seq_at_ == text.size() || time_at == 0 ||
      text.substr(time_at - kReceived.size(), kReceived.size()) != kReceived) {
    return complain(tally, "a trades message of another form: " + std::string(text.substr(0, 300))), false;
  }
  const std::uint64_t seq = number_at(text, seq_at_ + kSeq.size());
  if (seq_ != 0 && seq != seq_ + 1 && !(gap_told_ && seq > seq_)) ++tally.holes;
  if (seq <= seq_) return complain(tally, "seq " + std::to_string(seq) + " after " + std::to_string(seq_)), false;
  gap_told_ = false;
  seq_ = seq;
  ++messages_;
  ++tally.checked;
  if (tally.measuring) {
    ++tally.messages;
    tally.bytes += text.size();
    tally.latency.add(now - static_cast<std::int64_t>(number_at(text, time_at)));
  }
  return true;
}

}  // namespace bixws::bench
