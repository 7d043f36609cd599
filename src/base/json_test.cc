#include "base/json.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using testing::HasSubstr;

JsonDocument parse(std::string_view text) {
  auto document = JsonDocument::parse(text, "config.json");
  EXPECT_TRUE(document) << document.error().message;
  return std::move(*document);
}

std::string parse_error(std::string_view text) {
  const auto document = JsonDocument::parse(text, "body");
  if (document) return "no error";
  EXPECT_EQ(document.error().code, StatusCode::kInvalidArgument);
  return document.error().message;
}

TEST(Json, ReadsEveryType) {
  const JsonDocument document = parse(R"({"s":"t","b":true,"d":1.5,"i":7,"n":null,"a":[1],"o":{}})");
  const JsonValue root = document.root();
  EXPECT_EQ(root.get("s")->as_string(), "t");
  EXPECT_EQ(root.get("b")->as_bool(), true);
  EXPECT_EQ(root.get("d")->as_double(), 1.5);
  EXPECT_EQ(root.get("i")->as_double(), 7.0);
  EXPECT_EQ(root.get("i")->as_integer(0, 10), 7);
  EXPECT_TRUE(root.get("n")->is_null());
  EXPECT_EQ(root.get("a")->as_array()->size(), 1);
  EXPECT_TRUE(root.get("o")->as_object()->empty());
  EXPECT_FALSE(root.find("n"));
  EXPECT_FALSE(root.find("gone"));
  EXPECT_FALSE(root.get("s")->find("x"));
  EXPECT_EQ(root.get("o")->to_text(), "{}");
}

TEST(Json, MessagesNameDocumentAndPath) {
  const JsonDocument document = parse(R"({"a":{"b":[1,{"c":"x"}]},"n":null})");
  const JsonValue root = document.root();
  EXPECT_EQ(root.path(), "config.json");
  EXPECT_EQ(root.get("gone").error().message, "config.json: 'gone' is missing");
  EXPECT_EQ(root.as_string().error().message, "config.json: expected a string, found an object");
  const JsonValue b = *root.get("a")->get("b");
  EXPECT_EQ(b.get("x").error().message, "config.json: a.b: expected an object, found an array");
  const auto items = *b.as_array();
  EXPECT_EQ(items[0].as_string().error().message, "config.json: a.b[0]: expected a string, found an integer");
  const JsonValue c = *items[1].get("c");
  EXPECT_EQ(c.path(), "config.json: a.b[1].c");
  EXPECT_EQ(c.as_bool().error().message, "config.json: a.b[1].c: expected a boolean, found a string");
  EXPECT_EQ(c.as_double().error().message, "config.json: a.b[1].c: expected a number, found a string");
  EXPECT_EQ(c.as_array().error().message, "config.json: a.b[1].c: expected an array, found a string");
  EXPECT_EQ(c.as_object().error().message, "config.json: a.b[1].c: expected an object, found a string");
  EXPECT_EQ(c.as_integer(0, 1).error().message, "config.json: a.b[1].c: expected an integer, found a string");
  EXPECT_EQ(c.fail("is odd").error(), (Status{StatusCode::kInvalidArgument, "config.json: a.b[1].c: is odd"}));
  EXPECT_EQ(root.get("n")->as_string().error().message, "config.json: n: expected a string, found null");
}

TEST(Json, NamesInMessagesStayOnOneLine) {
  const JsonDocument document = parse(R"({"a\nb":1})");
  const auto members = *document.root().as_object();
  EXPECT_EQ(members[0].first, "a\nb");
  EXPECT_EQ(members[0].second.path(), "config.json: a?b");
}

TEST(Json, IntegersHaveTheirRange) {
  const JsonDocument document = parse(
      R"([5, 512.0, 1e3, -1, 1.5, 9223372036854775807, 9223372036854775808, 18446744073709551615, 1e300,
          -9223372036854775808])");
  const auto items = *document.root().as_array();
  EXPECT_EQ(items[0].as_integer(5, 5), 5);
  EXPECT_EQ(items[1].as_integer(0, 1000), 512);
  EXPECT_EQ(items[2].as_integer(0, 1000), 1000);
  EXPECT_EQ(items[3].as_integer(0, 10).error().message, "config.json[3]: is -1, expected 0 to 10");
  EXPECT_EQ(items[0].as_integer(0, 4).error().message, "config.json[0]: is 5, expected 0 to 4");
  EXPECT_EQ(items[4].as_integer(0, 10).error().message, "config.json[4]: expected an integer, found a number");
  EXPECT_EQ(items[5].as_integer(0, INT64_MAX), INT64_MAX);
  EXPECT_EQ(items[6].as_integer(0, 10).error().message, "config.json[6]: is 9223372036854775808, expected 0 to 10");
  EXPECT_THAT(items[7].as_integer(0, INT64_MAX).error().message, HasSubstr("is 18446744073709551615, expected 0 to"));
  EXPECT_THAT(items[8].as_integer(0, INT64_MAX).error().message, HasSubstr("expected an integer, found a number"));
  EXPECT_EQ(items[9].as_integer(INT64_MIN, 0), INT64_MIN);
}

