// Small tokenizer.json documents for tests and fuzzers.
#pragma once

#include <string>
#include <string_view>

namespace vivace::testing {

// The parts of a document that tests change; each is JSON text.
struct TokenizerParts {
  std::string version = R"("1.0")";
  std::string added_tokens = "[]";
  std::string normalizer =
      R"({"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true})";
  std::string pre_tokenizer = R"({"type":"BertPreTokenizer"})";
  std::string post_processor = R"({"type":"BertProcessing","sep":["[SEP]",2],"cls":["[CLS]",1]})";
  std::string model_type = R"("WordPiece")";
  std::string unk_token = R"("[UNK]")";
  std::string prefix = R"("##")";
  std::string max_input_chars_per_word = "20";
  std::string vocab = R"({"[UNK]":0,"[CLS]":1,"[SEP]":2,"un":3,"##aff":4,"##able":5,"hello":6,"world":7,"!":8,"中":9,)"
                      R"("a":10,"##a":11,"##b":12,"b":13,"und":14,"##한":15,"é":16,"[MASK]":17,"ss":18,"한":19})";
};

inline std::string tokenizer_json(const TokenizerParts& parts) {
  return R"({"version":)" + parts.version + R"(,"truncation":null,"padding":null,"added_tokens":)" +
         parts.added_tokens + R"(,"normalizer":)" + parts.normalizer + R"(,"pre_tokenizer":)" + parts.pre_tokenizer +
         R"(,"post_processor":)" + parts.post_processor + R"(,"decoder":null,"model":{"type":)" + parts.model_type +
         R"(,"unk_token":)" + parts.unk_token + R"(,"continuing_subword_prefix":)" + parts.prefix +
         R"(,"max_input_chars_per_word":)" + parts.max_input_chars_per_word + R"(,"vocab":)" + parts.vocab + "}}";
}

// An entry of added_tokens; flags: those that are true, for example "lstrip rstrip".
inline std::string added_token_json(int id, std::string_view content, std::string_view flags) {
  std::string json = R"({"id":)" + std::to_string(id) + R"(,"content":")" + std::string(content) + '"';
  for (const char* flag : {"single_word", "lstrip", "rstrip", "normalized", "special"}) {
    const bool is_set = flags.find(flag) != std::string_view::npos;
    json.append(",\"").append(flag).append(is_set ? "\":true" : "\":false");
  }
  return json + "}";
}

}  // namespace vivace::testing
