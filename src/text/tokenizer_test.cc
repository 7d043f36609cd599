#include "text/tokenizer.h"

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/tokenizer_testing.h"

namespace vivace {
namespace {

using testing::added_token_json;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using testing::tokenizer_json;
using testing::TokenizerParts;

std::unique_ptr<const Tokenizer> make_tokenizer(const TokenizerParts& parts = {}) {
  auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "tokenizer.json");
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

TokenSequence encode(const Tokenizer& tokenizer, std::string_view text, EncodeOptions options = {}) {
  TokenSequence tokens;
  const auto result = tokenizer.encode(text, options, &tokens);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return tokens;
}

constexpr EncodeOptions kPlain{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep, .max_tokens = 0};

TEST(Tokenizer, SplitsWordsIntoPieces) {
  const auto tokenizer = make_tokenizer();
  const TokenSequence tokens = encode(*tokenizer, "Hello  UNAFFABLE world!", {.offsets = Offsets::kKeep});
  EXPECT_THAT(tokens.ids, ElementsAre(1, 6, 3, 4, 5, 7, 8, 2));
  EXPECT_THAT(tokens.offsets,
              ElementsAre(TokenOffset{0, 0}, TokenOffset{0, 5}, TokenOffset{7, 9}, TokenOffset{9, 12},
                          TokenOffset{12, 16}, TokenOffset{17, 22}, TokenOffset{22, 23}, TokenOffset{0, 0}));
  EXPECT_THAT(tokens.type_ids, ElementsAreArray(std::vector<int32_t>(8, 0)));
  EXPECT_FALSE(tokens.truncated);
}

TEST(Tokenizer, LeavesOutWhatWasNotAskedFor) {
  const auto tokenizer = make_tokenizer();
  const TokenSequence tokens = encode(*tokenizer, "hello", {.special_tokens = SpecialTokens::kOmit});
  EXPECT_THAT(tokens.ids, ElementsAre(6));
  EXPECT_THAT(tokens.offsets, IsEmpty());
}

TEST(Tokenizer, EmptyAndBlankTextsHaveOnlySpecialTokens) {
  const auto tokenizer = make_tokenizer();
  for (const char* text : {"", " ", "\t\n\r ", "\u200b\u0007", "\u3000"}) {
    EXPECT_THAT(encode(*tokenizer, text).ids, ElementsAre(1, 2)) << text;
  }
}

TEST(Tokenizer, CountsOffsetsInCodePointsOfTheOriginal) {
  const auto tokenizer = make_tokenizer();
  // e + accent, a control character inside a word, a Chinese character without spaces, an unknown emoji.
  const TokenSequence tokens = encode(*tokenizer, "he\u0301llo u\u0001n 中中 😀 한", kPlain);
  EXPECT_THAT(tokens.ids, ElementsAre(6, 3, 9, 9, 0, 0));
  EXPECT_THAT(tokens.offsets, ElementsAre(TokenOffset{0, 6}, TokenOffset{7, 10}, TokenOffset{11, 12},
                                          TokenOffset{12, 13}, TokenOffset{14, 15}, TokenOffset{16, 17}));
}

TEST(Tokenizer, UnknownAndOverlongWordsAreOneToken) {
  const auto tokenizer = make_tokenizer();
  EXPECT_THAT(encode(*tokenizer, "unx hellox", kPlain).ids, ElementsAre(0, 0));
  EXPECT_THAT(encode(*tokenizer, std::string(20, 'a'), kPlain).ids.size(), 20U);
  const TokenSequence tokens = encode(*tokenizer, std::string(21, 'a') + " é" + std::string(20, 'a'), kPlain);
  EXPECT_THAT(tokens.ids, ElementsAre(0, 0));
  EXPECT_THAT(tokens.offsets, ElementsAre(TokenOffset{0, 21}, TokenOffset{22, 43}));
}

TEST(Tokenizer, CutsOnTheRight) {
  const auto tokenizer = make_tokenizer();
  EncodeOptions options{.offsets = Offsets::kKeep, .max_tokens = 4};
  TokenSequence tokens = encode(*tokenizer, "hello unaffable", options);
  EXPECT_THAT(tokens.ids, ElementsAre(1, 6, 3, 2));
  EXPECT_THAT(tokens.offsets, ElementsAre(TokenOffset{0, 0}, TokenOffset{0, 5}, TokenOffset{6, 8}, TokenOffset{0, 0}));
  EXPECT_EQ(tokens.type_ids.size(), 4U);
  EXPECT_TRUE(tokens.truncated);
  tokens = encode(*tokenizer, "hello world  \n", options);
  EXPECT_THAT(tokens.ids, ElementsAre(1, 6, 7, 2));
  EXPECT_FALSE(tokens.truncated) << "what was left out holds no token";
  options.max_tokens = 2;
  EXPECT_THAT(encode(*tokenizer, "hello", options).ids, ElementsAre(1, 2));
}

TEST(Tokenizer, ReportsALimitWithoutRoomForSpecialTokens) {
  const auto tokenizer = make_tokenizer();
  TokenSequence tokens;
  const auto result = tokenizer->encode("hello", {.max_tokens = 1}, &tokens);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(result.error().message, "a limit of 1 tokens leaves no room for the 2 special tokens");
}

TEST(Tokenizer, ReportsInvalidUtf8ByPosition) {
  const auto tokenizer = make_tokenizer();
  TokenSequence tokens;
  const auto result = tokenizer->encode("h\u00e9llo \xff", {}, &tokens);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, StatusCode::kInvalidArgument);
  EXPECT_EQ(result.error().message, "text: not valid UTF-8 at byte 7");
}

TEST(Tokenizer, KnowsItsVocabulary) {
  const auto tokenizer = make_tokenizer({.added_tokens = "[" + added_token_json(20, "<new>", "special") + "]"});
  EXPECT_EQ(tokenizer->vocabulary_size(), 21U);
  EXPECT_EQ(tokenizer->token(4), "##aff");
  EXPECT_EQ(tokenizer->token(20), "<new>");
  EXPECT_EQ(tokenizer->token(21), "");
  EXPECT_EQ(tokenizer->token(-1), "");
  EXPECT_EQ(tokenizer->token_id("world"), 7);
  EXPECT_EQ(tokenizer->token_id("<new>"), 20);
  EXPECT_EQ(tokenizer->token_id("nothing"), std::nullopt);
}

TEST(Tokenizer, HandlesLongTextsWithinTheLimit) {
  // Ten megabytes; a run to the end would put millions of tokens into the sequence's memory.
  std::string text;
  while (text.size() < 10'000'000) text += "hello world é ";
  for (const char* flags : {"special", "normalized"}) {
    const auto tokenizer = make_tokenizer({.added_tokens = "[" + added_token_json(17, "[MASK]", flags) + "]"});
    const TokenSequence tokens = encode(*tokenizer, text, {.max_tokens = 256});
    EXPECT_EQ(tokens.ids.size(), 256U);
    EXPECT_LT(tokens.ids.capacity(), 10'000U);
    EXPECT_TRUE(tokens.truncated);
    const TokenSequence one_word = encode(*tokenizer, std::string(text.size(), 'a'), {.max_tokens = 256});
    EXPECT_THAT(one_word.ids, ElementsAre(1, 0, 2));
  }
}

TEST(Tokenizer, IsSafeToShareBetweenThreads) {
  const auto tokenizer = make_tokenizer();
  const TokenSequence expected = encode(*tokenizer, "hello wörld unaffable 中", kPlain);
  std::vector<std::thread> threads;
  std::vector<int> differing(4, 0);
  threads.reserve(differing.size());
  for (int& count : differing) {
    threads.emplace_back([&tokenizer, &expected, &count] {
      TokenSequence tokens;
      for (int i = 0; i < 1000; ++i) {
        if (!tokenizer->encode("hello wörld unaffable 中", kPlain, &tokens) || tokens.ids != expected.ids) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(differing, ElementsAre(0, 0, 0, 0));
}

}  // namespace
}  // namespace vivace
