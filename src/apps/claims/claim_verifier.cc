#include "apps/claims/claim_verifier.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "apps/claims/query_embedding.h"
#include "apps/claims/uuid.h"
#include "base/json_writer.h"
#include "engine/load_identity.h"

namespace vivace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::array<std::string_view, kVerifyStages> kStageNames = {"validate", "embed",     "retrieve",
                                                                     "entail",   "aggregate", "store"};

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

// All that the judgement follows from.
std::string cache_key(const VerifyRequest& request, const std::string& claim, const VerifyModels& models,
                      uint64_t revision) {
  const AggregationOptions& votes = request.aggregation;
  JsonWriter json;
  json.begin_array().value(request.tenant).value(revision).value(claim).value(search_mode_name(request.mode));
  json.value(static_cast<uint64_t>(request.max_evidence)).value(request.min_similarity);
  json.value(aggregation_strategy_name(votes.strategy)).value(votes.min_confidence).value(votes.high_confidence);
  json.value(votes.conflict_share).value(votes.verdict_threshold);
  json.value(request.confidence_threshold.value_or(-1));
  for (const Engine* model : {models.embedder, models.entailment}) {
    json.value(model == nullptr ? "" : load_identity(*model));
  }
  return json.end_array().take();
}

VerificationRecord record_of(const VerifyRequest& request, const VerifyAnswer& answer, const std::string& claim,
                             const ModelInfo& entailment) {
  const AggregatedVerdict& verdict = answer.judgement->verdict;
  VerificationRecord record;
  record.id = answer.verification_id;
  record.claim_id = answer.claim_id;
  record.verdict = verdict.verdict;
  record.confidence = std::min(verdict.confidence, 1.0);
  record.support_score = std::min(verdict.support_score, 1.0);
  record.refute_score = std::min(verdict.refute_score, 1.0);
  record.neutral_score = std::min(verdict.neutral_score, 1.0);
  record.evidence_count = verdict.evidence_count;
  record.supporting_count = verdict.supporting_count;
  record.refuting_count = verdict.refuting_count;
  record.neutral_count = verdict.neutral_count;
  record.reasoning = verdict.explanation;
  record.model_name = vector_model_name(entailment);
  record.retrieval_method = search_mode_name(request.mode);
  for (const JudgedEvidence& judged : answer.judgement->evidence) {
    NliRecord nli;
    nli.id = random_uuid();
    nli.evidence_id = judged.hit.evidence.id;
    nli.label = judged.label;
    nli.confidence = judged.confidence;
    nli.entailment_score = std::min(judged.entailment, 1.0);
    nli.neutral_score = std::min(judged.neutral, 1.0);
    nli.contradiction_score = std::min(judged.contradiction, 1.0);
    nli.similarity = judged.hit.similarity.value_or(0);
    nli.premise = judged.hit.evidence.content;
    nli.hypothesis = claim;
    record.nli_results.push_back(std::move(nli));
  }
  return record;
}

// Locked, gone, full or damaged: nothing that another claim would have avoided.
bool is_the_stores_fault(StatusCode code) {
  return code == StatusCode::kUnavailable || code == StatusCode::kCorruptFile || code == StatusCode::kInternal;
}

}  // namespace

std::string_view verify_stage_name(VerifyStage stage) {
  return kStageNames[static_cast<size_t>(stage)];
}

// One verification on its way through the stages.
class ClaimVerifier::Run {
 public:
  Run(ClaimVerifier& verifier, const VerifyModels& models, const VerifyRequest& request)
      : m_verifier(verifier), m_models(models), m_request(request) {}

  Result<VerifyAnswer> run() {
    const Clock::time_point start = Clock::now();
    RETURN_IF_ERROR(stage(VerifyStage::kValidate, [this] { return validate(); }));
    RETURN_IF_ERROR(look_up());
    if (!m_answer.cached) {
      RETURN_IF_ERROR(stage(VerifyStage::kEmbed, [this] { return embed(); }));
      RETURN_IF_ERROR(stage(VerifyStage::kRetrieve, [this] { return retrieve(); }));
      RETURN_IF_ERROR(stage(VerifyStage::kEntail, [this] { return entail(); }));
      RETURN_IF_ERROR(stage(VerifyStage::kAggregate, [this] { return aggregate(); }));
      keep();
    }
    RETURN_IF_ERROR(stage(VerifyStage::kStore, [this] { return store(); }));
    m_answer.total_ms = ms_since(start);
    return std::move(m_answer);
  }

