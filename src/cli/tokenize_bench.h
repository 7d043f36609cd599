// Times a model's tokenizer: one thread, one call for each text, as a server does it.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "cli/bench_timing.h"

namespace vivace {

struct TokenizeBenchResult {
  BenchTimes times;  // of a round over all texts
  double mb_per_s = 0;
  double us_per_text = 0;
  size_t texts = 0;
  size_t tokens = 0;
};

// kInvalidArgument when the file holds no text.
Result<TokenizeBenchResult> bench_tokenizer(const std::string& directory, const std::string& file, double seconds);

}  // namespace vivace
