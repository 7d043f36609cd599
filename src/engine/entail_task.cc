#include <algorithm>
#include <utility>

#include "engine/entailment_labels.h"
#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"

namespace vivace {

Result<JobWork> prepare(const LoadedModel& model, const EntailRequest& request, EntailResponse* response) {
  ASSIGN_OR_RETURN(const EntailmentLabels labels, find_entailment_labels(model));
  RETURN_IF_ERROR(require_some("pair", request.pairs.size()));
  const InputEncoder encoder(model, request.too_long);
  JobWork work;
  work.output = ModelOutput::kSequenceLogits;
  response->results.resize(request.pairs.size());
  for (size_t i = 0; i < request.pairs.size(); ++i) {
    const EntailPair& pair = request.pairs[i];
    ASSIGN_OR_RETURN(TokenSequence tokens,
                     encoder.encode_pair(input_name("pair", request.pairs.size(), i), pair.premise, pair.hypothesis));
    response->results[i].truncated = tokens.truncated;
    work.sequences.push_back(std::move(tokens));
  }
  work.take = [names = labels.named(), response](size_t i, MatrixView<const float> row) {
    const auto columns = static_cast<size_t>(row.columns);
    const std::vector<float> scores = activate(std::span(row.row(0), columns), ScoreActivation::kSoftmax);
    Entailment& result = response->results[i];
    for (const auto& [name, number] : names) result.scores.push_back({name, scores[number]});
    result.label = std::ranges::max_element(result.scores, {}, &LabelScore::score)->label;
  };
  return work;
}

}  // namespace vivace
