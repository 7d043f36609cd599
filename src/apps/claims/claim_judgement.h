// What was found out about a claim, without where it is stored: what a result cache keeps.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "apps/claims/evidence_search.h"
#include "apps/claims/verdict_aggregation.h"
#include "engine/request.h"
#include "store/labels.h"

namespace vivace {

struct JudgedEvidence {
  EvidenceHit hit;
  NliLabel label = NliLabel::kNeutral;  // of the best score
  double confidence = 0;                // that score
  double entailment = 0;
  double neutral = 0;
  double contradiction = 0;
  bool truncated = false;  // the model did not see all of it
};

struct ClaimJudgement {
  AggregatedVerdict verdict;
  std::vector<JudgedEvidence> evidence;  // best match first
  bool claim_truncated = false;          // the vector that evidence was sought by is of the claim's beginning
};

// The entailment model's answer, by the names of its labels: whatever says neither yes nor no is neutral.
JudgedEvidence judge_evidence(EvidenceHit hit, const Entailment& entailment);

// Without evidence: insufficient with confidence 0. A verdict for or against the claim that is less certain than
// lowest_confidence becomes insufficient.
Result<AggregatedVerdict> decide(const std::vector<JudgedEvidence>& evidence, const AggregationOptions& options,
                                 double lowest_confidence);

// About what it occupies.
size_t judgement_bytes(const ClaimJudgement& judgement);

}  // namespace vivace
