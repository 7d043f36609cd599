// Beam search over a decoder: the states of the running beams, and what they are fed.
#pragma once

#include "heads/beam_search.h"
#include "heads/generation.h"

namespace vivace {

class BeamGeneration final : public Generation {
 public:
  explicit BeamGeneration(GenerationTask task);
  bool finished() const override { return m_finished; }
  int needed_rows() const override;
  void propose(int max_rows, std::vector<DecoderStep>* steps) override;
  void take(MatrixView<float> logits) override;
  std::vector<GeneratedSequence> results(FinishReason unfinished) const override;
  GenerationStats stats() const override { return {.steps = m_steps}; }

 private:
  MatrixView<float> repeat(MatrixView<float> row);
  void reorder(const std::vector<Beam>& beams, bool first);

  const GenerationTask m_task;
  BeamSearch m_search;
  std::vector<DecoderState> m_states;  // of the running beams
  std::vector<DecoderState> m_spare;   // whose memory the next step's states take
  std::vector<float> m_repeated;       // the first step's logits: all beams are the same then
  uint64_t m_steps = 0;
  bool m_finished = false;
};

}  // namespace vivace
