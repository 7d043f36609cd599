#include <utility>

#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"

namespace vivace {

Result<JobWork> prepare(const LoadedModel& model, const ClassifyRequest& request, ClassifyResponse* response) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kSequenceLogits, "classify texts"));
  RETURN_IF_ERROR(require_some("text", request.inputs.size()));
  const InputEncoder encoder(model, request.too_long);
  JobWork work;
  work.output = ModelOutput::kSequenceLogits;
  response->results.resize(request.inputs.size());
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const TextInput& input = request.inputs[i];
    const std::string name = input_name("text", request.inputs.size(), i);
    ASSIGN_OR_RETURN(TokenSequence tokens, input.pair ? encoder.encode_pair(name, input.text, *input.pair)
                                                      : encoder.encode(name, input.text));
    response->results[i].tokens = static_cast<int>(tokens.ids.size());
    response->results[i].truncated = tokens.truncated;
    work.sequences.push_back(std::move(tokens));
  }
  const ScoreActivation activation = request.activation.value_or(model.task.activation);
  work.take = [&model, activation, top_k = request.top_k, response](size_t i, MatrixView<const float> row) {
    const auto columns = static_cast<size_t>(row.columns);
    const std::vector<float> scores = activate(std::span(row.row(0), columns), activation);
    response->results[i].labels = best_labels(model.task.labels, scores, top_k);
  };
  return work;
}

}  // namespace vivace
