// How near a text is to the keywords in meaning: the highest cosine between the text's vector and that of any keyword.
// The keywords' vectors are computed at the first use and kept. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/impact/scoring_config.h"
#include "base/status.h"
#include "engine/engine.h"
#include "runtime/result_cache.h"

namespace vivace {

struct EmbeddedText {
  std::vector<float> values;
  bool truncated = false;  // the model saw the beginning only
};

// Texts to vectors of one length, in order; each text is non-empty valid UTF-8. Ends at the deadline and when it is
// cancelled. Thread-safe.
using EmbedTexts = std::function<Result<std::vector<EmbeddedText>>(const std::vector<std::string>& texts,
                                                                   const RequestLimits& limits)>;

// The vector of the first token, not normalised.
EmbedTexts embed_with(std::shared_ptr<Engine> engine);

// One backend of the scorer's chain.
struct SemanticBackend {
  std::string name;  // "cpu", "onnx", or whatever status and analyses shall call it
  EmbedTexts embed;
  SemanticGates gates;
  // Another text for each other model that answers: what was computed with one is worth nothing beside another. Empty:
  // it is always the same.
  std::function<Result<std::string>()> model_id{};
  size_t cache_bytes = 0;  // for similarities of texts that were seen before
};

struct Similarity {
  std::optional<double> cosine;  // nullopt for a text whose vector is zero
  bool truncated = false;
  bool cached = false;  // the text was seen before
};

// 0 for vectors without direction or of different lengths.
double cosine_similarity(std::span<const float> a, std::span<const float> b);

class SemanticModel {
 public:
  SemanticModel(SemanticBackend backend, std::vector<std::string> keywords);

  const std::string& name() const { return m_backend.name; }
  const SemanticGates& gates() const { return m_backend.gates; }

  // All texts in one call of the backend. Its error, or kInternal when it does not answer one vector for each text.
  Result<std::vector<Similarity>> similarities(const std::vector<std::string>& texts, const RequestLimits& limits = {});
  ResultCacheStats cache_stats() const { return m_cache.stats(); }

 private:
  using Vectors = std::shared_ptr<const std::vector<EmbeddedText>>;
  Result<Vectors> keyword_vectors(const std::string& model_id, const RequestLimits& limits);
  Result<std::vector<EmbeddedText>> embed(const std::vector<std::string>& texts, const RequestLimits& limits) const;

  const SemanticBackend m_backend;
  const std::vector<std::string> m_keywords;
  std::timed_mutex m_mutex;  // held while the keywords are embedded, so that this happens once
  Vectors m_keyword_vectors;
  std::string m_keywords_by;  // the model_id that they were computed with
  ResultCache<Similarity> m_cache;
};

}  // namespace vivace
