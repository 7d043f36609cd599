// A model as Hugging Face writes it: a folder with config.json, weights and tokenizer, and perhaps the files of
// sentence-transformers that say how hidden states become one vector.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "formats/packed_file.h"
#include "formats/task_config.h"
#include "formats/transformer_module.h"
#include "formats/unpacked_folder.h"

namespace vivace {

enum class PoolingMode {
  kMean,
  kCls,
  kLast,
  kMax,
  kMeanSqrtLength,  // the sum divided by the square root of the number of tokens
  kWeightedMean,    // token i counts i + 1 times
  kNone,            // one vector for each token; never written in a model directory, only asked for
};
std::string_view pooling_mode_name(PoolingMode mode);  // "mean", "cls", "last", "max", …, "none"
// The modes that may be asked for instead of a model's own: mean, cls, last, none.
Result<PoolingMode> parse_pooling_mode(std::string_view name);

// A Dense module of sentence-transformers: activation(W·x + b) of the pooled vector.
struct DenseModule {
  std::string directory;  // its model.safetensors has linear.weight [outputs, inputs] and perhaps linear.bias
  int inputs = 0;
  int outputs = 0;
  bool has_bias = true;
  std::string activation;  // torch's class: "Identity", "Tanh", …
};

// modules.json, 1_Pooling/config.json, sentence_bert_config.json and config_sentence_transformers.json together.
// https://sbert.net/docs/package_reference/sentence_transformer
struct SentenceEmbeddingConfig {
  std::vector<PoolingMode> pooling{PoolingMode::kMean};  // vectors of several modes are put side by side
  std::vector<DenseModule> dense;                        // after pooling, one behind the other
  bool normalize = false;                                // a Normalize module ends the chain
  TransformerModule transformer;
  std::optional<int> truncate_dim;             // of the vector, normalised or not, the first so many values
  std::map<std::string, std::string> prompts;  // name → text put before the input
  std::string default_prompt_name;             // empty: none
};

// What tokenizer_config.json adds to the tokenizer.
struct TokenizerFacts {
  std::optional<int> max_tokens;  // of a text, by the files of sentence-transformers too
  bool lowercases = false;        // sentence-transformers lower the case before it (do_lower_case)
  std::string mask_token;
  std::string unknown_token;
  std::optional<std::string> truncation_side;  // "left" or "right", where it says so
  bool gives_type_ids = true;  // false: model_input_names leaves token_type_ids out, the model gets zeros
};

class ModelDirectory {
 public:
  // Reads and checks everything but the weights and the tokenizer. A packed model (formats/packed_file.h) is opened as
  // the directory that its small files are, for as long as this object lives. kNotFound (naming the file) when the
  // folder or its config.json is missing; kCorruptFile or kUnsupported (a module or pooling that we do not know)
  // otherwise.
  static Result<ModelDirectory> open(const std::string& path);

  // Of a packed model: that it is as it was written, see PackedFile::verify(). Who loads its weights need not ask.
  Result<void> verify() const;

  const std::string& path() const { return m_path; }
  const std::string& origin() const { return m_origin; }  // as given to open(): to be shown
  // The packed model that was opened, or nullptr.
  const std::shared_ptr<const PackedFile>& packed() const { return m_packed; }
  JsonValue config() const& { return m_config.root(); }           // config.json
  JsonValue config() const&& = delete;                            // the value would outlive the document
  const std::string& model_type() const { return m_model_type; }  // "bert"
  // nullopt without modules.json: a plain transformers checkpoint.
  const std::optional<SentenceEmbeddingConfig>& sentence_embedding() const { return m_sentence_embedding; }
  const TaskConfig& task() const { return m_task; }
  // model_max_length of tokenizer_config.json when it is a real limit.
  std::optional<int> tokenizer_max_tokens() const { return m_tokenizer.max_tokens; }
  // Written forms of special tokens that tokenizer_config.json names; empty: it does not.
  const std::string& mask_token() const { return m_tokenizer.mask_token; }
  const std::string& unknown_token() const { return m_tokenizer.unknown_token; }
  const TokenizerFacts& tokenizer() const { return m_tokenizer; }

 private:
  explicit ModelDirectory(JsonDocument config) : m_config(std::move(config)) {}
  static Result<ModelDirectory> open_packed(const std::string& path);
  std::string m_path;
  std::string m_origin;
  std::shared_ptr<const PackedFile> m_packed;
  std::shared_ptr<const UnpackedFolder> m_unpacked;
  JsonDocument m_config;
  std::string m_model_type;
  std::optional<SentenceEmbeddingConfig> m_sentence_embedding;
  TaskConfig m_task;
  TokenizerFacts m_tokenizer;
};

}  // namespace vivace
