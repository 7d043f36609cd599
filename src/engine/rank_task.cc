#include <algorithm>
#include <utility>

#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"

namespace vivace {

Result<JobWork> prepare(const LoadedModel& model, const RankRequest& request, RankResponse* response) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kSequenceLogits, "rank documents"));
  if (model.task.labels.size() != 1) {
    return error(StatusCode::kUnsupported, "the model cannot rank documents: that takes one score for a pair, it has " +
                                               std::to_string(model.task.labels.size()) + " labels");
  }
  if (request.activation == ScoreActivation::kSoftmax) {
    return error(StatusCode::kInvalidArgument, "softmax makes one score 1 whatever it is; use sigmoid or none");
  }
  RETURN_IF_ERROR(require_some("document", request.documents.size()));
  if (request.query.empty()) return error(StatusCode::kInvalidArgument, "the query is empty");
  const InputEncoder encoder(model, request.too_long);
  JobWork work;
  work.output = ModelOutput::kSequenceLogits;
  response->ranking.resize(request.documents.size());
  for (size_t i = 0; i < request.documents.size(); ++i) {
    ASSIGN_OR_RETURN(TokenSequence tokens, encoder.encode_pair(input_name("document", request.documents.size(), i),
                                                               request.query, request.documents[i]));
    response->ranking[i] = {.index = i, .score = 0, .truncated = tokens.truncated};
    work.sequences.push_back(std::move(tokens));
  }
  const ScoreActivation own = model.task.rank_activation.value_or(ScoreActivation::kSigmoid);
  work.take = [activation = request.activation.value_or(own), response](size_t i, MatrixView<const float> row) {
    response->ranking[i].score = activate(std::span(row.row(0), 1), activation).front();
  };
  work.complete = [top_k = request.top_k, response] {
    std::ranges::stable_sort(response->ranking, std::ranges::greater(), &RankedDocument::score);
    if (top_k > 0) response->ranking.resize(std::min(top_k, response->ranking.size()));
  };
  return work;
}

}  // namespace vivace
