// From a claim to a stored verdict: validate, embed, retrieve, entail all pairs in one batch, aggregate, store.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/claims/claim_judgement.h"
#include "apps/claims/claim_stats.h"
#include "apps/claims/claim_validation.h"
#include "apps/claims/evidence_search.h"
#include "apps/claims/retry.h"
#include "engine/engine.h"
#include "runtime/result_cache.h"
#include "store/evidence_store.h"

namespace vivace {

enum class VerifyStage { kValidate, kEmbed, kRetrieve, kEntail, kAggregate, kStore };
inline constexpr size_t kVerifyStages = 6;
std::string_view verify_stage_name(VerifyStage stage);  // "validate", …

inline constexpr size_t kMaxVerifyEvidence = 1000;

struct VerifyRequest {
  std::string claim;
  std::string claim_id;  // of a claim that is stored; empty: the claim is stored together with its verdict
  std::string source_url;
  std::string tenant = kDefaultTenant;
  SearchMode mode = SearchMode::kHybrid;
  size_t max_evidence = 10;
  double min_similarity = 0.3;  // see EvidenceSearch
  AggregationOptions aggregation;
  // A verdict for or against needs it. Without one kMeanConfidence has its own verdict_threshold, the others have none.
  std::optional<double> confidence_threshold;
  bool wants_reasoning = true;  // of background verifications
  Patience patience;
  std::function<void(VerifyStage begins)> on_stage;  // on the caller's thread
};

struct VerifyAnswer {
  std::string claim_id;
  std::string verification_id;
  std::vector<ClaimCode> warnings;
  std::shared_ptr<const ClaimJudgement> judgement;
  std::array<double, kVerifyStages> stage_ms{};
  double total_ms = 0;
  int retries = 0;
  std::string not_stored_because;  // empty: claim and verdict are in the store
  bool cached = false;             // no model was asked: nothing that the judgement depends on has changed
};

// Loaded models; the embedder may be nullptr for keyword retrieval.
struct VerifyModels {
  Engine* embedder = nullptr;
  Engine* entailment = nullptr;
};

struct CachedJudgement {
  std::shared_ptr<const ClaimJudgement> judgement;
  std::chrono::steady_clock::time_point made;
};
using JudgementCache = ResultCache<CachedJudgement>;
inline constexpr std::chrono::seconds kJudgementTtl{3600};

class ClaimVerifier {
 public:
  // The cache may be nullptr. All must outlive the verifier.
  ClaimVerifier(EvidenceStore& store, JudgementCache* cache, ClaimStats& stats)
      : m_store(store), m_cache(cache), m_stats(stats) {}

  // Blocks. Thread-safe. kInvalidArgument, beginning with the name of a ClaimCode, for a claim that is refused;
  // kDeadlineExceeded, kCancelled; the errors of store and engine, with the stage in front. Without a verdict nothing
  // is stored; a verdict that the store cannot take just now is an answer all the same, which says so.
  Result<VerifyAnswer> verify(const VerifyModels& models, const VerifyRequest& request);

 private:
  class Run;
  EvidenceStore& m_store;
  JudgementCache* m_cache;
  ClaimStats& m_stats;
};

}  // namespace vivace
