#include "engine/text_stream.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace vivace {
namespace {

// A tokenizer of single letters that counts what it is asked for: the id is the letter.
class CountingTokenizer final : public Tokenizer {
 public:
  TokenizerTraits traits() const override { return {}; }
  Result<void> encode(std::string_view, const EncodeOptions&, TokenSequence*) const override { return unused(); }
  Result<void> encode_pair(std::string_view, std::string_view, const EncodeOptions&, TokenSequence*) const override {
    return unused();
  }
  Result<std::vector<TokenSequence>> encode_windows(std::string_view, const EncodeOptions&) const override {
    return unused();
  }
  Result<std::string> decode(std::span<const int32_t>, SkipSpecialTokens) const override { return unused(); }
  DecodeStream decode_stream(SkipSpecialTokens skip) const override { return {*this, skip, StreamDecoder({})}; }
  Result<std::optional<std::string_view>> decoded_name(int32_t id, SkipSpecialTokens) const override {
    ++m_names;
    return std::string_view(kLetters).substr(static_cast<size_t>(id - 'a'), 1);
  }
  size_t vocabulary_size() const override { return 128; }
  std::string_view token(int32_t) const override { return {}; }
  std::optional<int32_t> token_id(std::string_view) const override { return {}; }
  size_t names() const { return m_names; }

 private:
  static constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  static std::unexpected<Status> unused() { return error(StatusCode::kUnsupported, "a stream needs none of this"); }
  mutable size_t m_names = 0;
};

TEST(StopMatcher, FindsWhatAWholeSearchFinds) {
  std::mt19937 random(7);
  const auto letters = [&](size_t least, size_t most) {
    std::string text(least + random() % (most - least + 1), 'a');
    for (char& c : text) c = "aab"[random() % 3];
    return text;
  };
  for (int round = 0; round < 20000; ++round) {
    std::vector<std::string> stops;
    for (size_t i = random() % 4; i > 0; --i) stops.push_back(letters(1, 7));
    StopMatcher matcher(stops);
    std::string text;
    size_t found = StopMatcher::kNone;
    while (text.size() < 30 && found == StopMatcher::kNone) {
      const std::string part = letters(0, 5);
      found = matcher.push(part);
      text += part;
      size_t first = std::string::npos;
      size_t held = 0;
      for (const std::string& stop : stops) {
        first = std::min(first, text.find(stop));
        for (size_t count = 1; count < stop.size() && count <= text.size(); ++count) {
          if (text.ends_with(stop.substr(0, count))) held = std::max(held, count);
        }
      }
      ASSERT_EQ(found, first) << text;
      if (found == StopMatcher::kNone) {
        ASSERT_EQ(matcher.held(), held) << text;
      }
    }
  }
}

TEST(TextStream, GivesTextAsSoonAsItIsCertain) {
  const CountingTokenizer tokenizer;
  const std::vector<std::string> stops{"end", "dot"};
  TextStream stream(tokenizer, stops);
  std::vector<int32_t> ids;
  std::vector<std::string> pieces;
  for (const char c : std::string("xenedoends")) {
    ids.push_back(c);
    pieces.emplace_back(stream.update(ids));
    if (stream.stopped()) break;
  }
  EXPECT_EQ(pieces, (std::vector<std::string>{"x", "", "", "en", "e", "", "do", "", ""}));
  EXPECT_EQ(stream.text(), "xenedo");
  EXPECT_TRUE(stream.stopped());
  ids.push_back('a');
  EXPECT_EQ(stream.update(ids), "") << "what comes behind a stop string is no text";
  EXPECT_EQ(stream.finish(ids), "");
  TextStream unfinished(tokenizer, stops);
  EXPECT_EQ(unfinished.update(std::vector<int32_t>{'e', 'n'}), "");
  EXPECT_EQ(unfinished.finish(std::vector<int32_t>{'e', 'n'}), "en");
}

// Not a matter of time: each id is looked up once, however often the growing list of them is given.
TEST(TextStream, ReadsEachTokenOnce) {
  const CountingTokenizer tokenizer;
  const std::vector<std::string> stops{"zz"};
  TextStream stream(tokenizer, stops);
  std::vector<int32_t> ids;
  std::string text;
  for (int i = 0; i < 1000; ++i) {
    ids.push_back('a' + i % 25);
    text += stream.update(ids);
    ASSERT_EQ(tokenizer.names(), ids.size());
  }
  text += stream.finish(ids);
  EXPECT_EQ(tokenizer.names(), ids.size());
  EXPECT_EQ(text.size(), ids.size());
  EXPECT_EQ(text, stream.text());
}

class TextStreamOfKind : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string folder = std::string(VIVACE_SOURCE_DIR) + "/tests/tokenizer/data/" + GetParam();
    auto tokenizer = Tokenizer::from_file(folder + "/tokenizer.json");
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    m_tokenizer = std::move(*tokenizer);
  }

  // Special tokens and ids without token among them.
  std::vector<int32_t> random_ids(std::mt19937* random) const {
    std::vector<int32_t> ids(1 + (*random)() % 40);
    for (int32_t& id : ids) id = static_cast<int32_t>((*random)() % (m_tokenizer->vocabulary_size() + 20));
    return ids;
  }

  std::string whole(const std::vector<int32_t>& ids) const {
    std::vector<int32_t> known;
    for (const int32_t id : ids) {
      if (!m_tokenizer->token(id).empty()) known.push_back(id);
    }
    return m_tokenizer->decode(known, SkipSpecialTokens::kYes).value();
  }

  // What a stream gives for ids that come one by one, until it stops.
  std::string stream(const std::vector<int32_t>& ids, std::span<const std::string> stops) const {
    TextStream stream(*m_tokenizer, stops);
    std::string text;
    size_t count = 0;
    while (count < ids.size() && !stream.stopped()) {
      const std::string_view piece = stream.update(std::span(ids).first(++count));
      EXPECT_EQ(find_invalid_utf8(piece), kValidUtf8);
      text += piece;
    }
    text += stream.finish(std::span(ids).first(count));
    EXPECT_EQ(text, stream.text());
    return text;
  }

  std::unique_ptr<const Tokenizer> m_tokenizer;
};

TEST_P(TextStreamOfKind, PiecesTogetherAreTheDecodedTextUpToTheStop) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const std::vector<int32_t> ids = random_ids(&random);
    const std::string text = whole(ids);
    EXPECT_EQ(stream(ids, {}), text);
    size_t begin = random() % (text.size() + 1);
    while (begin < text.size() && (static_cast<uint8_t>(text[begin]) & 0xC0U) == 0x80U) ++begin;
    size_t end = std::min(text.size(), begin + 1 + random() % 6);
    while (end < text.size() && (static_cast<uint8_t>(text[end]) & 0xC0U) == 0x80U) ++end;
    if (begin == end) continue;
    const std::vector<std::string> stops{text.substr(begin, end - begin)};
    EXPECT_EQ(stream(ids, stops), text.substr(0, text.find(stops[0]))) << text << " / " << stops[0];
  }
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, TextStreamOfKind,
                         testing::Values("bert", "byte_fallback_bpe", "byte_fallback_unigram", "codet5p", "deberta_v3",
                                         "modernbert", "mpnet", "prefix_bpe", "roberta", "split_bpe", "suffix_bpe",
                                         "t5", "word_level", "xlm_roberta"),
                         [](const auto& kind) { return std::string(kind.param); });

}  // namespace
}  // namespace vivace
