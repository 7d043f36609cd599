// Claim verification: stored claims and verifications in the background.
#include <utility>

#include "apps/claims/uuid.h"
#include "server/claims_handlers.h"
#include "store/store_checks.h"

namespace vivace {

namespace {

constexpr size_t kMaxClaimCharacters = 5000;
constexpr double kLowestConfidence = 0.5;

// {"id", "text", …} with the newest verdict's name or null.
Result<void> write_claim(EvidenceStore& store, const ClaimRecord& claim, JsonWriter* json) {
  json->begin_object().key("id").value(claim.id).key("text").value(claim.text);
  write_optional("source_url", claim.source_url, json);
  json->key("submitted_at").value(claim.submitted_at).key("verdict");
  const auto verdict = store.verification(claim.tenant, claim.id);
  if (!verdict && verdict.error().code != StatusCode::kNotFound) return std::unexpected(verdict.error());
  if (verdict) {
    json->value(verdict_name(verdict->verdict));
  } else {
    json->null();
  }
  json->end_object();
  return {};
}

HttpResponse task_response(const TaskRecord& task, int status) {
  JsonWriter json;
  json.begin_object().key("task_id").value(task.id).key("claim_id").value(task.claim_id);
  json.key("status").value(task_status_name(task.status)).key("created_at").value(task.created_at);
  write_optional("completed_at", task.completed_at, &json);
  json.key("result");
  if (task.result.empty()) {
    json.null();
  } else {
    json.raw(task.result);
  }
  write_optional("error", task.error, &json);
  json.key("progress_percentage").value(task.progress).end_object();
  return json_response(&json, status);
}

ApiResult<void> read_options(const JsonValue& root, VerifyRequest* request) {
  request->confidence_threshold = kLowestConfidence;
  const auto options = root.find("options");
  if (!options) return {};
  if (!options->is_object()) return schema_error("options", options->path() + ": expected an object");
  const auto most = integer_field(*options, "max_evidence_items", 10, 1, 50);
  if (!most) return std::unexpected(most.error());
  request->max_evidence = static_cast<size_t>(*most);
  const auto threshold = share_field(*options, "confidence_threshold");
  if (!threshold) return std::unexpected(threshold.error());
  if (*threshold) request->confidence_threshold = *threshold;
  const auto mode = mode_field(*options, "search_mode");
  if (!mode) return std::unexpected(mode.error());
  request->mode = *mode;
  const auto reasoning = options->bool_or("return_reasoning", true);
  if (!reasoning) return schema_error("return_reasoning", reasoning.error().message);
  request->wants_reasoning = *reasoning;
  return {};
}

// As path_uuid() gives it.
std::string in_lower_case(std::string id) {
  for (char& c : id) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  return id;
}

// Verdicts are stored with their claim's normal form, whatever form was sent.
bool is_same_text(const std::string& stored, const std::string& sent) {
  if (stored == sent) return true;
  const std::string normal = validate_claim(stored, ClaimLimits{}).normalized;
  return !normal.empty() && normal == validate_claim(sent, ClaimLimits{}).normalized;
}

ApiResult<VerifyRequest> read_verify_later(const ClaimsCall& call, const JsonValue& root, const std::string& id) {
  VerifyRequest request;
  request.claim_id = id;
  auto body_id = optional_text(root, "claim_id", kMaxIdBytes);
  if (!body_id) return std::unexpected(std::move(body_id).error());
  if (!body_id->empty() && in_lower_case(*body_id) != id) {
    ApiError error(StatusCode::kInvalidArgument, "claim_id: differs from the one in the path");
    error.param = "claim_id";
    return std::unexpected(std::move(error));
  }
  auto text = required_text(root, "claim_text", {.least = 1, .most = kMaxClaimCharacters});
  if (!text) return std::unexpected(std::move(text).error());
  request.claim = std::move(*text);
  const auto corpora = root.find("corpus_ids");
  if (corpora) {
    const auto list = corpora->as_array(1000);
    if (!list) return schema_error("corpus_ids", list.error().message);
    if (!list->empty()) {
      return schema_error("corpus_ids", "corpus_ids: a tenant has one corpus; keep others under another tenant_id");
    }
  }
  auto tenant = tenant_of(call, root);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  request.tenant = std::move(*tenant);
  if (auto done = read_options(root, &request); !done) return std::unexpected(std::move(done).error());
  return request;
}

Result<void> write_claim_row(EvidenceStore& store, const ClaimRecord& claim, const Patience& patience) {
  int retries = 0;
  return with_retries(kWriteRetries, patience, &retries, [&]() -> Result<void> {
    // A connection that was lost while committing leaves open whether it did.
    if (retries > 0 && store.claim(claim.tenant, claim.id)) return {};
    return store.add_claim(claim);
  });
}

// The claim is stored where it is not yet; one with another text is not overwritten.
ApiResult<void> settle_claim(EvidenceStore& store, const VerifyRequest& request, const Patience& patience) {
  auto known = store.claim(request.tenant, request.claim_id);
  if (!known && known.error().code == StatusCode::kNotFound) {
    const auto added = write_claim_row(
        store,
        {.id = request.claim_id, .tenant = request.tenant, .text = request.claim, .source_url = "", .submitted_at = ""},
        patience);
    if (added) return {};
    if (added.error().code != StatusCode::kInvalidArgument) return std::unexpected(ApiError(added.error()));
    known = store.claim(request.tenant, request.claim_id);  // another request was faster
  }
  if (!known) return std::unexpected(ApiError(known.error()));
  if (is_same_text(known->text, request.claim)) return {};
  ApiError error(StatusCode::kInvalidArgument, "claim_text: the stored claim of this id has another text");
  error.param = "claim_text";
  return std::unexpected(std::move(error));
}

}  // namespace

ClaimsReply claims_create(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  const JsonValue root = document->root();
  auto text = required_text(root, "text", {.least = 1, .most = kMaxClaimCharacters});
  if (!text) return std::unexpected(std::move(text).error());
  auto url = optional_text(root, "source_url", kMaxUrlBytes / 4);
  if (!url) return std::unexpected(std::move(url).error());
  auto tenant = tenant_of(call, root);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ClaimRecord claim{.id = random_uuid(),
                    .tenant = std::move(*tenant),
                    .text = std::move(*text),
                    .source_url = std::move(*url),
                    .submitted_at = ""};
  RETURN_IF_ERROR(write_claim_row(*store, claim, call.patience));
  ASSIGN_OR_RETURN(claim, store->claim(claim.tenant, claim.id));
  JsonWriter json;
  RETURN_IF_ERROR(write_claim(*store, claim, &json));
  return json_response(&json, 201);
}

ClaimsReply claims_list(ClaimsCall& call) {
  const auto skip = query_integer(call, "skip", 0, 0, INT32_MAX);
  if (!skip) return std::unexpected(skip.error());
  const auto limit = query_integer(call, "limit", 20, 1, 100);
  if (!limit) return std::unexpected(limit.error());
  auto tenant = tenant_of(call);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const ClaimPage page,
                   store->claims(*tenant, static_cast<uint64_t>(*skip), static_cast<uint64_t>(*limit)));
  JsonWriter json;
  json.begin_object().key("items").begin_array();
  for (const ClaimRecord& claim : page.items) RETURN_IF_ERROR(write_claim(*store, claim, &json));
  json.end_array().key("total").value(page.total).key("skip").value(*skip).key("limit").value(*limit).end_object();
  return json_response(&json);
}

