// SPDX-License-Identifier: Apache-2.0
// excerpt: text of an exchange, fit for logs and events.
#pragma once

#include <bixws/event.h>

#include <cstddef>
#include <string>

namespace bixws::feed {

/// No control characters, plain ASCII, not too long.
inline std::string excerpt(Text text) {
  constexpr std::size_t kMostExcerpt = 200;
  std::string out;
  for (const char c : text.substr(0, kMostExcerpt)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 ? ' ' : byte < 0x7f ? c : '?';
  }
  if (text.size() > kMostExcerpt) out += "...";
  return out;
}

}  // namespace bixws::feed
