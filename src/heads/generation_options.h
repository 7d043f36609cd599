// How a text is written: the settings of one request, and the tokens that the model's files give a meaning.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/status.h"
#include "formats/model_directory.h"

namespace vivace {

// When beam search is content with the sequences it has finished, in transformers' terms.
enum class EarlyStopping : uint8_t {
  kHeuristic,  // false: when no running beam is better at its present length
  kFull,       // true: as soon as there are num_beams
  kNever,      // "never": when no running beam could become better
};

struct GenerationOptions {
  int max_new_tokens = 128;
  int min_new_tokens = 0;         // the end tokens are impossible before
  double temperature = 0;         // 0: always the likeliest token
  int top_k = 0;                  // sample from the k likeliest tokens; 0: from all
  double top_p = 1;               // sample from the likeliest tokens that together have this probability
  double repetition_penalty = 1;  // above 1: tokens that were written already become less likely
  uint64_t seed = 0;
  int num_beams = 1;
  int num_return_sequences = 1;  // at most num_beams with beams; more than 1 without needs a temperature
  double length_penalty = 1;     // beams: a sequence's score is divided by its length to this power
  EarlyStopping early_stopping = EarlyStopping::kHeuristic;
  bool speculate = true;  // guess repetitions of a single greedy sequence; the tokens are the same either way
};

constexpr int kMaxBeams = 64;
constexpr int kMaxReturnSequences = 64;

// kInvalidArgument naming the option that is out of range or does not go with another.
//   max_target_tokens  of the model: max_new_tokens must fit behind the start token
Result<void> check_generation_options(const GenerationOptions& options, int max_target_tokens);
// Of that, what holds for every model.
Result<void> check_options_of_any_model(const GenerationOptions& options);

struct GenerationTokens {
  int32_t start = 0;
  std::vector<int32_t> ends;  // a sequence ends with the first of them; may be empty

  bool is_end(int32_t id) const { return std::ranges::find(ends, id) != ends.end(); }
};

// From generation_config.json, or where that lacks them from config.json. kCorruptFile for ids outside of the
// vocabulary, kUnsupported for settings that would change what is written and that we do not have.
Result<GenerationTokens> read_generation_tokens(const ModelDirectory& directory, int vocabulary_size);

}  // namespace vivace
