// Detection's answers as JSON, for the command line, the routes and stored jobs alike.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/detection/detector.h"
#include "base/json_writer.h"

namespace vivace {

// [0.9731,0.0214,…]
void write_probabilities(const SentenceScore& score, JsonWriter* json);

// The members "words" … "truncated_words" of an object that is open.
void write_sentence_details(std::string_view sentence, const SentenceScore& score, JsonWriter* json);

struct DetectionAnswer {
  std::vector<std::string_view> sentences;
  std::vector<SentenceScore> scores;  // of the same number
  std::string model_version;
  double processing_ms = 0;
  size_t cached = 0;     // sentences
  bool details = false;  // words, averages and classes of each sentence as well
};

// {"probabilities":[[…],…],"metadata":{…}} and, with details, "sentences".
void write_answer(const DetectionAnswer& answer, JsonWriter* json);

}  // namespace vivace
