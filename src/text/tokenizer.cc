#include "text/tokenizer.h"

#include "base/json.h"
#include "base/mapped_file.h"
#include "text/bert_tokenizer.h"
#include "text/component_registry.h"
#include "text/tokenizer_json.h"

namespace vivace {
namespace {

constexpr size_t kMaxFileBytes = size_t{256} << 20;  // the largest in use are below 40 MB

using TokenizerReader = Result<std::unique_ptr<const Tokenizer>>(const JsonValue&);

// The model decides which class of tokenizer the document describes.
constexpr NamedReader<TokenizerReader> kModels[] = {{"WordPiece", BertTokenizer::read}};

}  // namespace

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_json(std::string_view json, std::string_view origin) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(json, origin));
  const JsonValue root = document.root();
  RETURN_IF_ERROR(check_version(root));
  ASSIGN_OR_RETURN(const JsonValue model, root.get("model"));
  ASSIGN_OR_RETURN(auto* const read, find_reader<TokenizerReader>(model, kModels));
  return read(root);
}

Result<std::unique_ptr<const Tokenizer>> Tokenizer::from_file(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, read_text_file(path, kMaxFileBytes));
  return from_json(json, path);
}

}  // namespace vivace
