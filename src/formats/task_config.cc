#include "formats/task_config.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "base/utf8.h"

namespace vivace {
namespace {

constexpr size_t kMaxLabels = 1'000'000;
constexpr size_t kMaxLabelBytes = 10'000;

// The suffix of the class that config.json's architectures names: "BertForTokenClassification".
constexpr std::pair<std::string_view, ModelTask> kSuffixes[] = {
    {"ForSequenceClassification", ModelTask::kSequenceClassification},
    {"ForTokenClassification", ModelTask::kTokenClassification},
    {"ForMaskedLM", ModelTask::kMaskedLanguageModel},
};

Result<ModelTask> read_task(const JsonValue& config) {
  const auto architectures = config.find("architectures");
  if (!architectures) return ModelTask::kEmbedding;
  ASSIGN_OR_RETURN(const auto names, architectures->as_array());
  if (names.empty()) return ModelTask::kEmbedding;
  ASSIGN_OR_RETURN(const std::string_view name, names.front().as_string());
  for (const auto& [suffix, task] : kSuffixes) {
    if (name.ends_with(suffix)) return task;
  }
  return ModelTask::kEmbedding;
}

std::vector<std::string> numbered_labels(size_t count) {
  std::vector<std::string> labels;
  for (size_t i = 0; i < count; ++i) labels.push_back("LABEL_" + std::to_string(i));
  return labels;
}

// "7" → 7; nullopt for anything that is not a plain number below the limit.
std::optional<size_t> label_number(std::string_view key) {
  size_t number = 0;
  const auto [end, problem] = std::from_chars(key.data(), key.data() + key.size(), number);
  if (problem != std::errc() || end != key.data() + key.size() || number >= kMaxLabels) return std::nullopt;
  return number;
}

Result<std::vector<std::string>> named_labels(const JsonValue& id2label) {
  ASSIGN_OR_RETURN(const auto members, id2label.as_object());
  if (members.empty()) return id2label.fail("names no label");
  std::vector<std::optional<std::string>> found(members.size());
  for (const auto& [key, value] : members) {
    ASSIGN_OR_RETURN(const std::string_view label, value.as_string());
    if (label.size() > kMaxLabelBytes) return value.fail("is longer than any label may be");
    const auto number = label_number(key);
    if (!number) return id2label.fail("'" + printable(key) + "' is not the number of a label");
    // Numbers past the count leave a hole below, which is told of.
    if (*number >= found.size()) continue;
    if (found[*number]) return id2label.fail("label " + std::to_string(*number) + " is named twice");
    found[*number] = std::string(label);
  }
  std::vector<std::string> labels;
  std::map<std::string_view, size_t> seen;
  for (size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) {
      return id2label.fail("has " + std::to_string(found.size()) + " labels, but none for number " + std::to_string(i));
    }
    const auto [first, is_new] = seen.emplace(*found[i], i);
    if (!is_new) {
      return id2label.fail("labels " + std::to_string(first->second) + " and " + std::to_string(i) + " are both '" +
                           printable(*found[i]) + "'");
    }
    labels.push_back(*found[i]);
  }
  return labels;
}

// Without names transformers counts: LABEL_0, LABEL_1, …, two of them by default.
Result<std::vector<std::string>> read_labels(const JsonValue& config) {
  ASSIGN_OR_RETURN(const int64_t count, config.integer_or("num_labels", 0, 1, kMaxLabels));
  const auto id2label = config.find("id2label");
  if (!id2label) return numbered_labels(count == 0 ? 2 : static_cast<size_t>(count));
  ASSIGN_OR_RETURN(std::vector<std::string> labels, named_labels(*id2label));
  if (count != 0 && static_cast<size_t>(count) != labels.size()) {
    return config.fail("num_labels is " + std::to_string(count) + ", but id2label names " +
                       std::to_string(labels.size()) + " labels");
  }
  return labels;
}

// As transformers' text-classification pipeline chooses.
Result<ScoreActivation> read_activation(const JsonValue& config, size_t labels) {
  ASSIGN_OR_RETURN(const std::string problem, config.string_or("problem_type", ""));
  if (problem == "regression") return ScoreActivation::kNone;
  if (problem == "multi_label_classification") return ScoreActivation::kSigmoid;
  if (!problem.empty() && problem != "single_label_classification") {
    return config.fail("problem_type '" + printable(problem) +
                       "' is unknown; known: regression, single_label_classification, multi_label_classification");
  }
  return labels == 1 ? ScoreActivation::kSigmoid : ScoreActivation::kSoftmax;
}

Result<std::optional<ScoreActivation>> configured_rank_activation(const JsonValue& config) {
  if (const auto own = config.find("sentence_transformers")) {
    if (const auto name = own->find("activation_fn")) return read_rank_activation(*name);
  }
  if (const auto name = config.find("sbert_ce_default_activation_function")) return read_rank_activation(*name);
  return std::nullopt;
}

}  // namespace

std::string_view model_task_name(ModelTask task) {
  switch (task) {
    case ModelTask::kEmbedding: return "embedding";
    case ModelTask::kSequenceClassification: return "text-classification";
    case ModelTask::kTokenClassification: return "token-classification";
    case ModelTask::kMaskedLanguageModel: return "fill-mask";
  }
  return "?";
}

std::string_view score_activation_name(ScoreActivation activation) {
  switch (activation) {
    case ScoreActivation::kSoftmax: return "softmax";
    case ScoreActivation::kSigmoid: return "sigmoid";
    case ScoreActivation::kNone: return "none";
  }
  return "?";
}

Result<std::optional<ScoreActivation>> read_rank_activation(const JsonValue& name) {
  ASSIGN_OR_RETURN(const std::string_view path, name.as_string());
  if (!path.starts_with("torch.")) return std::nullopt;
  const std::string_view last = path.substr(path.find_last_of('.') + 1);
  if (last == "Sigmoid") return ScoreActivation::kSigmoid;
  if (last == "Identity") return ScoreActivation::kNone;
  return error(StatusCode::kUnsupported,
               name.path() + ": '" + printable(path) + "' is not supported; known: Sigmoid, Identity");
}

Result<TaskConfig> read_task_config(const JsonValue& config) {
  TaskConfig task;
  ASSIGN_OR_RETURN(task.task, read_task(config));
  if (task.task == ModelTask::kSequenceClassification || task.task == ModelTask::kTokenClassification) {
    ASSIGN_OR_RETURN(task.labels, read_labels(config));
  }
  if (task.task == ModelTask::kSequenceClassification) {
    ASSIGN_OR_RETURN(task.activation, read_activation(config, task.labels.size()));
    ASSIGN_OR_RETURN(task.rank_activation, configured_rank_activation(config));
  }
  return task;
}

}  // namespace vivace
