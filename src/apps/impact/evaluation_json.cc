#include "apps/impact/evaluation_json.h"

#include <optional>
#include <vector>

namespace vivace {
namespace {

void write_rows(const char* key, const std::vector<ValidationRow>& rows, JsonWriter* json) {
  json->key(key).begin_array();
  for (const ValidationRow& row : rows) {
    json->begin_object().key("row").value(uint64_t{row.row}).key("text").value(row.text);
    if (row.risk) json->key("risk").value(*row.risk);
    json->key("similarity").value(row.similarity).key("keyword_score").value(row.keyword_score);
    json->key("model_score").value(row.model_score).end_object();
  }
  json->end_array();
}

void write_detection(const char* key, const Detection& detection, JsonWriter* json) {
  json->key(key).begin_object().key("precision").value(detection.precision()).key("recall").value(detection.recall());
  json->key("true_positives").value(uint64_t{detection.true_positives});
  json->key("false_positives").value(uint64_t{detection.false_positives});
  json->key("false_negatives").value(uint64_t{detection.false_negatives});
  json->key("true_negatives").value(uint64_t{detection.true_negatives}).end_object();
}

}  // namespace

void write_gates(const SemanticGates& gates, JsonWriter* json) {
  json->begin_object().key("without_keywords").value(gates.without_keywords);
  json->key("with_keywords").value(gates.with_keywords).end_object();
}

void write_validation(const Validation& validation, const SemanticGates& gates, JsonWriter* json) {
  json->key("rows").value(uint64_t{validation.rows}).key("gates");
  write_gates(gates, json);
  json->key("agreement");
  if (const std::optional<double> agreement = validation.agreement()) {
    json->value(*agreement);
  } else {
    json->null();
  }
  json->key("keyword_rows").value(uint64_t{validation.keyword_rows});
  json->key("overall_agreement").value(validation.overall_agreement());
  if (validation.labelled > 0) {
    json->key("labelled_rows").value(uint64_t{validation.labelled});
    write_detection("keywords", validation.by_keywords, json);
    write_detection("model", validation.by_model, json);
  }
  write_rows("only_model", validation.only_model, json);
  write_rows("disagreements", validation.disagreements, json);
}

}  // namespace vivace
