// SPDX-License-Identifier: Apache-2.0
// Decimal: every digit of the wire survives, order is by value, nonsense is refused.
#include <bixws/decimal.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "support/numbers.h"

namespace bixws {
namespace {

using test::dec;

std::string round_trip(std::string_view text) {
  Decimal d;
  EXPECT_EQ(parse_decimal(text, d), NumberError::none) << text;
  return d.to_string();
}

TEST(Decimal, KeepsEveryDigitAndTrailingZero) {
  for (const char* text :
       {"0", "0.0", "0.00000000", "1", "100", "100.0", "50000.00", "0.000022900", "-2679.9", "-0.00", "106824",
        "5123456789012.00000000", "123456789012.12345678", "1234567890123456789", "18446744073709551616",
        "12345678901234567890123456.78", "1000000000000000000000000000000000000000", "0.00000000000000000001",
        "90000000000000000000.000000000000"}) {
    EXPECT_EQ(round_trip(text), text);
  }
}

TEST(Decimal, WritesExponentsAndLeadingZerosInPlainForm) {
  EXPECT_EQ(round_trip("1e-08"), "0.00000001");
  EXPECT_EQ(round_trip("1.5E3"), "1500");
  EXPECT_EQ(round_trip("1.50e1"), "15.0");
  EXPECT_EQ(round_trip("007.50"), "7.50");
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  for (const char* text : {"", "-", ".5", "5.", "NaN", "Infinity", "0.-10000", "1,5", "1.2.3", "0x10", " 1", "1 ", "1e",
                           "--1", "+1", "null"}) {
    Decimal d;
    EXPECT_EQ(parse_decimal(text, d), NumberError::malformed) << text;
    EXPECT_FALSE(d.has_value());
  }
}

TEST(Decimal, SaysWhenDigitsDoNotFit) {
  Decimal d;
  EXPECT_EQ(parse_decimal("1234567890123456789012345678901234567890", d), NumberError::too_long);
  EXPECT_EQ(parse_decimal("0.1234567890123456789012345678901234567890", d), NumberError::too_long);
  EXPECT_EQ(parse_decimal("1e400", d), NumberError::too_long);
  EXPECT_EQ(parse_decimal("1e99999999999", d), NumberError::too_long);
  EXPECT_FALSE(d.has_value());
}

TEST(Decimal, WhatIsAcceptedReadsBack) {
  // Found by the fuzzer: written without its exponent, this one had more zeros than were accepted.
  Decimal d;
  EXPECT_EQ(parse_decimal("20e64", d), NumberError::too_long);
  for (const char* text : {"2e62", "1e63", "0e64", "1e-64", "120000e50"}) {
    const std::string written = round_trip(text);
    EXPECT_EQ(dec(written), dec(text)) << text << " as " << written;
  }
}

TEST(Decimal, OrdersByValueWhateverTheScale) {
  EXPECT_EQ(dec("1.5"), dec("1.50"));
  EXPECT_EQ(dec("0"), dec("-0.00"));
  EXPECT_LT(dec("49999.9"), dec("50000.00"));
  EXPECT_LT(dec("-2"), dec("-1.99"));
  EXPECT_LT(dec("-0.1"), dec("0.01"));
  EXPECT_GT(dec("18446744073709551616"), dec("18446744073709551615.9"));
  EXPECT_FALSE(identical(dec("1.5"), dec("1.50")));
  EXPECT_TRUE(identical(dec("1.50"), dec("1.50")));
}

TEST(Decimal, RandomTextsRoundTrip) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto digits = 1 + random() % 28;
    const auto point = random() % (digits + 1);
    std::string text = random() % 4 == 0 ? "-" : "";
    if (point == 0) text += "0.";
    for (std::size_t d = 0; d < digits; ++d) {
      if (d == point && point != 0) text += '.';
      const char first = d == 0 && point > 1 ? '1' : '0';
      text += static_cast<char>(first + static_cast<char>(random() % (first == '1' ? 9 : 10)));
    }
    if (point == 0 && text.back() == '.') text += '0';
    ASSERT_EQ(round_trip(text), text);
  }
}

TEST(Decimal, AbsentIsNotZero) {
  EXPECT_FALSE(Decimal{}.has_value());
  EXPECT_TRUE(Decimal::of(0).has_value());
  EXPECT_EQ(Decimal::of(-12345, -2).to_string(), "-123.45");
  EXPECT_EQ(Decimal{}.to_string(), "");
}

}  // namespace
}  // namespace bixws
