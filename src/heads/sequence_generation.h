// Greedy or sampled sequences, side by side. A greedy one alone is speculated: guessed tokens are fed with the last
// one, and as many of them are kept as the decoder would have chosen itself, so that the ids are what they would be
// anyway.
#pragma once

#include <optional>

#include "heads/generation.h"
#include "heads/ngram_drafter.h"
#include "heads/token_choice.h"

namespace vivace {

class SequenceGeneration final : public Generation {
 public:
  explicit SequenceGeneration(GenerationTask task);
  bool finished() const override { return needed_rows() == 0; }
  int needed_rows() const override;
  void propose(int max_rows, std::vector<DecoderStep>* steps) override;
  void take(MatrixView<float> logits) override;
  std::vector<GeneratedSequence> results(FinishReason unfinished) const override;
  GenerationStats stats() const override { return m_stats; }

 private:
  struct Sequence {
    std::vector<int32_t> ids;  // with the start token
    DecoderState state;
    TokenSampler sampler;
    std::vector<int32_t> fed;  // to the pass under way: the last token and the guesses
    bool open = true;
    FinishReason reason = FinishReason::kLength;
  };

  void guess(int max_rows, Sequence* sequence);
  int take_rows(MatrixView<float> logits, int first_row, int index);
  void learn(int drafted, int accepted);
  int32_t choose(Sequence& sequence, std::span<float> scores) const;
  void close_if_complete(Sequence* sequence) const;

  const GenerationTask m_task;
  std::vector<Sequence> m_sequences;
  std::optional<NgramDrafter> m_drafter;  // of a single greedy sequence
  int m_draft_length;
  GenerationStats m_stats;
};

}  // namespace vivace
