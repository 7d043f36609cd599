#include "server/cohere_json.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "base/json_writer.h"
#include "server/base64.h"

namespace vivace {
namespace {

// An optional count from 1 on.
ApiResult<std::optional<int>> read_count(const JsonValue& body, std::string_view field) {
  const auto value = body.find(field);
  if (!value) return std::optional<int>();
  const auto count = value->as_integer(1, std::numeric_limits<int>::max());
  if (!count) return field_error(count.error(), field);
  return static_cast<int>(*count);
}

// Texts, or objects with a member "text".
ApiResult<std::vector<std::string>> read_documents(const JsonValue& body, const TextLimits& limits) {
  if (const auto missing = body.get("documents"); !missing) return field_error(missing.error(), "documents");
  ASSIGN_OR_RETURN(const std::vector<JsonValue> items, read_items(body, "documents", limits.max_texts));
  std::vector<std::string> documents;
  for (const JsonValue& item : items) {
    ASSIGN_OR_RETURN(std::string text, item.is_object() ? read_member(item, "text", limits.max_text_bytes)
                                                        : read_text(item, "documents", limits.max_text_bytes));
    documents.push_back(std::move(text));
  }
  return documents;
}

// nullptr: there is none. int8 and uint8 would need the ranges of a model's values over many texts, which no checkpoint
// tells.
bool CohereEmbedTask::* type_named(std::string_view name) {
  if (name == "float") return &CohereEmbedTask::floats;
  if (name == "base64") return &CohereEmbedTask::base64;
  if (name == "binary") return &CohereEmbedTask::binary;
  if (name == "ubinary") return &CohereEmbedTask::ubinary;
  return nullptr;
}

ApiResult<void> read_types(const JsonValue& body, CohereEmbedTask* task) {
  if (!body.find("embedding_types")) return {};
  constexpr size_t kMaxTypes = 16;
  ASSIGN_OR_RETURN(const std::vector<JsonValue> types, read_items(body, "embedding_types", kMaxTypes));
  task->floats = false;
  task->names_types = true;
  for (const JsonValue& type : types) {
    ASSIGN_OR_RETURN(const std::string name, read_text(type, "embedding_types", 64));
    bool CohereEmbedTask::* const member = type_named(name);
    if (member == nullptr) {
      return refuse_field("embedding_types",
                          "'" + name + "' is not there; use \"float\", \"base64\", \"binary\" or \"ubinary\"");
    }
    task->*member = true;
  }
  return {};
}

ApiResult<TooLong> read_truncate(const JsonValue& body) {
  ASSIGN_OR_RETURN(const std::string truncate, read_text_or(body, "truncate", ""));
  if (truncate.empty()) return TooLong::kTruncate;
  if (truncate == "START") return TooLong::kTruncateStart;
  if (truncate == "END") return TooLong::kTruncateEnd;
  if (truncate == "NONE") return TooLong::kRefuse;
  return refuse_field("truncate", "expected \"START\", \"END\" or \"NONE\"");
}

void write_meta(const CohereMeta& meta, std::string_view unit, int64_t units, JsonWriter* json) {
  json->key("meta").begin_object().key("api_version").begin_object().key("version").value(meta.api_version);
  json->end_object().key("billed_units").begin_object().key(unit).value(units).end_object().end_object();
}

void write_vectors(const EmbedResponse& response, JsonWriter* json) {
  json->begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json->values(std::span<const float>(embedding.values));
  json->end_array();
}

void write_base64(const EmbedResponse& response, JsonWriter* json) {
  json->begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json->value(base64_of_floats(embedding.values));
  json->end_array();
}

// A bit for each value that is positive, the first one highest, eight to a byte with zeros behind the last; as a signed
// byte it is 128 lower (sentence-transformers' quantize_embeddings, Cohere's definition).
std::vector<int32_t> sign_bytes(std::span<const float> values, int32_t offset) {
  std::vector<int32_t> bytes((values.size() + 7) / 8);
  for (size_t i = 0; i < values.size(); ++i) bytes[i / 8] |= (values[i] > 0 ? 0x80 : 0) >> i % 8;
  for (int32_t& byte : bytes) byte -= offset;
  return bytes;
}

void write_sign_bytes(const EmbedResponse& response, int32_t offset, JsonWriter* json) {
  json->begin_array();
  for (const TextEmbedding& embedding : response.embeddings) json->values(sign_bytes(embedding.values, offset));
  json->end_array();
}

}  // namespace

ApiResult<RerankTask> parse_rerank_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  RerankTask task;
  ASSIGN_OR_RETURN(task.model, read_text_or(root, "model", ""));
  ASSIGN_OR_RETURN(task.request.query, read_member(root, "query", limits.max_text_bytes));
  ASSIGN_OR_RETURN(task.request.documents, read_documents(root, limits));
  ASSIGN_OR_RETURN(const std::optional<int> top_n, read_count(root, "top_n"));
  ASSIGN_OR_RETURN(const bool return_documents, read_flag_or(root, "return_documents", false));
  if (return_documents) task.returned = task.request.documents;
  task.request.top_k = static_cast<size_t>(top_n.value_or(0));
  return task;
}

