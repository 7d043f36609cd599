// The two ways through a text must give the same tokens: word by word, and over normalised stretches.
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/tokenizer.h"
#include "text/tokenizer_testing.h"

namespace vivace {
namespace {

using testing::added_token_json;
using testing::tokenizer_json;

std::unique_ptr<const Tokenizer> make_tokenizer(const std::string& added) {
  auto tokenizer = Tokenizer::from_json(tokenizer_json({.added_tokens = "[" + added + "]"}), "tokenizer.json");
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

std::string random_text(std::mt19937* random) {
  static const std::vector<std::string> parts = {
      "a",      "b", "hello",  "Un",     "aff",    "é",      "e\u0301", "中",     "한", " ",  "  ",  "\t",
      "\u3000", "!", "\u0001", "\u0323", "\u302e", "[MASK]", "<x>",     "\u200b", "ß",  "😀", "un ", "\U0001d165"};
  std::string text;
  for (unsigned n = (*random)() % 30; n > 0; --n) text += parts[(*random)() % parts.size()];
  return text;
}

TEST(BertEncoders, AgreeOnRandomTexts) {
  const std::string raw =
      added_token_json(17, "[MASK]", "lstrip") + "," + added_token_json(20, "<x>", "rstrip single_word");
  const auto streaming = make_tokenizer(raw);
  // One that no text here contains sends the whole of it the other way.
  const auto buffered = make_tokenizer(raw + "," + added_token_json(21, "never", "normalized"));
  std::mt19937 random(11);
  TokenSequence one;
  TokenSequence other;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = random_text(&random);
    const EncodeOptions options{.offsets = Offsets::kKeep, .max_tokens = i % 3 == 0 ? 2 + random() % 20 : 0};
    ASSERT_TRUE(streaming->encode(text, options, &one).has_value());
    ASSERT_TRUE(buffered->encode(text, options, &other).has_value());
    ASSERT_EQ(one.ids, other.ids) << text;
    ASSERT_EQ(one.offsets, other.offsets) << text;
    ASSERT_EQ(one.type_ids, other.type_ids) << text;
    ASSERT_EQ(one.truncated, other.truncated) << text;
  }
}

// A limit gives the first tokens of the whole, and says whether there were more, also over several stretches.
TEST(BertEncoders, LimitsOnlyCut) {
  std::mt19937 random(12);
  for (const char* flags : {"", "normalized", "normalized rstrip", "normalized lstrip single_word"}) {
    const auto tokenizer =
        make_tokenizer(added_token_json(17, "[MASK]", flags) + "," + added_token_json(20, "<x>", flags));
    for (int round = 0; round < 20; ++round) {
      std::string text;
      while (text.size() < 60000) text += random_text(&random);
      TokenSequence whole;
      TokenSequence cut;
      EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep};
      ASSERT_TRUE(tokenizer->encode(text, options, &whole).has_value());
      options.max_tokens = 1 + random() % whole.ids.size();
      ASSERT_TRUE(tokenizer->encode(text, options, &cut).has_value());
      ASSERT_EQ(cut.truncated, whole.ids.size() > options.max_tokens);
      whole.ids.resize(options.max_tokens);
      whole.offsets.resize(options.max_tokens);
      ASSERT_EQ(cut.ids, whole.ids);
      ASSERT_EQ(cut.offsets, whole.offsets);
    }
  }
}

}  // namespace
}  // namespace vivace
