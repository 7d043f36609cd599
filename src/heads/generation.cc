#include "heads/generation.h"

#include "heads/beam_generation.h"
#include "heads/sequence_generation.h"

namespace vivace {
namespace {

constexpr int kRowsOfOne = 8;  // of a request that has the decoder to itself

}  // namespace

std::string_view finish_reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kDeadline: return "deadline";
    case FinishReason::kCancelled: return "cancelled";
  }
  return "unknown";
}

std::unique_ptr<Generation> begin_generation(GenerationTask task) {
  if (task.options.num_beams > 1) return std::make_unique<BeamGeneration>(std::move(task));
  return std::make_unique<SequenceGeneration>(std::move(task));
}

std::vector<GeneratedSequence> generate(const GenerationTask& task, const ExecutionContext& context) {
  const auto generation = begin_generation(task);
  const int vocabulary = task.model.info().encoder.vocabulary_size;
  std::vector<float> logits;
  std::vector<DecoderStep> steps;
  while (!generation->finished()) {
    const auto interrupted = task.hooks.interrupt ? task.hooks.interrupt() : std::nullopt;
    if (interrupted.has_value()) return generation->results(*interrupted);
    steps.clear();
    generation->propose(kRowsOfOne, &steps);
    const int rows = count_rows(steps);
    logits.resize(static_cast<size_t>(rows) * static_cast<size_t>(vocabulary));
    const MatrixView<float> view{logits.data(), rows, vocabulary, vocabulary};
    task.model.decode(context, steps, view, nullptr);
    generation->take(view);
  }
  return generation->results(FinishReason::kLength);
}

}  // namespace vivace
