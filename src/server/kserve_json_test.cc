#include "server/kserve_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/kserve_tensor.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TextLimits kLimits{.max_texts = 3, .max_text_bytes = 10};

KserveResponse response_of_all_kinds() {
  KserveResponse response{.model = "m", .id = "7", .parameters = {}, .outputs = {}};
  response.parameters["truncated_texts"] = int64_t{1};
  response.outputs = {{.name = "embedding", .shape = {1, 2}, .values = KserveOutput::Floats{0.5F, -1.0F}},
                      {.name = "truncated", .shape = {1}, .values = KserveOutput::Flags{1}},
                      {.name = "label", .shape = {1}, .values = KserveOutput::Texts{"joy"}}};
  return response;
}

std::string with_texts(const KserveOutput::Texts& texts) {
  return encode_kserve_tensor({.name = "text", .shape = {}, .values = texts});
}

TEST(KserveRequest, TextsFlatOrNested) {
  for (const std::string_view data : {R"(["a","b"])", R"([["a"],["b"]])", R"([["a","b"]])"}) {
    const auto asked = parse_kserve_request(
        R"({"id":"7","inputs":[{"name":"text","shape":[2],"datatype":"BYTES","data":)" + std::string(data) + "}]}",
        std::nullopt, kLimits);
    ASSERT_TRUE(asked) << asked.error().status.message;
    EXPECT_EQ(asked->request.id, "7");
    EXPECT_THAT(asked->request.inputs.front().texts, ElementsAre("a", "b"));
    EXPECT_THAT(asked->request.inputs.front().shape, ElementsAre(2));
  }
}

TEST(KserveRequest, ParametersKeepTheirTypes) {
  const auto asked = parse_kserve_request(
      R"({"parameters":{"a":true,"b":-3,"c":0.5,"d":"x","e":null},
          "inputs":[{"name":"text","shape":[1],"datatype":"BYTES","data":["a"]}],
          "outputs":[{"name":"one","parameters":{"binary_data":true}},{"name":"two"}]})",
      std::nullopt, kLimits);
  ASSERT_TRUE(asked) << asked.error().status.message;
  const KserveParameters expected = {{"a", true}, {"b", int64_t{-3}}, {"c", 0.5}, {"d", std::string("x")}};
  EXPECT_EQ(asked->request.parameters, expected);
  ASSERT_EQ(asked->request.outputs.size(), 2U);
  EXPECT_EQ(asked->request.outputs[0].name, "one");
  EXPECT_EQ(asked->request.outputs[1].name, "two");
  EXPECT_TRUE(asked->wants_binary("one"));
  EXPECT_FALSE(asked->wants_binary("two"));
}

TEST(KserveRequest, BytesBehindTheJson) {
  const std::string head =
      R"({"parameters":{"binary_data_output":true},"inputs":[)"
      R"({"name":"query","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":5}},)"
      R"({"name":"documents","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]})";
  const auto asked = parse_kserve_request(head + with_texts({"a"}) + with_texts({"bc", "}"}), head.size(), kLimits);
  ASSERT_TRUE(asked) << asked.error().status.message;
  EXPECT_THAT(asked->request.inputs[0].texts, ElementsAre("a"));
  EXPECT_THAT(asked->request.inputs[1].texts, ElementsAre("bc", "}"));
  EXPECT_TRUE(asked->wants_binary("anything"));
}

TEST(KserveRequest, LimitsHoldForNestedTexts) {
  const auto many = parse_kserve_request(
      R"({"inputs":[{"name":"text","shape":[4],"datatype":"BYTES","data":[["a","b"],["c","d"]]}]})", std::nullopt,
      kLimits);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().status.code, StatusCode::kTooLarge);
  EXPECT_EQ(many.error().param, "inputs");
}

TEST(KserveResponse, JsonAloneOrWithBytes) {
  KserveRestRequest asked;
  const KserveBody json = write_kserve_response(asked, response_of_all_kinds());
  EXPECT_FALSE(json.json_bytes);
  EXPECT_EQ(json.text,
            R"({"model_name":"m","model_version":"1","id":"7","parameters":{"truncated_texts":1},"outputs":[)"
            R"({"name":"embedding","datatype":"FP32","shape":[1,2],"data":[0.5,-1]},)"
            R"({"name":"truncated","datatype":"BOOL","shape":[1],"data":[true]},)"
            R"({"name":"label","datatype":"BYTES","shape":[1],"data":["joy"]}]})");
  asked.binary_by_default = true;
  asked.binary["truncated"] = false;
  const KserveBody binary = write_kserve_response(asked, response_of_all_kinds());
  ASSERT_TRUE(binary.json_bytes);
  EXPECT_THAT(binary.text.substr(0, *binary.json_bytes),
              HasSubstr(R"("shape":[1,2],"parameters":{"binary_data_size":8})"));
  EXPECT_EQ(binary.text.substr(*binary.json_bytes),
            std::string("\x00\x00\x00\x3f\x00\x00\x80\xbf\x03\x00\x00\x00joy", 15));
}

TEST(KserveTensor, TextsComeBackAndBrokenOnesAreRefused) {
  const KserveOutput::Texts texts = {"", "a", std::string("\0\xff", 2)};
  EXPECT_THAT(*decode_kserve_texts(with_texts(texts), 3), ::testing::ElementsAreArray(texts));
  EXPECT_EQ(decode_kserve_texts(with_texts(texts), 2).error().code, StatusCode::kTooLarge);
  const std::string whole = with_texts({"abc"});
  for (size_t size = 1; size < whole.size(); ++size) {
    const auto decoded = decode_kserve_texts(std::string_view(whole).substr(0, size), 3);
    ASSERT_FALSE(decoded) << size;
    EXPECT_EQ(decoded.error().code, StatusCode::kInvalidArgument);
  }
}

TEST(KserveMetadata, IsJson) {
  const KserveModelMetadata metadata{
      .name = "m",
      .platform = "vivace",
      .inputs = {{.name = "text", .datatype = "BYTES", .shape = {-1}, .is_optional = true}},
      .outputs = {},
      .properties = {{"labels", R"(["a"])"}}};
  EXPECT_EQ(write_kserve_metadata(metadata),
            R"({"name":"m","versions":["1"],"platform":"vivace","inputs":[{"name":"text","datatype":"BYTES",)"
            R"("shape":[-1],"optional":true}],"outputs":[],"properties":{"labels":"[\"a\"]"}})");
}

}  // namespace
}  // namespace vivace
