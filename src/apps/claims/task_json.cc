#include "apps/claims/task_json.h"

#include <utility>

#include "base/json.h"
#include "base/json_writer.h"

namespace vivace {
namespace {

void write_text_or_null(const std::string& text, JsonWriter* json) {
  if (text.empty()) {
    json->null();
  } else {
    json->value(text);
  }
}

void write_evidence(const JudgedEvidence& judged, JsonWriter* json) {
  const EvidenceRecord& evidence = judged.hit.evidence;
  json->begin_object().key("id").value(evidence.id).key("text").value(evidence.content).key("source");
  write_text_or_null(evidence.source_type.empty() ? evidence.source_url : evidence.source_type, json);
  json->key("relevance");
  if (judged.hit.similarity) {
    json->value(*judged.hit.similarity);
  } else {
    json->null();
  }
  json->key("url");
  write_text_or_null(evidence.source_url, json);
  json->key("publication_date").null();  // the store knows none
  json->key("nli_label").value(nli_label_name(judged.label)).key("nli_confidence").value(judged.confidence);
  if (judged.truncated) json->key("truncated").value(true);
  json->end_object();
}

Result<VerifyRequest> read_request(const TaskRecord& task) {
  ASSIGN_OR_RETURN(const JsonDocument document, JsonDocument::parse(task.request, "task"));
  const JsonValue root = document.root();
  VerifyRequest request;
  request.tenant = task.tenant;
  request.claim_id = task.claim_id;
  ASSIGN_OR_RETURN(request.claim, root.string_or("claim", ""));
  ASSIGN_OR_RETURN(const std::string mode, root.string_or("mode", "hybrid"));
  ASSIGN_OR_RETURN(request.mode, parse_search_mode(mode));
  ASSIGN_OR_RETURN(const std::string strategy, root.string_or("strategy", "weighted_vote"));
  ASSIGN_OR_RETURN(request.aggregation.strategy, parse_aggregation_strategy(strategy));
  ASSIGN_OR_RETURN(const int64_t most, root.integer_or("max_evidence", 10, 1, int64_t{kMaxVerifyEvidence}));
  request.max_evidence = static_cast<size_t>(most);
  ASSIGN_OR_RETURN(request.min_similarity, root.double_or("min_similarity", request.min_similarity));
  ASSIGN_OR_RETURN(const double threshold, root.double_or("confidence_threshold", -1));
  if (threshold >= 0) request.confidence_threshold = threshold;
  ASSIGN_OR_RETURN(const bool reasoning, root.bool_or("return_reasoning", true));
  request.wants_reasoning = reasoning;
  return request;
}

}  // namespace

std::string write_task_request(const VerifyRequest& request) {
  JsonWriter json;
  json.begin_object().key("claim").value(request.claim).key("mode").value(search_mode_name(request.mode));
  json.key("strategy").value(aggregation_strategy_name(request.aggregation.strategy));
  json.key("max_evidence").value(static_cast<uint64_t>(request.max_evidence));
  json.key("min_similarity").value(request.min_similarity);
  if (request.confidence_threshold) json.key("confidence_threshold").value(*request.confidence_threshold);
  json.key("return_reasoning").value(request.wants_reasoning);
  return json.end_object().take();
}

Result<VerifyRequest> read_task_request(const TaskRecord& task) {
  Result<VerifyRequest> request = read_request(task);
  if (!request) return error(StatusCode::kCorruptFile, "task '" + task.id + "': " + request.error().message);
  return request;
}

std::string write_task_result(const VerifyRequest& request, const VerifyAnswer& answer,
                              const std::string& verified_at) {
  const AggregatedVerdict& verdict = answer.judgement->verdict;
  const bool unknown = verdict.verdict == Verdict::kInsufficient;
  JsonWriter json;
  json.begin_object().key("claim_id").value(answer.claim_id).key("claim_text").value(request.claim);
  json.key("verdict").value(unknown ? "NOT_ENOUGH_INFO" : verdict_name(verdict.verdict));
  json.key("confidence").value(verdict.confidence).key("reasoning");
  if (request.wants_reasoning) {
    json.value(verdict.explanation);
  } else {
    json.null();
  }
  if (answer.judgement->claim_truncated) json.key("claim_truncated").value(true);
  json.key("has_conflict").value(verdict.has_conflict).key("evidence").begin_array();
  for (const JudgedEvidence& judged : answer.judgement->evidence) write_evidence(judged, &json);
  json.end_array().key("verification_id").value(answer.verification_id).key("verified_at").value(verified_at);
  json.key("processing_time_ms").value(answer.total_ms).key("validation_warnings").begin_array();
  for (const ClaimCode code : answer.warnings) json.value(claim_code_name(code));
  return json.end_array().end_object().take();
}

}  // namespace vivace
