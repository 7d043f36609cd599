#include "base/json_writer.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"

namespace vivace {
namespace {

JsonDocument parse(std::string_view text) {
  auto document = JsonDocument::parse(text, "written");
  EXPECT_TRUE(document) << document.error().message << "\n" << text;
  return std::move(*document);
}

TEST(JsonWriter, WritesEveryType) {
  JsonWriter json;
  json.begin_object();
  json.key("text").value("t").key("double").value(1.5).key("float").value(0.1f).key("yes").value(true);
  json.key("no").value(false).key("int").value(-7).key("int64").value(INT64_MIN).key("uint64").value(UINT64_MAX);
  json.key("null").null().key("raw").raw("[1, 2]").key("empty").begin_object().end_object();
  json.key("floats").values(std::vector<float>{1, 2.5f}).key("ids").values(std::vector<int32_t>{3, -4});
  json.end_object();
  EXPECT_EQ(json.take(),
            R"({"text":"t","double":1.5,"float":0.1,"yes":true,"no":false,"int":-7,"int64":-9223372036854775808,)"
            R"("uint64":18446744073709551615,"null":null,"raw":[1, 2],"empty":{},"floats":[1,2.5],"ids":[3,-4]})");
}

TEST(JsonWriter, KeepsCommasAtEveryDepth) {
  JsonWriter json;
  json.begin_array().begin_array().end_array().begin_object().key("a").begin_array().value(1).value(2).end_array();
  json.key("b").value(3).end_object().value(4).begin_array().begin_array().value(5).end_array().end_array();
  json.end_array();
  EXPECT_EQ(json.take(), R"([[],{"a":[1,2],"b":3},4,[[5]]])");
}

TEST(JsonWriter, TakeEmptiesTheWriter) {
  JsonWriter json;
  json.begin_array().value(1).end_array();
  EXPECT_EQ(json.take(), "[1]");
  json.value("again");
  EXPECT_EQ(json.take(), "\"again\"");
  json.value(1);
  EXPECT_EQ(json.take(), "1");
}

TEST(JsonWriter, EscapesReadBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) all.push_back(static_cast<char>(c));
  all += "ü中😀";
  JsonWriter json;
  json.begin_object().key(all).value(all).end_object();
  const std::string text = json.take();
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const JsonDocument document = parse(text);
  const auto members = *document.root().as_object();
  EXPECT_EQ(members[0].first, all);
  EXPECT_EQ(members[0].second.as_string(), all);
}

TEST(JsonWriter, EscapesOnlyWhatMustBe) {
  JsonWriter json;
  json.value(std::string_view("\"\\/\n\r\t\x01\x1F\x7F", 9));
  EXPECT_EQ(json.take(), "\"\\\"\\\\/\\n\\r\\t\\u0001\\u001f\x7F\"");
}

TEST(JsonWriter, FloatsReadBackBitForBit) {
  std::mt19937 random(7);
  std::vector<float> floats = {0.0f,
                               1e-45f,
                               std::numeric_limits<float>::min(),
                               std::numeric_limits<float>::max(),
                               std::numeric_limits<float>::lowest(),
                               std::numeric_limits<float>::epsilon(),
                               16777216.0f,
                               1e5f,
                               0.1f};
  while (floats.size() < 20000) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(value)) floats.push_back(value);
  }
  JsonWriter json;
  json.values(floats);
  const JsonDocument document = parse(json.take());
  const auto items = *document.root().as_array();
  ASSERT_EQ(items.size(), floats.size());
  for (size_t i = 0; i < floats.size(); ++i) ASSERT_EQ(static_cast<float>(*items[i].as_double()), floats[i]) << i;
}

TEST(JsonWriter, DoublesReadBackBitForBit) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto value = std::bit_cast<double>(random());
    if (!std::isfinite(value)) continue;
    JsonWriter json;
    json.value(value);
    const JsonDocument document = parse(json.take());
    ASSERT_EQ(document.root().as_double(), value) << value;
  }
}

TEST(JsonWriter, NumbersThatJsonDoesNotKnowAreNull) {
  JsonWriter json;
  json.begin_array().value(std::nan("")).value(INFINITY).value(-std::numeric_limits<float>::infinity());
  json.values(std::vector<float>{NAN, 1}).values(std::span<const float>()).end_array();
  EXPECT_EQ(json.take(), "[null,null,null,[null,1],[]]");
}

TEST(JsonWriterDeathTest, OurOwnMistakesStop) {
  EXPECT_DEATH(JsonWriter().begin_object().value(1), "broken invariant");
  EXPECT_DEATH(JsonWriter().begin_array().key("a"), "broken invariant");
  EXPECT_DEATH(JsonWriter().begin_object().key("a").key("b"), "broken invariant");
  EXPECT_DEATH(JsonWriter().begin_object().key("a").end_object(), "broken invariant");
  EXPECT_DEATH(JsonWriter().begin_object().end_array(), "broken invariant");
  EXPECT_DEATH(JsonWriter().begin_array().take(), "broken invariant");
  EXPECT_DEATH(JsonWriter().value(1).value(2), "broken invariant");
}

}  // namespace
}  // namespace vivace
