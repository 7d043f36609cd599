// Claim verification: evidence over HTTP.
#include <algorithm>
#include <utility>

#include "apps/claims/query_embedding.h"
#include "apps/claims/uuid.h"
#include "server/claims_handlers.h"
#include "store/store_checks.h"

namespace vivace {
namespace {

constexpr size_t kMaxItems = 1000;
constexpr size_t kMaxContentCharacters = 65536;

// The names that `vivace ingest` reads too.
std::string_view present_name(const JsonValue& root, std::string_view name, std::string_view other) {
  return !root.find(name) && root.find(other) ? other : name;
}

ApiResult<EvidenceInput> read_item(const JsonValue& item) {
  EvidenceInput input;
  auto content =
      required_text(item, present_name(item, "content", "text"), {.least = 1, .most = kMaxContentCharacters});
  if (!content) return std::unexpected(std::move(content).error());
  input.evidence.content = std::move(*content);
  auto id = optional_text(item, "id", kMaxIdBytes);
  if (!id) return std::unexpected(std::move(id).error());
  input.evidence.id = id->empty() ? random_uuid() : std::move(*id);
  auto url = optional_text(item, present_name(item, "source_url", "url"), kMaxUrlBytes / 4);
  if (!url) return std::unexpected(std::move(url).error());
  input.evidence.source_url = std::move(*url);
  auto type = optional_text(item, present_name(item, "source_type", "source"), kMaxIdBytes);
  if (!type) return std::unexpected(std::move(type).error());
  input.evidence.source_type = std::move(*type);
  return input;
}

// {"evidence": [{…}, …]} or one {"content": …}.
ApiResult<std::vector<EvidenceInput>> read_items(const JsonValue& root) {
  std::vector<EvidenceInput> inputs;
  const auto list = root.find("evidence");
  if (!list) {
    auto input = read_item(root);
    if (!input) return std::unexpected(std::move(input).error());
    inputs.push_back(std::move(*input));
    return inputs;
  }
  if (root.get("content")) return schema_error("content", "content: give either evidence or content, not both");
  const auto items = list->as_array(kMaxItems);
  if (!items) return schema_error("evidence", items.error().message);
  if (items->empty()) return schema_error("evidence", "evidence: is an empty list");
  for (const JsonValue& item : *items) {
    if (!item.is_object()) return schema_error("evidence", item.path() + ": expected an object");
    auto input = read_item(item);
    if (!input) return std::unexpected(std::move(input).error());
    inputs.push_back(std::move(*input));
  }
  return inputs;
}

// How many were longer than the model takes.
Result<uint64_t> embed_items(ClaimsCall& call, EvidenceBatch* batch) {
  ASSIGN_OR_RETURN(const std::shared_ptr<Engine> embedder, call.claims.await_model(kEmbedderRole, call.patience));
  EmbedRequest request;
  for (const EvidenceInput& item : batch->items) request.texts.push_back(item.evidence.content);
  request.deadline = call.patience.deadline;
  request.cancel = call.patience.cancel;
  ASSIGN_OR_RETURN(EmbedResponse response, embedder->embed(std::move(request)));
  uint64_t truncated = 0;
  for (size_t i = 0; i < response.embeddings.size(); ++i) {
    truncated += response.embeddings[i].truncated ? 1 : 0;
    batch->items[i].vector = std::move(response.embeddings[i].values);
  }
  batch->model_name = vector_model_name(embedder->info());
  call.claims.stats().embeddings.add(batch->items.size());
  return truncated;
}

}  // namespace

ClaimsReply claims_add_evidence(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  EvidenceBatch batch;
  auto items = read_items(document->root());
  if (!items) return std::unexpected(std::move(items).error());
  batch.items = std::move(*items);
  auto tenant = tenant_of(call, document->root());
  if (!tenant) return std::unexpected(std::move(tenant).error());
  batch.tenant = std::move(*tenant);
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const uint64_t truncated, embed_items(call, &batch));
  int retries = 0;
  // Writing the same rows twice leaves them once.
  RETURN_IF_ERROR(with_retries(kWriteRetries, call.patience, &retries, [&] { return store->put_evidence(batch); }));
  JsonWriter json;
  json.begin_object().key("ids").begin_array();
  for (const EvidenceInput& item : batch.items) json.value(item.evidence.id);
  json.end_array().key("count").value(static_cast<uint64_t>(batch.items.size()));
  json.key("truncated").value(truncated).key("tenant_id").value(batch.tenant);
  json.key("processing_time_ms").value(call.milliseconds()).end_object();
  return json_response(&json, 201);
}

}  // namespace vivace
