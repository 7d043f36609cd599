// Any bytes as tokenizer.json: reading must refuse them with a one-line UTF-8 message, or give a tokenizer that encodes
// texts and whose every token has an id and back.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "text/tokenizer.h"

namespace {

using namespace vivace;  // NOLINT(google-build-using-namespace): a program of one file

constexpr std::string_view kTexts[] = {
    "", "Hello un\u00e4ffable w\u00f6rld! [MASK] a\u0301\u302e b", "\u4e2d\uac01 \u00a0\t<x> \u0001z",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};

void check_tokenizer(const Tokenizer& tokenizer) {
  TokenSequence tokens;
  for (const std::string_view text : kTexts) {
    for (const size_t limit : {0U, 3U, 40U}) {
      const EncodeOptions options{.offsets = Offsets::kKeep, .max_tokens = limit};
      if (!tokenizer.encode(text, options, &tokens)) {
        CHECK(limit != 0);  // no room for the special tokens
        continue;
      }
      CHECK(limit == 0 || tokens.ids.size() <= limit);
      CHECK(tokens.offsets.size() == tokens.ids.size() && tokens.type_ids.size() == tokens.ids.size());
      for (const int32_t id : tokens.ids) CHECK(id >= 0 && static_cast<size_t>(id) < tokenizer.vocabulary_size());
    }
  }
  for (size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    CHECK(tokenizer.token_id(tokenizer.token(static_cast<int32_t>(id))) == static_cast<int32_t>(id));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto tokenizer = Tokenizer::from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
  if (tokenizer) {
    check_tokenizer(**tokenizer);
  } else {
    CHECK(find_invalid_utf8(tokenizer.error().message) == kValidUtf8);
    CHECK(tokenizer.error().message.find('\n') == std::string::npos);
  }
  return 0;
}