  int retries() const { return m_answer.retries; }

 private:
  template <typename Work>
  Result<void> stage(VerifyStage stage, Work&& work) {
    const Clock::time_point start = Clock::now();
    if (m_request.on_stage) m_request.on_stage(stage);
    Result<void> done = check_patience(m_request.patience);
    if (done) done = work();
    const double ms = ms_since(start);
    m_answer.stage_ms[static_cast<size_t>(stage)] = ms;
    if (!done && stage != VerifyStage::kValidate) {
      return std::unexpected(done.error().with_context(verify_stage_name(stage)));
    }
    if (done && !m_answer.cached) observe(stage, ms / 1000);
    return done;
  }

  void observe(VerifyStage stage, double seconds) {
    ClaimStats& stats = m_verifier.m_stats;
    if (stage == VerifyStage::kEmbed) stats.embedding_seconds.observe(seconds);
    if (stage == VerifyStage::kRetrieve) stats.retrieval_seconds.observe(seconds);
    if (stage == VerifyStage::kEntail) stats.nli_seconds.observe(seconds);
    if (stage == VerifyStage::kStore) stats.store_seconds.observe(seconds);
  }

  template <typename Attempt>
  auto retried(Attempt&& attempt) {
    return with_retries(RetryPolicy{}, m_request.patience, &m_answer.retries, std::forward<Attempt>(attempt));
  }

  Result<void> validate() {
    if (m_request.max_evidence < 1 || m_request.max_evidence > kMaxVerifyEvidence) {
      return error(StatusCode::kInvalidArgument, fmt::format("max_evidence: must be 1 to {}", kMaxVerifyEvidence));
    }
    ClaimValidation validation = validate_claim(m_request.claim, ClaimLimits{});
    if (validation.refused_for) {
      return error(StatusCode::kInvalidArgument, fmt::format("{}: {}", claim_code_name(*validation.refused_for),
                                                             claim_code_advice(*validation.refused_for)));
    }
    m_claim = std::move(validation.normalized);
    m_answer.warnings = std::move(validation.warnings);
    return {};
  }

  Result<void> look_up() {
    if (m_verifier.m_cache == nullptr) return {};
    ASSIGN_OR_RETURN(const uint64_t revision,
                     retried([this] { return m_verifier.m_store.evidence_revision(m_request.tenant); }));
    m_key = cache_key(m_request, m_claim, m_models, revision);
    const auto known = m_verifier.m_cache->find(m_key);
    if (known == nullptr || Clock::now() - known->made > kJudgementTtl) return {};
    m_answer.judgement = known->judgement;
    m_answer.cached = true;
    return {};
  }

  Result<void> embed() {
    if (m_request.mode == SearchMode::kKeyword) return {};
    RETURN_IF_ERROR(retried(
        [this] { return check_vector_model(m_verifier.m_store, m_request.tenant, m_models.embedder->info()); }));
    ASSIGN_OR_RETURN(QueryVector vector,
                     retried([this] { return embed_query(*m_models.embedder, m_claim, m_request.patience); }));
    m_vector = std::move(vector.values);
    m_judgement.claim_truncated = vector.truncated;
    m_verifier.m_stats.embeddings.add();
    return {};
  }

  Result<void> retrieve() {
    EvidenceSearch search;
    search.mode = m_request.mode;
    search.tenant = m_request.tenant;
    search.text = m_claim;
    search.vector = m_vector;
    search.limit = m_request.max_evidence;
    search.min_similarity = m_request.min_similarity;
    ASSIGN_OR_RETURN(m_hits, retried([&] { return search_evidence(m_verifier.m_store, search); }));
    return {};
  }

