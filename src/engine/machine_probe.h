// What this machine could do at best with a kernel table: arithmetic while nothing leaves the first cache, and reading
// memory front to back. Measured when first asked for (a fraction of a second each), then remembered. What a model's
// speed is a share of.
#pragma once

#include <cstddef>
#include <map>

#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "tensor/precision.h"

namespace vivace {

class MachineProbe {
 public:
  // Both must outlive the probe. One caller at a time, who must not be inside pool.run().
  MachineProbe(const KernelTable& kernels, ThreadPool& pool) : m_kernels(kernels), m_pool(pool) {}

  // Multiplications and additions a second of all threads together in the table's matrix product of that precision.
  double operations_per_s(Precision precision);

  // Bytes a second that all threads together read when they go over so many bytes again and again: what fits a cache
  // comes from there. Sizes beyond 256 MiB are measured with that.
  double read_bytes_per_s(size_t bytes);

 private:
  const KernelTable& m_kernels;
  ThreadPool& m_pool;
  std::map<Precision, double> m_operations;  // 0: not measured yet
  std::map<size_t, double> m_read_bytes;
};

}  // namespace vivace
