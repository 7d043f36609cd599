#include "apps/impact/semantic_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace vivace {
namespace {

std::string cache_key(const std::string& model_id, const std::string& text) {
  std::string key = model_id;
  key += '\0';
  return key += text;
}

Similarity nearest(const EmbeddedText& text, const std::vector<EmbeddedText>& keywords) {
  Similarity similarity{.cosine = std::nullopt, .truncated = text.truncated};
  if (std::ranges::all_of(text.values, [](float value) { return value == 0; })) return similarity;
  for (const EmbeddedText& keyword : keywords) {
    const double cosine = cosine_similarity(text.values, keyword.values);
    similarity.cosine = std::max(similarity.cosine.value_or(-1.0), cosine);
  }
  return similarity;
}

}  // namespace

double cosine_similarity(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) return 0;
  double product = 0;
  double length_a = 0;
  double length_b = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    product += x * y;
    length_a += x * x;
    length_b += y * y;
  }
  const double cosine = product / std::sqrt(length_a * length_b);
  return std::isfinite(cosine) ? std::clamp(cosine, -1.0, 1.0) : 0;
}

EmbedTexts embed_with(std::shared_ptr<Engine> engine) {
  return [engine = std::move(engine)](const std::vector<std::string>& texts,
                                      const RequestLimits& limits) -> Result<std::vector<EmbeddedText>> {
    EmbedRequest request;
    static_cast<RequestLimits&>(request) = limits;
    request.texts = texts;
    request.pooling = PoolingMode::kCls;
    request.normalize = false;
    ASSIGN_OR_RETURN(EmbedResponse response, engine->embed(std::move(request)));
    std::vector<EmbeddedText> embedded;
    embedded.reserve(response.embeddings.size());
    for (TextEmbedding& embedding : response.embeddings) {
      embedded.push_back({.values = std::move(embedding.values), .truncated = embedding.truncated});
    }
    return embedded;
  };
}

SemanticModel::SemanticModel(SemanticBackend backend, std::vector<std::string> keywords)
    : m_backend(std::move(backend)), m_keywords(std::move(keywords)), m_cache(m_backend.cache_bytes) {}

Result<std::vector<EmbeddedText>> SemanticModel::embed(const std::vector<std::string>& texts,
                                                       const RequestLimits& limits) const {
  ASSIGN_OR_RETURN(std::vector<EmbeddedText> vectors, m_backend.embed(texts, limits));
  if (vectors.size() != texts.size()) {
    return error(StatusCode::kInternal, fmt::format("impact: backend '{}' gave {} vectors for {} texts", m_backend.name,
                                                    vectors.size(), texts.size()));
  }
  return vectors;
}

Result<SemanticModel::Vectors> SemanticModel::keyword_vectors(const std::string& model_id,
                                                              const RequestLimits& limits) {
  std::unique_lock lock(m_mutex, std::defer_lock);
  if (!limits.deadline) {
    lock.lock();
  } else if (!lock.try_lock_until(*limits.deadline)) {
    return error(StatusCode::kDeadlineExceeded, "the keywords are still being embedded");
  }
  if (!m_keyword_vectors || m_keywords_by != model_id) {
    std::vector<EmbeddedText> vectors;
    if (!m_keywords.empty()) {
      ASSIGN_OR_RETURN(vectors, embed(m_keywords, limits));
    }
    m_keyword_vectors = std::make_shared<const std::vector<EmbeddedText>>(std::move(vectors));
    m_keywords_by = model_id;
  }
  return m_keyword_vectors;
}

Result<std::vector<Similarity>> SemanticModel::similarities(const std::vector<std::string>& texts,
                                                            const RequestLimits& limits) {
  if (texts.empty()) return std::vector<Similarity>();
  std::string model_id;
  if (m_backend.model_id) {
    ASSIGN_OR_RETURN(model_id, m_backend.model_id());
  }
  std::vector<Similarity> similarities(texts.size());
  std::vector<std::string> unknown;
  std::vector<size_t> places;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (const auto known = m_cache.find(cache_key(model_id, texts[i]))) {
      similarities[i] = *known;
      similarities[i].cached = true;
      continue;
    }
    unknown.push_back(texts[i]);
    places.push_back(i);
  }
  if (unknown.empty()) return similarities;
  ASSIGN_OR_RETURN(const Vectors keywords, keyword_vectors(model_id, limits));
  ASSIGN_OR_RETURN(const std::vector<EmbeddedText> vectors, embed(unknown, limits));
  for (size_t i = 0; i < unknown.size(); ++i) {
    similarities[places[i]] = nearest(vectors[i], *keywords);
    m_cache.insert(cache_key(model_id, unknown[i]), std::make_shared<const Similarity>(similarities[places[i]]),
                   sizeof(Similarity));
  }
  return similarities;
}

}  // namespace vivace
