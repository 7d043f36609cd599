#include <algorithm>

#include "base/json_writer.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "text/legacy_document.h"
#include "text/legacy_tokenizer.h"
#include "text/tokenizer_config.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;

// A token on each line, in order of the ids.
Result<std::vector<std::string>> read_vocabulary_lines(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxFileBytes));
  if (const size_t place = find_invalid_utf8(text); place != kValidUtf8) {
    return error(StatusCode::kCorruptFile, path + ": is not UTF-8 at byte " + std::to_string(place));
  }
  std::vector<std::string> tokens;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string& token = tokens.emplace_back(text, begin, end - begin);
    if (token.ends_with('\r')) token.pop_back();
    begin = end + 1;
  }
  return tokens;
}

std::string normalizer_json(const TokenizerConfig& config) {
  JsonWriter json;
  json.begin_object().key("type").value("BertNormalizer").key("clean_text").value(true);
  json.key("handle_chinese_chars").value(config.tokenize_chinese_chars.value_or(true)).key("strip_accents");
  if (config.strip_accents) {
    json.value(*config.strip_accents);
  } else {
    json.null();
  }
  return json.key("lowercase").value(config.do_lower_case.value_or(true)).end_object().take();
}

std::string model_json(const std::vector<std::string>& tokens, const std::string& unk_token) {
  JsonWriter json;
  json.begin_object().key("type").value("WordPiece").key("unk_token").value(unk_token);
  json.key("continuing_subword_prefix").value("##").key("max_input_chars_per_word").value(100);
  json.key("vocab").begin_object();
  for (size_t id = 0; id < tokens.size(); ++id) json.key(tokens[id]).value(static_cast<int64_t>(id));
  return json.end_object().end_object().take();
}

}  // namespace

Result<std::string> legacy_word_piece_json(const std::string& directory, std::string_view tokenizer_class) {
  ASSIGN_OR_RETURN(const TokenizerConfig config, read_tokenizer_config(directory));
  ASSIGN_OR_RETURN(const std::vector<std::string> tokens, read_vocabulary_lines(directory + "/vocab.txt"));
  LegacyDocument document(tokens, config);
  const bool is_mpnet = tokenizer_class == "MPNetTokenizer";
  document.add_role("bos_token", is_mpnet ? "<s>" : "");
  document.add_role("eos_token", is_mpnet ? "</s>" : "");
  const std::string unk = document.add_role("unk_token", "[UNK]");
  const std::string sep = document.add_role("sep_token", is_mpnet ? "</s>" : "[SEP]");
  document.add_role("pad_token", is_mpnet ? "<pad>" : "[PAD]");
  const std::string cls = document.add_role("cls_token", is_mpnet ? "<s>" : "[CLS]");
  LegacyDocument::Parts parts;
  if (is_mpnet) {
    document.add_mask("<mask>");
    parts.post_processor = document.roberta_processing(sep, cls, true, false);
  } else {
    document.add_role("mask_token", "[MASK]");
    parts.post_processor = document.template_processing(
        {.single = {cls, "A", sep}, .pair = {cls, "A", sep, "B", sep}, .second_type_id = 1});
  }
  document.add_extra_tokens();
  parts.normalizer = normalizer_json(config);
  parts.pre_tokenizer = R"({"type":"BertPreTokenizer"})";
  parts.decoder = R"({"type":"WordPiece","prefix":"##","cleanup":true})";
  parts.model = model_json(tokens, unk);
  return document.write(parts);
}

}  // namespace vivace
