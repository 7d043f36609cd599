#include "apps/impact/evaluation.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "apps/impact/factors.h"
#include "apps/impact/impact_json.h"

namespace vivace {
namespace {

double share_of(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

void count(bool called, bool risk, Detection* detection) {
  if (called) {
    ++(risk ? detection->true_positives : detection->false_positives);
  } else {
    ++(risk ? detection->false_negatives : detection->true_negatives);
  }
}

void add_row(const LabelledMessage& message, const ImpactAnalysis& keywords, const ImpactAnalysis& model,
             Validation* validation) {
  const ValidationRow row{.row = validation->rows++,
                          .text = message.text,
                          .risk = message.risk,
                          .similarity = model.similarity.value_or(0),
                          .keyword_score = keywords.score,
                          .model_score = model.score};
  const bool has_keyword = !keywords.matched_keywords.empty();
  const bool agreed = std::abs(model.score - keywords.score) < kAgreementTolerance;
  validation->rows_agreed += agreed ? 1 : 0;
  if (has_keyword) {
    ++validation->keyword_rows;
    validation->keyword_rows_agreed += agreed ? 1 : 0;
    if (!agreed) validation->disagreements.push_back(row);
  } else if (model.passed_gate) {
    validation->only_model.push_back(row);
  }
  if (message.risk) {
    ++validation->labelled;
    count(has_keyword, *message.risk, &validation->by_keywords);
    count(has_keyword || model.passed_gate, *message.risk, &validation->by_model);
  }
}

struct LabelledCosine {
  double cosine;
  bool risk;
};

struct Gate {
  double value;
  double agreement;
};

// Sorted by cosine, a gate cuts the rows in two: those from some position on pass. Tries every position between two
// different cosines.
std::optional<Gate> best_gate(std::vector<LabelledCosine> rows) {
  if (rows.empty()) return std::nullopt;
  std::ranges::sort(rows, {}, &LabelledCosine::cosine);
  size_t right = static_cast<size_t>(std::ranges::count(rows, true, &LabelledCosine::risk));  // all pass
  Gate best{.value = 0, .agreement = share_of(right, rows.size())};
  double best_margin = std::max(0.0, rows.front().cosine);
  for (size_t cut = 1; cut <= rows.size(); ++cut) {
    rows[cut - 1].risk ? --right : ++right;
    const double below = std::max(0.0, rows[cut - 1].cosine);
    const double above = cut < rows.size() ? rows[cut].cosine : 1;
    const double margin = above - below;
    const double agreement = share_of(right, rows.size());
    if (margin <= 0 || agreement < best.agreement || (agreement == best.agreement && margin <= best_margin)) continue;
    best = {.value = (below + above) / 2, .agreement = agreement};
    best_margin = margin;
  }
  return best;
}

// Three digits are more than a dataset can tell apart.
double rounded(double gate) {
  return std::round(gate * 1000) / 1000;
}

Result<std::vector<Similarity>> all_similarities(SemanticModel* model, const std::vector<std::string>& texts) {
  std::vector<Similarity> similarities;
  for (size_t begin = 0; begin < texts.size(); begin += ImpactScorer::kMaxBatch) {
    const size_t end = std::min(texts.size(), begin + ImpactScorer::kMaxBatch);
    ASSIGN_OR_RETURN(std::vector<Similarity> part,
                     model->similarities({texts.begin() + static_cast<std::ptrdiff_t>(begin),
                                          texts.begin() + static_cast<std::ptrdiff_t>(end)}));
    similarities.insert(similarities.end(), part.begin(), part.end());
  }
  return similarities;
}

}  // namespace

Result<LabelledMessage> read_labelled_message(const JsonValue& value, const std::vector<std::string>& text_fields) {
  LabelledMessage message;
  ASSIGN_OR_RETURN(message.request, read_score_request(value, text_fields));
  message.text = extract_text(message.request.message);
  if (const auto risk = value.find("risk")) {
    ASSIGN_OR_RETURN(message.risk, risk->as_bool());
  }
  return message;
}

double Detection::precision() const {
  return share_of(true_positives, true_positives + false_positives);
}
double Detection::recall() const {
  return share_of(true_positives, true_positives + false_negatives);
}
double Validation::agreement() const {
  return keyword_rows == 0 ? 1 : share_of(keyword_rows_agreed, keyword_rows);
}
double Validation::overall_agreement() const {
  return rows == 0 ? 1 : share_of(rows_agreed, rows);
}

Result<Validation> validate_model(ScoringConfig config, const SemanticBackend& backend,
                                  std::span<const LabelledMessage> messages) {
  ASSIGN_OR_RETURN(const auto keywords, ImpactScorer::make(config));
  ASSIGN_OR_RETURN(const auto model, ImpactScorer::make(std::move(config), {backend}));
  Validation validation;
  for (size_t begin = 0; begin < messages.size(); begin += ImpactScorer::kMaxBatch) {
    const auto part = messages.subspan(begin, std::min(ImpactScorer::kMaxBatch, messages.size() - begin));
    std::vector<ScoreRequest> requests;
    for (const LabelledMessage& message : part) requests.push_back(message.request);
    ASSIGN_OR_RETURN(const auto by_keywords, keywords->score_batch(requests));
    ASSIGN_OR_RETURN(const auto by_model, model->score_batch(requests));
    for (size_t i = 0; i < part.size(); ++i) {
      if (by_model[i].degraded) return error(StatusCode::kUnavailable, model->status().backends.front().last_error);
      add_row(part[i], by_keywords[i], by_model[i], &validation);
    }
  }
  return validation;
}

Result<Calibration> calibrate_gates(const ScoringConfig& config, const SemanticBackend& backend,
                                    std::span<const LabelledMessage> messages) {
  RETURN_IF_ERROR(validate(config));
  std::vector<std::string> texts;
  std::vector<bool> risks;
  for (const LabelledMessage& message : messages) {
    std::string text = normalize_text(message.text);
    if (!message.risk || text.empty()) continue;
    texts.push_back(std::move(text));
    risks.push_back(*message.risk);
  }
  if (texts.empty()) {
    return error(StatusCode::kInvalidArgument, "the dataset has no row with text and \"risk\": true or false");
  }
  SemanticModel model(backend, config.keywords);
  ASSIGN_OR_RETURN(const std::vector<Similarity> similarities, all_similarities(&model, texts));

  std::vector<LabelledCosine> without_keywords;
  std::vector<LabelledCosine> with_keywords;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!similarities[i].cosine) continue;
    const auto hits = static_cast<double>(match_keywords(texts[i], config.keywords).size());
    const bool low = value_at(config.keyword_steps, config.keyword_base, hits) < config.low_keyword_score;
    (low ? without_keywords : with_keywords).push_back({.cosine = *similarities[i].cosine, .risk = risks[i]});
  }
  Calibration calibration;
  calibration.gates = backend.gates;
  calibration.rows_without_keywords = without_keywords.size();
  calibration.rows_with_keywords = with_keywords.size();
  const auto take = [&](std::vector<LabelledCosine> rows, const char* which, double* gate, double* agreement) {
    const std::optional<Gate> best = best_gate(std::move(rows));
    if (!best) {
      calibration.notes.push_back(fmt::format("no row {} keywords has a label; that gate keeps its value", which));
      return;
    }
    *gate = rounded(best->value);
    *agreement = best->agreement;
  };
  take(std::move(without_keywords), "without", &calibration.gates.without_keywords,
       &calibration.agreement_without_keywords);
  take(std::move(with_keywords), "with", &calibration.gates.with_keywords, &calibration.agreement_with_keywords);
  return calibration;
}

}  // namespace vivace
