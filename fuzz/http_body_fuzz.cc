// Any bytes as the body of a request of each API family and as a request's target: reading must refuse them with a
// message that fits into an answer, or give what the layers behind rely on.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "server/cohere_json.h"
#include "server/embeddings_json.h"
#include "server/error_table.h"
#include "server/kserve_json.h"
#include "server/request_target.h"
#include "server/route_table.h"
#include "server/tasks_json.h"
#include "server/tei_json.h"

namespace vivace {
namespace {

constexpr TextLimits kLimits{.max_texts = 16, .max_text_bytes = 256};

// Every error becomes valid JSON in each family's shape.
void check_error(const ApiError& error) {
  for (const ApiFamily family :
       {ApiFamily::kOpenAi, ApiFamily::kTei, ApiFamily::kCohere, ApiFamily::kKserve, ApiFamily::kVivace}) {
    const HttpResponse response = error_response(family, error);
    CHECK(response.status >= 400 && response.status < 500);
    CHECK(JsonDocument::parse(response.body, "error").has_value());
  }
}

// What the engine's contract asks for.
void check_text(const std::string& text) {
  CHECK(!text.empty() && text.size() <= kLimits.max_text_bytes);
  CHECK(find_invalid_utf8(text) == kValidUtf8);
}

void check_texts(const std::vector<std::string>& texts, size_t more = 0) {
  CHECK(!texts.empty() && texts.size() <= kLimits.max_texts + more);
  for (const std::string& text : texts) check_text(text);
}

void check_inputs(const std::vector<TextInput>& inputs) {
  CHECK(!inputs.empty() && inputs.size() <= kLimits.max_texts);
  for (const TextInput& input : inputs) {
    check_text(input.text);
    if (input.pair) check_text(*input.pair);
  }
}

void check_token_ids(const std::vector<std::vector<int32_t>>& inputs) {
  CHECK(!inputs.empty() && inputs.size() <= kLimits.max_texts);
  for (const std::vector<int32_t>& ids : inputs) {
    CHECK(!ids.empty());
    for (const int32_t id : ids) CHECK(id >= 0);
  }
}

void check(const EmbedTask& task) {
  if (task.request.token_ids.empty()) {
    check_texts(task.request.texts);
  } else {
    CHECK(task.request.texts.empty() && !task.tokenizer.empty());
    check_token_ids(task.request.token_ids);
  }
  CHECK(!task.request.dimensions || *task.request.dimensions > 0);
  EmbedResponse response;
  response.embeddings.resize(task.request.size(), {.values = {0.5F, -1.0F}, .tokens = 3, .truncated = false});
  CHECK(JsonDocument::parse(write_embeddings_response(task, response), "response").has_value());
}

void check(const ClassifyTask& task) {
  check_inputs(task.request.inputs);
  for (const std::string& label : task.labels) CHECK(!label.empty());
  if (const auto request = zero_shot_request(task)) check_texts(request->texts);
  if (const auto request = fill_mask_request(task)) check_texts(request->texts);
}

void check(const TagTask& task) {
  check_texts(task.request.texts);
}

void check(const EntailTask& task) {
  CHECK(!task.request.pairs.empty() && task.request.pairs.size() <= kLimits.max_texts);
  for (const EntailPair& pair : task.request.pairs) {
    check_text(pair.premise);
    check_text(pair.hypothesis);
  }
}

void check(const RerankTask& task) {
  check_text(task.request.query);
  check_texts(task.request.documents);
}

void check(const CohereEmbedTask& task) {
  check_texts(task.request.texts);
  CHECK(task.floats || task.base64);
}

// A similarity has one text more than its list.
void check(const TeiEmbedTask& task) {
  check_texts(task.request.texts, 1);
}

void check(const TeiPredictTask& task) {
  check_inputs(task.request.inputs);
  CHECK(task.is_batch || task.request.inputs.size() == 1);
}

void check(const TeiRerankTask& task) {
  check_text(task.request.query);
  check_texts(task.request.documents);
}

void check(const TeiDecodeTask& task) {
  check_token_ids(task.sequences);
}

// What texts hold is checked behind this, against the model (kserve_signature_test.cc).
void check(const KserveRestRequest& asked) {
  CHECK(!asked.request.inputs.empty());
  for (const KserveInput& input : asked.request.inputs) CHECK(input.texts.size() <= kLimits.max_texts);
  KserveResponse response;
  response.outputs = {{.name = "embedding", .shape = {1, 2}, .values = KserveOutput::Floats{0.5F, -1.0F}},
                      {.name = "truncated", .shape = {1}, .values = KserveOutput::Flags{1}},
                      {.name = "text", .shape = {1}, .values = KserveOutput::Texts{"fog"}}};
  const KserveBody body = write_kserve_response(asked, response);
  const std::string_view json = std::string_view(body.text).substr(0, body.json_bytes.value_or(body.text.size()));
  CHECK(JsonDocument::parse(json, "response").has_value());
}

template <typename Task>
void check_result(const ApiResult<Task>& task) {
  if (task) {
    check(*task);
  } else {
    check_error(task.error());
  }
}

void check_target(std::string_view target) {
  const auto path = parse_request_target(target);
  if (!path) {
    check_error(path.error());
    return;
  }
  CHECK(*path == "*" || path->starts_with('/'));
  CHECK(find_invalid_utf8(*path) == kValidUtf8);
  static const std::vector<Route> routes = all_routes();
  for (const Method method : {Method::kGet, Method::kHead, Method::kPost, Method::kOther}) {
    const auto match = match_route(routes, method, *path);
    CHECK(!match || (match->route != nullptr && !match->allow.empty()));
    CHECK(!match || !match->method_allowed || method != Method::kOther);
  }
}

void check_bodies(std::string_view body) {
  check_result(parse_embeddings_request(body, kLimits));
  check_result(parse_classify_request(body, kLimits));
  check_result(parse_tag_request(body, kLimits));
  check_result(parse_entail_request(body, kLimits));
  check_result(parse_rerank_request(body, kLimits));
  check_result(parse_cohere_embed_request(body, kLimits));
  check_result(parse_tei_embed_request(body, kLimits));
  check_result(parse_tei_predict_request(body, kLimits));
  check_result(parse_tei_rerank_request(body, kLimits));
  check_result(parse_tei_similarity_request(body, kLimits));
  check_result(parse_tei_decode_request(body, kLimits.max_texts));
  // All of it as JSON, and with the part behind the last brace as bytes.
  check_result(parse_kserve_request(body, std::nullopt, kLimits));
  check_result(parse_kserve_request(body, body.rfind('}') + 1, kLimits));
}

}  // namespace
}  // namespace vivace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(data, data + size);
  vivace::check_target(bytes);
  vivace::check_bodies(bytes);
  return 0;
}
