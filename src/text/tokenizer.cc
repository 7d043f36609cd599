#include "text/tokenizer.h"

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/bert_tokenizer.h"
#include "text/pipeline_tokenizer.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;  // the largest in use are below 40 MB

bool has_type(const JsonValue& root, std::string_view key, std::string_view type) {
  const auto component = root.find(key);
  const auto value = component ? component->find("type") : std::nullopt;
  const auto name = value ? value->as_string() : Result<std::string_view>("null");
  return name && *name == type;
}

// BERT's pipeline has a class of its own, which does all of it in one pass.
bool is_bert(const JsonValue& root) {
  return has_type(root, "model", "WordPiece") && has_type(root, "pre_tokenizer", "BertPreTokenizer") &&
         (has_type(root, "normalizer", "BertNormalizer") || !root.find("normalizer"));
}

}  // namespace

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_json(std::string_view json, std::string_view origin,
                                                              const TokenizerOverrides& overrides) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(json, origin));
  const JsonValue root = document.root();
  RETURN_IF_ERROR(check_version(root));
  RETURN_IF_ERROR(root.get("model"));
  RETURN_IF_ERROR(check_overrides(root, overrides));
  return is_bert(root) ? BertTokenizer::read(root, overrides) : PipelineTokenizer::read(root, overrides);
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_file(const std::string& path,
                                                              const TokenizerOverrides& overrides) {
  ASSIGN_OR_RETURN(const std::string json, read_text_file(path, kMaxFileBytes));
  return from_json(json, path, overrides);
}

}  // namespace vivace
