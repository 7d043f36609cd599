// The documents made of the directories in tests/tokenizer/legacy equal those of transformers' AutoTokenizer.
#include "text/legacy_tokenizer.h"

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "text/sentencepiece_model.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

using ::testing::HasSubstr;

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

bool says_nothing(const JsonValue& value) {
  return value.is_null() || value.to_text() == "false";
}

// Every member of expected is in given; where it is null or false it may be missing.
void expect_equal(const JsonValue& given, const JsonValue& expected) {
  if (expected.is_object()) {
    const auto members = expected.as_object().value();
    for (const auto& [key, value] : members) {
      const Result<JsonValue> member = given.get(key);
      if (!member && says_nothing(value)) continue;
      ASSERT_TRUE(member) << member.error().message;
      expect_equal(*member, value);
    }
  } else if (expected.is_array()) {
    const std::vector<JsonValue> items = expected.as_array().value();
    const std::vector<JsonValue> given_items = given.as_array().value();
    ASSERT_EQ(given_items.size(), items.size()) << expected.path();
    for (size_t i = 0; i < items.size(); ++i) expect_equal(given_items[i], items[i]);
  } else if (expected.is_number()) {
    ASSERT_EQ(given.as_double().value(), expected.as_double().value()) << expected.path();
  } else {
    ASSERT_EQ(given.to_text(), expected.to_text()) << expected.path();
  }
}

TEST(LegacyTokenizer, DocumentsEqualTransformers) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(VIVACE_SOURCE_DIR "/tests/tokenizer/legacy")) {
    const std::string folder = entry.path().string();
    SCOPED_TRACE(folder);
    const JsonDocument config = JsonDocument::parse(read_file(folder + "/config.json"), "config.json").value();
    const std::string model_type(config.root().get("model_type")->as_string().value());
    const Result<std::string> json = legacy_tokenizer_json(folder, model_type);
    ASSERT_TRUE(json) << json.error().message;
    const JsonDocument given = JsonDocument::parse(*json, "given").value();
    const JsonDocument expected = JsonDocument::parse(read_file(folder + "/expected.json"), "expected").value();
    expect_equal(given.root(), expected.root());
    ++count;
  }
  EXPECT_EQ(count, 24);
}

// A BPE model is merged as sentencepiece itself does it.
TEST(LegacyTokenizer, BpeModelsGiveTheIdsOfSentencePiece) {
  const std::string folder = VIVACE_SOURCE_DIR "/tests/tokenizer/legacy_bpe";
  const auto tokenizer = Tokenizer::from_directory(folder, "t5");
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;
  std::istringstream lines(read_file(folder + "/ids.jsonl"));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const JsonDocument document = JsonDocument::parse(line, "line").value();
    const std::string_view text = document.root().get("text")->as_string().value();
    const std::vector<JsonValue> ids = document.root().get("ids")->as_array().value();
    std::vector<int32_t> expected;
    for (const JsonValue& id : ids) {
      expected.push_back(static_cast<int32_t>(id.as_integer(0, INT32_MAX).value()));
    }
    TokenSequence tokens;
    ASSERT_TRUE((*tokenizer)->encode(text, {.special_tokens = SpecialTokens::kOmit}, &tokens));
    EXPECT_EQ(tokens.ids, expected) << text;
  }
  EXPECT_GE(count, 100);
}

class LegacyFolder : public ::testing::Test {
 protected:
  LegacyFolder() : m_path(::testing::TempDir() + "/legacy_folder") {
    std::filesystem::remove_all(m_path);
    std::filesystem::create_directories(m_path);
  }
  ~LegacyFolder() override { std::filesystem::remove_all(m_path); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(m_path + "/" + name, std::ios::binary) << text;
  }
  std::string message(std::string_view model_type) const {
    const Result<std::string> json = legacy_tokenizer_json(m_path, model_type);
    return json ? *json : json.error().message;
  }

 private:
  std::string m_path;
};

TEST_F(LegacyFolder, SaysWhatIsMissingOrUnknown) {
  EXPECT_THAT(message("bert"), HasSubstr("has neither tokenizer.json nor the files of a BertTokenizer"));
  EXPECT_THAT(message("mystery"), HasSubstr("model_type 'mystery' is not supported"));
  write("spiece.model", "\x0A\x03x");
  EXPECT_THAT(message("t5"), HasSubstr("spiece.model: is no protobuf message: it ends within a field"));
  write("vocab.json", R"({"a":0,"b":7})");
  write("merges.txt", "");
  EXPECT_THAT(message("roberta"), HasSubstr("vocab.json: has 2 tokens, so their ids must be 0 to 1"));
  write("vocab.txt", "a\n\xFF\n");
  EXPECT_THAT(message("bert"), HasSubstr("vocab.txt: is not UTF-8 at byte 2"));
  write("vocab.txt", "a\n");
  write("added_tokens.json", R"({"x":-1})");
  EXPECT_THAT(message("bert"), HasSubstr("added_tokens.json: x"));
  write("special_tokens_map.json", R"({"cls_token":{"content":""}})");
  EXPECT_THAT(message("bert"), HasSubstr("'content' is empty"));
  write("tokenizer_config.json", R"({"added_tokens_decoder":{"one":{"content":"x"}}})");
  EXPECT_THAT(message("bert"), HasSubstr("'one' is no token id"));
}

// Cut anywhere, or with any byte changed, a model is read or refused.
TEST(SentencePieceModel, TakesAnyBytes) {
  const std::string bytes = read_file(VIVACE_SOURCE_DIR "/tests/tokenizer/legacy/t5/spiece.model");
  const SentencePieceModel whole = read_sentencepiece_model(bytes, "m").value();
  EXPECT_GT(whole.pieces.size(), 400U);
  EXPECT_EQ(whole.pieces[2].text, "<unk>");
  EXPECT_FALSE(whole.charsmap.empty());
  for (size_t size = 0; size < bytes.size(); size += 37) {
    const auto cut = read_sentencepiece_model(std::string_view(bytes).substr(0, size), "m");
    EXPECT_TRUE(!cut || cut->pieces.size() <= whole.pieces.size());
  }
  std::string changed = bytes;
  for (size_t i = 0; i < bytes.size(); i += 11) {
    changed[i] = static_cast<char>(~changed[i]);
    const auto read = read_sentencepiece_model(changed, "m");
    EXPECT_TRUE(!read || !read->pieces.empty());
    changed[i] = bytes[i];
  }
  EXPECT_EQ(read_sentencepiece_model("", "m").error().message, "m: has no pieces");
  EXPECT_THAT(read_sentencepiece_model(std::string("\x12\x02\x18\x03", 4), "m").error().message,
              HasSubstr("m: model type 3 is not supported, only Unigram"));
}

}  // namespace
}  // namespace vivace
