// SPDX-License-Identifier: Apache-2.0
// Any bytes as a compressed message: never more out than the cap; and what we compress inflates to itself.
#include <cstdlib>

#include "net/deflate.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace bixws::net;
  constexpr std::size_t kCap = 100'000;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  static Inflater inflater;
  if (inflater.inflate(bytes, kCap) == Inflater::Outcome::ok && inflater.output().size() > kCap) std::abort();
  static Deflater deflater;
  const std::string compressed(deflater.deflate(bytes));
  if (inflater.inflate(compressed, kCap) != Inflater::Outcome::ok || inflater.output() != bytes) std::abort();
  return 0;
}
