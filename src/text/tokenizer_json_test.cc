#include "text/tokenizer_json.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/tokenizer.h"
#include "text/tokenizer_testing.h"

namespace vivace {
namespace {

using testing::added_token_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::tokenizer_json;
using testing::TokenizerParts;

Status load_error(const std::string& json) {
  const auto tokenizer = Tokenizer::from_json(json, "tokenizer.json");
  EXPECT_FALSE(tokenizer.has_value()) << json;
  return tokenizer ? Status{} : tokenizer.error();
}

struct BrokenCase {
  TokenizerParts parts;
  StatusCode code;
  std::string message;
};

void expect_refused(const BrokenCase& broken) {
  const Status status = load_error(tokenizer_json(broken.parts));
  EXPECT_EQ(status.code, broken.code) << status.message;
  EXPECT_EQ(status.message, broken.message);
}

TEST(TokenizerJson, RefusesUnknownComponentsByName) {
  const StatusCode code = StatusCode::kUnsupported;
  const std::string normalizers =
      "BertNormalizer, ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Sequence, "
      "Strip, "
      "StripAccents, null";
  const auto foo = R"({"type":"Foo"})";
  expect_refused(
      {{.normalizer = foo}, code, "tokenizer.json: normalizer: 'Foo' is not supported; known: " + normalizers});
  expect_refused({{.normalizer = R"({"type":"null"})"},
                  code,
                  "tokenizer.json: normalizer: 'null' is not supported; known: " + normalizers});
  expect_refused(
      {{.pre_tokenizer = foo},
       code,
       "tokenizer.json: pre_tokenizer: 'Foo' is not supported; known: BertPreTokenizer, ByteLevel, "
       "CharDelimiterSplit, Digits, FixedLength, Metaspace, Punctuation, Sequence, Split, UnicodeScripts, Whitespace, "
       "WhitespaceSplit, null"});
  expect_refused({{.post_processor = foo},
                  code,
                  "tokenizer.json: post_processor: 'Foo' is not supported; known: TemplateProcessing, "
                  "BertProcessing, RobertaProcessing, ByteLevel, Sequence, null"});
  expect_refused({{.model_type = R"("Foo")"},
                  code,
                  "tokenizer.json: model: 'Foo' is not supported; known: BPE, Unigram, WordLevel, WordPiece"});
  expect_refused({{.version = R"("2.0")"}, code, "tokenizer.json: version '2.0' is not supported; known: 1.0"});
}

TEST(TokenizerJson, RefusesBrokenVocabularies) {
  expect_refused(
      {{.vocab = R"({"[UNK]":0,"a":2})"},
       StatusCode::kCorruptFile,
       "tokenizer.json: model.vocab: has 2 tokens, so their ids must be 0 to 1 without holes, but 'a' has id 2"});
  expect_refused({{.vocab = R"({"[UNK]":0,"a":1,"b":1})"},
                  StatusCode::kCorruptFile,
                  "tokenizer.json: model.vocab: id 1 is given to both 'a' and 'b'"});
  expect_refused({{.vocab = R"({"a":0})"},
                  StatusCode::kCorruptFile,
                  "tokenizer.json: model: the unk_token '[UNK]' is not in the vocabulary"});
  expect_refused({{.vocab = "{}"},
                  StatusCode::kCorruptFile,
                  "tokenizer.json: model: the unk_token '[UNK]' is not in the vocabulary"});
  expect_refused({{.vocab = R"({"[UNK]":0,"a":-1})"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: model.vocab.a: is -1, expected 0 to 2147483646"});
  expect_refused({{.vocab = R"({"[UNK]":0,"a":"1"})"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: model.vocab.a: expected an integer, found a string"});
  expect_refused({{.vocab = R"(["[UNK]"])"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: model.vocab: expected an object, found an array"});
  expect_refused({{.vocab = R"({"[UNK]":0,"a":1,"a":2})"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: model.vocab: 'a' occurs twice"});
}

TEST(TokenizerJson, RefusesBrokenAddedTokens) {
  const auto refuse = [](const std::string& token, StatusCode code, const std::string& message) {
    expect_refused({{.added_tokens = "[" + token + "]"}, code, "tokenizer.json: added_tokens" + message});
  };
  refuse(added_token_json(25, "<new>", ""), StatusCode::kCorruptFile,
         "[0]: '<new>' says id 25, but its id is 20, the next after the vocabulary");
  refuse(added_token_json(5, "hello", ""), StatusCode::kCorruptFile, "[0]: 'hello' says id 5, but its id is 6");
  refuse(added_token_json(20, "x", "") + "," + added_token_json(20, "x", "special"), StatusCode::kCorruptFile,
         "[1]: 'x' is added twice");
  refuse(added_token_json(20, "", ""), StatusCode::kInvalidArgument, "[0]: 'content' is empty");
  refuse(R"({"id":20,"content":"x"})", StatusCode::kInvalidArgument, "[0]: 'single_word' is missing");
  refuse(added_token_json(20, "\\u0001", "normalized"), StatusCode::kUnsupported,
         ": nothing of '?' (id 20) is left by the normalizer");
}

TEST(TokenizerJson, RefusesBrokenPostProcessors) {
  const auto refuse = [](const std::string& processor, StatusCode code, const std::string& message) {
    expect_refused({{.post_processor = processor}, code, "tokenizer.json: post_processor" + message});
  };
  refuse(R"({"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",99]})", StatusCode::kCorruptFile,
         ": token id 99 is not in the vocabulary of 20");
  refuse(R"({"type":"BertProcessing","sep":["[SEP]"],"cls":["[CLS]",1]})", StatusCode::kInvalidArgument,
         ".sep: expected a token and its id");
  refuse(R"({"type":"TemplateProcessing","single":[],"pair":[],"special_tokens":{}})", StatusCode::kInvalidArgument,
         ".single: expected sequence A once, and no other");
  refuse(R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"B","type_id":0}}],"special_tokens":{}})",
         StatusCode::kInvalidArgument, ".single: expected sequence A once, and no other");
  refuse(R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}}],"special_tokens":{}})",
         StatusCode::kInvalidArgument, ".special_tokens: '[CLS]' is missing");
}

TEST(TokenizerJson, RefusesMissingAndWrongSettings) {
  expect_refused({{.normalizer = R"({"type":"BertNormalizer","clean_text":1})"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: normalizer.clean_text: expected a boolean, found an integer"});
  expect_refused({{.normalizer = R"({"type":"BertNormalizer"})"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: normalizer: 'clean_text' is missing"});
  expect_refused({{.normalizer = "{}"}, StatusCode::kInvalidArgument, "tokenizer.json: normalizer: 'type' is missing"});
  expect_refused({{.prefix = "1"},
                  StatusCode::kInvalidArgument,
                  "tokenizer.json: model.continuing_subword_prefix: expected a string, found an integer"});
  EXPECT_THAT(load_error("").message, HasSubstr("tokenizer.json"));
  EXPECT_EQ(load_error("[]").code, StatusCode::kInvalidArgument);
  EXPECT_EQ(load_error("{}").message, "tokenizer.json: 'model' is missing");
}

// tests/tokenizer/test_absent_parts.py compares what becomes of the text.
TEST(TokenizerJson, PartsMayBeLeftOutButNotTheModel) {
  const std::string model = R"("model":{"type":"WordLevel","unk_token":"b","vocab":{"a":0,"b":1}})";
  const auto tokenizer = Tokenizer::from_json("{" + model + "}", "tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  TokenSequence tokens;
  ASSERT_TRUE((*tokenizer)->encode("a", {}, &tokens).has_value());
  EXPECT_THAT(tokens.ids, ElementsAre(0));
  EXPECT_EQ((*tokenizer)->decode(std::vector<int32_t>{0, 1}, SkipSpecialTokens::kNo).value(), "a b");
  EXPECT_EQ(load_error("{" + model + R"(,"added_tokens":null})").message,
            "tokenizer.json: added_tokens: expected an array, found null");
  EXPECT_EQ(load_error("{" + model + R"(,"version":null})").message,
            "tokenizer.json: version: expected a string, found null");
}

TEST(TokenizerJson, ReadsTemplates) {
  const std::string processor = R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"two","type_id":3}},
    {"Sequence":{"id":"A","type_id":5}},{"SpecialToken":{"id":"[SEP]","type_id":4}}],"pair":[],
    "special_tokens":{"two":{"id":"two","ids":[1,2],"tokens":["a","b"]},"[SEP]":{"id":"[SEP]","ids":[2],"tokens":["x"]}}})";
  const auto tokenizer = Tokenizer::from_json(tokenizer_json({.post_processor = processor}), "tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  TokenSequence tokens;
  ASSERT_TRUE((*tokenizer)->encode("hello world", {}, &tokens).has_value());
  EXPECT_THAT(tokens.ids, ElementsAre(1, 2, 6, 7, 2));
  EXPECT_THAT(tokens.type_ids, ElementsAre(3, 3, 5, 5, 4));
  ASSERT_TRUE((*tokenizer)->encode("hello", {.special_tokens = SpecialTokens::kOmit}, &tokens).has_value());
  EXPECT_THAT(tokens.type_ids, ElementsAre(5));
}

TEST(TokenizerJson, ReadsFiles) {
  const std::string path = ::testing::TempDir() + "/tokenizer_json_test.json";
  std::ofstream(path) << tokenizer_json({});
  EXPECT_TRUE(Tokenizer::from_file(path).has_value());
  std::ofstream(path) << "{";
  EXPECT_THAT(Tokenizer::from_file(path).error().message, HasSubstr(path));
  EXPECT_EQ(Tokenizer::from_file(path + ".missing").error().code, StatusCode::kNotFound);
}

}  // namespace
}  // namespace vivace
