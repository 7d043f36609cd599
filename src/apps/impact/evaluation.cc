#include "apps/impact/evaluation.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include <fmt/format.h>

#include "apps/impact/factors.h"
#include "apps/impact/impact_json.h"

namespace vivace {
namespace {

constexpr double kDigits = 1000;
constexpr double kRounding = 1e-9;
constexpr double kLeastAgreement = 0.99;

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
  return std::round(gate * kDigits) / kDigits;
}

// What past the gate would move the score of a text with keywords by the tolerance or more.
bool would_overrule(const ScoringConfig& config, double by_keywords, double cosine) {
  if (cosine <= by_keywords) return false;
  const bool boosted = by_keywords < config.high_semantic_threshold && cosine >= config.high_semantic_threshold;
  return boosted || config.weights.semantic * (cosine - by_keywords) >= kAgreementTolerance;
}

// The lowest gate that lets no more than the allowed share of the rows pass. overruling: the cosines of those that
// would be overruled, of `rows` in all.
Gate lowest_harmless_gate(std::vector<double> overruling, size_t rows) {
  const auto allowed = static_cast<size_t>(static_cast<double>(rows) * (1 - kLeastAgreement) + kRounding);
  if (overruling.size() <= allowed) return {.value = 0, .agreement = 1 - share_of(overruling.size(), rows)};
  std::ranges::sort(overruling, std::greater<>());
  const double gate = std::min(1.0, std::ceil((overruling[allowed] + kRounding) * kDigits) / kDigits);
  const auto passing = static_cast<size_t>(std::ranges::count_if(overruling, [&](double c) { return c >= gate; }));
  return {.value = gate, .agreement = 1 - share_of(passing, rows)};
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
std::optional<double> Validation::agreement() const {
  if (keyword_rows == 0) return std::nullopt;
  return share_of(keyword_rows_agreed, keyword_rows);
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
  std::vector<std::optional<bool>> risks;
  for (const LabelledMessage& message : messages) {
    std::string text = normalize_text(message.text);
    if (text.empty()) continue;
    texts.push_back(std::move(text));
    risks.push_back(message.risk);
  }
  if (std::ranges::none_of(risks, [](const auto& risk) { return risk.has_value(); })) {
    return error(StatusCode::kInvalidArgument, "the dataset has no row with text and \"risk\": true or false");
  }
  SemanticModel model(backend, config.keywords);
  ASSIGN_OR_RETURN(const std::vector<Similarity> similarities, all_similarities(&model, texts));

  Calibration calibration;
  calibration.gates = backend.gates;
  std::vector<LabelledCosine> without_keywords;
  std::vector<double> overruling;
  for (size_t i = 0; i < texts.size(); ++i) {
    if (!similarities[i].cosine) continue;
    const auto hits = static_cast<double>(match_keywords(texts[i], config.keywords).size());
    const double by_keywords = value_at(config.keyword_steps, config.keyword_base, hits);
    if (by_keywords >= config.low_keyword_score) {
      ++calibration.rows_with_keywords;
      if (would_overrule(config, by_keywords, *similarities[i].cosine)) overruling.push_back(*similarities[i].cosine);
    } else if (risks[i]) {
      without_keywords.push_back({.cosine = *similarities[i].cosine, .risk = *risks[i]});
    }
  }
  calibration.rows_without_keywords = without_keywords.size();
  if (const std::optional<Gate> best = best_gate(std::move(without_keywords))) {
    calibration.gates.without_keywords = rounded(best->value);
    calibration.agreement_without_keywords = best->agreement;
  } else {
    calibration.notes.emplace_back("no row without keywords has a label; that gate keeps its value");
  }
  if (calibration.rows_with_keywords > 0) {
    const Gate gate = lowest_harmless_gate(std::move(overruling), calibration.rows_with_keywords);
    calibration.gates.with_keywords = gate.value;
    calibration.agreement_with_keywords = gate.agreement;
  } else {
    calibration.notes.emplace_back("no row has keywords; that gate keeps its value");
  }
  return calibration;
}

}  // namespace vivace
