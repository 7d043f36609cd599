#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "engine/input_encoder.h"
#include "engine/tasks.h"

namespace vivace {
namespace {

// What the tokenizer promises of its own sequences, the caller has to keep for his.
Result<void> check_sequence(const LoadedModel& model, const TokenSequence& tokens) {
  const EncoderInfo& encoder = model.model->info();
  if (tokens.ids.empty() || tokens.ids.size() > static_cast<size_t>(model.max_tokens)) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("a sequence has {} tokens; the model takes 1 to {}", tokens.ids.size(), model.max_tokens));
  }
  const auto [lowest, highest] = std::ranges::minmax(tokens.ids);
  if (lowest < 0 || highest >= encoder.vocabulary_size) {
    return error(StatusCode::kInvalidArgument, fmt::format("token ids must be 0 to {}", encoder.vocabulary_size - 1));
  }
  if (!tokens.type_ids.empty() && tokens.type_ids.size() != tokens.ids.size()) {
    return error(StatusCode::kInvalidArgument, "a sequence must have as many type ids as tokens, or none");
  }
  return check_types(tokens, encoder);
}

// The softmax of one column, in double precision from the largest logit down.
float softmax_of(std::span<const float> logits, size_t label) {
  const double largest = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - largest);
  return static_cast<float>(std::exp(logits[label] - largest) / sum);
}

}  // namespace

Result<JobWork> prepare(const LoadedModel& model, const ScoreTokensRequest& request, ScoreTokensResponse* response) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kTokenLogits, "score tokens"));
  RETURN_IF_ERROR(require_some("sequence", request.sequences.size()));
  if (request.label >= model.task.labels.size()) {
    return error(StatusCode::kInvalidArgument,
                 fmt::format("label {} is asked for, the model has {}", request.label, model.task.labels.size()));
  }
  for (const TokenSequence& tokens : request.sequences) RETURN_IF_ERROR(check_sequence(model, tokens));
  JobWork work;
  work.output = ModelOutput::kTokenLogits;
  work.sequences = request.sequences;
  response->scores.resize(request.sequences.size());
  work.take = [response, label = request.label](size_t i, MatrixView<const float> rows) {
    for (int row = 0; row < rows.rows; ++row) {
      response->scores[i].push_back(softmax_of(std::span(rows.row(row), static_cast<size_t>(rows.columns)), label));
    }
  };
  return work;
}

}  // namespace vivace
