// Any bytes as a text for one of three small tokenizers (the first byte chooses, the second sets a limit): what is not
// UTF-8 is refused; otherwise ids are in the vocabulary, offsets are in the text and in order, the limit holds, and
// what a limit leaves is the beginning of the whole.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "text/tokenizer.h"
#include "text/tokenizer_testing.h"

namespace {

using namespace vivace;  // NOLINT(google-build-using-namespace): a program of one file
using testing::added_token_json;
using testing::tokenizer_json;

std::unique_ptr<const Tokenizer> make(const testing::TokenizerParts& parts) {
  auto tokenizer = Tokenizer::from_json(tokenizer_json(parts), "fuzz");
  CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

// Word by word; over stretches, for the sake of a normalised added token; and with nothing normalised.
const std::vector<std::unique_ptr<const Tokenizer>>& tokenizers() {
  static const auto all = [] {
    const std::string raw = added_token_json(17, "[MASK]", "lstrip") + "," + added_token_json(20, "<x>", "rstrip");
    std::vector<std::unique_ptr<const Tokenizer>> made;
    made.push_back(make({.added_tokens = "[" + raw + "]"}));
    made.push_back(
        make({.added_tokens = "[" + raw + "," + added_token_json(21, "ab b", "normalized single_word") + "]"}));
    made.push_back(make({.added_tokens = "[" + added_token_json(10, "a", "single_word") + "]", .normalizer = "null"}));
    return made;
  }();
  return all;
}

void check_whole(const Tokenizer& tokenizer, std::string_view text, const TokenSequence& whole) {
  const int32_t length = static_cast<int32_t>(count_code_points(text));
  CHECK(whole.offsets.size() == whole.ids.size() && whole.type_ids.size() == whole.ids.size() && !whole.truncated);
  int32_t last_begin = 0;
  for (size_t i = 0; i < whole.ids.size(); ++i) {
    const TokenOffset offset = whole.offsets[i];
    CHECK(whole.ids[i] >= 0 && static_cast<size_t>(whole.ids[i]) < tokenizer.vocabulary_size());
    CHECK(last_begin <= offset.begin && offset.begin < offset.end && offset.end <= length);
    last_begin = offset.begin;
  }
}

void check_limit(const Tokenizer& tokenizer, std::string_view text, const TokenSequence& whole, size_t limit) {
  TokenSequence cut;
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep, .max_tokens = limit};
  CHECK(tokenizer.encode(text, options, &cut).has_value());
  CHECK(cut.ids.size() == std::min(limit, whole.ids.size()));
  CHECK(cut.truncated == (whole.ids.size() > limit));
  CHECK(std::equal(cut.ids.begin(), cut.ids.end(), whole.ids.begin()));
  CHECK(std::equal(cut.offsets.begin(), cut.offsets.end(), whole.offsets.begin()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const Tokenizer& tokenizer = *tokenizers()[data[0] % tokenizers().size()];
  const size_t limit = 1 + data[1];
  std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  TokenSequence whole;
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep};
  const auto result = tokenizer.encode(text, options, &whole);
  CHECK(result.has_value() == (find_invalid_utf8(text) == kValidUtf8));
  if (!result) return 0;
  check_whole(tokenizer, text, whole);
  check_limit(tokenizer, text, whole, limit);
  // Once more with the text many times over, which is longer than the stretch that the second tokenizer begins with.
  if (size > 64 || data[0] % tokenizers().size() != 1) return 0;
  std::string long_text;
  while (long_text.size() < 6000) long_text += text + " ";
  CHECK(tokenizer.encode(long_text, options, &whole).has_value());
  check_whole(tokenizer, long_text, whole);
  check_limit(tokenizer, long_text, whole, limit);
  return 0;
}
