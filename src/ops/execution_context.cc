#include "ops/execution_context.h"

#include <algorithm>

namespace vivace {

// Threads share what the cache gives in a second, so that many of them need more rows each to compute meanwhile. Of two
// a few rows are enough, which is measured; that eight need twice as many each is a cautious guess.
ExecutionContext ExecutionContext::with_weights_in_cache() const {
  constexpr int kThreadsThatACacheServes = 4;
  ExecutionContext context = *this;
  const int rows = kernels->full_rows * std::max(1, threads() / kThreadsThatACacheServes);
  context.fewest_rows_of_a_thread = std::min(fewest_rows_of_a_thread, rows);
  return context;
}

}  // namespace vivace
