// Tokenizers that work word by word give the same with and without offsets, for words new and known, and up to any
// limit.
#include <algorithm>
#include <iterator>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

constexpr const char* kKinds[] = {"codet5p", "roberta", "modernbert", "deberta_v3", "t5"};

std::unique_ptr<const Tokenizer> load(const std::string& kind) {
  auto tokenizer =
      Tokenizer::from_file(std::string(VIVACE_SOURCE_DIR) + "/tests/tokenizer/data/" + kind + "/tokenizer.json");
  EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  return tokenizer ? std::move(*tokenizer) : nullptr;
}

// Short words and words longer than the cache takes, of many tokens, with other characters and with added tokens.
std::string make_text(size_t words) {
  constexpr const char* kWords[] = {
      " the",         " of",     "\n\n  return",  " values[i],",
      " caf\xC3\xA9", " <s>",    " it's",         " supercalifragilistic",
      " 1234567890",  " <mask>", " na\xC3\xAFve", " \xE4\xB8\xAD",
      " x=f(a)->b.c", "\t'll",   " (self):",      " pneumonoultramicroscopicsilicovolcanoconiosis"};
  std::string text = "Words";
  for (size_t i = 0; i < words; ++i) text += kWords[(i * i + i / 3) % std::size(kWords)];
  return text;
}

TokenSequence encode(const Tokenizer& tokenizer, std::string_view text, Offsets offsets, size_t limit) {
  TokenSequence tokens;
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = offsets, .max_tokens = limit};
  const auto result = tokenizer.encode(text, options, &tokens);
  EXPECT_TRUE(result.has_value()) << result.error().message;
  return tokens;
}

TEST(PipelineWords, OffsetsAndEarlierTextsChangeNoIds) {
  for (const std::string kind : kKinds) {
    for (const size_t words : {0, 1, 5, 40, 400}) {
      const std::string text = make_text(words);
      const TokenSequence first = encode(*load(kind), text, Offsets::kOmit, 0);
      const auto tokenizer = load(kind);
      const TokenSequence with_offsets = encode(*tokenizer, text, Offsets::kKeep, 0);
      EXPECT_EQ(first.ids, with_offsets.ids) << kind << ' ' << words;
      EXPECT_EQ(encode(*tokenizer, text, Offsets::kOmit, 0).ids, first.ids) << kind << ' ' << words;
      EXPECT_EQ(encode(*tokenizer, text, Offsets::kKeep, 0).offsets, with_offsets.offsets) << kind << ' ' << words;
      EXPECT_EQ(with_offsets.offsets.back().end, static_cast<int32_t>(count_code_points(text))) << kind << ' ' << words;
    }
  }
}

TEST(PipelineWords, OffsetsChangeNoIdsOfRandomTexts) {
  constexpr const char* kParts[] = {" ",
                                    "  ",
                                    "\n",
                                    "\t",
                                    "\x01",
                                    "a",
                                    "bc",
                                    "Word",
                                    "7",
                                    "42",
                                    "'s",
                                    "'",
                                    ".",
                                    "`",
                                    "<s>",
                                    "<mask>",
                                    "\xC3\xA9",
                                    "\xE2\x96\x81",
                                    "\xF0\x9F\x98\x80",
                                    "e\xCC\x81"};
  std::mt19937 random(11);
  for (const std::string kind : kKinds) {
    const auto tokenizer = load(kind);
    for (int i = 0; i < 500; ++i) {
      std::string text;
      for (size_t parts = 1 + random() % 60; parts > 0; --parts) text += kParts[random() % std::size(kParts)];
      const TokenSequence with_offsets = encode(*tokenizer, text, Offsets::kKeep, 0);
      ASSERT_EQ(encode(*tokenizer, text, Offsets::kOmit, 0).ids, with_offsets.ids) << kind << ": '" << text << "'";
    }
  }
}

TEST(PipelineWords, AnyLimitLeavesTheBeginning) {
  const std::string text = make_text(300);
  for (const std::string kind : kKinds) {
    const auto tokenizer = load(kind);
    const TokenSequence whole = encode(*tokenizer, text, Offsets::kOmit, 0);
    ASSERT_GT(whole.ids.size(), 600U) << "more than are handed on at once";
    for (size_t limit = 1; limit < whole.ids.size() + 3; limit += limit < 20 ? 1 : 37) {
      const TokenSequence cut = encode(*tokenizer, text, Offsets::kOmit, limit);
      const size_t kept = std::min(limit, whole.ids.size());
      EXPECT_EQ(cut.ids, std::vector<int32_t>(whole.ids.begin(), whole.ids.begin() + static_cast<ptrdiff_t>(kept)));
      EXPECT_EQ(cut.truncated, limit < whole.ids.size()) << kind << ' ' << limit;
    }
    const TokenSequence all = encode(*tokenizer, text, Offsets::kOmit, whole.ids.size());
    EXPECT_EQ(all.ids, whole.ids);
    EXPECT_FALSE(all.truncated);
  }
}

}  // namespace
}  // namespace vivace
