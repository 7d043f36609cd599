// Which completion model a piece of code gets: as large as the code is hard, as small as the memory demands. Pure
// functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace vivace {

struct CompletionModel {
  std::string name;
  uint64_t bytes = 0;         // that loading it takes
  double max_complexity = 1;  // codes with a score below it get this model
  bool is_loaded = false;     // takes nothing more
};

struct MemoryState {
  uint64_t budget_bytes = 0;                     // for all models, caches and activations together
  uint64_t used_bytes = 0;                       // of it
  uint64_t reserve_bytes = uint64_t{512} << 20;  // that stay free for the work itself
};

// Whether something of that size may be loaded now: budget - used - bytes ≥ reserve.
bool fits_memory(uint64_t bytes, const MemoryState& memory);

struct ModelChoice {
  std::string model;
  double complexity = 0;
  std::string reason;  // one line for people: what was wanted, and why another was taken
};

// The smallest model that is made for the score, or, where the memory lacks, the next smaller one that fits.
// kInvalidArgument without models, kUnavailable when none fits; the message says how much is missing.
Result<ModelChoice> choose_model(double complexity, std::span<const CompletionModel> models, const MemoryState& memory);

// The three sizes that the thresholds of complexity.h are made for.
std::vector<CompletionModel> default_completion_models();

}  // namespace vivace
