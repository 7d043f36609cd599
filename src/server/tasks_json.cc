#include "server/tasks_json.h"

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <optional>
#include <utility>

namespace vivace {
namespace {

constexpr size_t kMaxLabels = 1000;
constexpr size_t kMaxLabelBytes = 1024;
constexpr std::string_view kDefaultTemplate = "This example is {}.";

// One text: an entry that is a text, or the member "text".
ApiResult<TextInput> read_input(const JsonValue& item, bool takes_pairs, size_t max_bytes) {
  TextInput input;
  if (item.is_string()) {
    ASSIGN_OR_RETURN(input.text, read_text(item, "inputs", max_bytes));
    return input;
  }
  ASSIGN_OR_RETURN(input.text, read_member(item, "text", max_bytes));
  if (!item.find("text_pair")) return input;
  if (!takes_pairs) return refuse_field("text_pair", "is not for this route, which reads one text");
  ASSIGN_OR_RETURN(input.pair, read_member(item, "text_pair", max_bytes));
  return input;
}

// The inputs of a body, which either is one, with those fields, or lists several.
ApiResult<std::vector<JsonValue>> read_inputs(const JsonValue& body, std::initializer_list<std::string_view> fields,
                                              const TextLimits& limits) {
  for (const std::string_view field : fields) {
    if (body.find("inputs") && body.find(field)) {
      return refuse_field(field, "is not for a body with \"inputs\"; put it into one of them");
    }
  }
  return read_items(body, "inputs", limits.max_texts);
}

// What all routes take.
template <typename Task>
ApiResult<void> read_common(const JsonValue& body, Task* task) {
  ASSIGN_OR_RETURN(task->model, read_text_or(body, "model", ""));
  ASSIGN_OR_RETURN(const bool truncate, read_flag_or(body, "truncate", true));
  task->request.too_long = truncate ? TooLong::kTruncate : TooLong::kRefuse;
  return {};
}

ApiResult<std::optional<ScoreActivation>> read_activation(const JsonValue& body) {
  ASSIGN_OR_RETURN(const std::string name, read_text_or(body, "activation", ""));
  if (name.empty()) return std::optional<ScoreActivation>();
  return parse_activation(name);
}

ApiResult<Aggregation> read_aggregation(const JsonValue& body) {
  ASSIGN_OR_RETURN(const std::string name, read_text_or(body, "aggregation", "simple"));
  return parse_aggregation(name);
}

ApiResult<size_t> read_top_k(const JsonValue& body) {
  const auto value = body.integer_or("top_k", 0, 1, std::numeric_limits<int>::max());
  if (!value) return field_error(value.error(), "top_k");
  return static_cast<size_t>(*value);
}

ApiResult<std::vector<std::string>> read_labels(const JsonValue& body) {
  if (!body.find("labels")) return std::vector<std::string>();
  return read_texts(body, "labels", {.max_texts = kMaxLabels, .max_text_bytes = kMaxLabelBytes});
}

std::vector<std::string> first_texts(std::vector<TextInput> inputs) {
  std::vector<std::string> texts;
  for (TextInput& input : inputs) texts.push_back(std::move(input.text));
  return texts;
}

bool has_pairs(const ClassifyRequest& request) {
  return std::ranges::any_of(request.inputs, [](const TextInput& input) { return input.pair.has_value(); });
}

}  // namespace

ApiResult<ScoreActivation> parse_activation(std::string_view name) {
  for (const auto activation : {ScoreActivation::kSoftmax, ScoreActivation::kSigmoid, ScoreActivation::kNone}) {
    if (name == score_activation_name(activation)) return activation;
  }
  return refuse_field("activation", "expected \"softmax\", \"sigmoid\" or \"none\"");
}

ApiResult<Aggregation> parse_aggregation(std::string_view name) {
  if (name == "simple") return Aggregation::kSimple;
  if (name == "first") return Aggregation::kFirst;
  if (name == "average") return Aggregation::kAverage;
  if (name == "max") return Aggregation::kMax;
  return refuse_field("aggregation", "expected \"simple\", \"first\", \"average\" or \"max\"");
}

ApiResult<ClassifyTask> parse_classify_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  ClassifyTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, read_inputs(root, {"text", "text_pair"}, limits));
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(TextInput input, read_input(item, /*takes_pairs=*/true, limits.max_text_bytes));
    task.request.inputs.push_back(std::move(input));
  }
  ASSIGN_OR_RETURN(task.request.activation, read_activation(root));
  ASSIGN_OR_RETURN(task.request.top_k, read_top_k(root));
  ASSIGN_OR_RETURN(task.labels, read_labels(root));
  ASSIGN_OR_RETURN(task.hypothesis_template, read_text_or(root, "hypothesis_template", kDefaultTemplate));
  ASSIGN_OR_RETURN(task.multi_label, read_flag_or(root, "multi_label", false));
  return task;
}

ApiResult<ZeroShotRequest> zero_shot_request(ClassifyTask task) {
  if (has_pairs(task.request)) return refuse_field("text_pair", "is not for labels of your own");
  if (task.request.activation) return refuse_field("activation", "is not for labels of your own");
  ZeroShotRequest request;
  request.too_long = task.request.too_long;
  request.texts = first_texts(std::move(task.request.inputs));
  request.labels = std::move(task.labels);
  request.hypothesis_template = std::move(task.hypothesis_template);
  request.multi_label = task.multi_label;
  request.top_k = task.request.top_k;
  return request;
}

ApiResult<FillMaskRequest> fill_mask_request(ClassifyTask task) {
  if (has_pairs(task.request)) return refuse_field("text_pair", "is not for a model that fills masks");
  if (task.request.activation) return refuse_field("activation", "is not for a model that fills masks");
  FillMaskRequest request;
  request.too_long = task.request.too_long;
  request.texts = first_texts(std::move(task.request.inputs));
  if (task.request.top_k > 0) request.top_k = task.request.top_k;
  return request;
}

ApiResult<TagTask> parse_tag_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  TagTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, read_inputs(root, {"text"}, limits));
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(TextInput input, read_input(item, /*takes_pairs=*/false, limits.max_text_bytes));
    task.request.texts.push_back(std::move(input.text));
  }
  ASSIGN_OR_RETURN(task.request.aggregation, read_aggregation(root));
  ASSIGN_OR_RETURN(const bool per_token, read_flag_or(root, "per_token", false));
  task.request.detail = per_token ? TagDetail::kTokens : TagDetail::kWords;
  return task;
}

ApiResult<EntailTask> parse_entail_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  EntailTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, read_inputs(root, {"premise", "hypothesis"}, limits));
  for (const JsonValue& item : items) {
    EntailPair pair;
    ASSIGN_OR_RETURN(pair.premise, read_member(item, "premise", limits.max_text_bytes));
    ASSIGN_OR_RETURN(pair.hypothesis, read_member(item, "hypothesis", limits.max_text_bytes));
    task.request.pairs.push_back(std::move(pair));
  }
  return task;
}

}  // namespace vivace