  Result<void> entail() {
    if (m_hits.empty()) return {};
    EntailRequest request;
    for (const EvidenceHit& hit : m_hits) request.pairs.push_back({hit.evidence.content, m_claim});
    request.deadline = m_request.patience.deadline;
    request.cancel = m_request.patience.cancel;
    ASSIGN_OR_RETURN(const EntailResponse response, retried([&] { return m_models.entailment->run(request); }));
    for (size_t i = 0; i < m_hits.size(); ++i) {
      m_judgement.evidence.push_back(judge_evidence(std::move(m_hits[i]), response.results[i]));
    }
    m_verifier.m_stats.nli_pairs.add(m_hits.size());
    return {};
  }

  Result<void> aggregate() {
    AggregationOptions options = m_request.aggregation;
    if (m_request.confidence_threshold) options.verdict_threshold = *m_request.confidence_threshold;
    ASSIGN_OR_RETURN(m_judgement.verdict,
                     decide(m_judgement.evidence, options, m_request.confidence_threshold.value_or(0)));
    m_answer.judgement = std::make_shared<const ClaimJudgement>(std::move(m_judgement));
    return {};
  }

  void keep() {
    if (m_verifier.m_cache == nullptr) return;
    auto value = std::make_shared<const CachedJudgement>(CachedJudgement{m_answer.judgement, Clock::now()});
    m_verifier.m_cache->insert(std::move(m_key), std::move(value), judgement_bytes(*m_answer.judgement));
  }

  Result<void> store() {
    EvidenceStore& store = m_verifier.m_store;
    const bool is_new = m_request.claim_id.empty();
    m_answer.claim_id = is_new ? random_uuid() : m_request.claim_id;
    m_answer.verification_id = random_uuid();
    const VerificationRecord record = record_of(m_request, m_answer, m_claim, m_models.entailment->info());
    const ClaimRecord claim{.id = m_answer.claim_id,
                            .tenant = m_request.tenant,
                            .text = m_claim,
                            .source_url = m_request.source_url,
                            .submitted_at = ""};
    bool tried = false;
    const auto attempt = [&]() -> Result<void> {
      // A connection that was lost while committing leaves open whether it did.
      if (std::exchange(tried, true)) {
        const auto stored = store.verification(m_request.tenant, record.claim_id);
        if (stored && stored->id == record.id) return {};
        if (!stored && stored.error().code == StatusCode::kUnavailable) return std::unexpected(stored.error());
      }
      return is_new ? store.add_verified_claim(claim, record) : store.add_verification(m_request.tenant, record);
    };
    const Result<void> stored = with_retries(kWriteRetries, m_request.patience, &m_answer.retries, attempt);
    if (stored || !is_the_stores_fault(stored.error().code)) return stored;
    m_answer.not_stored_because = stored.error().message;
    return {};
  }

  ClaimVerifier& m_verifier;
  const VerifyModels& m_models;
  const VerifyRequest& m_request;
  VerifyAnswer m_answer;
  std::string m_claim;  // in normal form
  std::string m_key;
  std::vector<float> m_vector;
  std::vector<EvidenceHit> m_hits;
  ClaimJudgement m_judgement;
};

Result<VerifyAnswer> ClaimVerifier::verify(const VerifyModels& models, const VerifyRequest& request) {
  Run run(*this, models, request);
  Result<VerifyAnswer> answer = run.run();
  m_stats.retries.add(static_cast<uint64_t>(answer ? answer->retries : run.retries()));
  if (!answer) {
    m_stats.failed.add();
    return answer;
  }
  if (!answer->not_stored_because.empty()) m_stats.not_stored.add();
  m_stats.verify_seconds.observe(answer->total_ms / 1000);
  switch (answer->judgement->verdict.verdict) {
    case Verdict::kSupported: m_stats.supported.add(); break;
    case Verdict::kRefuted: m_stats.refuted.add(); break;
    case Verdict::kInsufficient: m_stats.insufficient.add(); break;
  }
  return answer;
}

}  // namespace vivace
