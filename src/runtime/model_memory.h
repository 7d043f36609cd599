// How much memory a model takes, before and after it is loaded, and how much there is to give away.
#pragma once

#include <cstddef>
#include <string>

#include "base/status.h"
#include "engine/engine.h"
#include "runtime/served_model.h"

namespace vivace {

struct ModelMemory {
  size_t weights = 0;
  size_t activations = 0;  // the most that a full batch needs
  size_t total() const { return weights + activations; }
};

// From the heads of the weight files and config.json, without loading weights: an upper bound for the precision, and
// the packed file where there is one, that the options lead to.
Result<ModelMemory> estimate_model_memory(const std::string& directory, const EngineOptions& options);

// Of a loaded model: its packed weights as they are, its activations as estimated.
ModelMemory measure_model_memory(const ServedModel& model, const EngineOptions& options);

// 80 % of what the cgroup, or else the machine, has: the rest is for connections, requests and the program itself.
size_t default_memory_budget();

// Gives freed pages back to the system, which the allocator would else keep for later.
void return_freed_memory();

// "1.5 GiB", "300 MiB".
std::string format_bytes(size_t bytes);

}  // namespace vivace
