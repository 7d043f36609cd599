// What a checkpoint was trained to answer, as its config.json says: the task, the labels and how logits become scores.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace vivace {

enum class ModelTask : uint8_t {
  kEmbedding,  // no head that we compute: hidden states
  kSequenceClassification,
  kTokenClassification,
  kMaskedLanguageModel,
};
// "embedding", "text-classification", "token-classification", "fill-mask": the names of transformers' pipelines.
std::string_view model_task_name(ModelTask task);

enum class ScoreActivation : uint8_t { kSoftmax, kSigmoid, kNone };
std::string_view score_activation_name(ScoreActivation activation);  // "softmax", "sigmoid", "none"

struct TaskConfig {
  ModelTask task = ModelTask::kEmbedding;
  std::vector<std::string> labels;  // of a classifier: the name of each logit
  ScoreActivation activation = ScoreActivation::kSoftmax;
  // Of a cross-encoder's one score, where sentence-transformers' files say it; its own default is the sigmoid.
  std::optional<ScoreActivation> rank_activation;
};

// Reads architectures, id2label, num_labels, problem_type and the activation of a cross-encoder. Errors name the key:
// kInvalidArgument for labels with holes, duplicates or another number than num_labels, or an unknown problem_type;
// kUnsupported for an activation that we do not compute.
Result<TaskConfig> read_task_config(const JsonValue& config);

// Sigmoid or Identity by the Python class that files of sentence-transformers name
// ("torch.nn.modules.linear.Identity"). nullopt for a class outside torch, which sentence-transformers does not trust
// either.
Result<std::optional<ScoreActivation>> read_rank_activation(const JsonValue& name);

}  // namespace vivace
