#include <utility>

#include "base/utf8.h"
#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"
#include "engine/token_labels.h"

namespace vivace {
namespace {

// Tokens that the template added stand nowhere in the text.
bool is_special(const TokenOffset& offset) {
  return offset.begin == 0 && offset.end == 0;
}

// Whether a token goes on with the word before it. Vocabularies that mark continuations write them longer than what
// they stand for; with others a token that touches the one before it, without a blank between, goes on.
bool continues_word(const LoadedModel& model, const TextPlaces& text, int32_t id, const TokenOffset& offset) {
  if (id == model.unknown_id) return false;
  if (model.tokenizer->traits().marks_continuations) {
    return count_code_points(model.tokenizer->token(id)) != static_cast<size_t>(offset.end - offset.begin);
  }
  return offset.begin > 0 && !text.slice(offset.begin - 1, offset.begin + 1).contains(' ');
}

struct TagPlan {
  const LoadedModel* model = nullptr;
  Aggregation aggregation = Aggregation::kSimple;
  TagDetail detail = TagDetail::kWords;
  std::vector<std::string> texts;
  std::vector<TokenSequence> sequences;
};

void tag(const TagPlan& plan, size_t index, MatrixView<const float> rows, Tagging* result) {
  const LoadedModel& model = *plan.model;
  const TokenSequence& sequence = plan.sequences[index];
  const TextPlaces text(plan.texts[index]);
  std::vector<LabelledToken> tokens;
  for (int row = 0; row < rows.rows; ++row) {
    const auto i = static_cast<size_t>(row);
    const int32_t id = sequence.ids[i];
    const TokenOffset& offset = sequence.offsets[i];
    std::vector<float> scores =
        activate(std::span(rows.row(row), static_cast<size_t>(rows.columns)), ScoreActivation::kSoftmax);
    if (plan.detail == TagDetail::kTokens) {
      result->tokens.push_back({std::string(model.tokenizer->token(id)), offset.begin, offset.end, scores});
    }
    if (is_special(offset)) continue;
    tokens.push_back({offset.begin, offset.end, continues_word(model, text, id, offset), std::move(scores)});
  }
  result->words = label_words(text, tokens, model.task.labels, plan.aggregation);
  result->spans = label_spans(text, tokens, model.task.labels, plan.aggregation);
}

}  // namespace

Result<JobWork> prepare(const LoadedModel& model, const TagRequest& request, TagResponse* response) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kTokenLogits, "tag words"));
  RETURN_IF_ERROR(require_some("text", request.texts.size()));
  EncodeOptions options;
  options.offsets = Offsets::kKeep;
  const InputEncoder encoder(model, request.too_long, options);
  const auto plan = std::make_shared<TagPlan>(TagPlan{.model = &model,
                                                      .aggregation = request.aggregation,
                                                      .detail = request.detail,
                                                      .texts = request.texts,
                                                      .sequences = {}});
  JobWork work;
  work.output = ModelOutput::kTokenLogits;
  response->results.resize(request.texts.size());
  for (size_t i = 0; i < request.texts.size(); ++i) {
    ASSIGN_OR_RETURN(TokenSequence tokens,
                     encoder.encode(input_name("text", request.texts.size(), i), request.texts[i]));
    response->results[i].truncated = tokens.truncated;
    plan->sequences.push_back(tokens);
    work.sequences.push_back(std::move(tokens));
  }
  work.take = [plan, response](size_t i, MatrixView<const float> rows) { tag(*plan, i, rows, &response->results[i]); };
  return work;
}

}  // namespace vivace
