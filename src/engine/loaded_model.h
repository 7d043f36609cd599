// A model directory ready to answer: the model, its tokenizer, and what its files say about tasks. Immutable after
// load; thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "formats/model_directory.h"
#include "heads/dense_layer.h"
#include "kernels/kernel_table.h"
#include "models/model.h"
#include "text/tokenizer.h"

namespace vivace {

struct LoadedModel {
  std::unique_ptr<const Model> model;
  std::unique_ptr<const Tokenizer> tokenizer;
  TaskConfig task;
  SentenceEmbeddingConfig sentence;
  std::vector<DenseLayer> dense;  // of the sentence configuration
  const KernelTable* kernels = nullptr;
  Precision precision = Precision::kF32;  // of its layers
  bool is_onnx = false;                   // an ONNX file computes, instead of kernels
  std::string fallback;                   // as of ComputingModel
  int max_tokens = 0;                     // of a text, special tokens included
  std::string mask_token;                 // empty: the tokenizer has none
  int32_t mask_id = -1;                   // -1: none
  int32_t unknown_id = -1;                // of the tokenizer's token for what it does not know; -1: none
  bool gives_type_ids = true;             // false: the model gets zeros, whatever the tokenizer's template says
  TruncationSide truncation_side = TruncationSide::kRight;  // which end of a text that is too long is cut

  // Values of a text's vector, where a request leaves the pooling to the model or chooses it (kNone: of a token's).
  int embedding_size(std::optional<PoolingMode> pooling = std::nullopt) const;
};

// The one place that chooses what computes a directory's model: our own kernels, in the target's precision, where there
// are safetensors, else an ONNX file (onnx/onnx_file.h says which), on that many threads. Errors of both, of the
// tokenizer and of the Dense modules; kCorruptFile where the parts do not fit together.
Result<LoadedModel> load_model(const ModelDirectory& directory, const LoadTarget& target, int threads);

// kUnsupported, saying what the model is for, when it does not give that output.
Result<void> require_output(const LoadedModel& model, ModelOutput output, std::string_view wanted);

}  // namespace vivace
