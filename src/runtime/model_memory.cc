#include "runtime/model_memory.h"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/cpu_topology.h"
#include "formats/model_directory.h"
#include "models/encoder_decoder.h"
#include "runtime/weight_estimate.h"

namespace vivace {
namespace {

constexpr size_t kBatchTokensPerThread = 2048;  // as the engine takes without max_batch_tokens
constexpr size_t kFloatsPerToken = 14;  // in hidden sizes: input, queries, keys, values, sum, and a feed-forward
                                        // layer of four hidden sizes twice
constexpr size_t kUsualHiddenSize = 768;

// Of one replica.
size_t activation_bytes(size_t hidden_size, const EngineOptions& options) {
  const size_t threads = options.pool != nullptr ? static_cast<size_t>(options.pool->threads())
                                                 : static_cast<size_t>(read_cpu_limits().usable_threads());
  const size_t automatic = kBatchTokensPerThread * threads;
  const size_t limit = options.max_batch_tokens > 0 ? static_cast<size_t>(options.max_batch_tokens) : automatic;
  // A larger batch is cut into groups that the threads take one after the other.
  return std::min(limit, automatic) * hidden_size * kFloatsPerToken * sizeof(float);
}

// Times that an encoder is loaded.
size_t replicas(const EngineOptions& options) {
  return 1 + options.further_pools.size();
}

size_t hidden_size_of(const ModelDirectory& directory) {
  for (const char* name : {"hidden_size", "d_model", "dim"}) {
    const auto member = directory.config().find(name);
    if (!member) continue;
    if (const auto size = member->as_integer(1, 1 << 20)) return static_cast<size_t>(*size);
  }
  return kUsualHiddenSize;
}

}  // namespace

Result<ModelMemory> estimate_model_memory(const std::string& directory, const EngineOptions& options) {
  ASSIGN_OR_RETURN(const ModelDirectory model, ModelDirectory::open(directory));
  ModelMemory memory;
  ASSIGN_OR_RETURN(memory.weights, estimate_weight_bytes(model, options));
  memory.activations = activation_bytes(hidden_size_of(model), options);
  if (!writes_text(model)) {
    memory.weights *= replicas(options);
    memory.activations *= replicas(options);
  }
  return memory;
}

ModelMemory measure_model_memory(const ServedModel& model, const EngineOptions& options) {
  const ModelInfo& info = model.info();
  const size_t hidden_size = info.hidden_size > 0 ? static_cast<size_t>(info.hidden_size) : kUsualHiddenSize;
  const size_t loaded = model.kind() == ModelKind::kEncoder ? replicas(options) : 1;
  return {.weights = info.packed_bytes, .activations = activation_bytes(hidden_size, options) * loaded};
}

size_t default_memory_budget() {
  const auto pages = static_cast<size_t>(std::max(sysconf(_SC_PHYS_PAGES), 0L));
  const auto page_bytes = static_cast<size_t>(std::max(sysconf(_SC_PAGESIZE), 1L));
  size_t bytes = pages * page_bytes;
  if (const auto cgroup = read_cpu_limits().cgroup_memory) bytes = std::min(bytes, *cgroup);
  return bytes / 5 * 4;
}

void return_freed_memory() {
  malloc_trim(0);
}

std::string format_bytes(size_t bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1024 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

}  // namespace vivace
