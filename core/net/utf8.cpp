// SPDX-License-Identifier: Apache-2.0
// UTF-8 checked as it arrives (RFC 3629): the first impossible byte is refused, wherever the input is cut.
#include "net/utf8.h"

#include <cstring>

namespace bixws::net {

bool Utf8Check::feed(std::string_view bytes) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at != end) {
    if (missing_ == 0) {
      while (end - at >= 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, at, 8);
        if ((word & 0x8080808080808080U) != 0) break;
        at += 8;
      }
      while (at != end && *at < 0x80) ++at;
      if (at == end) return true;
      const unsigned char lead = *at++;
      low_ = 0x80;
      high_ = 0xbf;
      if (lead >= 0xc2 && lead <= 0xdf) {
        missing_ = 1;
      } else if (lead >= 0xe0 && lead <= 0xef) {
        missing_ = 2;
        if (lead == 0xe0) low_ = 0xa0;
        if (lead == 0xed) high_ = 0x9f;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        missing_ = 3;
        if (lead == 0xf0) low_ = 0x90;
        if (lead == 0xf4) high_ = 0x8f;
      } else {
        return false;
      }
    }
    while (missing_ > 0 && at != end) {
      if (*at < low_ || *at > high_) return false;
      ++at;
      --missing_;
      low_ = 0x80;
      high_ = 0xbf;
    }
  }
  return true;
}

}  // namespace bixws::net
