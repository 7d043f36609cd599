#include "ops/execution_context.h"

#include <algorithm>

#include "base/cpu_topology.h"

namespace vivace {

ExecutionContext ExecutionContext::for_weights(size_t bytes) const {
  // The rest of it is for activations, other models and neighbours.
  static const size_t for_one_model = last_level_cache_bytes() / 4 * 3;
  ExecutionContext context = *this;
  if (bytes <= for_one_model) {
    context.fewest_rows_of_a_thread = std::min(context.fewest_rows_of_a_thread, context.kernels->full_rows);
  }
  return context;
}

}  // namespace vivace