TEST(Json, IntegersPast64BitsAreDoubles) {
  const JsonDocument document = parse(
      R"({"\"1000000000000000000000": "10000000000000000000000\\\"", "max": 1000000000000000019884624838656,
          "min":-1000000000000000019884624838656, "list":[ 99999999999999999999,1.00000000000000000000001 ]})");
  const JsonValue root = document.root();
  EXPECT_EQ(root.get("max")->as_double(), 1e30);
  EXPECT_EQ(root.get("min")->as_double(), -1e30);
  EXPECT_EQ(root.get("\"1000000000000000000000")->as_string(), "10000000000000000000000\\\"");
  EXPECT_EQ(root.get("list")->as_array()->at(0).as_double(), 1e20);
  EXPECT_THAT(root.get("max")->as_integer(0, 10).error().message, HasSubstr("expected an integer, found a number"));
  const JsonDocument alone = parse("1000000000000000019884624838656");
  EXPECT_EQ(alone.root().as_double(), 1e30);
}

TEST(Json, DefaultsStandInForMissingAndNull) {
  const JsonDocument document = parse(R"({"s":"t","b":true,"d":1.5,"i":7,"n":null})");
  const JsonValue root = document.root();
  EXPECT_EQ(root.string_or("s", "x"), "t");
  EXPECT_EQ(root.string_or("n", "x"), "x");
  EXPECT_EQ(root.string_or("gone", "x"), "x");
  EXPECT_EQ(root.bool_or("b", false), true);
  EXPECT_EQ(root.bool_or("gone", true), true);
  EXPECT_EQ(root.double_or("d", 0), 1.5);
  EXPECT_EQ(root.double_or("gone", 2.5), 2.5);
  EXPECT_EQ(root.integer_or("i", 0, 0, 9), 7);
  EXPECT_EQ(root.integer_or("gone", 3, 0, 9), 3);
  EXPECT_EQ(root.string_or("i", "x").error().message, "config.json: i: expected a string, found an integer");
  EXPECT_EQ(root.bool_or("s", true).error().message, "config.json: s: expected a boolean, found a string");
  EXPECT_EQ(root.double_or("s", 0).error().message, "config.json: s: expected a number, found a string");
  EXPECT_EQ(root.integer_or("i", 0, 8, 9).error().message, "config.json: i: is 7, expected 8 to 9");
}

TEST(Json, ObjectsKeepTheirOrderAndRefuseDuplicates) {
  const JsonDocument ordered = parse(R"({"z":1,"a":2})");
  const auto members = *ordered.root().as_object();
  EXPECT_EQ(members[0].first, "z");
  EXPECT_EQ(members[1].first, "a");
  const JsonDocument twice = parse(R"({"o":{"k":1,"j":2,"k":3}})");
  EXPECT_EQ(twice.root().get("o")->as_object().error().message, "config.json: o: 'k' occurs twice");
}

TEST(Json, KeysThatOccurTwiceAreFoundAnywhere) {
  const JsonDocument fine = parse(R"({"a":[1,"a",{"a":1},{"a":2}],"b":{"a":{"a":3}}})");
  EXPECT_TRUE(fine.root().check_keys().has_value());
  for (const char* text : {R"({"k":1,"j":2,"k":3})", R"({"o":{"k":1,"k":1}})", R"([1,[[{"k":0,"k":0}]]])"}) {
    const JsonDocument twice = parse(text);
    const auto checked = twice.root().check_keys();
    ASSERT_FALSE(checked.has_value()) << text;
    EXPECT_EQ(checked.error(), (Status{StatusCode::kInvalidArgument, "config.json: 'k' occurs twice"}));
  }
}

TEST(Json, ArraysHaveALimit) {
  const JsonDocument document = parse(R"({"a":[1,2,3]})");
  const JsonValue array = *document.root().get("a");
  EXPECT_EQ(array.as_array(3)->size(), 3);
  EXPECT_EQ(array.as_array(2).error(),
            (Status{StatusCode::kTooLarge, "config.json: a: has 3 items, more than the limit of 2"}));
}

TEST(Json, DepthIsLimited) {
  const auto nested = [](size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(parse_error(nested(JsonDocument::kMaxDepth - 1)), "no error");
  EXPECT_EQ(parse_error(nested(JsonDocument::kMaxDepth + 1)), "body: is nested deeper than 64 levels");
  EXPECT_EQ(parse_error(nested(1'000'000)), "body: is nested deeper than 64 levels");
  EXPECT_EQ(parse_error(std::string(100'000, '[')).substr(0, 6), "body: ");
}

TEST(Json, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":1,}",
                           "nul",
                           "'a'",
                           "01",
                           "1.",
                           "+1",
                           "[1 2]",
                           "{\"a\" 1}",
                           "\"a",
                           "\"\\x\"",
                           "\"\\ud800\"",
                           "\"\\udc00\"",
                           "\"\n\"",
                           "{} {}",
                           "NaN",
                           "[1e999]",
                           "\"\xFF\"",
                           "\"\xC0\xAF\"",
                           "\"\xED\xA0\x80\"",
                           "// x\n1"}) {
    EXPECT_THAT(parse_error(text), HasSubstr("body: is not valid JSON: ")) << text;
  }
}

TEST(Json, UnescapesStrings) {
  const JsonDocument escapes = parse(R"("\"\\\/\b\f\n\r\t\u00fc\ud83d\ude00")");
  EXPECT_EQ(escapes.root().as_string(), "\"\\/\b\f\n\r\tü😀");
  const JsonDocument zero = parse(R"("a\u0000b")");
  EXPECT_EQ(zero.root().as_string(), std::string_view("a\0b", 3));
}

TEST(Json, ADocumentCanBeMoved) {
  JsonDocument first = parse(R"({"a":"text"})");
  const JsonDocument second = std::move(first);
  EXPECT_EQ(second.root().get("a")->as_string(), "text");
}

}  // namespace
}  // namespace vivace
