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

namespace vivace {

struct EmbeddedText {
  std::vector<float> values;
  bool truncated = false;  // the model saw the beginning only
};

// Texts to vectors of one length, in order; each text is non-empty valid UTF-8. Thread-safe.
using EmbedTexts = std::function<Result<std::vector<EmbeddedText>>(const std::vector<std::string>& texts)>;

// The vector of the first token, not normalised.
EmbedTexts embed_with(std::shared_ptr<Engine> engine);

// One backend of the scorer's chain.
struct SemanticBackend {
  std::string name;  // "cpu", or whatever status and analyses shall call it
  EmbedTexts embed;
  SemanticGates gates;
};

struct Similarity {
  std::optional<double> cosine;  // nullopt for a text whose vector is zero
  bool truncated = false;
};

// 0 for vectors without direction or of different lengths.
double cosine_similarity(std::span<const float> a, std::span<const float> b);

class SemanticModel {
 public:
  SemanticModel(SemanticBackend backend, std::vector<std::string> keywords);

  const std::string& name() const { return m_backend.name; }
  const SemanticGates& gates() const { return m_backend.gates; }

  // All texts in one call of the backend. Its error, or kInternal when it does not answer one vector for each text.
  Result<std::vector<Similarity>> similarities(const std::vector<std::string>& texts);

 private:
  using Vectors = std::shared_ptr<const std::vector<EmbeddedText>>;
  Result<Vectors> keyword_vectors();
  Result<std::vector<EmbeddedText>> embed(const std::vector<std::string>& texts) const;

  const SemanticBackend m_backend;
  const std::vector<std::string> m_keywords;
  std::mutex m_mutex;  // held while the keywords are embedded, so that this happens once
  Vectors m_keyword_vectors;
};

}  // namespace vivace
