#include "apps/detection/detection_json.h"

#include <cmath>

#include "apps/detection/detection_labels.h"
#include "apps/detection/words.h"

namespace vivace {

void write_probabilities(const SentenceScore& score, JsonWriter* json) {
  json->begin_array();
  for (const double probability : score.probabilities) json->value(probability);
  json->end_array();
}

void write_sentence_details(std::string_view sentence, const SentenceScore& score, JsonWriter* json) {
  json->key("words").begin_array();
  for (const std::string_view word : split_words(sentence)) json->value(word);
  json->end_array().key("probabilities");
  write_probabilities(score, json);
  json->key("avg_probability").value(score.average());
  json->key("classification").value(classify_average(score.average()));
  json->key("truncated_words").value(static_cast<uint64_t>(score.truncated_words));
}

void write_answer(const DetectionAnswer& answer, JsonWriter* json) {
  size_t words = 0;
  size_t truncated = 0;
  json->begin_object().key("probabilities").begin_array();
  for (const SentenceScore& score : answer.scores) {
    write_probabilities(score, json);
    words += score.probabilities.size();
    truncated += score.truncated_words;
  }
  json->end_array().key("metadata").begin_object();
  json->key("model_version").value(answer.model_version);
  json->key("processing_time_ms").value(std::round(answer.processing_ms * 100) / 100);
  json->key("total_words").value(static_cast<uint64_t>(words));
  json->key("truncated_words").value(static_cast<uint64_t>(truncated));
  json->key("cached_sentences").value(static_cast<uint64_t>(answer.cached)).end_object();
  if (answer.details) {
    json->key("sentences").begin_array();
    for (size_t i = 0; i < answer.scores.size(); ++i) {
      json->begin_object();
      write_sentence_details(answer.sentences[i], answer.scores[i], json);
      json->end_object();
    }
    json->end_array();
  }
  json->end_object();
}

}  // namespace vivace