std::string write_rerank_response(const CohereMeta& meta, std::string_view model, const RerankTask& task,
                                  const RankResponse& response) {
  JsonWriter json;
  json.begin_object().key("id").value(meta.id).key("model").value(model).key("results").begin_array();
  for (const RankedDocument& ranked : response.ranking) {
    json.begin_object().key("index").value(uint64_t{ranked.index}).key("relevance_score").value(ranked.score);
    if (!task.returned.empty()) {
      json.key("document").begin_object().key("text").value(task.returned[ranked.index]).end_object();
    }
    json.end_object();
  }
  json.end_array();
  write_meta(meta, "search_units", 1, &json);
  return json.end_object().take();
}

ApiResult<CohereEmbedTask> parse_cohere_embed_request(std::string_view body, const TextLimits& limits) {
  ASSIGN_OR_RETURN(const JsonDocument document, parse_body(body));
  const JsonValue root = document.root();
  for (const char* field : {"images", "inputs"}) {
    if (root.find(field)) return refuse_field(field, "is not taken; send the texts in \"texts\"");
  }
  CohereEmbedTask task;
  ASSIGN_OR_RETURN(task.model, read_text_or(root, "model", ""));
  ASSIGN_OR_RETURN(task.request.texts, read_texts(root, "texts", limits));
  ASSIGN_OR_RETURN(task.input_type, read_text_or(root, "input_type", ""));
  ASSIGN_OR_RETURN(task.request.dimensions, read_count(root, "output_dimension"));
  ASSIGN_OR_RETURN(task.request.too_long, read_truncate(root));
  RETURN_IF_ERROR(read_types(root, &task));
  return task;
}

std::string prompt_for(std::string_view input_type, const std::vector<std::string>& prompt_names) {
  struct Meaning {
    std::string_view input_type;
    std::array<std::string_view, 3> prompts;  // names in use for it
  };
  constexpr Meaning kMeanings[] = {{"search_query", {"search_query", "query", "Retrieval-query"}},
                                   {"search_document", {"search_document", "passage", "document"}},
                                   {"classification", {"classification", "Classification", "query"}},
                                   {"clustering", {"clustering", "Clustering", "query"}}};
  for (const Meaning& meaning : kMeanings) {
    if (meaning.input_type != input_type) continue;
    for (const std::string_view prompt : meaning.prompts) {
      if (std::ranges::find(prompt_names, prompt) != prompt_names.end()) return std::string(prompt);
    }
  }
  return "";
}

std::string write_cohere_embed_response(const CohereMeta& meta, const CohereEmbedTask& task,
                                        const std::vector<std::string>& texts, const EmbedResponse& response) {
  const bool is_plain = meta.api_version == kCohereVersion1 && !task.names_types;
  JsonWriter json;
  json.begin_object().key("id").value(meta.id).key("embeddings");
  int64_t tokens = 0;
  for (const TextEmbedding& embedding : response.embeddings) tokens += embedding.tokens;
  if (is_plain) {
    write_vectors(response, &json);
  } else {
    json.begin_object();
    if (task.floats) write_vectors(response, &json.key("float"));
    if (task.base64) write_base64(response, &json.key("base64"));
    if (task.binary) write_sign_bytes(response, 128, &json.key("binary"));
    if (task.ubinary) write_sign_bytes(response, 0, &json.key("ubinary"));
    json.end_object();
  }
  json.key("texts").begin_array();
  for (const std::string& text : texts) json.value(text);
  json.end_array().key("response_type").value(is_plain ? "embeddings_floats" : "embeddings_by_type");
  write_meta(meta, "input_tokens", tokens, &json);
  return json.end_object().take();
}

}  // namespace vivace
