// Beam search as transformers does it: the best num_beams beginnings are kept, the best num_beams ends collected.
// Pure bookkeeping: no model, no decoding.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heads/generation_options.h"
#include "tensor/tensor_view.h"

namespace vivace {

struct Beam {
  std::vector<int32_t> ids;  // the start token and what follows
  float score = 0;           // running: sum of log-probabilities; finished: that, with the length penalty
  int parent = 0;            // the running beam of the step before that it continues
};

class BeamSearch {
 public:
  // Whether a sequence is complete for another reason than an end token or its length.
  using StopTest = std::function<bool(std::span<const int32_t> ids)>;

  BeamSearch(const GenerationOptions& options, GenerationTokens tokens, StopTest stop);

  // Takes log-probabilities [num_beams, vocabulary] of what follows each running beam, and chooses the next ones.
  // False when the search is over.
  bool advance(MatrixView<const float> log_probabilities);

  // num_beams of them, the best first. At the beginning all are the start token alone, and all but the first are so
  // unlikely that they do not count.
  const std::vector<Beam>& running() const { return m_running; }
  // The best first; num_beams of them when the search is over.
  const std::vector<Beam>& finished() const { return m_finished; }

 private:
  struct Candidate {
    float score = 0;
    int parent = 0;
    int32_t token = 0;
    bool ended = false;
  };
  std::vector<Candidate> best_candidates(MatrixView<const float> log_probabilities) const;
  bool ends(const Candidate& candidate) const;
  std::vector<int32_t> ids_of(const Candidate& candidate) const;
  void finish_candidates(const std::vector<Candidate>& candidates);
  bool full() const { return m_finished.size() == static_cast<size_t>(m_options.num_beams); }
  float length_factor(int tokens) const;

  GenerationOptions m_options;
  GenerationTokens m_tokens;
  StopTest m_stop;
  std::vector<Beam> m_running;
  std::vector<Beam> m_finished;
  bool m_improvable = true;  // a running beam may still become better than the worst finished one
};

}  // namespace vivace
