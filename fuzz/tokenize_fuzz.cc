// Any bytes as a text for one of some small tokenizers (the first byte chooses, the second sets a limit): what is not
// UTF-8 is refused; otherwise ids are in the vocabulary, offsets are in the text and in order, the limit holds, what a
// limit leaves is the beginning of the whole, and ids are decoded one by one to what they are at once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "engine/text_stream.h"
#include "pipeline_documents.h"
#include "text/tokenizer.h"
#include "text/tokenizer_testing.h"

namespace {

using namespace vivace;  // NOLINT(google-build-using-namespace): a program of one file
using testing::added_token_json;
using testing::tokenizer_json;
using namespace vivace::fuzzing;  // NOLINT(google-build-using-namespace)

constexpr size_t kStreamedIds = 48;  // each step is compared with decoding anew

enum class OffsetOrder : uint8_t {
  kEachHasText,      // every token has characters, and none begins before the last one
  kWholeCharacters,  // the same, where tokens of one character's bytes all have that character
  kInText,           // a normaliser may move and empty them
};

struct Kind {
  std::unique_ptr<const Tokenizer> tokenizer;
  OffsetOrder order = OffsetOrder::kInText;
  bool decodes_to_text = false;  // to the very text that was encoded
};

std::unique_ptr<const Tokenizer> load(const std::string& json) {
  auto tokenizer = Tokenizer::from_json(json, "fuzz");
  CHECK(tokenizer.has_value());
  return std::move(*tokenizer);
}

std::unique_ptr<const Tokenizer> make(const testing::TokenizerParts& parts) {
  return load(tokenizer_json(parts));
}

// Word by word; over stretches, for the sake of a normalised added token; and with nothing normalised.
void add_bert_kinds(std::vector<Kind>* kinds) {
  const OffsetOrder order = OffsetOrder::kEachHasText;
  const std::string raw = added_token_json(17, "[MASK]", "lstrip") + "," + added_token_json(20, "<x>", "rstrip");
  kinds->push_back({make({.added_tokens = "[" + raw + "]"}), order});
  kinds->push_back(
      {make({.added_tokens = "[" + raw + "," + added_token_json(21, "ab b", "normalized single_word") + "]"}), order});
  kinds->push_back(
      {make({.added_tokens = "[" + added_token_json(10, "a", "single_word") + "]", .normalizer = "null"}), order});
}

void add_pipeline_kinds(std::vector<Kind>* kinds) {
  const std::string byte_level =
      R"({"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true})";
  const std::string metaspace = R"({"type":"Metaspace","replacement":"▁","prepend_scheme":"first","split":true})";
  const std::string space_to_mark = R"({"type":"Replace","pattern":{"String":" "},"content":"▁"})";
  const std::string mark_to_space = R"({"type":"Replace","pattern":{"String":"▁"},"content":" "})";
  kinds->push_back({load(pipeline_json({.model = byte_level_bpe(),
                                        .added_tokens = "[" + added_token_json(266, "<x>", "special") + "]",
                                        .pre_tokenizer = byte_level,
                                        .decoder = byte_level})),
                    OffsetOrder::kWholeCharacters, true});
  kinds->push_back(
      {load(pipeline_json({.model = fallback_bpe(),
                           .decoder = R"({"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"}]})"})),
       OffsetOrder::kWholeCharacters, true});
  kinds->push_back(
      {load(pipeline_json(
           {.model = fallback_bpe(),
            .added_tokens = "[" + added_token_json(270, "<x>", "lstrip special") + "," +
                            added_token_json(271, "a b", "normalized") + "]",
            .normalizer =
                R"({"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},)" + space_to_mark + "]}",
            .decoder =
                R"({"type":"Sequence","decoders":[)" + mark_to_space +
                R"(,{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]})"})),
       OffsetOrder::kInText});
  kinds->push_back({load(pipeline_json({.model = plain_unigram(),
                                        .added_tokens = "[" + added_token_json(11, "<x>", "rstrip special") + "]",
                                        .normalizer = precompiled_json(),
                                        .pre_tokenizer = metaspace,
                                        .decoder = metaspace})),
                    OffsetOrder::kInText});
  // "<0x41>" in a text is the token of that byte here, so it decodes to another text.
  kinds->push_back({load(pipeline_json({.model = fallback_unigram(),
                                        .decoder = R"({"type":"Sequence","decoders":[{"type":"ByteFallback"}]})"})),
                    OffsetOrder::kWholeCharacters});
}

const std::vector<Kind>& all_kinds() {
  static const auto all = [] {
    std::vector<Kind> made;
    add_bert_kinds(&made);
    add_pipeline_kinds(&made);
    return made;
  }();
  return all;
}

