#include "text/legacy_tokenizer.h"

#include <filesystem>

#include "base/utf8.h"
#include "text/tokenizer_config.h"

namespace vivace {
namespace {

struct ModelClass {
  std::string_view model_type;
  std::string_view tokenizer_class;
};
constexpr ModelClass kClasses[] = {{"bert", "BertTokenizer"},
                                   {"distilbert", "BertTokenizer"},
                                   {"distilbert", "DistilBertTokenizer"},
                                   {"mpnet", "MPNetTokenizer"},
                                   {"roberta", "RobertaTokenizer"},
                                   {"llama", "LlamaTokenizer"},
                                   {"t5", "T5Tokenizer"},
                                   {"xlm-roberta", "XLMRobertaTokenizer"},
                                   {"camembert", "CamembertTokenizer"},
                                   {"deberta-v2", "DebertaV2Tokenizer"}};

// Empty when there is none.
std::string_view class_of(std::string_view model_type) {
  for (const ModelClass& row : kClasses) {
    if (row.model_type == model_type) return row.tokenizer_class;
  }
  return {};
}

bool is_known(std::string_view tokenizer_class) {
  for (const ModelClass& row : kClasses) {
    if (row.tokenizer_class == tokenizer_class) return true;
  }
  return false;
}

}  // namespace

Result<std::string> legacy_tokenizer_json(const std::string& directory, std::string_view model_type) {
  const auto path_of = [&](const char* name) { return directory + "/" + name; };
  const auto has = [&](const char* name) {
    std::error_code ignored;
    return std::filesystem::exists(path_of(name), ignored);
  };
  ASSIGN_OR_RETURN(const TokenizerConfig config, read_tokenizer_config(directory));
  const std::string name =
      is_known(config.tokenizer_class) ? config.tokenizer_class : std::string(class_of(model_type));
  const bool is_sentencepiece = name == "T5Tokenizer" || name == "XLMRobertaTokenizer" || name == "LlamaTokenizer" ||
                                name == "CamembertTokenizer" || name == "DebertaV2Tokenizer";
  for (const char* file : {"spiece.model", "sentencepiece.bpe.model", "spm.model", "tokenizer.model"}) {
    if (is_sentencepiece && has(file)) return legacy_sentencepiece_json(path_of(file), name);
  }
  if (name == "RobertaTokenizer" && has("vocab.json") && has("merges.txt")) return legacy_byte_level_json(directory);
  const bool is_word_piece = name == "BertTokenizer" || name == "DistilBertTokenizer" || name == "MPNetTokenizer";
  if (is_word_piece && has("vocab.txt")) return legacy_word_piece_json(directory, name);
  if (name.empty()) {
    return error(StatusCode::kUnsupported,
                 directory + ": has no tokenizer.json, and without one the tokenizer of model_type '" +
                     printable(model_type) + "' is not supported");
  }
  return error(StatusCode::kNotFound, directory + ": has neither tokenizer.json nor the files of a " + name);
}

}  // namespace vivace
