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

  int threads() const { return pool == nullptr ? 1 : pool->threads(); }

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
