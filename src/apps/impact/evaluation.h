// How a model's scores stand against the keywords', and against labels where a person gave them: `validate` and
// `calibrate` on a dataset.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/impact/impact_scorer.h"
#include "base/json.h"
#include "base/status.h"

namespace vivace {

// One line of a dataset: a message with its context, and whether a person calls it a risk.
struct LabelledMessage {
  ScoreRequest request;
  std::optional<bool> risk;
  std::string text;  // as extract_text() gives it
};

// {"message":{…},"context":{…}|null,"risk":true|false}; "risk" may be missing.
Result<LabelledMessage> read_labelled_message(const JsonValue& value, const std::vector<std::string>& text_fields);

// Of the rows that are called risks, and of those that are.
struct Detection {
  size_t true_positives = 0;
  size_t false_positives = 0;
  size_t false_negatives = 0;
  size_t true_negatives = 0;
  double precision() const;  // 0 when nothing is called a risk
  double recall() const;
};

struct ValidationRow {
  size_t row = 0;  // from 0
  std::string text;
  std::optional<bool> risk;
  double similarity = 0;
  double keyword_score = 0;
  double model_score = 0;
};

struct Validation {
  size_t rows = 0;
  size_t keyword_rows = 0;                  // rows with a keyword in their text: where the keywords decide
  size_t keyword_rows_agreed = 0;           // of those, scores of both scorers less than the tolerance apart
  size_t rows_agreed = 0;                   // of all
  std::optional<double> agreement() const;  // share of the keyword rows; nullopt without any
  double overall_agreement() const;
  std::vector<ValidationRow> disagreements;  // keyword rows that do not agree
  std::vector<ValidationRow> only_model;     // no keyword, but nearer to one than the gate
  size_t labelled = 0;
  Detection by_keywords;  // a risk: at least one keyword
  Detection by_model;     // a risk: at least one keyword, or similarity past the gate
};

constexpr double kAgreementTolerance = 0.1;

// Scores each message by keywords and by the chain, each with histories of its own. kUnavailable when no backend
// answers: there would be nothing to compare.
Result<Validation> validate_model(ScoringConfig config, const SemanticBackend& backend,
                                  std::span<const LabelledMessage> messages);

struct Calibration {
  SemanticGates gates;
  size_t rows_without_keywords = 0;  // with a label
  size_t rows_with_keywords = 0;
  double agreement_without_keywords = 0;  // share of rows where "past the gate" is the label
  double agreement_with_keywords = 0;     // share of rows whose score stays within the tolerance of the keywords'
  std::vector<std::string> notes;         // where the dataset could not tell
};

// Without keywords: the gate at which "past the gate" agrees with the most labels, among equals the one farthest from
// the rows around it. With keywords these decide: the lowest gate at which 99 % of the rows keep their score. A gate
// that no row speaks about keeps its value, with a note. kInvalidArgument without labels.
Result<Calibration> calibrate_gates(const ScoringConfig& config, const SemanticBackend& backend,
                                    std::span<const LabelledMessage> messages);

}  // namespace vivace
