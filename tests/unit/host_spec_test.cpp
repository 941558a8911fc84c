// SPDX-License-Identifier: Apache-2.0
// name:key=value,key=value and its validation against a plugin's option table.
#include <gmock/gmock.h>

#include "host/spec.h"
#include "model/config_error.h"

namespace bixws::host {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr Option kOptions[] = {
    {"rate", OptionType::number, "200", "events per second"},
    {"count", OptionType::integer, "0", "how many"},
    {"fast", OptionType::boolean, "false", "or not"},
    {"pause", OptionType::duration, "1s", "between two"},
    {"mode", OptionType::string, "soft", "soft|hard: how to hit"},
    {"channels", OptionType::list, "", "trades|book, joined with +"},
    {"url", OptionType::string, "ws://localhost", "where"},
    {"token", OptionType::integer, "1", "a secret number", true},
};

SpecSettings settings(const std::string& text) {
  return SpecSettings(parse_spec(text), {"feed x", kOptions, {"BTCUSDT", "ETHUSDT"}, 6});
}

std::string refusal_of(const std::string& text) {
  try {
    (void)settings(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "accepted";
}

TEST(Spec, AFeedIsCalledByItsPluginUnlessAsSaysOtherwise) {
  Spec plain = parse_spec("json:file=a.json");
  EXPECT_EQ(take_feed_name(plain), "json");
  Spec named = parse_spec("json:as=acme,file=a.json");
  EXPECT_EQ(take_feed_name(named), "acme");
  EXPECT_THAT(named.values, ElementsAre(Pair("file", "a.json")));
  for (const char* wrong : {"json:as=", "json:as=Acme", "json:as=a:b", "json:as=a234567890123456789012345678901234"}) {
    Spec spec = parse_spec(wrong);
    EXPECT_THROW(take_feed_name(spec), ConfigError) << wrong;
  }
}

TEST(Spec, IsANameWithValues) {
  EXPECT_EQ(parse_spec("sim").name, "sim");
  EXPECT_THAT(parse_spec("sim:").values, ElementsAre());
  EXPECT_THAT(parse_spec("sim:rate=5,fast,url=ws://h:1/p?a=b").values,
              ElementsAre(Pair("rate", "5"), Pair("fast", "true"), Pair("url", "ws://h:1/p?a=b")));
  EXPECT_THAT(parse_spec(R"(csv:dir=a\,b,x=c:\temp\\,y=\n)").values,
              ElementsAre(Pair("dir", "a,b"), Pair("x", R"(c:\temp\)"), Pair("y", R"(\n)")));
  EXPECT_THAT(parse_spec("csv:dir=").values, ElementsAre(Pair("dir", "")));
  for (const char* bad : {"", ":a=b", "Sim", "si m", "sim:=5", "sim:a=1,,b=2", "sim,rate=5"}) {
    EXPECT_THROW((void)parse_spec(bad), ConfigError) << bad;
  }
}

TEST(Spec, IsWrittenAsItIsRead) {
  for (const char* text : {"sim", "sim:rate=5", R"(csv:dir=a\,b,x=c\\d)"}) EXPECT_EQ(text_of(parse_spec(text)), text);
}

TEST(SpecSettings, HandsOutCheckedValuesAndDefaults) {
  const SpecSettings s = settings("x:rate=0.5,count=-7,fast=yes,pause=1m30s,channels=book+trades");
  EXPECT_EQ(s.number("rate"), 0.5);
  EXPECT_EQ(s.integer("count"), -7);
  EXPECT_TRUE(s.boolean("fast"));
  EXPECT_EQ(s.get("pause"), "90000000");
  EXPECT_EQ(s.get("mode"), "soft");
  EXPECT_EQ(s.get("channels"), "book+trades");
  EXPECT_EQ(s.get("no such key"), "");
  EXPECT_EQ(s.symbol_count(), 2U);
  EXPECT_EQ(s.symbol(1), "ETHUSDT");
  EXPECT_EQ(s.channels(), 6U);
}

TEST(SpecSettings, RefuseWhatDoesNotFit) {
  EXPECT_EQ(refusal_of("x:raet=5"), "unknown key raet of feed x; did you mean rate?");
  EXPECT_EQ(refusal_of("x:volume=5"),
            "unknown key volume of feed x; known: rate, count, fast, pause, mode, channels, url, token");
  EXPECT_EQ(refusal_of("x:rate=5,rate=6"), "key rate of feed x is given twice");
  EXPECT_EQ(refusal_of("x:rate=fast"), "rate of feed x must be a number, not fast");
  EXPECT_EQ(refusal_of("x:rate=1e5"), "rate of feed x must be a number, not 1e5");
  EXPECT_EQ(refusal_of("x:rate=nan"), "rate of feed x must be a number, not nan");
  EXPECT_EQ(refusal_of("x:count=1.5"), "count of feed x must be a whole number, not 1.5");
  EXPECT_EQ(refusal_of("x:count="), "count of feed x must be a whole number, not empty");
  EXPECT_EQ(refusal_of("x:fast=maybe"), "fast of feed x must be true or false, not maybe");
  EXPECT_EQ(refusal_of("x:pause=5"), "pause of feed x must be a duration such as 250ms, 5s, 2m or 1h, not 5");
  EXPECT_EQ(refusal_of("x:mode=hrad"), "mode of feed x must be soft or hard, not hrad; did you mean hard?");
  EXPECT_EQ(refusal_of("x:channels=trades+boook"),
            "channels of feed x must be made of trades or book, not boook; did you mean book?");
}

TEST(SpecSettings, NeverRepeatASecret) {
  EXPECT_EQ(refusal_of("x:token=hunter2"), "token of feed x must be a whole number");
  EXPECT_THAT(settings("x:token=1234567").secrets(), ElementsAre("1234567"));
}

TEST(SpecSettings, RequiredKeysHaveNoDefault) {
  constexpr Option kRequired[] = {{"dir", OptionType::string, nullptr, "folder to write to"}};
  EXPECT_EQ(SpecSettings(parse_spec("csv:dir=/x"), {"sink csv", kRequired, {}, 0}).get("dir"), "/x");
  try {
    const SpecSettings s(parse_spec("csv"), {"sink csv", kRequired, {}, 0});
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "sink csv needs dir=...: folder to write to");
  }
}

TEST(Choices, AreNamedInTheHelp) {
  EXPECT_THAT(choices_of({"a", OptionType::string, "", "table|ndjson: how lines look"}),
              ElementsAre("table", "ndjson"));
  EXPECT_THAT(choices_of({"a", OptionType::string, "", "one of (x|y_z|w-1), or so"}), ElementsAre("x", "y_z", "w-1"));
  EXPECT_THAT(choices_of({"a", OptionType::string, "", "trade|aggTrade: SPOT|SWAP"}), ElementsAre("trade", "aggTrade"));
  EXPECT_THAT(choices_of({"a", OptionType::string, "", "anything"}), ElementsAre());
}

}  // namespace
}  // namespace bixws::host
