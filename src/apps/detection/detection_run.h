// One request on its way through a Detector: windows of tokens in, groups to the engine one after the other, scores of
// words out.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/detection/detector.h"

namespace vivace {

class DetectionRun : public std::enable_shared_from_this<DetectionRun> {
 public:
  struct Model {
    Engine& engine;
    const DetectorOptions& options;
    size_t label = 0;
  };

  // The model must outlive the run.
  DetectionRun(Model model, DetectRequest request, Detector::Done done)
      : m_model(model), m_request(std::move(request)), m_done(std::move(done)) {}

  // Calls done once, now or later.
  void start();

 private:
  // One piece of a sentence that the model reads at once.
  struct Window {
    size_t sentence = 0;
    bool computed = false;  // else its scores stay at 0
    TokenSequence tokens;
    std::vector<float> scores;
  };

  Result<void> tokenize();
  size_t overlap() const;  // of a sentence's windows, in tokens
  Result<void> add_windows(size_t sentence);
  std::string cache_key(size_t sentence) const;
  bool take_cached(size_t sentence);
  void advance();
  void take(Result<ScoreTokensResponse> response);
  void finish();
  SentenceScore score(std::span<const Window> windows) const;

  Model m_model;
  DetectRequest m_request;
  Detector::Done m_done;
  DetectResponse m_response;
  std::vector<Window> m_windows;
  std::vector<size_t> m_group;  // windows that the engine has
  size_t m_next = 0;            // first window that it has not had
};

}  // namespace vivace
