#include "server/openapi.h"

#include <algorithm>
#include <set>

#include "base/json_writer.h"
#include "server/error_table.h"
#include "server/kserve_json.h"
#include "server/model_json.h"
#include "server/route_table.h"

namespace vivace {
namespace {

constexpr char kOpenAiError[] =
    R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",)"
    R"("required":["message","type","param","code"],"properties":{"message":{"type":"string"},)"
    R"("type":{"type":"string"},"param":{"type":["string","null"]},"code":{"type":["string","null"]}}}}})";
constexpr char kTeiError[] = R"({"type":"object","required":["error","error_type"],)"
                             R"("properties":{"error":{"type":"string"},"error_type":{"type":"string"}}})";
constexpr char kCohereError[] = R"({"type":"object","required":["id","message"],)"
                                R"("properties":{"id":{"type":"string"},"message":{"type":"string"}}})";
constexpr char kDetailError[] =
    R"({"type":"object","required":["detail"],"properties":{"detail":{"oneOf":[{"type":"string"},{"type":"array",)"
    R"("items":{"type":"object","required":["type","loc","msg"],"properties":{"type":{"type":"string"},)"
    R"("loc":{"type":"array"},"msg":{"type":"string"}}}}]}}})";
constexpr char kVivaceError[] = R"({"type":"object","required":["error"],"properties":{"error":{"type":"object",)"
                                R"("required":["code","message","details"],"properties":{"code":{"type":"string"},)"
                                R"("message":{"type":"string"},"details":{"type":"object"}}}}})";

constexpr char kClaimsError[] =
    R"({"type":"object","required":["error","message","details","request_id"],"properties":{)"
    R"("error":{"type":"string"},"message":{"type":"string"},"request_id":{"type":"string"},)"
    R"("details":{"type":"array","items":{"type":"object","required":["field","message","error_code"],)"
    R"("properties":{"field":{"type":"string"},"message":{"type":"string"},"error_code":{"type":"string"}}}}}})";

constexpr char kKserveError[] = R"({"type":"object","required":["error"],"properties":{"error":{"type":"string"}}})";

std::string_view error_schema(ApiFamily family) {
  switch (family) {
    case ApiFamily::kOpenAi: return "OpenAiError";
    case ApiFamily::kTei: return "TeiError";
    case ApiFamily::kCohere: return "CohereError";
    case ApiFamily::kKserve: return "KserveError";
    case ApiFamily::kDetail: return "DetailError";
    case ApiFamily::kClaims: return "ClaimsError";
    case ApiFamily::kVivace: break;
  }
  return "VivaceError";
}

std::string_view tag(ApiFamily family) {
  switch (family) {
    case ApiFamily::kOpenAi: return "OpenAI";
    case ApiFamily::kTei: return "TEI";
    case ApiFamily::kCohere: return "Cohere";
    case ApiFamily::kKserve: return "KServe";
    case ApiFamily::kDetail: return "Detection";
    case ApiFamily::kClaims: return "Claims";
    case ApiFamily::kVivace: break;
  }
  return "Operations";
}

// What any of the models takes; a model that is not loaded yet may take more.
void add_model_facts(const std::vector<ModelSnapshot>& models, ApiFacts* facts) {
  std::set<std::string> prompt_names;
  for (const ModelSnapshot& model : models) {
    if (model.kind != ModelKind::kEncoder) continue;
    facts->knows_prompts = facts->knows_prompts && model.model.is_loaded();
    if (!model.model.is_loaded()) continue;
    const ModelInfo& info = model.model.info();
    facts->max_dimensions = std::max(facts->max_dimensions, dimensions_of(info));
    if (dimensions_of(info) > 0) prompt_names.insert(info.prompt_names.begin(), info.prompt_names.end());
  }
  if (!facts->knows_prompts) facts->max_dimensions = 0;
  facts->prompt_names.assign(prompt_names.begin(), prompt_names.end());
}

ApiFacts facts_of(const ServerContext& server) {
  ApiFacts facts;
  facts.max_texts = static_cast<size_t>(server.config.max_texts_per_request);
  facts.detection_max_sentences = static_cast<size_t>(server.config.detection_max_sentences);
  facts.detection_max_job_sentences = static_cast<size_t>(server.config.detection_max_job_sentences);
  facts.detection_max_words = static_cast<size_t>(server.config.detection_max_words);
  add_model_facts(server.models.snapshot(), &facts);
  return facts;
}

void write_schema_reference(std::string_view schema, JsonWriter* json) {
  json->key("schema").begin_object();
  if (schema.empty()) {
    json->key("type").value("string");
  } else {
    json->key("$ref").value("#/components/schemas/" + std::string(schema));
  }
  json->end_object();
}

// stream_type: another one, of text; empty: none.
void write_content(std::string_view type, std::string_view schema, std::string_view stream_type, JsonWriter* json) {
  json->key("content").begin_object().key(type).begin_object();
  write_schema_reference(schema, json);
  json->end_object();
  if (!stream_type.empty()) {
    // Events have a form of their own, which schemas do not tell.
    json->key(stream_type).begin_object().key("schema").begin_object().end_object().end_object();
  }
  json->end_object();
}

void write_response(int status, std::string_view type, std::string_view schema, JsonWriter* json) {
  json->key(std::to_string(status)).begin_object().key("description").value(http_reason(status));
  write_content(type, schema, "", json);
  json->end_object();
}

bool needs_key(const Route& route, const ServerConfig& config) {
  if (route.access == Access::kPublic) return false;
  if (route.access == Access::kAdmin) return true;
  return !config.api_key.empty() || (route.family == ApiFamily::kClaims && !config.tenant_keys.empty());
}

void write_responses(const Route& route, const ServerConfig& config, JsonWriter* json) {
  const OperationDoc& doc = route.doc;
  json->key("responses").begin_object();
  // The media type without its parameters, as OpenAPI wants it.
  json->key(std::to_string(doc.success)).begin_object().key("description").value(http_reason(doc.success));
  write_content(doc.response_type.substr(0, doc.response_type.find(';')), doc.response_schema,
                doc.takes_binary ? kOctetStream : doc.stream_type, json);
  json->end_object();
  if (!doc.accepted_schema.empty()) write_response(202, "application/json", doc.accepted_schema, json);
  std::vector<int> errors = doc.errors;
  errors.push_back(400);
  errors.push_back(431);
  if (needs_key(route, config)) errors.push_back(401);
  if (!doc.unready_schema.empty()) std::erase(errors, 503);
  std::ranges::sort(errors);
  const auto repeated = std::ranges::unique(errors);
  errors.erase(repeated.begin(), repeated.end());
  for (const int status : errors) write_response(status, "application/json", error_schema(route.family), json);
  if (!doc.unready_schema.empty()) write_response(503, "application/json", doc.unready_schema, json);
  json->end_object();
}

void write_parameters(const Route& route, JsonWriter* json) {
  const size_t brace = route.path.find('{');
  if (brace == std::string_view::npos && route.doc.query.empty()) return;
  json->key("parameters").begin_array();
  if (brace != std::string_view::npos) {
    json->begin_object().key("name").value(route.path.substr(brace + 1, route.path.find('}') - brace - 1));
    json->key("in").value("path").key("required").value(true);
    json->key("schema").raw(route.doc.path_schema).end_object();
  }
  for (const QueryDoc& parameter : route.doc.query) {
    json->begin_object().key("name").value(parameter.name).key("in").value("query");
    json->key("required").value(parameter.required);
    json->key("schema").raw(parameter.schema).end_object();
  }
  json->end_array();
}

void write_operation(const Route& route, const ServerConfig& config, JsonWriter* json) {
  json->key(route.method == Method::kPost ? "post" : route.method == Method::kDelete ? "delete" : "get").begin_object();
  json->key("operationId").value(route.doc.id).key("summary").value(route.doc.summary);
  json->key("tags").begin_array().value(tag(route.family)).end_array();
  write_parameters(route, json);
  if (!route.doc.request_schema.empty()) {
    json->key("requestBody").begin_object().key("required").value(true);
    write_content("application/json", route.doc.request_schema, route.doc.takes_binary ? kOctetStream : "", json);
    json->end_object();
  }
  write_responses(route, config, json);
  if (needs_key(route, config)) {
    json->key("security").begin_array().begin_object().key("bearer").begin_array().end_array().end_object().end_array();
  }
  json->end_object();
}

// Each path once, with all its methods.
void write_paths(const ServerContext& server, JsonWriter* json) {
  json->key("paths").begin_object();
  std::vector<std::string_view> written;
  for (const Route& route : server.routes) {
    if (std::ranges::find(written, route.path) != written.end()) continue;
    written.push_back(route.path);
    json->key(route.path).begin_object();
    for (const Route& other : server.routes) {
      if (other.path == route.path) write_operation(other, server.config, json);
    }
    json->end_object();
  }
  json->end_object();
}

void write_components(const ServerContext& server, JsonWriter* json) {
  json->key("components").begin_object().key("schemas").begin_object();
  const ApiFacts facts = facts_of(server);
  for (const RouteGroup& group : route_groups()) {
    for (const Schema& schema : group.schemas(facts)) json->key(schema.name).raw(schema.json);
  }
  json->key("OpenAiError").raw(kOpenAiError).key("TeiError").raw(kTeiError).key("VivaceError").raw(kVivaceError);
  json->key("CohereError").raw(kCohereError).key("DetailError").raw(kDetailError);
  json->key("KserveError").raw(kKserveError);
  json->key("ClaimsError").raw(kClaimsError);
  json->end_object();
  json->key("securitySchemes").begin_object().key("bearer").begin_object();
  json->key("type").value("http").key("scheme").value("bearer").end_object().end_object();
  json->end_object();
}

}  // namespace

std::string openapi_document(const ServerContext& server) {
  JsonWriter json;
  json.begin_object().key("openapi").value("3.1.0");
  json.key("info").begin_object().key("title").value("Vivace").key("version").value(VIVACE_VERSION);
  json.key("description").value("Small transformers, played fast.");
  json.key("license").begin_object().key("name").value("Apache-2.0").key("identifier").value("Apache-2.0").end_object();
  json.end_object();
  json.key("servers").begin_array().begin_object().key("url").value("/").end_object().end_array();
  write_paths(server, &json);
  write_components(server, &json);
  json.end_object();
  return json.take();
}

}  // namespace vivace
