#include <algorithm>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/mapped_file.h"
#include "base/utf8.h"
#include "text/legacy_document.h"
#include "text/legacy_tokenizer.h"
#include "text/tokenizer_config.h"
#include "text/vocabulary_json.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;

// A merge on each line; a first line with the version, and empty ones, are none.
Result<std::string> read_merges_json(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxFileBytes));
  if (const size_t place = find_invalid_utf8(text); place != kValidUtf8) {
    return error(StatusCode::kCorruptFile, path + ": is not UTF-8 at byte " + std::to_string(place));
  }
  JsonWriter json;
  json.begin_array();
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (!line.empty() && !line.starts_with("#version")) json.value(line);
    begin = end + 1;
  }
  return json.end_array().take();
}

std::string byte_level_json(bool add_prefix_space) {
  JsonWriter json;
  json.begin_object().key("type").value("ByteLevel").key("add_prefix_space").value(add_prefix_space);
  return json.key("trim_offsets").value(true).key("use_regex").value(true).end_object().take();
}

}  // namespace

Result<std::string> legacy_byte_level_json(const std::string& directory) {
  ASSIGN_OR_RETURN(const TokenizerConfig config, read_tokenizer_config(directory));
  const std::string path = directory + "/vocab.json";
  ASSIGN_OR_RETURN(const std::string text, read_text_file(path, kMaxFileBytes));
  ASSIGN_OR_RETURN(const JsonDocument vocab, JsonDocument::parse(text, path));
  ASSIGN_OR_RETURN(const std::vector<std::string> tokens, read_vocabulary(vocab.root()));
  ASSIGN_OR_RETURN(const std::string merges, read_merges_json(directory + "/merges.txt"));
  LegacyDocument document(tokens, config);
  document.add_role("bos_token", "<s>");
  document.add_role("eos_token", "</s>");
  document.add_role("unk_token", "<unk>");
  const std::string sep = document.add_role("sep_token", "</s>");
  document.add_role("pad_token", "<pad>");
  const std::string cls = document.add_role("cls_token", "<s>");
  document.add_role("mask_token", "<mask>");
  document.add_extra_tokens();
  JsonWriter model;
  model.begin_object().key("type").value("BPE").key("continuing_subword_prefix").value("");
  model.key("end_of_word_suffix").value("").key("vocab").raw(vocab.root().to_text());
  LegacyDocument::Parts parts;
  parts.model = model.key("merges").raw(merges).end_object().take();
  const bool add_prefix_space = config.add_prefix_space.value_or(false);
  parts.pre_tokenizer = byte_level_json(add_prefix_space);
  parts.decoder = byte_level_json(true);
  parts.post_processor = document.roberta_processing(sep, cls, config.trim_offsets, add_prefix_space);
  return document.write(parts);
}

}  // namespace vivace