void check_whole(const Kind& kind, std::string_view text, const TokenSequence& whole) {
  const int32_t length = static_cast<int32_t>(count_code_points(text));
  CHECK(whole.offsets.size() == whole.ids.size() && whole.type_ids.size() == whole.ids.size() && !whole.truncated);
  TokenOffset last;
  for (size_t i = 0; i < whole.ids.size(); ++i) {
    const TokenOffset offset = whole.offsets[i];
    CHECK(whole.ids[i] >= 0 && static_cast<size_t>(whole.ids[i]) < kind.tokenizer->vocabulary_size());
    CHECK(0 <= offset.begin && offset.begin <= offset.end && offset.end <= length);
    if (kind.order == OffsetOrder::kInText) continue;
    CHECK(last.begin <= offset.begin && offset.begin < offset.end);
    CHECK(kind.order != OffsetOrder::kWholeCharacters || last.end <= offset.end);
    last = offset;
  }
}

// Ids one by one, encoded or just any: each piece is UTF-8, nothing that was given is taken back when more ids come,
// and together they are what decoding all at once gives, up to the stop string.
void check_stream(const Tokenizer& tokenizer, std::span<const int32_t> ids, const std::string& stop) {
  const std::vector<std::string> stops(stop.empty() ? 0 : 1, stop);
  TextStream stream(tokenizer, stops);
  std::string given;
  size_t count = 0;
  while (count < ids.size() && !stream.stopped()) {
    given += stream.update(ids.first(++count));
    CHECK(find_invalid_utf8(given) == kValidUtf8);
    const auto so_far = tokenizer.decode(ids.first(count), SkipSpecialTokens::kYes);
    CHECK(so_far.has_value() && so_far->starts_with(given));
  }
  given += stream.finish(ids.first(count));
  const auto whole = tokenizer.decode(ids, SkipSpecialTokens::kYes);
  CHECK(whole.has_value() && given == whole->substr(0, stop.empty() ? std::string::npos : whole->find(stop)));
}

void check_decoding(const Kind& kind, std::string_view text, std::span<const int32_t> ids) {
  const auto whole = kind.tokenizer->decode(ids, SkipSpecialTokens::kNo);
  CHECK(whole.has_value() && find_invalid_utf8(*whole) == kValidUtf8);
  CHECK(!kind.decodes_to_text || *whole == text);
  std::vector<int32_t> any_ids;
  for (const char c : text.substr(0, kStreamedIds)) {
    any_ids.push_back(static_cast<int32_t>(static_cast<uint8_t>(c) * 31 % kind.tokenizer->vocabulary_size()));
  }
  // A short stop string of what may occur.
  std::string stop;
  if (text.size() % 2 == 0 && whole->size() < 300) {
    for (size_t i = whole->size() / 2; i < whole->size() && stop.size() < 3;)
      append_utf8(next_code_point(*whole, &i), &stop);
  }
  check_stream(*kind.tokenizer, ids.first(std::min(ids.size(), kStreamedIds)), stop);
  check_stream(*kind.tokenizer, any_ids, stop);
}

void check_limit(const Tokenizer& tokenizer, std::string_view text, const TokenSequence& whole, size_t limit) {
  TokenSequence cut;
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep, .max_tokens = limit};
  CHECK(tokenizer.encode(text, options, &cut).has_value());
  CHECK(cut.ids.size() == std::min(limit, whole.ids.size()));
  CHECK(cut.truncated == (whole.ids.size() > limit));
  CHECK(std::equal(cut.ids.begin(), cut.ids.end(), whole.ids.begin()));
  CHECK(std::equal(cut.offsets.begin(), cut.offsets.end(), whole.offsets.begin()));
  TokenSequence ids_only;
  CHECK(tokenizer.encode(text, {.special_tokens = SpecialTokens::kOmit, .max_tokens = limit}, &ids_only).has_value());
  CHECK(ids_only.ids == cut.ids && ids_only.truncated == cut.truncated && ids_only.offsets.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t chosen = data[0] % all_kinds().size();
  const Kind& kind = all_kinds()[chosen];
  const size_t limit = 1 + data[1];
  std::string text(reinterpret_cast<const char*>(data) + 2, size - 2);
  TokenSequence whole;
  const EncodeOptions options{.special_tokens = SpecialTokens::kOmit, .offsets = Offsets::kKeep};
  const auto result = kind.tokenizer->encode(text, options, &whole);
  CHECK(result.has_value() == (find_invalid_utf8(text) == kValidUtf8));
  if (!result) return 0;
  check_whole(kind, text, whole);
  check_limit(*kind.tokenizer, text, whole, limit);
  check_decoding(kind, text, whole.ids);
  // Once more with the text many times over, which is longer than the stretch that the second tokenizer begins with.
  if (size > 64 || chosen != 1) return 0;
  std::string long_text;
  while (long_text.size() < 6000) long_text += text + " ";
  CHECK(kind.tokenizer->encode(long_text, options, &whole).has_value());
  check_whole(kind, long_text, whole);
  check_limit(*kind.tokenizer, long_text, whole, limit);
  return 0;
}
