#include "server/tei_json.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <utility>

#include "base/json_writer.h"

namespace vivace {
namespace {

ApiResult<TooLong> read_truncation_direction(const JsonValue& body) {
  ASSIGN_OR_RETURN(const std::string direction, read_text_or(body, "truncation_direction", ""));
  if (direction.empty()) return TooLong::kTruncate;
  if (direction == "right" || direction == "Right") return TooLong::kTruncateEnd;
  if (direction == "left" || direction == "Left") return TooLong::kTruncateStart;
  return refuse_field("truncation_direction", "expected \"left\" or \"right\"");
}

// "model", "truncate" and "truncation_direction".
template <typename Task>
ApiResult<void> read_common(const JsonValue& body, Task* task) {
  ASSIGN_OR_RETURN(task->model, read_text_or(body, "model", ""));
  ASSIGN_OR_RETURN(const bool truncate, read_flag_or(body, "truncate", true));
  ASSIGN_OR_RETURN(const TooLong cut, read_truncation_direction(body));
  task->request.too_long = truncate ? cut : TooLong::kRefuse;
  return {};
}

ApiResult<void> read_prompt_name(const JsonValue& body, EmbedRequest* request) {
  if (!body.find("prompt_name")) return {};
  ASSIGN_OR_RETURN(request->prompt_name, read_text_or(body, "prompt_name", ""));
  return {};
}

bool is_empty_text(const JsonValue& value) {
  return value.is_string() && value.as_string()->empty();
}

// Nothing where a text should be is an error of its own.
ApiError inputs_error(const JsonValue& root, ApiError error) {
  const auto inputs = root.find("inputs");
  if (!inputs) return error;
  const auto items = inputs->as_array();
  const bool is_empty = items ? items->empty() || std::ranges::any_of(*items, is_empty_text) : is_empty_text(*inputs);
  if (is_empty) error.code = kEmptyInput;
  return error;
}

// A list of one text or two.
ApiResult<TextInput> read_sequence(const JsonValue& value, size_t max_bytes) {
  const auto texts = value.as_array(2);
  if (!texts || texts->empty())
    return refuse_field("inputs", "expected lists of one text, or of two that are read together");
  TextInput input;
  ASSIGN_OR_RETURN(input.text, read_text(texts->front(), "inputs", max_bytes));
  if (texts->size() == 2) {
    ASSIGN_OR_RETURN(input.pair, read_text(texts->back(), "inputs", max_bytes));
  }
  return input;
}

ApiResult<void> read_predict_inputs(const JsonValue& body, const TextLimits& limits, TeiPredictTask* task) {
  const auto value = body.get("inputs");
  if (!value) return field_error(value.error(), "inputs");
  if (value->is_string()) {
    TextInput input;
    ASSIGN_OR_RETURN(input.text, read_text(*value, "inputs", limits.max_text_bytes));
    task->request.inputs.push_back(std::move(input));
    return {};
  }
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, read_items(body, "inputs", limits.max_texts));
  if (!items.front().is_array()) {
    if (items.size() > 2) return refuse_field("inputs", "several texts are sent as lists of one: [[\"a\"],[\"b\"]]");
    ASSIGN_OR_RETURN(TextInput input, read_sequence(*value, limits.max_text_bytes));
    task->request.inputs.push_back(std::move(input));
    return {};
  }
  task->is_batch = true;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(TextInput input, read_sequence(item, limits.max_text_bytes));
    task->request.inputs.push_back(std::move(input));
  }
  return {};
}

float dot(std::span<const float> a, std::span<const float> b) {
  return static_cast<float>(std::inner_product(a.begin(), a.end(), b.begin(), 0.0));
}

}  // namespace

ApiResult<std::vector<std::string>> read_tei_texts(const JsonValue& body, const TextLimits& limits) {
  auto texts = read_texts(body, "inputs", limits);
  if (!texts) return std::unexpected(inputs_error(body, std::move(texts).error()));
  return texts;
}

ApiResult<TeiEmbedTask> parse_tei_embed_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  TeiEmbedTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  RETURN_IF_ERROR(read_prompt_name(root, &task.request));
  ASSIGN_OR_RETURN(task.request.texts, read_tei_texts(root, limits));
  ASSIGN_OR_RETURN(task.request.normalize, read_flag_or(root, "normalize", true));
  if (const auto value = root.find("dimensions")) {
    const auto dimensions = value->as_integer(1, std::numeric_limits<int>::max());
    if (!dimensions) return field_error(dimensions.error(), "dimensions");
    task.request.dimensions = static_cast<int>(*dimensions);
  }
  return task;
}

