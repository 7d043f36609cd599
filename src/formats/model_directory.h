// A model as Hugging Face writes it: a folder with config.json, weights and tokenizer, and perhaps the files of
// sentence-transformers that say how hidden states become one vector.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace vivace {

enum class PoolingMode {
  kMean,
  kCls,
  kLast,
  kNone,  // one vector for each token; never written in a model directory, only asked for
};
std::string_view pooling_mode_name(PoolingMode mode);  // "mean", "cls", "last", "none"
Result<PoolingMode> parse_pooling_mode(std::string_view name);

// modules.json, 1_Pooling/config.json, sentence_bert_config.json and config_sentence_transformers.json together.
// https://sbert.net/docs/package_reference/sentence_transformer
struct SentenceEmbeddingConfig {
  PoolingMode pooling = PoolingMode::kMean;
  bool normalize = false;                      // a Normalize module ends the chain
  std::optional<int> max_tokens;               // max_seq_length
  std::map<std::string, std::string> prompts;  // name → text put before the input
  std::string default_prompt_name;             // empty: none
};

class ModelDirectory {
 public:
  // Reads and checks everything but the weights and the tokenizer. kNotFound (naming the file) when the folder or its
  // config.json is missing; kCorruptFile or kUnsupported (a module or pooling that we do not know) otherwise.
  static Result<ModelDirectory> open(const std::string& path);

  const std::string& path() const { return m_path; }
  JsonValue config() const& { return m_config.root(); }           // config.json
  JsonValue config() const&& = delete;                            // the value would outlive the document
  const std::string& model_type() const { return m_model_type; }  // "bert"
  // nullopt without modules.json: a plain transformers checkpoint.
  const std::optional<SentenceEmbeddingConfig>& sentence_embedding() const { return m_sentence_embedding; }
  std::string tokenizer_path() const { return m_path + "/tokenizer.json"; }
  // model_max_length of tokenizer_config.json when it is a real limit.
  std::optional<int> tokenizer_max_tokens() const { return m_tokenizer_max_tokens; }

 private:
  explicit ModelDirectory(JsonDocument config) : m_config(std::move(config)) {}
  std::string m_path;
  JsonDocument m_config;
  std::string m_model_type;
  std::optional<SentenceEmbeddingConfig> m_sentence_embedding;
  std::optional<int> m_tokenizer_max_tokens;
};

}  // namespace vivace
