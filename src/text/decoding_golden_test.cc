// Decoding at once and token by token is the `tokenizers` package's decoding, for every beginning of a list of tokens
// (tools/make_reference_decodings.py).
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/utf8.h"
#include "text/decoder.h"
#include "text/tokenizer.h"

namespace vivace {
namespace {

const std::string kFolder = std::string(VIVACE_SOURCE_DIR) + "/tests/tokenizer/";

// A stream, whatever its tokens are.
struct Streaming {
  std::function<std::string(size_t)> push;  // the token with this number in the list
  std::function<std::string()> finish;
};

std::vector<std::string> strings(const JsonValue& list) {
  const std::vector<JsonValue> items = list.as_array().value();
  std::vector<std::string> texts;
  for (const JsonValue& item : items) texts.emplace_back(item.is_null() ? "" : item.as_string().value());
  return texts;
}

std::vector<int32_t> numbers(const JsonValue& list) {
  const std::vector<JsonValue> items = list.as_array().value();
  std::vector<int32_t> numbers;
  for (const JsonValue& item : items) numbers.push_back(static_cast<int32_t>(item.as_integer(0, INT32_MAX).value()));
  return numbers;
}

void for_each_line(const std::string& path, const std::function<void(const JsonValue&)>& check) {
  std::ifstream file(path);
  int count = 0;
  for (std::string line; std::getline(file, line); ++count) {
    const JsonDocument document = JsonDocument::parse(line, path).value();
    SCOPED_TRACE(line);
    check(document.root());
  }
  EXPECT_GE(count, 70) << path;
}

// texts[n - 1]: of the first n tokens. A stream ended after any of them gives the same, and what it has given by then
// stays whatever follows.
void expect_streamed(const std::function<Streaming()>& start, const std::vector<std::string>& texts) {
  for (size_t count = 1; count <= texts.size(); ++count) {
    Streaming stream = start();
    std::string given;
    for (size_t i = 0; i < count; ++i) {
      const std::string piece = stream.push(i);
      EXPECT_EQ(find_invalid_utf8(piece), kValidUtf8);
      given += piece;
    }
    for (size_t longer = count; longer <= texts.size(); ++longer) {
      EXPECT_TRUE(texts[longer - 1].starts_with(given)) << count << " tokens gave '" << given << "'";
    }
    EXPECT_EQ(given + stream.finish(), texts[count - 1]);
  }
}

class DecodingGolden : public testing::TestWithParam<const char*> {};

TEST_P(DecodingGolden, IdsOneByOneAndAtOnceAreThePackagesText) {
  const std::string folder = kFolder + "data/" + GetParam();
  const auto tokenizer = Tokenizer::from_file(folder + "/tokenizer.json");
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  for_each_line(folder + "/decodings.jsonl", [&](const JsonValue& line) {
    const std::vector<int32_t> ids = numbers(line.get("ids").value());
    const std::vector<std::string> texts = strings(line.get("texts").value());
    ASSERT_EQ(texts.size(), ids.size());
    EXPECT_EQ((*tokenizer)->decode(ids, SkipSpecialTokens::kNo).value(), texts.back());
    EXPECT_EQ((*tokenizer)->decode(ids, SkipSpecialTokens::kYes).value(), line.get("plain")->as_string().value());
    std::string of_package;
    if (const auto pieces = line.find("pieces")) {
      for (const std::string& piece : strings(*pieces)) of_package.append(piece);
      EXPECT_EQ(of_package, texts.back());
    }
    expect_streamed(
        [&] {
          const auto stream = std::make_shared<DecodeStream>((*tokenizer)->decode_stream(SkipSpecialTokens::kNo));
          return Streaming{[stream, &ids](size_t i) { return stream->push(ids[i]).value(); },
                           [stream] { return stream->finish(); }};
        },
        texts);
  });
}

INSTANTIATE_TEST_SUITE_P(Tokenizers, DecodingGolden,
                         testing::Values("bert", "byte_fallback_bpe", "byte_fallback_unigram", "codet5p", "deberta_v3",
                                         "modernbert", "mpnet", "prefix_bpe", "roberta", "split_bpe", "suffix_bpe",
                                         "t5", "word_level", "xlm_roberta"),
                         [](const auto& kind) { return std::string(kind.param); });

TEST(DecoderGolden, EveryCombinationOfDecodersIsThePackages) {
  for_each_line(kFolder + "decoders.jsonl", [](const JsonValue& line) {
    const Result<std::unique_ptr<const Decoder>> decoder = Decoder::read(line.get("decoder").value());
    ASSERT_TRUE(decoder.has_value()) << decoder.error().message;
    const std::vector<std::string> tokens = strings(line.get("tokens").value());
    const std::vector<std::string> texts = strings(line.get("texts").value());
    EXPECT_EQ((*decoder)->decode(tokens), texts.back());
    expect_streamed(
        [&] {
          const auto stream = std::make_shared<StreamDecoder>((*decoder)->stream());
          return Streaming{[stream, &tokens](size_t i) { return stream->push(tokens[i]); },
                           [stream] { return stream->finish(); }};
        },
        texts);
  });
}

}  // namespace
}  // namespace vivace
