#include "server/embeddings_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vivace {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TextLimits kLimits{.max_texts = 3, .max_text_bytes = 10};

EmbedTask parsed(std::string_view body) {
  auto task = parse_embeddings_request(body, kLimits);
  EXPECT_TRUE(task) << task.error().status.message;
  return task ? std::move(*task) : EmbedTask{};
}

TEST(EmbeddingsRequest, StringAndDefaults) {
  const EmbedTask task = parsed(R"({"input":"hello"})");
  EXPECT_THAT(task.request.texts, ElementsAre("hello"));
  EXPECT_EQ(task.model, "");
  EXPECT_EQ(task.format, EncodingFormat::kFloat);
  EXPECT_FALSE(task.request.dimensions);
  EXPECT_FALSE(task.request.prompt_name);
  EXPECT_EQ(task.request.too_long, TooLong::kTruncate);
}

TEST(EmbeddingsRequest, EveryField) {
  const EmbedTask task = parsed(
      R"({"input":["a","b\u00e9"],"model":"m","dimensions":64,"encoding_format":"base64","user":7,"unknown":[1],
          "prompt_name":"query","truncate":false})");
  EXPECT_THAT(task.request.texts, ElementsAre("a", "b\u00e9"));
  EXPECT_EQ(task.model, "m");
  EXPECT_EQ(task.format, EncodingFormat::kBase64);
  EXPECT_EQ(task.request.dimensions, 64);
  EXPECT_EQ(task.request.prompt_name, "query");
  EXPECT_EQ(task.request.too_long, TooLong::kRefuse);
}

TEST(EmbeddingsRequest, NullMeansAbsent) {
  const EmbedTask task = parsed(
      R"({"input":"a","model":null,"dimensions":null,"encoding_format":null,"prompt_name":null,"truncate":null})");
  EXPECT_FALSE(task.request.dimensions);
  EXPECT_FALSE(task.request.prompt_name);
}

struct Refusal {
  std::string_view body;
  std::string_view message;
  std::string_view param;
  StatusCode code = StatusCode::kInvalidArgument;
};

class EmbeddingsRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(EmbeddingsRefusal, SaysWhatIsWrong) {
  const auto task = parse_embeddings_request(GetParam().body, kLimits);
  ASSERT_FALSE(task);
  EXPECT_EQ(task.error().status.code, GetParam().code);
  EXPECT_THAT(task.error().status.message, HasSubstr(GetParam().message));
  EXPECT_EQ(task.error().param, GetParam().param);
}

INSTANTIATE_TEST_SUITE_P(
    AllReasons, EmbeddingsRefusal,
    ::testing::Values(
        Refusal{"", "not valid JSON", ""}, Refusal{"{\"input\":", "not valid JSON", ""},
        Refusal{"{\"input\":\"\xff\"}", "not valid JSON", ""}, Refusal{"[1]", "expected an object, found an array", ""},
        Refusal{"{}", "'input' is missing", "input"}, Refusal{R"({"input":null})", "found null", "input"},
        Refusal{R"({"input":1})", "expected a string or a list of strings, found an integer", "input"},
        Refusal{R"({"input":""})", "input: is empty", "input"}, Refusal{R"({"input":[]})", "is an empty list", "input"},
        Refusal{R"({"input":["a",""]})", "input[1]: is empty", "input"},
        Refusal{R"({"input":["a",{}]})", "input[1]: expected a string, found an object", "input"},
        Refusal{R"({"input":[1,2]})", "token ids are not taken", "input"},
        Refusal{R"({"input":[[1,2]]})", "token ids are not taken", "input"},
        Refusal{R"({"input":["a","b","c","d"]})", "has 4 texts, more than the 3", "input", StatusCode::kTooLarge},
        Refusal{R"({"input":"12345678901"})", "has 11 bytes, more than the 10", "input", StatusCode::kTooLarge},
        Refusal{R"({"input":"a","model":1})", "model: expected a string", "model"},
        Refusal{R"({"input":"a","dimensions":0})", "dimensions: is 0", "dimensions"},
        Refusal{R"({"input":"a","dimensions":1.5})", "dimensions: expected an integer", "dimensions"},
        Refusal{R"({"input":"a","dimensions":99999999999})", "dimensions: is 99999999999", "dimensions"},
        Refusal{R"({"input":"a","encoding_format":"hex"})", "expected \"float\" or \"base64\"", "encoding_format"},
        Refusal{R"({"input":"a","encoding_format":1})", "expected a string", "encoding_format"},
        Refusal{R"({"input":"a","prompt_name":1})", "expected a string", "prompt_name"},
        Refusal{R"({"input":"a","truncate":"no"})", "expected a boolean", "truncate"}));

TEST(EmbeddingsRequest, DeepNestingIsRefused) {
  const std::string body = "{\"input\":" + std::string(100000, '[') + std::string(100000, ']') + "}";
  const auto task = parse_embeddings_request(body, kLimits);
  ASSERT_FALSE(task);
  EXPECT_THAT(task.error().status.message, HasSubstr("nested deeper than"));
}

TEST(EmbeddingsResponse, FloatsAndUsage) {
  EmbedTask task;
  task.model = "m";
  EmbedResponse response;
  response.embeddings = {{.values = {0.5F, -1.0F}, .tokens = 3, .truncated = false},
                         {.values = {0.25F, 2.0F}, .tokens = 4, .truncated = true}};
  EXPECT_EQ(write_embeddings_response(task, response),
            R"({"object":"list","data":[)"
            R"({"object":"embedding","index":0,"embedding":[0.5,-1],"truncated":false},)"
            R"({"object":"embedding","index":1,"embedding":[0.25,2],"truncated":true}],)"
            R"("model":"m","usage":{"prompt_tokens":7,"total_tokens":7}})");
}

TEST(EmbeddingsResponse, Base64) {
  EmbedTask task;
  task.format = EncodingFormat::kBase64;
  EmbedResponse response;
  response.embeddings = {{.values = {1.0F, -2.5F}, .tokens = 3, .truncated = false}};
  EXPECT_THAT(write_embeddings_response(task, response), HasSubstr(R"("embedding":"AACAPwAAIMA=")"));
}

}  // namespace
}  // namespace vivace
