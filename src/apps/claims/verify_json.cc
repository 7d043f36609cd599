#include "apps/claims/verify_json.h"

namespace vivace {
namespace {

void write_evidence(const JudgedEvidence& judged, JsonWriter* json) {
  const EvidenceRecord& evidence = judged.hit.evidence;
  json->begin_object().key("evidence_id").value(evidence.id).key("content").value(evidence.content);
  json->key("source_url");
  if (evidence.source_url.empty()) {
    json->null();
  } else {
    json->value(evidence.source_url);
  }
  json->key("nli_label").value(nli_label_name(judged.label)).key("nli_confidence").value(judged.confidence);
  json->key("nli_scores").begin_object().key("entailment").value(judged.entailment);
  json->key("contradiction").value(judged.contradiction).key("neutral").value(judged.neutral).end_object();
  json->key("similarity");
  if (judged.hit.similarity) {
    json->value(*judged.hit.similarity);
  } else {
    json->null();
  }
  json->key("matched_via").value(matched_via_name(judged.hit.via));
  if (judged.truncated) json->key("truncated").value(true);
  json->end_object();
}

void write_verdict(const AggregatedVerdict& verdict, JsonWriter* json) {
  json->key("explanation").value(verdict.explanation);
  json->key("support_score").value(verdict.support_score).key("refute_score").value(verdict.refute_score);
  json->key("neutral_score").value(verdict.neutral_score);
  json->key("evidence_count").value(static_cast<uint64_t>(verdict.evidence_count));
  json->key("supporting_count").value(static_cast<uint64_t>(verdict.supporting_count));
  json->key("refuting_count").value(static_cast<uint64_t>(verdict.refuting_count));
  json->key("neutral_count").value(static_cast<uint64_t>(verdict.neutral_count));
  json->key("has_conflict").value(verdict.has_conflict);
  json->key("strategy_used").value(aggregation_strategy_name(verdict.strategy_used));
}

}  // namespace

void write_verify_answer(const VerifyAnswer& answer, JsonWriter* json) {
  const AggregatedVerdict& verdict = answer.judgement->verdict;
  json->begin_object().key("verdict").value(verdict_name(verdict.verdict)).key("confidence").value(verdict.confidence);
  json->key("evidence").begin_array();
  for (const JudgedEvidence& judged : answer.judgement->evidence) write_evidence(judged, json);
  json->end_array();
  if (answer.judgement->claim_truncated) json->key("claim_truncated").value(true);
  write_verdict(verdict, json);
  json->key("claim_id").value(answer.claim_id).key("verification_id").value(answer.verification_id);
  json->key("stored").value(answer.not_stored_because.empty());
  if (!answer.not_stored_because.empty()) json->key("not_stored_because").value(answer.not_stored_because);
  json->key("processing_time_ms").value(answer.total_ms);
  json->key("stages_ms").begin_object();
  for (size_t i = 0; i < kVerifyStages; ++i) {
    json->key(verify_stage_name(static_cast<VerifyStage>(i))).value(answer.stage_ms[i]);
  }
  json->end_object().key("retries").value(answer.retries).key("cached").value(answer.cached);
  json->key("validation_warnings").begin_array();
  for (const ClaimCode code : answer.warnings) json->value(claim_code_name(code));
  json->end_array().end_object();
}

}  // namespace vivace
