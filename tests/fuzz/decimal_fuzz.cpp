// SPDX-License-Identifier: Apache-2.0
// Any bytes as a number: refused, or written back in a form that reads as the same number.
#include <bixws/decimal.h>

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bixws::Decimal number;
  if (bixws::parse_decimal(text, number) != bixws::NumberError::none) return 0;
  char written[bixws::kDecimalChars];
  const char* const end = bixws::write_decimal(written, number);
  if (end - written > static_cast<std::ptrdiff_t>(bixws::kDecimalChars)) std::abort();
  bixws::Decimal again;
  const std::string_view form(written, static_cast<std::size_t>(end - written));
  if (bixws::parse_decimal(form, again) != bixws::NumberError::none || !(again == number)) std::abort();
  if (form.find_first_of("eE") != std::string_view::npos) std::abort();
  return 0;
}
