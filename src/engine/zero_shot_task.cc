#include <set>
#include <utility>

#include "engine/entailment_labels.h"
#include "engine/input_encoder.h"
#include "engine/scores.h"
#include "engine/tasks.h"

namespace vivace {
namespace {

// Each pair of a text and a label is a pass through the model.
constexpr size_t kMaxPairs = 65'536;

Result<void> check(const ZeroShotRequest& request) {
  RETURN_IF_ERROR(require_some("text", request.texts.size()));
  RETURN_IF_ERROR(require_some("label", request.labels.size()));
  std::set<std::string> seen;
  for (const std::string& label : request.labels) {
    if (label.empty()) return error(StatusCode::kInvalidArgument, "a label is empty");
    if (!seen.insert(label).second) return error(StatusCode::kInvalidArgument, "label '" + label + "' is given twice");
  }
  if (request.labels.size() > kMaxPairs / request.texts.size()) {
    return error(StatusCode::kTooLarge, std::to_string(request.texts.size()) + " texts with " +
                                            std::to_string(request.labels.size()) + " labels are more than " +
                                            std::to_string(kMaxPairs) + " pairs; send fewer at a time");
  }
  return {};
}

// The two sides of the template's {}.
Result<std::pair<std::string, std::string>> split_template(const std::string& text) {
  const size_t place = text.find("{}");
  if (place == std::string::npos || text.find("{}", place + 1) != std::string::npos) {
    return error(StatusCode::kInvalidArgument,
                 "the hypothesis template must hold {} once, where the label goes: 'This example is {}.'");
  }
  return std::pair(text.substr(0, place), text.substr(place + 2));
}

// Scores of one text's labels out of the logits of its pairs.
std::vector<float> label_scores(std::span<const float> entailment, std::span<const float> opposite, bool each_alone) {
  if (!each_alone) return activate(entailment, ScoreActivation::kSoftmax);
  std::vector<float> scores;
  for (size_t i = 0; i < entailment.size(); ++i) {
    const float both[] = {opposite[i], entailment[i]};
    scores.push_back(activate(both, ScoreActivation::kSoftmax)[1]);
  }
  return scores;
}

}  // namespace

Result<JobWork> prepare(const LoadedModel& model, const ZeroShotRequest& request, ClassifyResponse* response) {
  ASSIGN_OR_RETURN(const EntailmentLabels known, find_entailment_labels(model));
  RETURN_IF_ERROR(check(request));
  ASSIGN_OR_RETURN(const auto hypothesis, split_template(request.hypothesis_template));
  EncodeOptions options;
  options.truncation = TruncationStrategy::kOnlyFirst;  // a hypothesis without its end would be another one
  const InputEncoder encoder(model, request.too_long, options);
  JobWork work;
  work.output = ModelOutput::kSequenceLogits;
  response->results.resize(request.texts.size());
  for (size_t i = 0; i < request.texts.size(); ++i) {
    Classification& result = response->results[i];
    for (const std::string& label : request.labels) {
      ASSIGN_OR_RETURN(TokenSequence tokens,
                       encoder.encode_pair(input_name("text", request.texts.size(), i), request.texts[i],
                                           hypothesis.first + label + hypothesis.second));
      result.tokens += static_cast<int>(tokens.ids.size());
      result.truncated = result.truncated || tokens.truncated;
      work.sequences.push_back(std::move(tokens));
    }
  }
  struct Logits {
    std::vector<float> entailment;
    std::vector<float> opposite;
  };
  const auto logits = std::make_shared<Logits>(
      Logits{std::vector<float>(work.sequences.size()), std::vector<float>(work.sequences.size())});
  // One of the two is there: find_entailment_labels() knows no other names, and there are at least two labels.
  const size_t opposite = known.contradiction.value_or(known.not_entailment.value_or(known.neutral.value_or(0)));
  work.take = [logits, opposite, entailment = known.entailment](size_t i, MatrixView<const float> row) {
    logits->entailment[i] = row.row(0)[entailment];
    logits->opposite[i] = row.row(0)[opposite];
  };
  const bool each_alone = request.multi_label || request.labels.size() == 1;
  work.complete = [logits, each_alone, labels = request.labels, top_k = request.top_k, response] {
    const size_t n = labels.size();
    for (size_t i = 0; i < response->results.size(); ++i) {
      const auto scores = label_scores(std::span(logits->entailment).subspan(i * n, n),
                                       std::span(logits->opposite).subspan(i * n, n), each_alone);
      response->results[i].labels = best_labels(labels, scores, top_k);
    }
  };
  return work;
}

}  // namespace vivace
