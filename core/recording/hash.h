// SPDX-License-Identifier: Apache-2.0
// The two sums of a recording: CRC32 finds accidents in one row, SHA-256 ties the rows together.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace bixws::recording {

using Hash = std::array<unsigned char, 32>;

[[nodiscard]] std::uint32_t crc32_of(std::string_view bytes, std::uint32_t before = 0);

/// SHA-256 over bytes given in pieces.
class Sha256 {
 public:
  Sha256();
  void add(std::string_view bytes);
  /// Ends this sum and begins a new one.
  Hash finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

[[nodiscard]] std::string hex(const Hash& hash);
[[nodiscard]] inline std::string_view bytes_of(const Hash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

}  // namespace bixws::recording
