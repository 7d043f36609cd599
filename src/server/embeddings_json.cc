#include "server/embeddings_json.h"

#include <limits>
#include <utility>

#include "base/json_writer.h"
#include "server/base64.h"

namespace vivace {
namespace {

ApiResult<EncodingFormat> read_format(const JsonValue& body) {
  const auto text = read_text_or(body, "encoding_format", "float");
  if (!text) return std::unexpected(text.error());
  if (*text == "float") return EncodingFormat::kFloat;
  if (*text == "base64") return EncodingFormat::kBase64;
  return field_error({StatusCode::kInvalidArgument, "request body: encoding_format: expected \"float\" or \"base64\""},
                     "encoding_format");
}

// Whether the model has that many is the engine's to say.
ApiResult<std::optional<int>> read_dimensions(const JsonValue& body) {
  const auto value = body.find("dimensions");
  if (!value) return std::optional<int>();
  const auto dimensions = value->as_integer(1, std::numeric_limits<int>::max());
  if (!dimensions) return field_error(dimensions.error(), "dimensions");
  return static_cast<int>(*dimensions);
}

ApiResult<std::optional<std::string>> read_prompt_name(const JsonValue& body) {
  if (!body.find("prompt_name")) return std::optional<std::string>();
  auto name = read_text_or(body, "prompt_name", "");
  if (!name) return std::unexpected(std::move(name).error());
  return std::move(*name);
}

// Texts, or token ids where the request says whose they are.
ApiResult<void> read_input(const JsonValue& body, const TextLimits& limits, EmbedTask* task) {
  auto tokenizer = read_text_or(body, "tokenizer", "");
  if (!tokenizer) return std::unexpected(std::move(tokenizer).error());
  task->tokenizer = std::move(*tokenizer);
  if (!task->tokenizer.empty() && holds_token_ids(body, "input")) {
    auto ids = read_token_ids(body, "input", limits.max_texts);
    if (!ids) return std::unexpected(std::move(ids).error());
    task->request.token_ids = std::move(*ids);
    return {};
  }
  auto texts = read_texts(body, "input", limits);
  if (!texts) return std::unexpected(std::move(texts).error());
  task->request.texts = std::move(*texts);
  return {};
}

}  // namespace

ApiResult<EmbedTask> parse_embeddings_request(std::string_view body, const TextLimits& limits) {
  const auto document = parse_body(body);
  if (!document) return std::unexpected(document.error());
  const JsonValue root = document->root();
  EmbedTask task;
  if (auto read = read_input(root, limits, &task); !read) return std::unexpected(std::move(read).error());
  auto model = read_text_or(root, "model", "");
  if (!model) return std::unexpected(std::move(model).error());
  const auto format = read_format(root);
  if (!format) return std::unexpected(format.error());
  const auto dimensions = read_dimensions(root);
  if (!dimensions) return std::unexpected(dimensions.error());
  auto prompt_name = read_prompt_name(root);
  if (!prompt_name) return std::unexpected(std::move(prompt_name).error());
  const auto truncate = read_flag_or(root, "truncate", true);
  if (!truncate) return std::unexpected(truncate.error());

  if (*prompt_name && !task.request.token_ids.empty()) {
    return field_error({StatusCode::kInvalidArgument, "request body: prompt_name: no prompt goes before token ids"},
                       "prompt_name");
  }
  task.model = std::move(*model);
  task.format = *format;
  task.request.dimensions = *dimensions;
  task.request.prompt_name = std::move(*prompt_name);
  task.request.too_long = *truncate ? TooLong::kTruncate : TooLong::kRefuse;
  return task;
}

std::string write_embeddings_response(const EmbedTask& task, const EmbedResponse& response) {
  JsonWriter json;
  int64_t tokens = 0;
  json.begin_object().key("object").value("list").key("data").begin_array();
  for (size_t i = 0; i < response.embeddings.size(); ++i) {
    const TextEmbedding& embedding = response.embeddings[i];
    tokens += embedding.tokens;
    json.begin_object().key("object").value("embedding").key("index").value(static_cast<uint64_t>(i));
    json.key("embedding");
    if (task.format == EncodingFormat::kBase64) {
      json.value(base64_of_floats(embedding.values));
    } else {
      json.values(std::span<const float>(embedding.values));
    }
    json.key("truncated").value(embedding.truncated).end_object();
  }
  json.end_array();
  json.key("model").value(task.model);
  json.key("usage").begin_object().key("prompt_tokens").value(tokens).key("total_tokens").value(tokens).end_object();
  json.end_object();
  return json.take();
}

}  // namespace vivace
