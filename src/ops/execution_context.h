// What every operation needs besides its operands: the kernels, the threads that share the work, and each thread's
// scratch memory. With pool == nullptr an operation runs wholly on the calling thread.
#pragma once

#include <span>

#include "base/check.h"
#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "tensor/arena.h"

namespace vivace {

class InputRecorder;

struct ExecutionContext {
  const KernelTable* kernels = nullptr;
  ThreadPool* pool = nullptr;
  std::span<Arena> scratch;           // at least threads() of them
  InputRecorder* recorder = nullptr;  // gets what linear() reads, in a model of fp32

  // With as many rows for each thread as this, a thread reads all weights for its own rows. With fewer, threads share
  // out the columns, and read each other's results.
  int fewest_rows_of_a_thread = 96;
  // For layers whose weights stay in the last level of cache from one pass to the next (stays_in_cache()): a few rows
  // are enough then, since reading weights costs less than reading what another core has just written.
  ExecutionContext with_weights_in_cache() const;

  int threads() const { return pool == nullptr ? 1 : pool->threads(); }
  bool splits_by_rows(int rows) const { return rows >= threads() * fewest_rows_of_a_thread; }
  // For what a thread does without the others.
  ExecutionContext of_thread(int thread) const {
    return {.kernels = kernels, .scratch = scratch.subspan(static_cast<size_t>(thread), 1)};
  }

  // Calls body(thread) once on each thread.
  template <typename Body>
  void run(Body&& body) const {
    if (pool == nullptr) {
      body(0);
    } else {
      pool->run(body);
    }
  }
};

struct Range {
  int begin = 0;
  int end = 0;
};

// Part `part` of `parts` of the numbers 0 … n-1: contiguous, sizes differ by one at most.
inline Range split_range(int n, int parts, int part) {
  const int base = n / parts;
  const int larger = n % parts;
  const int begin = part * base + (part < larger ? part : larger);
  return {begin, begin + base + (part < larger ? 1 : 0)};
}

}  // namespace vivace
