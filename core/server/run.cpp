// SPDX-License-Identifier: Apache-2.0
// Run: framing in place.
#include "server/run.h"

#include <cstring>

namespace bixws::server {
namespace {
constexpr std::size_t kUsualHead = 4;  // most messages are between 126 and 65535 bytes long
constexpr char kTextFrame = static_cast<char>(0x81);
}  // namespace

std::size_t begin_frame(TextBuffer& out) { return out.skip(kUsualHead); }

Extent end_frame(TextBuffer& out, std::size_t begin) {
  const std::size_t size = out.size() - begin - kUsualHead;
  std::size_t head = kUsualHead;
  if (size < 126) {
    head = 2;
    std::memmove(out.at(begin + head), out.at(begin + kUsualHead), size);
    out.shrink_to(begin + head + size);
    *out.at(begin + 1) = static_cast<char>(size);
  } else if (size < 65536) {
    *out.at(begin + 1) = 126;
    *out.at(begin + 2) = static_cast<char>(size >> 8);
    *out.at(begin + 3) = static_cast<char>(size);
  } else {
    head = 10;
    out.skip(head - kUsualHead);
    std::memmove(out.at(begin + head), out.at(begin + kUsualHead), size);
    *out.at(begin + 1) = 127;
    for (std::size_t i = 0; i < 8; ++i) *out.at(begin + 2 + i) = static_cast<char>(size >> (8 * (7 - i)));
  }
  *out.at(begin) = kTextFrame;
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(head + size)};
}

std::size_t frame_boundary(std::string_view frames, std::size_t offset) {
  std::size_t at = 0;
  while (at < offset) {
    const auto byte = [&](std::size_t i) { return std::size_t{static_cast<unsigned char>(frames[at + i])}; };
    std::size_t size = byte(1);
    std::size_t head = 2;
    if (size == 126) {
      size = byte(2) << 8 | byte(3);
      head = 4;
    } else if (size == 127) {
      size = 0;
      for (std::size_t i = 2; i < 10; ++i) size = size << 8 | byte(i);
      head = 10;
    }
    at += head + size;
  }
  return at;
}

}  // namespace bixws::server
