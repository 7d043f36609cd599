#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/byte_level_split.h"
#include "text/tokenizer.h"
#include "text/tokenizer_testing.h"
#include "text/unicode_tables.h"

namespace vivace {
namespace {

using testing::added_token_json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::tokenizer_json;
using testing::TokenizerParts;

TokenizerParts metaspace_parts() {
  return {.normalizer = R"({"type":"Lowercase"})",
          .pre_tokenizer = R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true})",
          .post_processor = "null",
          .prefix = R"("")",
          .vocab = R"({"[UNK]":0,"▁hello":1,"▁":2,"world":3,"▁a":4,"!":5})"};
}

Status load_error(const TokenizerParts& parts) {
  const auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "tokenizer.json");
  EXPECT_FALSE(tokenizer.has_value());
  return tokenizer ? Status{} : tokenizer.error();
}

TEST(PipelineTokenizer, KeepsOffsetsThroughEveryStep) {
  TokenizerParts parts = metaspace_parts();
  parts.added_tokens = "[" + added_token_json(6, "<x>", "special lstrip") + "]";
  const auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  TokenSequence tokens;
  ASSERT_TRUE((*tokenizer)->encode("HELLO world! é <x>A", {.offsets = Offsets::kKeep}, &tokens).has_value());
  EXPECT_THAT(tokens.ids, ElementsAre(1, 2, 3, 5, 0, 6, 4));
  EXPECT_THAT(tokens.offsets, ElementsAre(TokenOffset{0, 5}, TokenOffset{5, 6}, TokenOffset{6, 11}, TokenOffset{11, 12},
                                          TokenOffset{12, 14}, TokenOffset{14, 18}, TokenOffset{18, 19}));
  ASSERT_TRUE((*tokenizer)->encode("HELLO world!", {.max_tokens = 2}, &tokens).has_value());
  EXPECT_THAT(tokens.ids, ElementsAre(1, 2));
  EXPECT_TRUE(tokens.truncated);
  ASSERT_TRUE((*tokenizer)->encode("", {}, &tokens).has_value());
  EXPECT_TRUE(tokens.ids.empty());
}

TEST(PipelineTokenizer, Decodes) {
  TokenizerParts parts = metaspace_parts();
  parts.added_tokens =
      "[" + added_token_json(6, "<X>", "special") + "," + added_token_json(7, "New", "normalized") + "]";
  const auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const std::vector<int32_t> ids{6, 1, 7, 5};
  EXPECT_EQ((*tokenizer)->decode(ids, SkipSpecialTokens::kNo).value(), "<X> ▁hello new !");
  EXPECT_EQ((*tokenizer)->decode(ids, SkipSpecialTokens::kYes).value(), "▁hello new !");
  const auto unknown = (*tokenizer)->decode(std::vector<int32_t>{99}, SkipSpecialTokens::kNo);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().message, "there is no token with id 99");
}

TEST(PipelineTokenizer, RefusesBadRegularExpressions) {
  TokenizerParts parts = metaspace_parts();
  parts.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"(a"},"behavior":"Isolated","invert":false})";
  const Status status = load_error(parts);
  EXPECT_EQ(status.code, StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message, HasSubstr("pre_tokenizer.pattern.Regex: bad regular expression '(a'"));
  parts.pre_tokenizer = R"({"type":"Split","pattern":{"String":"a"},"behavior":"Foo","invert":false})";
  EXPECT_THAT(load_error(parts).message, HasSubstr("behavior 'Foo' is not supported"));
}

TEST(PipelineTokenizer, GivesUpOnEndlessRegularExpressions) {
  TokenizerParts parts = metaspace_parts();
  parts.pre_tokenizer = R"({"type":"Split","pattern":{"Regex":"(a|aa)+$"},"behavior":"Isolated","invert":false})";
  const auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  TokenSequence tokens;
  const auto result = (*tokenizer)->encode(std::string(60, 'a') + "d", {}, &tokens);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("regular expression gives up"));
}

TEST(PipelineTokenizer, RefusesContradictingSettings) {
  TokenizerParts parts = metaspace_parts();
  parts.pre_tokenizer = R"({"type":"Metaspace","replacement":"▁▁"})";
  EXPECT_THAT(load_error(parts).message, HasSubstr("expected one character"));
  parts.pre_tokenizer = R"({"type":"Metaspace","replacement":"▁","add_prefix_space":false})";
  EXPECT_THAT(load_error(parts).message, HasSubstr("contradicts"));
  parts.pre_tokenizer = R"({"type":"FixedLength","length":0})";
  EXPECT_THAT(load_error(parts).message, HasSubstr("length"));
}

TEST(ByteLevelSplit, FollowsTheExpression) {
  const auto split = [](std::string_view text) {
    std::vector<std::string> pieces;
    for (size_t begin = 0; begin < text.size();) {
      const size_t end = byte_level_piece_end(text, begin);
      pieces.emplace_back(text.substr(begin, end - begin));
      begin = end;
    }
    return pieces;
  };
  EXPECT_THAT(split("I'll  say it's\n\n 12½x ''ré! "),
              ElementsAre("I", "'ll", " ", " say", " it", "'s", "\n\n", " 12½", "x", " ''", "ré", "!", " "));
  EXPECT_THAT(split("'r"), ElementsAre("'", "r"));
  EXPECT_THAT(split(" \t"), ElementsAre(" \t"));
}

TEST(ByteLevelSplit, KnowsTheClassesOfAscii) {
  for (unsigned c = 1; c < 0x80; ++c) {
    const CodePointInfo& info = code_point_info(c);
    const char character = static_cast<char>(c);
    // Each expects that its neighbour is of the same class.
    EXPECT_EQ(byte_level_piece_end(std::string{'a', character}, 0) == 2, info.has(kLetter)) << c;
    EXPECT_EQ(byte_level_piece_end(std::string{'1', character}, 0) == 2, info.has(kNumber)) << c;
    EXPECT_EQ(byte_level_piece_end(std::string{'\t', character}, 0) == 2, info.has(kWhiteSpace)) << c;
  }
}

}  // namespace
}  // namespace vivace
