// What callers ask of an Engine and what it answers: plain structs, no JSON, no HTTP.
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "formats/model_directory.h"

namespace vivace {

enum class TooLong { kTruncate, kRefuse };  // what to do with a text longer than the model takes

struct EmbedRequest {
  std::vector<std::string> texts;          // at least one, each non-empty valid UTF-8
  std::optional<int> dimensions;           // keep the first n values and normalise again (Matryoshka)
  std::optional<PoolingMode> pooling;      // instead of the model's own
  std::optional<bool> normalize;           // instead of the model's own
  std::optional<std::string> prompt_name;  // one of the model's prompts; without it its default prompt, if any
  TooLong too_long = TooLong::kTruncate;
  std::optional<std::chrono::steady_clock::time_point> deadline;  // kDeadlineExceeded when it passes first
  std::stop_token cancel;  // kCancelled when stop is requested before the work begins
};

struct TextEmbedding {
  std::vector<float> values;  // hidden size or `dimensions` values; with PoolingMode::kNone tokens × hidden size
  int tokens = 0;             // that the model saw, special ones included
  bool truncated = false;     // the text was longer than the model takes
};

struct EmbedResponse {
  std::vector<TextEmbedding> embeddings;  // in the order of the request's texts
  double tokenize_ms = 0;
  double queue_ms = 0;    // from submission to the start of its first batch
  double compute_ms = 0;  // from there to the answer
};

}  // namespace vivace
