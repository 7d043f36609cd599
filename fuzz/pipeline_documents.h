// Small tokenizer.json documents of the kinds that are not BERT's: byte-level BPE, BPE and Unigram with byte fallback,
// Unigram behind a precompiled normaliser.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "text/base64.h"
#include "text/byte_alphabet.h"
#include "text/byte_fallback.h"
#include "text/precompiled_testing.h"

namespace vivace::fuzzing {

using Merges = std::vector<std::pair<std::string, std::string>>;

inline std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json.push_back('\\');
    json.push_back(c);
  }
  return json + '"';
}

// Each is JSON text.
struct PipelineParts {
  std::string model;
  std::string added_tokens = "[]";
  std::string normalizer = "null";
  std::string pre_tokenizer = "null";
  std::string decoder = "null";
};

inline std::string pipeline_json(const PipelineParts& parts) {
  return R"({"version":"1.0","added_tokens":)" + parts.added_tokens + R"(,"normalizer":)" + parts.normalizer +
         R"(,"pre_tokenizer":)" + parts.pre_tokenizer + R"(,"post_processor":null,"decoder":)" + parts.decoder +
         R"(,"model":)" + parts.model + "}";
}

// Every merge's result joins the vocabulary. settings: members that follow.
inline std::string bpe_json(std::vector<std::string> tokens, const Merges& merges, std::string_view settings) {
  std::string list;
  for (const auto& [left, right] : merges) {
    tokens.push_back(left + right);
    list += (list.empty() ? "[" : ",[") + quoted(left) + "," + quoted(right) + "]";
  }
  std::string vocab;
  for (size_t id = 0; id < tokens.size(); ++id) {
    vocab += (id == 0 ? "" : ",") + quoted(tokens[id]) + ":" + std::to_string(id);
  }
  return R"({"type":"BPE","dropout":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"vocab":{)" +
         vocab + R"(},"merges":[)" + list + "]," + std::string(settings) + "}";
}

inline std::string unigram_json(const std::vector<std::string>& tokens, std::string_view settings) {
  std::string vocab;
  for (size_t id = 0; id < tokens.size(); ++id) {
    vocab += (id == 0 ? "[" : ",[") + quoted(tokens[id]) + ",-" + std::to_string(1 + id % 7) + ".5]";
  }
  return R"({"type":"Unigram","unk_id":0,"vocab":[)" + vocab + "]," + std::string(settings) + "}";
}

// "<unk>" and a token for each byte.
inline std::vector<std::string> fallback_tokens() {
  std::vector<std::string> tokens = {"<unk>"};
  for (int byte = 0; byte < 256; ++byte) tokens.push_back(byte_token(static_cast<uint8_t>(byte)));
  return tokens;
}

inline std::string byte_level_bpe() {
  std::vector<std::string> tokens(256);
  for (int byte = 0; byte < 256; ++byte)
    append_utf8(byte_to_character(static_cast<uint8_t>(byte)), &tokens[size_t(byte)]);
  const Merges merges = {{"t", "h"}, {"th", "e"}, {"Ġ", "the"}, {"i", "n"}, {"Ġ", "Ġ"},
                         {"Ã", "©"}, {"ä", "¸"},  {"ä¸", "Ń"},  {"a", "a"}, {"aa", "aa"}};
  return bpe_json(tokens, merges, R"("unk_token":null,"fuse_unk":false,"byte_fallback":false,"ignore_merges":false)");
}

inline std::string fallback_bpe() {
  std::vector<std::string> tokens = fallback_tokens();
  for (const char* token : {"▁", "t", "h", "e", "a", "é", "中"}) tokens.emplace_back(token);
  const Merges merges = {{"t", "h"}, {"th", "e"}, {"▁", "the"}, {"▁", "▁"}, {"a", "a"}, {"中", "中"}};
  return bpe_json(tokens, merges, R"("unk_token":"<unk>","fuse_unk":true,"byte_fallback":true,"ignore_merges":false)");
}

inline std::string fallback_unigram() {
  std::vector<std::string> tokens = fallback_tokens();
  for (const char* token : {"▁", "▁the", "th", "e", "a", "aa", "é", "中", "中中"}) tokens.emplace_back(token);
  return unigram_json(tokens, R"("byte_fallback":true)");
}

inline std::string plain_unigram() {
  return unigram_json({"<unk>", "▁", "▁the", "th", "e", "X", "XX", "é", "中", "▁X", "n"}, R"("byte_fallback":false)");
}

// 'a' becomes "X" and 'q' nothing.
inline std::string precompiled_json() {
  const std::string table = testing::table_of(testing::small_trie(), std::string("X\0\0", 3));
  return R"({"type":"Precompiled","precompiled_charsmap":")" + encode_base64(table) + R"("})";
}

}  // namespace vivace::fuzzing
