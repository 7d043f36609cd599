#include "apps/impact/impact_scorer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/impact/factors.h"
#include "base/utf8.h"

namespace vivace {
namespace {

constexpr char kKeywordBackend[] = "keywords";

double share(double value) {
  return std::isnan(value) ? 0 : std::clamp(value, 0.0, 1.0);
}

void explain(ImpactAnalysis* analysis, const char* of, std::string why) {
  analysis->explanations.push_back({of, std::move(why)});
}

// Where the text is not looked at, nobody has to embed it.
bool needs_model(const ScoreRequest& request, const std::string& text) {
  return !text.empty() && !request.context.semantic_override;
}

void set_plain_factors(const ScoreRequest& request, const ScoringConfig& config, const AgentActivity& activity,
                       ImpactAnalysis* analysis) {
  Factors& factors = analysis->factors;
  const auto take = [&](const char* name, ExplainedValue explained) {
    explain(analysis, name, std::move(explained.why));
    return explained.value;
  };
  factors.permission = take("permission", permission_factor(request));
  factors.volume = value_at(config.volume_steps, config.volume_base, static_cast<double>(activity.messages));
  explain(analysis, "volume",
          fmt::format("{} earlier messages of agent '{}'{}", activity.messages, printable(agent_of(request)),
                      config.volume_window_seconds > 0 ? fmt::format(" in the last {} s", config.volume_window_seconds)
                                                       : std::string()));
  factors.context = take("context", context_factor(request, config));
  factors.drift = activity.drift;
  explain(analysis, "drift",
          activity.remembered == 0 ? std::string("first message of the agent")
                                   : fmt::format("semantic {:.3f} against a mean of {:.3f} over {} messages",
                                                 factors.semantic, activity.usual_semantic, activity.remembered));
  factors.priority = take("priority", priority_factor(request));
  factors.type = take("type", type_factor(request));
}

}  // namespace

Result<std::unique_ptr<ImpactScorer>> ImpactScorer::make(ScoringConfig config, std::vector<SemanticBackend> backends,
                                                         AgentHistories::Clock clock) {
  RETURN_IF_ERROR(validate(config));
  for (const SemanticBackend& backend : backends) {
    for (const double gate : {backend.gates.without_keywords, backend.gates.with_keywords}) {
      if (gate >= 0 && gate <= 1) continue;
      return error(StatusCode::kInvalidArgument,
                   fmt::format("impact: a gate of backend '{}' is {}, expected 0 to 1", backend.name, gate));
    }
  }
  return std::unique_ptr<ImpactScorer>(new ImpactScorer(std::move(config), std::move(backends), std::move(clock)));
}

ImpactScorer::ImpactScorer(ScoringConfig config, std::vector<SemanticBackend> backends, AgentHistories::Clock clock)
    : m_config(std::move(config)), m_histories(m_config, std::move(clock)) {
  for (SemanticBackend& backend : backends) {
    m_backends.push_back(std::make_unique<Backend>(std::move(backend), m_config.keywords));
  }
}

Result<ImpactAnalysis> ImpactScorer::score(const ScoreRequest& request, UseModel use_model,
                                           const RequestLimits& limits) {
  ASSIGN_OR_RETURN(std::vector<ImpactAnalysis> analyses, score_batch({&request, 1}, use_model, limits));
  return std::move(analyses.front());
}

Result<std::vector<ImpactAnalysis>> ImpactScorer::score_batch(std::span<const ScoreRequest> requests,
                                                              UseModel use_model, const RequestLimits& limits) {
  if (requests.size() > kMaxBatch) {
    return error(StatusCode::kTooLarge,
                 fmt::format("{} messages, more than the limit of {}", requests.size(), kMaxBatch));
  }
  RETURN_IF_ERROR(check_hashes(requests));
  std::vector<std::string> texts;
  std::vector<std::string> to_embed;
  for (const ScoreRequest& request : requests) {
    texts.push_back(normalize_text(extract_text(request.message)));
    if (needs_model(request, texts.back())) to_embed.push_back(texts.back());
  }
  const ChainAnswer chain = use_model == UseModel::kYes ? ask_chain(to_embed, limits) : ChainAnswer();
  const ChainAnswer not_asked;
  std::vector<ImpactAnalysis> analyses;
  analyses.reserve(requests.size());
  size_t embedded = 0;
  for (size_t i = 0; i < requests.size(); ++i) {
    // What the chain said about other messages of the batch says nothing about one that it was not asked about.
    const ChainAnswer& answer = needs_model(requests[i], texts[i]) ? chain : not_asked;
    analyses.push_back(analyse(requests[i], texts[i], answer,
                               answer.backend != nullptr ? chain.similarities[embedded++] : Similarity()));
  }
  return analyses;
}

Result<void> ImpactScorer::check_hashes(std::span<const ScoreRequest> requests) {
  if (m_config.constitutional_hash.empty()) return {};
  for (size_t i = 0; i < requests.size(); ++i) {
    const auto& hash = requests[i].message.constitutional_hash;
    if (!hash || *hash == m_config.constitutional_hash) continue;
    m_refused_hashes.fetch_add(1, std::memory_order_relaxed);
    const std::string which = requests.size() == 1 ? "message" : fmt::format("message {}", i);
    return error(StatusCode::kInvalidArgument, fmt::format("{}: constitutional_hash is '{}', expected '{}'", which,
                                                           printable(*hash), printable(m_config.constitutional_hash)));
  }
  return {};
}

ImpactScorer::ChainAnswer ImpactScorer::ask_chain(const std::vector<std::string>& texts, const RequestLimits& limits) {
  ChainAnswer answer;
  if (texts.empty()) return answer;
  for (const auto& backend : m_backends) {
    backend->calls.fetch_add(1, std::memory_order_relaxed);
    auto similarities = backend->model.similarities(texts, limits);
    if (similarities) {
      answer.backend = backend.get();
      answer.similarities = std::move(*similarities);
      return answer;
    }
    backend->failures.fetch_add(1, std::memory_order_relaxed);
    answer.degraded = true;
    const std::lock_guard lock(backend->mutex);
    backend->last_error = std::move(similarities.error().message);
  }
  return answer;
}

ImpactAnalysis ImpactScorer::analyse(const ScoreRequest& request, const std::string& text, const ChainAnswer& chain,
                                     const Similarity& similarity) {
  ImpactAnalysis analysis;
  analysis.backend = chain.backend == nullptr ? kKeywordBackend : chain.backend->model.name();
  analysis.degraded = chain.degraded;
  if (chain.backend == nullptr) m_keyword_calls.fetch_add(1, std::memory_order_relaxed);
  if (request.message.empty && request.context.empty) {
    analysis.score = m_config.nothing_to_score;
    explain(&analysis, "score", "neither message nor context: nothing to score");
  } else {
    analysis.similarity = similarity.cosine;
    analysis.cached = similarity.cached;
    analysis.truncated = similarity.truncated;
    set_semantic(request, text, chain, &analysis);
    const AgentActivity activity = m_histories.record(agent_of(request), analysis.factors.semantic);
    set_plain_factors(request, m_config, activity, &analysis);
    combine(&analysis);
  }
  analysis.requires_deliberation = analysis.score >= m_config.deliberation_threshold;
  analysis.recommendation = analysis.requires_deliberation                ? "hold for deliberation"
                            : analysis.score >= m_config.review_threshold ? "deliver and review"
                                                                          : "deliver";
  return analysis;
}

void ImpactScorer::set_semantic(const ScoreRequest& request, const std::string& text, const ChainAnswer& chain,
                                ImpactAnalysis* analysis) const {
  double& semantic = analysis->factors.semantic;
  analysis->matched_keywords = match_keywords(text, m_config.keywords);
  if (request.context.semantic_override) {
    semantic = share(*request.context.semantic_override);
    return explain(analysis, "semantic", "set by context.semantic_override");
  }
  if (text.empty()) return explain(analysis, "semantic", "no text");

  const auto hits = static_cast<double>(analysis->matched_keywords.size());
  const double by_keywords = value_at(m_config.keyword_steps, m_config.keyword_base, hits);
  semantic = by_keywords;
  std::string why = hits == 0
                        ? std::string("no keyword")
                        : fmt::format("{} of the keywords: {}", hits, fmt::join(analysis->matched_keywords, ", "));
  if (analysis->similarity) {
    const SemanticGates& gates = chain.backend->model.gates();
    const double gate = by_keywords < m_config.low_keyword_score ? gates.without_keywords : gates.with_keywords;
    const double raw = *analysis->similarity;
    analysis->passed_gate = raw >= gate;
    semantic = share(std::max(by_keywords, analysis->passed_gate ? raw : m_config.gated_share * raw));
    why += fmt::format("; nearest keyword at {:.3f}, which {} the gate of {}", raw,
                       analysis->passed_gate ? "passes" : "stays below", gate);
  }
  explain(analysis, "semantic", std::move(why));
}

void ImpactScorer::combine(ImpactAnalysis* analysis) const {
  const Factors& factors = analysis->factors;
  const FactorWeights& weights = m_config.weights;
  double score = weights.semantic * factors.semantic + weights.permission * factors.permission +
                 weights.volume * factors.volume + weights.context * factors.context + weights.drift * factors.drift +
                 weights.priority * factors.priority + weights.type * factors.type;
  std::string why = fmt::format("weighted sum {:.3f}", score);
  const auto boost = [&](double factor, double threshold, double least, std::string_view name) {
    if (factor < threshold || score >= least) return;
    score = least;
    why += fmt::format(", raised to {} by the {} factor of {:.3f}", least, name, factor);
  };
  boost(factors.priority, m_config.critical_priority_threshold, m_config.critical_priority_boost, "priority");
  boost(factors.semantic, m_config.high_semantic_threshold, m_config.high_semantic_boost, "semantic");
  analysis->score = share(score);
  explain(analysis, "score", std::move(why));
}

ScorerStatus ImpactScorer::status() const {
  ScorerStatus status;
  for (const auto& backend : m_backends) {
    const std::lock_guard lock(backend->mutex);
    status.backends.push_back({.name = backend->model.name(),
                               .calls = backend->calls.load(std::memory_order_relaxed),
                               .failures = backend->failures.load(std::memory_order_relaxed),
                               .last_error = backend->last_error,
                               .cache = backend->model.cache_stats()});
  }
  status.backends.push_back({.name = kKeywordBackend,
                             .calls = m_keyword_calls.load(std::memory_order_relaxed),
                             .failures = 0,
                             .last_error = {},
                             .cache = {}});
  status.agents = m_histories.agents();
  status.forgotten_agents = m_histories.forgotten();
  status.refused_hashes = m_refused_hashes.load(std::memory_order_relaxed);
  return status;
}

}  // namespace vivace