std::string write_tei_embeddings(const EmbedResponse& response) {
  JsonWriter json;
  json.begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json.values(std::span<const float>(embedding.values));
  return json.end_array().take();
}

std::string write_tei_token_embeddings(const EmbedResponse& response, size_t width) {
  JsonWriter json;
  json.begin_array();
  for (const TextEmbedding& embedding : response.embeddings) {
    json.begin_array();
    const std::span<const float> values = embedding.values;
    for (size_t at = 0; at + width <= values.size(); at += width) json.values(values.subspan(at, width));
    json.end_array();
  }
  return json.end_array().take();
}

ApiResult<TeiPredictTask> parse_tei_predict_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  TeiPredictTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  if (auto read = read_predict_inputs(root, limits, &task); !read) {
    return std::unexpected(inputs_error(root, std::move(read).error()));
  }
  ASSIGN_OR_RETURN(const bool raw_scores, read_flag_or(root, "raw_scores", false));
  if (raw_scores) task.request.activation = ScoreActivation::kNone;
  return task;
}

std::string write_tei_predictions(const TeiPredictTask& task, const ClassifyResponse& response) {
  JsonWriter json;
  if (task.is_batch) json.begin_array();
  for (const Classification& result : response.results) {
    json.begin_array();
    for (const LabelScore& label : result.labels) {
      json.begin_object().key("score").value(label.score).key("label").value(label.label).end_object();
    }
    json.end_array();
  }
  if (task.is_batch) json.end_array();
  return json.take();
}

ApiResult<TeiRerankTask> parse_tei_rerank_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  TeiRerankTask task;
  RETURN_IF_ERROR(read_common(root, &task));
  ASSIGN_OR_RETURN(task.request.query, read_member(root, "query", limits.max_text_bytes));
  ASSIGN_OR_RETURN(task.request.documents, read_texts(root, "texts", limits));
  ASSIGN_OR_RETURN(const bool raw_scores, read_flag_or(root, "raw_scores", false));
  ASSIGN_OR_RETURN(const bool return_text, read_flag_or(root, "return_text", false));
  if (return_text) task.returned = task.request.documents;
  task.request.activation = raw_scores ? ScoreActivation::kNone : ScoreActivation::kSigmoid;
  return task;
}

std::string write_tei_ranking(const TeiRerankTask& task, const RankResponse& response) {
  JsonWriter json;
  json.begin_array();
  for (const RankedDocument& document : response.ranking) {
    json.begin_object().key("index").value(uint64_t{document.index});
    if (!task.returned.empty()) json.key("text").value(task.returned[document.index]);
    json.key("score").value(document.score).end_object();
  }
  return json.end_array().take();
}

ApiResult<TeiEmbedTask> parse_tei_similarity_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  const auto inputs = root.get("inputs");
  if (!inputs) return field_error(inputs.error(), "inputs");
  const JsonValue parameters = root.find("parameters").value_or(root);
  if (!parameters.is_object()) return refuse_field("parameters", "expected an object");
  TeiEmbedTask task;
  RETURN_IF_ERROR(read_common(parameters, &task));
  RETURN_IF_ERROR(read_prompt_name(parameters, &task.request));
  ASSIGN_OR_RETURN(std::string source, read_member(*inputs, "source_sentence", limits.max_text_bytes));
  ASSIGN_OR_RETURN(task.request.texts, read_texts(*inputs, "sentences", limits));
  task.request.texts.insert(task.request.texts.begin(), std::move(source));
  task.request.normalize = true;
  ASSIGN_OR_RETURN(task.model, read_text_or(root, "model", ""));
  return task;
}

std::string write_tei_similarities(const EmbedResponse& response) {
  JsonWriter json;
  json.begin_array();
  const auto& vectors = response.embeddings;
  for (size_t i = 1; i < vectors.size(); ++i) json.value(dot(vectors.front().values, vectors[i].values));
  return json.end_array().take();
}

ApiResult<TeiDecodeTask> parse_tei_decode_request(std::string_view body, size_t max_sequences) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  TeiDecodeTask task;
  ASSIGN_OR_RETURN(task.model, read_text_or(root, "model", ""));
  ASSIGN_OR_RETURN(task.skip_special_tokens, read_flag_or(root, "skip_special_tokens", true));
  ASSIGN_OR_RETURN(task.sequences, read_token_ids(root, "ids", max_sequences));
  return task;
}

}  // namespace vivace
