// SPDX-License-Identifier: Apache-2.0
// The tests' own JSON reader: exact text kept, bad text refused.
#include <gtest/gtest.h>

#include "support/raw_json.h"

namespace bixws::test {
namespace {

TEST(SupportRawJson, KeepsTheTextOfEveryValue) {
  const auto value =
      RawJson::parse_or_throw(R"( {"p":0.00100000,"big":12345678901234567890123,"l":[ [1,"2.50"] ,{} ]} )");
  EXPECT_EQ(value["p"].raw(), "0.00100000");
  EXPECT_EQ(value["big"].raw(), "12345678901234567890123");
  EXPECT_EQ(value["l"].raw(), R"([ [1,"2.50"] ,{} ])");
  EXPECT_EQ(value["l"][0][1].text(), "2.50");
  EXPECT_EQ(value["l"][0][1].raw(), "\"2.50\"");
  EXPECT_EQ(value["l"].size(), 2U);
}

TEST(SupportRawJson, WhatIsNotThereIsMissingAllTheWayDown) {
  const auto value = RawJson::parse_or_throw(R"({"a":[1]})");
  EXPECT_FALSE(value["b"]["c"][7].exists());
  EXPECT_FALSE(value["a"][1].exists());
  EXPECT_TRUE(value["a"][0].exists());
}

TEST(SupportRawJson, ValuesOutliveTheDocument) {
  RawJson part;
  {
    const auto value = RawJson::parse_or_throw(R"({"deep":{"text":"kept"}})");
    part = value["deep"];
  }
  EXPECT_EQ(part["text"].text(), "kept");
}

TEST(SupportRawJson, DecodesEscapes) {
  EXPECT_EQ(RawJson::parse_or_throw(R"("a\"\\\/\n\u00e9\ud83d\ude00")").text(), "a\"\\/\n\u00e9\U0001F600");
  EXPECT_EQ(RawJson::parse_or_throw(json_quoted("a\"\\\n\x01")).text(), "a\"\\\n\x01");
}

TEST(SupportRawJson, Integers) {
  EXPECT_EQ(RawJson::parse_or_throw("-12").integer(), -12);
  EXPECT_EQ(RawJson::parse_or_throw("\"1652459224956\"").integer(), 1652459224956);
  EXPECT_EQ(RawJson::parse_or_throw("1.0").integer(), std::nullopt);
  EXPECT_EQ(RawJson::parse_or_throw("99999999999999999999").integer(), std::nullopt);
}

class NotJson : public testing::TestWithParam<const char*> {};

TEST_P(NotJson, IsRefused) { EXPECT_FALSE(RawJson::parse(GetParam())); }

INSTANTIATE_TEST_SUITE_P(SupportRawJson, NotJson,
                         testing::Values("", "{", "[1,]", "{\"a\":}", "{\"a\" 1}", "{a:1}", "01", "1.", ".5", "+1",
                                         "1e", "NaN", "nul", "\"open", "\"\\x\"", "\"\\u12g4\"", "\"tab\there\"", "1 2",
                                         "[1] x", "<html>", "{\"a\":1}}"));

TEST(SupportRawJson, DeepNestingIsRefusedNotACrash) { EXPECT_FALSE(RawJson::parse(std::string(100'000, '['))); }

}  // namespace
}  // namespace bixws::test
