// Claim verification: a verdict at once, and the verdicts that are stored.
#include <utility>

#include <fmt/format.h>

#include "apps/claims/verify_json.h"
#include "server/claims_handlers.h"

namespace vivace {
namespace {

constexpr size_t kMaxClaimCharacters = 2000;

ApiResult<VerifyRequest> read_verify(const ClaimsCall& call, const JsonValue& root) {
  VerifyRequest request;
  auto claim = required_text(root, "claim", {.least = 1, .most = kMaxClaimCharacters});
  if (!claim) return std::unexpected(std::move(claim).error());
  request.claim = std::move(*claim);
  auto tenant = tenant_of(call, root);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  request.tenant = std::move(*tenant);
  const auto most = integer_field(root, "max_evidence", 10, 1, 50);
  if (!most) return std::unexpected(most.error());
  request.max_evidence = static_cast<size_t>(*most);
  const auto mode = mode_field(root, "search_mode");
  if (!mode) return std::unexpected(mode.error());
  request.mode = *mode;
  const auto threshold = share_field(root, "confidence_threshold");
  if (!threshold) return std::unexpected(threshold.error());
  request.confidence_threshold = *threshold;
  const auto similarity = share_field(root, "min_similarity");
  if (!similarity) return std::unexpected(similarity.error());
  request.min_similarity = similarity->value_or(request.min_similarity);
  const auto strategy = root.string_or("strategy", "weighted_vote");
  if (!strategy) return schema_error("strategy", strategy.error().message);
  const auto known = parse_aggregation_strategy(*strategy);
  if (!known) return schema_error("strategy", known.error().message);
  request.aggregation.strategy = *known;
  return request;
}

}  // namespace

ClaimsReply claims_verify(ClaimsCall& call) {
  const auto document = claims_body(call);
  if (!document) return std::unexpected(document.error());
  auto request = read_verify(call, document->root());
  if (!request) return std::unexpected(std::move(request).error());
  if (auto refused = refuse_claim(request->claim, "claim")) return std::unexpected(std::move(*refused));
  request->patience = call.patience;
  ASSIGN_OR_RETURN(const VerifyAnswer answer, call.claims.verify(*request));
  JsonWriter json;
  write_verify_answer(answer, &json);
  HttpResponse response = json_response(&json);
  for (size_t i = 0; i < kVerifyStages; ++i) {
    if (i > 0) response.server_timing += ", ";
    response.server_timing +=
        fmt::format("{};dur={:.3f}", verify_stage_name(static_cast<VerifyStage>(i)), answer.stage_ms[i]);
  }
  return response;
}

ClaimsReply claims_verdict(ClaimsCall& call) {
  auto id = path_uuid(call, "claim_id");
  if (!id) return std::unexpected(std::move(id).error());
  auto tenant = tenant_of(call);
  if (!tenant) return std::unexpected(std::move(tenant).error());
  ASSIGN_OR_RETURN(EvidenceStore* const store, call.claims.store());
  ASSIGN_OR_RETURN(const ClaimRecord claim, store->claim(*tenant, *id));
  ASSIGN_OR_RETURN(const VerificationRecord verdict, store->verification(*tenant, *id));
  JsonWriter json;
  json.begin_object().key("claim_id").value(*id).key("claim_text").value(claim.text);
  json.key("verdict").value(verdict_name(verdict.verdict)).key("confidence").value(verdict.confidence);
  json.key("reasoning").value(verdict.reasoning).key("evidence_count").value(verdict.evidence_count);
  json.key("supporting_count").value(verdict.supporting_count).key("refuting_count").value(verdict.refuting_count);
  json.key("neutral_count").value(verdict.neutral_count).key("verification_id").value(verdict.id);
  json.key("created_at").value(verdict.created_at).end_object();
  return json_response(&json);
}

}  // namespace vivace
