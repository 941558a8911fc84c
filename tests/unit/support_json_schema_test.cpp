// SPDX-License-Identifier: Apache-2.0
// The tests' own JSON Schema validator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/json_schema.h"

namespace bixws::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

TEST(SupportJsonSchema, SaysWhatIsWrongAndWhere) {
  const JsonSchema schema(R"({"$defs":{
    "item":{"type":"object","required":["id"],"properties":{"id":{"type":"string","minLength":2},
            "n":{"type":"integer","minimum":1,"maximum":9},"list":{"$ref":"#/$defs/pairs"}}},
    "pairs":{"type":"array","maxItems":2,"items":{"type":"array","prefixItems":[{"type":"number"},{"enum":["a","b"]}],
             "minItems":2,"maxItems":2}}}})");
  EXPECT_THAT(schema.problems(R"({"id":"ab","n":9,"list":[[1.50,"a"],[2,"b"]]})", "item"), IsEmpty());
  EXPECT_THAT(schema.problems("{", "item"), ElementsAre(HasSubstr("not JSON")));
  EXPECT_THAT(schema.problems("5", "item"), ElementsAre(HasSubstr("5 is not \"object\"")));
  EXPECT_THAT(schema.problems("{}", "item"), ElementsAre(HasSubstr("id is missing")));
  EXPECT_THAT(schema.problems(R"({"id":"a"})", "item"), ElementsAre(HasSubstr(".id: \"a\" is too short")));
  EXPECT_THAT(schema.problems(R"({"id":"ab","n":0})", "item"), ElementsAre(HasSubstr(".n: 0 is below 1")));
  EXPECT_THAT(schema.problems(R"({"id":"ab","n":1.0})", "item"), ElementsAre(HasSubstr("is not \"integer\"")));
  EXPECT_THAT(schema.problems(R"({"id":"ab","list":[[1e3,"a"]]})", "item"),
              ElementsAre(HasSubstr(".list[0][0]: 1e3 is not \"number\"")));
  EXPECT_THAT(schema.problems(R"({"id":"ab","list":[[1,"c"],[1]]})", "item"), SizeIs(2));
  EXPECT_THAT(schema.problems(R"({"id":"ab","extra":1})", "item"),
              ElementsAre(HasSubstr(".extra: no schema names it")));
}

TEST(SupportJsonSchema, ChoicesAndConditions) {
  const JsonSchema schema(R"({"$defs":{
    "message":{"type":"object","properties":{"type":{"enum":["a","b"]}},"allOf":[
       {"if":{"properties":{"type":{"const":"a"}}},"then":{"required":["x"],"properties":{"x":{"type":"number"}}}},
       {"if":{"properties":{"type":{"const":"b"}}},"then":{"properties":{"y":{"anyOf":[{"type":"null"},{"const":"max"}]}}}}]}}})");
  EXPECT_THAT(schema.problems(R"({"type":"a","x":1})", "message"), IsEmpty());
  EXPECT_THAT(schema.problems(R"({"type":"a"})", "message"), ElementsAre(HasSubstr("x is missing")));
  EXPECT_THAT(schema.problems(R"({"type":"b","y":"max"})", "message"), IsEmpty());
  EXPECT_THAT(schema.problems(R"({"type":"b","y":null})", "message"), IsEmpty());
  EXPECT_THAT(schema.problems(R"({"type":"b","y":1})", "message"), ElementsAre(HasSubstr("fits none of the choices")));
  EXPECT_THAT(schema.problems(R"({"type":"b","x":1})", "message"), ElementsAre(HasSubstr(".x: no schema names it")));
  EXPECT_THAT(schema.problems(R"({"type":"c"})", "message"), ElementsAre(HasSubstr("is none of")));
}

TEST(SupportJsonSchema, ASchemaItDoesNotUnderstandIsRefused) {
  EXPECT_THROW(JsonSchema(R"({"$defs":{"a":{"multipleOf":3}}})"), std::runtime_error);
  EXPECT_THROW(JsonSchema(R"({"$defs":{"a":{"$ref":"#/$defs/b"}}})"), std::runtime_error);
  EXPECT_THROW(JsonSchema("[]"), std::runtime_error);
}

}  // namespace
}  // namespace bixws::test
