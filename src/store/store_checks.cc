#include "store/store_checks.h"

#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/utf8.h"

namespace vivace {
namespace {

std::unexpected<Status> invalid(std::string_view field, std::string_view what) {
  return error(StatusCode::kInvalidArgument, fmt::format("{}: {}", field, what));
}

Result<void> check_optional_text(std::string_view field, std::string_view text, size_t max_bytes) {
  if (text.size() > max_bytes) {
    return error(StatusCode::kTooLarge,
                 fmt::format("{}: {} bytes, at most {} are kept", field, text.size(), max_bytes));
  }
  if (find_invalid_utf8(text) != kValidUtf8) return invalid(field, "is not UTF-8");
  if (text.find('\0') != std::string_view::npos) return invalid(field, "holds a zero character");
  return {};
}

Result<void> check_limit(size_t limit) {
  if (limit < 1 || limit > kMaxResults) return invalid("limit", fmt::format("must be 1 to {}", kMaxResults));
  return {};
}

Result<void> check_share(std::string_view field, double value) {
  if (!(value >= 0 && value <= 1)) return invalid(field, fmt::format("is {}, expected 0 to 1", value));
  return {};
}

Result<void> check_evidence(const EvidenceInput& item) {
  RETURN_IF_ERROR(check_id("id", item.evidence.id));
  RETURN_IF_ERROR(check_text("content", item.evidence.content, kMaxTextBytes));
  RETURN_IF_ERROR(check_optional_text("source_url", item.evidence.source_url, kMaxUrlBytes));
  RETURN_IF_ERROR(check_optional_text("source_type", item.evidence.source_type, kMaxIdBytes));
  if (!item.vector.empty()) RETURN_IF_ERROR(check_vector("vector", item.vector));
  return {};
}

}  // namespace

Result<void> check_text(std::string_view field, std::string_view text, size_t max_bytes) {
  if (text.empty()) return invalid(field, "is empty");
  return check_optional_text(field, text, max_bytes);
}

Result<void> check_id(std::string_view field, std::string_view id) {
  return check_text(field, id, kMaxIdBytes);
}

Result<void> check_vector(std::string_view field, std::span<const float> vector) {
  if (vector.empty() || vector.size() > kMaxDimensions) {
    return invalid(field, fmt::format("has {} values, expected 1 to {}", vector.size(), kMaxDimensions));
  }
  double squares = 0;
  for (const float value : vector) squares += static_cast<double>(value) * static_cast<double>(value);
  if (!std::isfinite(squares)) return invalid(field, "holds a value that is no finite number");
  if (squares == 0) return invalid(field, "is all zeros and has no direction");
  return {};
}

Result<void> check_batch(const EvidenceBatch& batch) {
  RETURN_IF_ERROR(check_id("tenant", batch.tenant));
  if (batch.items.size() > kMaxBatchItems) {
    return error(StatusCode::kTooLarge,
                 fmt::format("{} pieces of evidence at once, at most {}", batch.items.size(), kMaxBatchItems));
  }
  for (size_t i = 0; i < batch.items.size(); ++i) {
    const Result<void> checked = check_evidence(batch.items[i]);
    if (!checked) return std::unexpected(checked.error().with_context(fmt::format("evidence {}", i)));
    if (batch.items[i].vector.empty()) continue;
    RETURN_IF_ERROR(check_id("model_name", batch.model_name));
  }
  if (batch.checkpoint) {
    RETURN_IF_ERROR(check_text("checkpoint source", batch.checkpoint->source, kMaxUrlBytes));
    RETURN_IF_ERROR(check_optional_text("checkpoint model_name", batch.checkpoint->model_name, kMaxIdBytes));
    if (batch.checkpoint->position > INT64_MAX) return invalid("checkpoint position", "is too large");
  }
  return {};
}

Result<void> check_query(const VectorQuery& query) {
  RETURN_IF_ERROR(check_id("tenant", query.tenant));
  RETURN_IF_ERROR(check_vector("query vector", query.vector));
  if (query.source_url) RETURN_IF_ERROR(check_optional_text("source_url", *query.source_url, kMaxUrlBytes));
  if (std::isnan(query.min_similarity)) return invalid("min_similarity", "is no number");
  return check_limit(query.limit);
}

Result<void> check_query(const KeywordQuery& query) {
  RETURN_IF_ERROR(check_id("tenant", query.tenant));
  RETURN_IF_ERROR(check_text("query", query.text, kMaxTextBytes));
  if (query.source_url) RETURN_IF_ERROR(check_optional_text("source_url", *query.source_url, kMaxUrlBytes));
  return check_limit(query.limit);
}

Result<void> check_claim(const ClaimRecord& claim) {
  RETURN_IF_ERROR(check_id("claim id", claim.id));
  RETURN_IF_ERROR(check_id("tenant", claim.tenant));
  RETURN_IF_ERROR(check_text("claim", claim.text, kMaxTextBytes));
  return check_optional_text("source_url", claim.source_url, kMaxUrlBytes);
}

Result<void> check_task(const TaskRecord& task) {
  RETURN_IF_ERROR(check_id("task id", task.id));
  RETURN_IF_ERROR(check_id("tenant", task.tenant));
  RETURN_IF_ERROR(check_id("claim id", task.claim_id));
  RETURN_IF_ERROR(check_optional_text("request", task.request, kMaxTextBytes));
  RETURN_IF_ERROR(check_optional_text("result", task.result, kMaxTaskResultBytes));
  RETURN_IF_ERROR(check_optional_text("error", task.error, kMaxTextBytes));
  if (task.progress > 100) return invalid("progress", "is more than 100 percent");
  return {};
}

Result<void> check_verification(const VerificationRecord& verification) {
  RETURN_IF_ERROR(check_id("verification id", verification.id));
  RETURN_IF_ERROR(check_id("claim id", verification.claim_id));
  RETURN_IF_ERROR(check_optional_text("reasoning", verification.reasoning, kMaxTextBytes));
  RETURN_IF_ERROR(check_optional_text("model_name", verification.model_name, kMaxIdBytes));
  RETURN_IF_ERROR(check_optional_text("retrieval_method", verification.retrieval_method, kMaxIdBytes));
  RETURN_IF_ERROR(check_optional_text("pipeline_version", verification.pipeline_version, kMaxIdBytes));
  for (const double share :
       {verification.confidence, verification.support_score, verification.refute_score, verification.neutral_score}) {
    RETURN_IF_ERROR(check_share("score of the verdict", share));
  }
  if (verification.nli_results.size() > kMaxResults) return invalid("entailment results", "are too many");
  for (const NliRecord& nli : verification.nli_results) {
    RETURN_IF_ERROR(check_id("entailment id", nli.id));
    RETURN_IF_ERROR(check_id("evidence id", nli.evidence_id));
    RETURN_IF_ERROR(check_optional_text("premise", nli.premise, kMaxTextBytes));
    RETURN_IF_ERROR(check_optional_text("hypothesis", nli.hypothesis, kMaxTextBytes));
    for (const double share : {nli.confidence, nli.entailment_score, nli.neutral_score, nli.contradiction_score}) {
      RETURN_IF_ERROR(check_share("score of an entailment", share));
    }
    if (!std::isfinite(nli.similarity)) return invalid("similarity", "is no finite number");
  }
  return {};
}

}  // namespace vivace
