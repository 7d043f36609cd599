#include "apps/claims/claim_judgement.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace vivace {
namespace {

double score_of(const Entailment& entailment, std::string_view label) {
  for (const LabelScore& score : entailment.scores) {
    if (score.label == label) return static_cast<double>(score.score);
  }
  return 0;
}

}  // namespace

JudgedEvidence judge_evidence(EvidenceHit hit, const Entailment& entailment) {
  JudgedEvidence judged;
  judged.hit = std::move(hit);
  judged.truncated = entailment.truncated;
  judged.entailment = score_of(entailment, nli_label_name(NliLabel::kEntailment));
  judged.contradiction = score_of(entailment, nli_label_name(NliLabel::kContradiction));
  judged.neutral = score_of(entailment, nli_label_name(NliLabel::kNeutral));
  for (const LabelScore& score : entailment.scores) {
    if (!parse_nli_label(score.label)) judged.neutral += static_cast<double>(score.score);  // "not_entailment"
  }
  judged.confidence = std::max({judged.entailment, judged.neutral, judged.contradiction});
  if (judged.entailment == judged.confidence) {
    judged.label = NliLabel::kEntailment;
  } else if (judged.contradiction == judged.confidence) {
    judged.label = NliLabel::kContradiction;
  }
  // Sums of floats may pass 1 by a rounding.
  judged.confidence = std::min(judged.confidence, 1.0);
  return judged;
}

Result<AggregatedVerdict> decide(const std::vector<JudgedEvidence>& evidence, const AggregationOptions& options,
                                 double lowest_confidence) {
  if (evidence.empty()) {
    AggregatedVerdict nothing;
    nothing.strategy_used = options.strategy;
    nothing.explanation = "INSUFFICIENT with confidence 0.00: no evidence was found";
    return nothing;
  }
  std::vector<NliVote> votes;
  votes.reserve(evidence.size());
  for (const JudgedEvidence& judged : evidence) votes.push_back({judged.label, judged.confidence});
  ASSIGN_OR_RETURN(AggregatedVerdict verdict, aggregate_verdict(votes, options));
  if (verdict.verdict != Verdict::kInsufficient && verdict.confidence < lowest_confidence) {
    verdict.explanation = fmt::format("INSUFFICIENT because less certain than the {:.2f} asked for, otherwise {}",
                                      lowest_confidence, verdict.explanation);
    verdict.verdict = Verdict::kInsufficient;
  }
  return verdict;
}

size_t judgement_bytes(const ClaimJudgement& judgement) {
  size_t bytes = sizeof(judgement) + judgement.verdict.explanation.size();
  for (const JudgedEvidence& judged : judgement.evidence) {
    const EvidenceRecord& record = judged.hit.evidence;
    bytes += sizeof(judged) + record.id.size() + record.content.size() + record.source_url.size() +
             record.source_type.size() + record.created_at.size();
  }
  return bytes;
}

}  // namespace vivace
