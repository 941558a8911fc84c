// SPDX-License-Identifier: Apache-2.0
// JSON strings: eight bytes at a time where the processor can shuffle bytes, since an exchange's frame inside a string
// has something to escape every few bytes, and a branch for each is mispredicted.
#include "model/json_string.h"

#include <array>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace bixws {
namespace {

/// What a byte becomes. The whole entry is stored and only `length` bytes of it count.
struct Escaped {
  std::array<char, 7> text;
  std::uint8_t length;
};
static_assert(sizeof(Escaped) == 8);

constexpr std::array<Escaped, 256> kEscaped = [] {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<Escaped, 256> table{};
  for (std::size_t byte = 0; byte < table.size(); ++byte) {
    const char c = static_cast<char>(byte);
    if (c == '"' || c == '\\') {
      table[byte] = {{'\\', c}, 2};
    } else if (c == '\n') {
      table[byte] = {{'\\', 'n'}, 2};
    } else if (byte < 0x20) {
      table[byte] = {{'\\', 'u', '0', '0', kHex[byte >> 4], kHex[byte & 15U]}, 6};
    } else {
      table[byte] = {{c}, 1};
    }
  }
  return table;
}();

char* write_bytes(char* to, std::string_view text) {
  for (const char c : text) {
    const Escaped& escaped = kEscaped[static_cast<unsigned char>(c)];
    std::memcpy(to, &escaped, sizeof escaped);
    to += escaped.length;
  }
  return to;
}

#if defined(__x86_64__)

constexpr std::size_t kStride = 8;
using Shuffle = std::array<std::uint8_t, 2 * kStride>;
constexpr std::uint8_t kBackslashAt = 15;  // the byte of the source register that holds one
constexpr std::uint8_t kZero = 0x80;

/// For each set of bytes to escape, a bit for each: the bytes in order, with a backslash before those of the set.
alignas(16) constexpr std::array<Shuffle, 256> kSpread = [] {
  std::array<Shuffle, 256> table{};
  for (std::size_t set = 0; set < table.size(); ++set) {
    Shuffle& shuffle = table[set];
    shuffle.fill(kZero);
    std::size_t at = 0;
    for (std::uint8_t byte = 0; byte < kStride; ++byte) {
      if ((set >> byte & 1U) != 0) shuffle[at++] = kBackslashAt;
      shuffle[at++] = byte;
    }
  }
  return table;
}();

__attribute__((target("ssse3,popcnt"))) char* write_strides(char* to, std::string_view text) {
  const __m128i quote = _mm_set1_epi8('"');
  const __m128i backslash = _mm_set1_epi8('\\');
  const __m128i last_control = _mm_set1_epi8(0x1f);
  const __m128i spare_backslash = _mm_slli_si128(_mm_cvtsi32_si128('\\'), kBackslashAt);
  const auto bits = [](__m128i matches) { return static_cast<unsigned>(_mm_movemask_epi8(matches)) & 0xffU; };
  while (text.size() >= kStride) {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(text.data()));
    if (bits(_mm_cmpeq_epi8(_mm_min_epu8(bytes, last_control), bytes)) != 0) {
      to = write_bytes(to, text.substr(0, kStride));
    } else {
      const unsigned set = bits(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
      const __m128i spread = _mm_load_si128(reinterpret_cast<const __m128i*>(kSpread[set].data()));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_shuffle_epi8(_mm_or_si128(bytes, spare_backslash), spread));
      to += kStride + static_cast<std::size_t>(__builtin_popcount(set));
    }
    text.remove_prefix(kStride);
  }
  return write_bytes(to, text);
}

bool can_shuffle() { return __builtin_cpu_supports("ssse3") != 0 && __builtin_cpu_supports("popcnt") != 0; }

char* write_text(char* to, std::string_view text) {
  static const auto best = can_shuffle() ? write_strides : write_bytes;
  return best(to, text);
}

#else

char* write_text(char* to, std::string_view text) { return write_bytes(to, text); }

#endif

}  // namespace

char* write_json_string(char* to, std::string_view text) {
  *to++ = '"';
  to = write_text(to, text);
  *to++ = '"';
  return to;
}

char* write_json_string_bytewise(char* to, std::string_view text) {
  *to++ = '"';
  to = write_bytes(to, text);
  *to++ = '"';
  return to;
}

}  // namespace bixws
