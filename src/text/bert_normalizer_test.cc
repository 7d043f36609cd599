#include "text/bert_normalizer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/utf8.h"

namespace vivace {
namespace {

using ::testing::ElementsAre;

struct Normalized {
  std::string text;
  std::vector<int32_t> sources;
};

Normalized normalize(const BertNormalizerOptions& options, std::u32string_view text) {
  const BertNormalizer normalizer(options);
  ReorderBuffer buffer;
  std::vector<NormalizedChar> characters;
  for (size_t i = 0; i < text.size(); ++i) normalizer.push(text[i], static_cast<int32_t>(i), &buffer, &characters);
  normalizer.finish(&buffer, &characters);
  Normalized result;
  for (const NormalizedChar& c : characters) {
    append_utf8(c.code_point, &result.text);
    result.sources.push_back(c.source);
  }
  return result;
}

TEST(BertNormalizer, CleansText) {
  const Normalized result = normalize({.clean_text = true}, U"a\x01\tb\u00a0\u200d\ufffd\x85É");
  EXPECT_EQ(result.text, "a b É");
  EXPECT_THAT(result.sources, ElementsAre(0, 2, 3, 4, 8));
}

TEST(BertNormalizer, PutsSpacesAroundChineseCharacters) {
  const Normalized result = normalize({.handle_chinese_chars = true}, U"a中b");
  EXPECT_EQ(result.text, "a 中 b");
  EXPECT_THAT(result.sources, ElementsAre(0, 1, 1, 1, 2));
}

TEST(BertNormalizer, StripsAccents) {
  const Normalized result = normalize({.strip_accents = true}, U"Éa\u0301ǖ\u0323x각");
  EXPECT_EQ(result.text, "Eaux\u1100\u1161\u11a8");
  EXPECT_THAT(result.sources, ElementsAre(0, 1, 3, 5, 6, 6, 6));
}

// U+302E (224) and U+1D165 (216) are no non-spacing marks, so they stay, in canonical order; the package gives the
// sources out in the order after that.
TEST(BertNormalizer, ReordersWhatStays) {
  const Normalized result = normalize({.strip_accents = true}, U"a\u302e\u0301\U0001d165b");
  EXPECT_EQ(result.text, "a\U0001d165\u302eb");
  EXPECT_THAT(result.sources, ElementsAre(0, 1, 2, 4));
}

TEST(BertNormalizer, LowercasesAfterEverythingElse) {
  const Normalized result = normalize({.lowercase = true}, U"ÀİΣ");
  EXPECT_EQ(result.text, "ài\u0307σ");
  EXPECT_THAT(result.sources, ElementsAre(0, 1, 1, 2));
}

TEST(BertNormalizer, DoesNothingUnasked) {
  EXPECT_EQ(normalize({}, U"A\x01 中É\u0323\u0301").text, "A\x01 中É\u0323\u0301");
}

}  // namespace
}  // namespace vivace