ClaimsReply claims_get(ClaimsCall& call) {
  auto id = path_uuid(call, "claim_id");
  if (!id) return std::unexpected(std::move(id).error());
  auto tenant = tenant_of(call);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const ClaimRecord claim, store->claim(*tenant, *id));
  JsonWriter json;
  RETURN_IF_ERROR(write_claim(*store, claim, &json));
  return json_response(&json);
}

ClaimsReply claims_verify_later(ClaimsCall& call) {
  auto id = path_uuid(call, "claim_id");
  if (!id) return std::unexpected(std::move(id).error());
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  auto request = read_verify_later(call, document->root(), *id);
  if (!request) return std::unexpected(std::move(request).error());
  if (auto refused = refuse_claim(request->claim, "claim_text")) return std::unexpected(std::move(*refused));
  // What is missing is said at once, not by a task that fails later.
  if (request->mode != SearchMode::kKeyword) RETURN_IF_ERROR(call.claims.await_model(kEmbedderRole, call.patience));
  RETURN_IF_ERROR(call.claims.await_model(kEntailmentRole, call.patience));
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  if (auto settled = settle_claim(*store, *request, call.patience); !settled)
    return std::unexpected(std::move(settled).error());
  ASSIGN_OR_RETURN(const TaskRecord task, call.claims.verify_later(*request));
  return task_response(task, 202);
}

ClaimsReply claims_verdict_of_task(ClaimsCall& call) {
  auto id = path_uuid(call, "claim_id");
  if (!id) return std::unexpected(std::move(id).error());
  auto tenant = tenant_of(call);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const TaskRecord task, store->task_of_claim(*tenant, *id));
  if (task.status == TaskStatus::kPending || task.status == TaskStatus::kProcessing) return task_response(task, 202);
  if (task.status == TaskStatus::kFailed) return task_response(task, 200);
  HttpResponse response;
  response.body = task.result;
  return response;
}

ClaimsReply claims_task(ClaimsCall& call) {
  auto id = path_uuid(call, "task_id");
  if (!id) return std::unexpected(std::move(id).error());
  auto tenant = tenant_of(call);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const TaskRecord task, store->task(*tenant, *id));
  return task_response(task, 200);
}

}  // namespace vivace
