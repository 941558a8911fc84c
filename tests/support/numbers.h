// SPDX-License-Identifier: Apache-2.0
// Decimals as tests write them.
#pragma once

#include <bixws/decimal.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace bixws::test {

/// The exact value of the text; throws where it is no number.
inline Decimal dec(std::string_view text) {
  Decimal value;
  if (parse_decimal(text, value) != NumberError::none) throw std::runtime_error("no number: " + std::string(text));
  return value;
}

}  // namespace bixws::test
