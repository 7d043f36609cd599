// How likely each word of a text was written by a machine, by a token classifier.
//
// A text longer than the model takes is read in windows that overlap; its words past the limit are scored like all
// others, and counted. Sentences go to the engine in groups, in the order of the request, so that one request never
// occupies more than the budget; the engine packs them without padding.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "apps/detection/word_scores.h"
#include "base/status.h"
#include "engine/engine.h"
#include "runtime/result_cache.h"

namespace vivace {

struct SentenceScore {
  std::vector<double> probabilities;  // one a word, rounded to 4 decimals
  size_t truncated_words = 0;         // words that lie (partly) past the model's limit
  // The mean of the probabilities, rounded likewise; 0 without words.
  double average() const;
};

// Answers by text, model and rule.
using DetectionCache = ResultCache<SentenceScore>;

struct DetectorOptions {
  size_t max_batch_tokens = 8192;   // of one group; a single longer window is taken alone
  size_t max_batch_sequences = 32;  // sentences of one group
  std::string label{};              // the one that means AI; empty: found by its name
  DetectionCache* cache = nullptr;  // may be absent
};

struct DetectRequest {
  std::vector<std::string> sentences;      // valid UTF-8
  OffsetRule rule = OffsetRule::kTrimmed;  // kCompatible also leaves words past the limit at 0
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::stop_token cancel;
};

struct DetectResponse {
  std::vector<SentenceScore> sentences;  // in the order of the request; blank ones have no words
  size_t groups = 0;                     // requests to the engine
  size_t cached = 0;                     // sentences answered without it
};

class Detector {
 public:
  static constexpr size_t kOverlapTokens = 64;
  using Done = std::function<void(Result<DetectResponse>)>;

  // kUnsupported when the model does not classify tokens, or when its labels leave open which one means AI.
  static Result<Detector> make(std::shared_ptr<Engine> engine, DetectorOptions options);

  // Tokenizes on the caller's thread; done is called once, there or on the engine's thread, where it must not block.
  // This detector must outlive that call. Errors are the engine's.
  void submit(DetectRequest request, Done done) const;
  // submit() and wait. Not to be called from a callback.
  Result<DetectResponse> run(DetectRequest request) const;

  // The model directory's last part.
  std::string model_version() const;

 private:
  Detector(std::shared_ptr<Engine> engine, DetectorOptions options, size_t label)
      : m_engine(std::move(engine)), m_options(std::move(options)), m_label(label) {}

  std::shared_ptr<Engine> m_engine;
  DetectorOptions m_options;
  size_t m_label;
};

}  // namespace vivace
