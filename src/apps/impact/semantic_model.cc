#include "apps/impact/semantic_model.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

namespace vivace {

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
  return [engine = std::move(engine)](const std::vector<std::string>& texts) -> Result<std::vector<EmbeddedText>> {
    EmbedRequest request;
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
    : m_backend(std::move(backend)), m_keywords(std::move(keywords)) {}

Result<std::vector<EmbeddedText>> SemanticModel::embed(const std::vector<std::string>& texts) const {
  ASSIGN_OR_RETURN(std::vector<EmbeddedText> vectors, m_backend.embed(texts));
  if (vectors.size() != texts.size()) {
    return error(StatusCode::kInternal, fmt::format("impact: backend '{}' gave {} vectors for {} texts", m_backend.name,
                                                    vectors.size(), texts.size()));
  }
  return vectors;
}

Result<SemanticModel::Vectors> SemanticModel::keyword_vectors() {
  const std::lock_guard lock(m_mutex);
  if (!m_keyword_vectors) {
    std::vector<EmbeddedText> vectors;
    if (!m_keywords.empty()) {
      ASSIGN_OR_RETURN(vectors, embed(m_keywords));
    }
    m_keyword_vectors = std::make_shared<const std::vector<EmbeddedText>>(std::move(vectors));
  }
  return m_keyword_vectors;
}

Result<std::vector<Similarity>> SemanticModel::similarities(const std::vector<std::string>& texts) {
  if (texts.empty()) return std::vector<Similarity>();
  ASSIGN_OR_RETURN(const Vectors keywords, keyword_vectors());
  ASSIGN_OR_RETURN(const std::vector<EmbeddedText> vectors, embed(texts));
  std::vector<Similarity> similarities;
  similarities.reserve(texts.size());
  for (const EmbeddedText& text : vectors) {
    Similarity similarity{.cosine = std::nullopt, .truncated = text.truncated};
    if (std::ranges::any_of(text.values, [](float value) { return value != 0; })) {
      for (const EmbeddedText& keyword : *keywords) {
        const double cosine = cosine_similarity(text.values, keyword.values);
        similarity.cosine = std::max(similarity.cosine.value_or(-1.0), cosine);
      }
    }
    similarities.push_back(similarity);
  }
  return similarities;
}

}  // namespace vivace
