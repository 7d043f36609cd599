#include <algorithm>
#include <numeric>
#include <utility>

#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"

namespace vivace {
namespace {

constexpr size_t kMaxTopK = 1000;
// A token's activations take about this many times the hidden size; a mask's logits take the vocabulary.
constexpr int kActivationsOfToken = 8;

std::vector<int32_t> find_masks(const LoadedModel& model, const TokenSequence& tokens) {
  std::vector<int32_t> masks;
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    if (tokens.ids[i] == model.mask_id) masks.push_back(static_cast<int32_t>(i));
  }
  return masks;
}

std::vector<MaskFill> best_fills(const LoadedModel& model, std::span<const float> logits, size_t top_k) {
  const std::vector<float> scores = activate(logits, ScoreActivation::kSoftmax);
  std::vector<int32_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), 0);
  const auto end = ids.begin() + static_cast<ptrdiff_t>(std::min(top_k, ids.size()));
  std::partial_sort(ids.begin(), end, ids.end(), [&](int32_t a, int32_t b) {
    const float of_a = scores[static_cast<size_t>(a)];
    const float of_b = scores[static_cast<size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  });
  std::vector<MaskFill> fills;
  for (auto id = ids.begin(); id != end; ++id) {
    // The model's table may have more rows than the tokenizer has tokens; those have no text, nor has what no decoder
    // can read: they keep their written form.
    auto text = model.tokenizer->decode(std::span(&*id, 1), SkipSpecialTokens::kNo);
    std::string token = text ? std::move(*text) : std::string(model.tokenizer->token(*id));
    fills.push_back({.id = *id, .token = std::move(token), .score = scores[static_cast<size_t>(*id)]});
  }
  return fills;
}

}  // namespace

Result<JobWork> prepare(const LoadedModel& model, const FillMaskRequest& request, FillMaskResponse* response) {
  RETURN_IF_ERROR(require_output(model, ModelOutput::kMarkedLogits, "fill masks"));
  RETURN_IF_ERROR(require_some("text", request.texts.size()));
  if (model.mask_id < 0) {
    return error(StatusCode::kUnsupported,
                 "the model's tokenizer has no mask token; tokenizer_config.json may name it");
  }
  if (request.top_k < 1 || request.top_k > kMaxTopK) {
    return error(StatusCode::kInvalidArgument, "top_k must be from 1 to " + std::to_string(kMaxTopK));
  }
  const InputEncoder encoder(model, request.too_long);
  JobWork work;
  work.output = ModelOutput::kMarkedLogits;
  const EncoderInfo& info = model.model->info();
  work.mark_cost = static_cast<size_t>(info.vocabulary_size / (info.hidden_size * kActivationsOfToken) + 1);
  response->results.resize(request.texts.size());
  for (size_t i = 0; i < request.texts.size(); ++i) {
    const std::string name = input_name("text", request.texts.size(), i);
    ASSIGN_OR_RETURN(TokenSequence tokens, encoder.encode(name, request.texts[i]));
    work.marks.push_back(find_masks(model, tokens));
    if (work.marks.back().empty()) {
      return error(StatusCode::kInvalidArgument, name + " has no " + model.mask_token +
                                                     (tokens.truncated ? " that the model sees" : "") +
                                                     "; put it where a word is to be found");
    }
    response->results[i].truncated = tokens.truncated;
    work.sequences.push_back(std::move(tokens));
  }
  work.take = [&model, top_k = request.top_k, response](size_t i, MatrixView<const float> rows) {
    for (int row = 0; row < rows.rows; ++row) {
      const std::span logits(rows.row(row), static_cast<size_t>(rows.columns));
      response->results[i].masks.push_back(best_fills(model, logits, top_k));
    }
  };
  return work;
}

}  // namespace vivace
